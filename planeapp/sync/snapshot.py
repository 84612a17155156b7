"""Reading both sides of a pair, whole or for one work item, into a :class:`Snapshot`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from planeapp.installations.gateways import provider_for, side_for
from planeapp.installations.models import Installation
from planeapp.plane.side import PlaneSide
from planeapp.providers.base import Item, Provider
from planeapp.sync.models import ItemLink, ProjectPair, Tie
from planeapp.sync.plan import Link, Rule, Snapshot
from planeapp.sync.values import from_json

LOOKS = 50


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


def as_link(row: ItemLink) -> Link:
    """A link row as planning takes it."""
    ours, theirs = from_json(row.ours), from_json(row.theirs)
    return Link(str(row.id), str(row.item_id), row.remote_id, row.state, ours, theirs, row.updated_at)


def _with_parties(item: Item, parties: Mapping[str, tuple[str, ...]]) -> Item:
    return replace(item, values={**item.values, "parties": parties.get(item.id, ())})


def _parties(pair: ProjectPair, **only: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for tie in Tie.objects.filter(connection_id=pair.connection_id, project_id=pair.project_id, **only):
        found.setdefault(str(tie.item_id), []).append(tie.party_id)
    return {item_id: tuple(sorted(ids)) for item_id, ids in found.items()}


def of_item(sides: Sides, item_id: str, extra: Mapping[str, Any] | None = None) -> Snapshot:
    """Both sides of one work item. ``extra`` are values that somebody asked for beyond what Plane holds (times)."""
    links = [as_link(row) for row in sides.pair.links.filter(item_id=item_id)]
    item = sides.plane.get(sides.project, item_id)
    theirs, gone = {}, set()
    for link in links:
        if link.state != ItemLink.State.LINKED:
            continue
        row = sides.vendor.get(sides.pair.place_id, link.remote_id)
        if row is None:
            gone.add(link.remote_id)
        else:
            theirs[row.id] = row
    if item is None:
        absent, archived = _absent(sides, {item_id} if theirs else set(), look=False)
        return Snapshot({}, theirs, links, absent, frozenset(gone), archived)
    item = _with_parties(item, _parties(sides.pair, item_id=item_id))
    item = replace(item, values={**item.values, **(extra or {})})
    return Snapshot({item.id: item}, theirs, links, frozenset(), frozenset(gone))


def of_pair(sides: Sides) -> Snapshot:
    """Both sides of the whole pair. Only a complete listing, and then a look at the item itself, say that it is gone."""
    # Links first: a link that is newer than the sides would make an old value look like a change.
    links = [as_link(row) for row in sides.pair.links.all()]
    ours, theirs = sides.plane.list(sides.project), sides.vendor.list(sides.pair.place_id)
    parties = _parties(sides.pair)
    mine = {item.id: _with_parties(item, parties) for item in ours.items}
    their = {item.id: item for item in theirs.items}
    live = [link for link in links if link.state == ItemLink.State.LINKED]
    unseen = {link.item_id for link in live if link.item_id not in mine} if ours.complete else set()
    gone_theirs = {link.remote_id for link in live if link.remote_id not in their} if theirs.complete else set()
    gone_ours, archived = _absent(sides, unseen)
    return Snapshot(mine, their, links, gone_ours, frozenset(gone_theirs), archived)


def _absent(sides: Sides, unseen: set[str], look: bool = True) -> tuple[frozenset[str], frozenset[str]]:
    """Which of these work items are gone, and which are archived; ``look`` at each before calling it gone.

    At most ``LOOKS`` are looked at, so that a sweep over a project that was emptied does not use up all calls: the next
    sweep takes the next ones.
    """
    if not unseen:
        return frozenset(), frozenset()
    archived, complete = sides.plane.archived(sides.project)
    rest = sorted(unseen - archived)[:LOOKS] if complete else []
    gone = [found for found in rest if not look or sides.plane.get(sides.project, found) is None]
    return frozenset(gone), archived & unseen
