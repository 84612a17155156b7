"""Taking a work item's rows off because a person asked for it: by the pair's rule they are removed or only unlinked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from planeapp.providers.base import Field, Item
from planeapp.sync import brake
from planeapp.sync import snapshot as reading
from planeapp.sync.apply import Applier, Outcome
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.shapes import ASKED, Change, Link, Plan
from planeapp.sync.snapshot import Sides


def release_item(pair: ProjectPair, item_id: str) -> Outcome:
    """End the links of one work item; nothing is made anew until somebody asks for it. May be repeated.

    A row is removed where the pair's rule says so, we made it and nobody changed it since; the others stay, unlinked.
    """
    with closing(Sides(pair)) as sides:
        snapshot = reading.of_item(sides, item_id)
        links = [link for link in snapshot.links if link.state == ItemLink.State.LINKED]
        plan = Plan(tuple(_end(sides, link, snapshot.theirs) for link in links), ())
        if len(links) > 1:
            brake.check(pair, plan)
        return Applier(sides, snapshot).apply(plan)


def _end(sides: Sides, link: Link, theirs: Mapping[str, Item]) -> Change:
    row = theirs.get(link.remote_id)
    if row is not None and sides.policy.deletes and link.made_by_us and not _changed(link, row, sides.vendor.fields):
        return Change("delete", "vendor", link.item_id, row.id, link.id, before={**row.values}, why=ASKED)
    return Change("unlink", "vendor", link.item_id, link.remote_id, link.id, why=ASKED)


def _changed(link: Link, row: Item, fields: tuple[Field, ...]) -> bool:
    return any(row.values.get(known.name) != link.theirs.get(known.name) for known in fields)
