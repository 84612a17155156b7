"""Reading both sides of a pair, whole or for one work item, into a :class:`Snapshot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from planeapp.installations.gateways import provider_for, side_for
from planeapp.installations.models import Installation
from planeapp.plane.paging import moment
from planeapp.plane.side import PlaneSide
from planeapp.providers.base import Item, Provider
from planeapp.sync import conflicts
from planeapp.sync.counterpart import Counterpart
from planeapp.sync.eligible import filtered_out
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.options import Options, options_of
from planeapp.sync.parties import with_parties
from planeapp.sync.shapes import Decision, Link, Policy, Rule, Snapshot
from planeapp.sync.timing import placed
from planeapp.sync.told import Told, news, same_as_agreed
from planeapp.sync.values import from_json

LOOKS = 50
"""How many work items and rows that a listing left out are looked for in one run."""
NOTHING = Told()


@dataclass(frozen=True)
class Sides:
    """A pair with both of its gateways at hand."""

    pair: ProjectPair

    @property
    def installation(self) -> Installation:
        """The workspace."""
        return self.pair.connection.installation

    @cached_property
    def plane(self) -> PlaneSide:
        """Plane's side."""
        return side_for(self.installation)

    @cached_property
    def vendor(self) -> Provider:
        """The provider's side."""
        return provider_for(self.pair.connection, self.pair.zone)

    @cached_property
    def rows(self) -> Counterpart:
        """The provider's rows of this pair."""
        return Counterpart(self.vendor, self.pair.place_id, self.options.people)

    @cached_property
    def options(self) -> Options:
        """The pair's options."""
        return options_of(self.pair.options)

    @property
    def policy(self) -> Policy:
        """The options as planning needs them."""
        options = self.options
        return Policy(
            filtered=lambda values: filtered_out(values, options.filters),
            placed=lambda values: placed(values, options.timing, self.pair.zone),
            deletes=options.deletes == "delete",
            shows=options.show_link and self.plane.shows,
        )

    @property
    def project(self) -> str:
        """Plane's project id."""
        return str(self.pair.project_id)

    def close(self) -> None:
        """End what the provider holds open."""
        if "vendor" in self.__dict__:
            self.vendor.close()

    def rules(self) -> dict[str, Rule]:
        """The rule in force for every field of the provider."""
        stored = self.pair.rules
        return {
            known.name: Rule(
                stored.get(known.name, {}).get("direction", known.default),
                stored.get(known.name, {}).get("winner", "plane"),
                self.plane.closed(known.name),
            )
            for known in self.vendor.fields
        }


def links_of(pair: ProjectPair, **only: Any) -> list[Link]:
    """The pair's links (or some of them) as planning takes them, with what people have decided."""
    decided = conflicts.decided(pair, **only)
    return [_as_link(row, decided.get(row.pk, {})) for row in pair.links.filter(**only)]


def _as_link(row: ItemLink, decided: Mapping[str, Decision]) -> Link:
    return Link(
        str(row.pk), str(row.item_id), row.remote_id, row.state, from_json(row.ours), from_json(row.theirs), row.updated_at,
        made_by_us=row.made_by_us, url=row.remote_url, shown=row.shown, seen=row.seen, decided=decided,
    )  # fmt: skip


def of_item(sides: Sides, item_id: str, extra: Mapping[str, Any] | None = None, told: Told = NOTHING) -> Snapshot:
    """Both sides of one work item. ``extra`` are values that somebody asked for beyond what Plane holds (times); ``told``
    is the item as a delivery carried it."""
    links = links_of(sides.pair, item_id=item_id)
    item = as_told(sides, links, told) or sides.plane.get(sides.project, item_id)
    theirs, gone, moved = _looked_for(sides, [link.remote_id for link in links if link.state == ItemLink.State.LINKED])
    if item is None:
        absent, archived = _absent(sides, {item_id} if theirs else set(), look=False)
        return Snapshot({}, theirs, links, absent, gone, archived, moved)
    (item,) = with_parties(sides.pair, [item], item_id=item_id)
    item = replace(item, values={**item.values, **(extra or {})})
    return Snapshot({item.id: item}, theirs, links, frozenset(), gone, frozenset(), moved)


