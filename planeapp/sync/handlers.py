"""What changes in Plane or at a provider make due. Rows only; the looking is done later.

A handler gets events of one workspace and gives, for each, ``""`` or the reason why there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from planeapp.installations.models import Connection, Installation
from planeapp.lib.events import Event
from planeapp.sync import due
from planeapp.sync.models import ItemLink, ProjectPair


def items_changed(installation: Installation, connection: Connection | None, events: Sequence[Event]) -> list[str]:
    """Work items changed: every pair of their projects looks at them. Projects that are not paired are left alone."""
    pairs = ProjectPair.objects.filter(connection__installation=installation, enabled=True)
    by_project: dict[str, list[UUID]] = {}
    for pair, project in pairs.values_list("pk", "project_id"):
        by_project.setdefault(str(project), []).append(pair)
    unplaced = [event.subject for event in events if not event.project]
    by_item = _pairs_by_item(pairs.filter(links__item_id__in=unplaced)) if unplaced else {}
    found = [by_project.get(event.project, []) or by_item.get(event.subject, []) for event in events]
    wishes = [(pair, event.subject) for event, theirs in zip(events, found, strict=True) for pair in theirs]
    due.ask_all(wishes, reason="changed in Plane")
    return ["" if theirs else "its project is not paired" for theirs in found]


def _pairs_by_item(linked: object) -> dict[str, list[UUID]]:
    """For events that name no project: the pairs in which the item is linked."""
    found: dict[str, list[UUID]] = {}
    for pair, item in linked.values_list("pk", "links__item_id").distinct():  # type: ignore[attr-defined]
        found.setdefault(str(item), []).append(pair)
    return found


def remotes_changed(installation: Installation, connection: Connection | None, events: Sequence[Event]) -> list[str]:
    """A provider's rows changed: the items linked to them are looked at. Rows that we do not know are none of our business."""
    rows = {event.subject for event in events}
    links = ItemLink.objects.filter(pair__connection=connection, remote_id__in=rows, state=ItemLink.State.LINKED)
    found = {remote: (pair, str(item)) for remote, pair, item in links.values_list("remote_id", "pair_id", "item_id")}
    due.ask_all(list(found.values()), reason="changed at the provider")
    return ["" if event.subject in found else "not linked to a work item" for event in events]
