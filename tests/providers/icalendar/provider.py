"""Calendars as places, events as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from planeapp.lib.errors import Gone, RetryLater
from planeapp.providers.base import Access, Field, Item, Listing, Place, Provider, Report, ReportLine, Values
from tests.providers.icalendar import lines, mapping
from tests.providers.icalendar.client import Client

ABILITIES = frozenset({"list", "get", "find", "create", "update", "delete"})


class Calendar(Provider):
    """A work item with a day is an event; moving the event moves the item."""

    key: ClassVar[str] = "icalendar"
    name: ClassVar[str] = "Shared days"
    place_name: ClassVar[str] = "calendar"
    fields: ClassVar[tuple[Field, ...]] = (
        Field("title", "Title", "out"),
        Field("start", "First day", "both"),
        Field("end", "Last day", "both"),
        Field("url", "Link to the work item", "out", ("off", "out")),
    )

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self.client = Client(access)
        self.zone = ZoneInfo(access.zone)

    def probe(self) -> Report:
        """The account and its calendars."""
        account = self.client.account()
        found = len(account["calendars"])
        line = ReportLine("calendars", "Calendars", "ok" if found else "absent", f"{found} found")
        return Report((line,), ABILITIES if found else frozenset(), account=str(account.get("account", "")))

    def places(self) -> Sequence[Place]:
        """The calendars."""
        return [Place(str(one["id"]), str(one["name"])) for one in self.client.account()["calendars"]]

    def held_back(self, values: Values) -> str:
        """An event has at least one day."""
        return "" if values.get("start") or values.get("end") else "no_dates"

    def list(self, place: str) -> Listing:
        """Every event; the one file holds them all. One that nobody can read makes the listing incomplete."""
        events = [event for event in lines.events(self.client.calendar(place)) if "RECURRENCE-ID" not in event]
        found = [item for event in events if (item := mapping.item(event, self.zone, place))]
        return Listing(tuple(found), complete=len(found) == len(events))

    def get(self, place: str, item_id: str) -> Item | None:
        """One event, or None. One that somebody moved to another calendar is found there."""
        return self._read(place, item_id) or next(
            filter(None, (self._read(other.id, item_id) for other in self.places() if other.id != place)), None
        )

    def find(self, place: str, mark: str) -> Sequence[Item]:
        """Events that carry the mark, copies that somebody made included."""
        return [item for item in self.list(place).items if mark and item.mark == mark]

    def create(self, place: str, values: Values, mark: str) -> Item:
        """Write the event's file; again under the same name when it is repeated."""
        made = mapping.new_file(values, mark, self.zone, datetime.now(UTC))
        self.client.put(place, mapping.uid_of(mark), made)
        return self._item(made, place)

    def update(self, place: str, item: Item, values: Values) -> Item:
        """Change the named properties of the file as it is now."""
        place = item.place or place
        file, etag = self.client.event(place, item.id)
        new = mapping.properties(values, self._item(file, place).values, self.zone, datetime.now(UTC))
        made = lines.changed(file, new)
        self.client.put(place, item.id, made, etag)
        return self._item(made, place)

    def delete(self, place: str, item: Item) -> None:
        """Delete the file."""
        try:
            self.client.remove(item.place or place, item.id)
        except Gone:
            return

    def _read(self, place: str, item_id: str) -> Item | None:
        try:
            return self._item(self.client.event(place, item_id)[0], place)
        except Gone:
            return None

    def _item(self, file: Sequence[lines.Line], place: str) -> Item:
        found = [mapping.item(event, self.zone, place) for event in lines.events(file)]
        if not found or found[0] is None:
            raise RetryLater("a file without an event that we can read")
        return found[0]