def as_told(sides: Sides, links: Sequence[Link], told: Told) -> Item | None:
    """The work item as a delivery carried it, if that is news; None when it has to be read."""
    if told.record is None or not news(told, links):
        return None
    return sides.plane.read(sides.project, dict(told.record))


def old_news(sides: Sides, item_id: str, told: Told) -> bool:
    """Whether a delivery changes nothing that we keep in step; its version is then the one that we have seen."""
    links = links_of(sides.pair, item_id=item_id)
    if told.record is None or not any(link.state == ItemLink.State.LINKED for link in links):
        return False
    if any(moment(link.seen) == moment(told.version) for link in links):
        return True
    item = as_told(sides, links, told)
    if item is None:
        return False
    (item,) = with_parties(sides.pair, [item], item_id=item_id)
    if sides.policy.filtered(item.values) or not same_as_agreed(item, links, sides.rules()):
        return False
    sides.pair.links.filter(item_id=item_id).update(seen=told.version)
    return True


def of_page(sides: Sides, items: Sequence[Item], marked: Mapping[str, str]) -> Snapshot:
    """Some work items as just read, for what has no row yet: rows of linked ones are not looked at.

    ``marked``: mark → id of a row that carries it, as an earlier listing told; those without a link are read again.
    """
    ids = [item.id for item in items]
    links = links_of(sides.pair, item_id__in=ids)
    linked = {link.item_id for link in links}
    candidates = [marked.get(sides.plane.mark_of(item_id), "") for item_id in ids if item_id not in linked]
    theirs, _, _ = _looked_for(sides, [row_id for row_id in candidates if row_id])
    tied = with_parties(sides.pair, items, item_id__in=ids)
    return Snapshot({item.id: item for item in tied}, theirs, links)


def of_pair(sides: Sides, *, thorough: bool = False) -> Snapshot:
    """Both sides of the whole pair. Only a complete listing, and then a look at the row itself, say that it is gone.

    At most ``LOOKS`` are looked for on each side, so that a sweep over a project that was emptied does not use up all
    calls: the next sweep takes the next ones. ``thorough`` looks for all of them.
    """
    # Links first: a link that is newer than the sides would make an old value look like a change.
    links = links_of(sides.pair)
    ours, theirs = sides.plane.list(sides.project), sides.rows.list()
    mine = {item.id: item for item in with_parties(sides.pair, ours.items)}
    their = {item.id: item for item in theirs.items}
    live = [link for link in links if link.state == ItemLink.State.LINKED]
    looks = len(live) if thorough else LOOKS
    unseen = {link.item_id for link in live if link.item_id not in mine} if ours.complete else set()
    lost = sorted(link.remote_id for link in live if link.remote_id not in their) if theirs.complete else []
    gone_ours, archived = _absent(sides, unseen, looks=looks)
    found, gone, moved = _looked_for(sides, lost[:looks])
    missing = sum(link.item_id in unseen - archived or link.remote_id in lost for link in live)
    missing = max(missing - len(found) - len(moved), 0)
    return Snapshot(mine, their | found, links, gone_ours, gone, archived, moved, missing)


def _looked_for(sides: Sides, row_ids: Sequence[str]) -> tuple[dict[str, Item], frozenset[str], frozenset[str]]:
    """Rows looked for one by one: those in their place, ids of those that are gone, ids of those that lie elsewhere."""
    found: dict[str, Item] = {}
    gone, moved = set(), set()
    for row_id in row_ids:
        row = sides.rows.get(row_id)
        if row is None:
            gone.add(row_id)
        elif sides.rows.elsewhere(row):
            moved.add(row_id)
        else:
            found[row_id] = row
    return found, frozenset(gone), frozenset(moved)


def _absent(
    sides: Sides, unseen: set[str], look: bool = True, looks: int = LOOKS
) -> tuple[frozenset[str], frozenset[str]]:  # fmt: skip
    """Which of these work items are gone, and which are archived; ``look`` at each before calling it gone."""
    if not unseen:
        return frozenset(), frozenset()
    archived, complete = sides.plane.archived(sides.project)
    rest = sorted(unseen - archived)[:looks] if complete else []
    gone = [found for found in rest if not look or sides.plane.get(sides.project, found) is None]
    return frozenset(gone), archived & unseen
