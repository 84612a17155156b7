"""The other side of one pair: its rows in the pair's place, with people under the addresses that they use in Plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planeapp.lib.errors import GroundcrewError
from planeapp.providers.base import Item, Listing, Provider, Values, Write


@dataclass(frozen=True)
class Counterpart:
    """Reads and writes rows of ``place``. ``people``: address in Plane → address over there."""

    vendor: Provider
    place: str
    people: Mapping[str, str]

    def list(self) -> Listing:
        """Every row of the place."""
        found = self.vendor.list(self.place)
        return Listing(tuple(self.in_our_words(item) for item in found.items), found.complete)

    def get(self, row_id: str) -> Item | None:
        """One row, wherever it lies now; None when it is gone."""
        found = self.vendor.get(self.place, row_id)
        return None if found is None else self.in_our_words(found)

    def elsewhere(self, row: Item) -> bool:
        """Whether the row says that it lies in another place."""
        return row.place not in ("", self.place)

    def find(self, mark: str) -> Sequence[Item]:
        """Rows that carry a mark."""
        return [self.in_our_words(item) for item in self.vendor.find(self.place, mark)]

    def create(self, values: Values, mark: str) -> Item:
        """A new row."""
        return self.in_our_words(self.vendor.create(self.place, self._out(values), mark))

    def update(self, row: Item, values: Values) -> Item:
        """Write the named values of a row."""
        as_theirs = replace(row, values=self._out(row.values))
        return self.in_our_words(self.vendor.update(self.place, as_theirs, self._out(values)))

    def write_many(self, writes: Sequence[Write]) -> Mapping[str, Item | GroundcrewError]:
        """Write rows in bulk; by mark the row, or why it was not written."""
        theirs = [replace(one, values=self._out(one.values), row=self._as_theirs(one.row)) for one in writes]
        told = self.vendor.write_many(self.place, theirs)
        return {mark: self.in_our_words(row) if isinstance(row, Item) else row for mark, row in told.items()}

    def _as_theirs(self, row: Item | None) -> Item | None:
        return None if row is None else replace(row, values=self._out(row.values))

    def delete(self, row: Item) -> None:
        """Remove a row."""
        self.vendor.delete(self.place, replace(row, values=self._out(row.values)))

    def _out(self, values: Values) -> Values:
        return _renamed(values, self.people) if self.people else values

    def in_our_words(self, row: Item) -> Item:
        """The row with people under the addresses that they use in Plane."""
        known = {their: mine for mine, their in self.people.items()}
        return replace(row, values=_renamed(row.values, known)) if known else row


def _renamed(values: Values, names: Mapping[str, str]) -> dict[str, Any]:
    if not values.get("people"):
        return dict(values)
    people = {names.get(address, address) for address in values["people"]}
    return {**values, "people": tuple(sorted(people))}
