"""What changes in Plane or at a provider make due. Rows only; the looking is done later.

A handler gets events of one workspace and gives, for each, ``""`` or the reason why there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from planeapp.installations import project_facts
from planeapp.installations.models import Connection, Installation
from planeapp.lib.events import Event
from planeapp.sync import due, echoes
from planeapp.sync.brake import DELETED
from planeapp.sync.due import Wish
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.told import Told


def items_changed(installation: Installation, connection: Connection | None, events: Sequence[Event]) -> list[str]:
    """Work items changed: every pair of their projects looks at them. Projects that are not paired are left alone."""
    pairs = ProjectPair.objects.filter(connection__installation=installation, enabled=True)
    by_project: dict[str, list[UUID]] = {}
    for pair, project in pairs.values_list("pk", "project_id"):
        by_project.setdefault(str(project), []).append(pair)
    unplaced = [event.subject for event in events if not event.project]
    by_item = _pairs_by_item(pairs.filter(links__item_id__in=unplaced)) if unplaced else {}
    found = [by_project.get(event.project, []) or by_item.get(event.subject, []) for event in events]
    for kind, reason in (("item.changed", "changed in Plane"), ("item.deleted", DELETED)):
        wishes = [
            Wish(pair, event.subject, Told.of(event.data.get("item") or {}))
            for event, theirs in zip(events, found, strict=True)
            for pair in theirs
            if event.kind == kind
        ]
        due.ask_all(wishes, reason=reason)
    return ["" if theirs else "its project is not paired" for theirs in found]


def _pairs_by_item(linked: object) -> dict[str, list[UUID]]:
    """For events that name no project: the pairs in which the item is linked."""
    found: dict[str, list[UUID]] = {}
    for pair, item in linked.values_list("pk", "links__item_id").distinct():  # type: ignore[attr-defined]
        found.setdefault(str(item), []).append(pair)
    return found


def remotes_changed(installation: Installation, connection: Connection | None, events: Sequence[Event]) -> list[str]:
    """A provider's rows changed: the items linked to them are looked at. Rows that we do not know are none of our business,
    and a row that is told as we left it is the echo of our own write."""
    rows = {event.subject for event in events}
    links = ItemLink.objects.filter(pair__connection=connection, remote_id__in=rows, state=ItemLink.State.LINKED)
    by_row = {link.remote_id: link for link in links.select_related("pair__connection__installation")}
    known = [by_row.get(event.subject) for event in events]
    told = [_why_not(event, link) for event, link in zip(events, known, strict=True)]
    for kind, reason in (("remote.changed", "changed at the provider"), ("remote.deleted", DELETED)):
        wishes = [
            Wish(link.pair_id, str(link.item_id))
            for event, link, why in zip(events, known, told, strict=True)
            if link and not why and event.kind == kind
        ]
        due.ask_all(wishes, reason=reason)
    return told


def _why_not(event: Event, link: ItemLink | None) -> str:
    if link is None:
        return "not linked to a work item"
    return "as we left it" if event.kind == "remote.changed" and echoes.is_echo(event, link) else ""


def projects_changed(installation: Installation, connection: Connection | None, events: Sequence[Event]) -> list[str]:
    """What we keep of a project (its name, key, states, people) is asked for anew when it is needed next."""
    for event in events:
        if event.project:
            project_facts.forget(installation, event.project)
    return ["" if event.project else "it names no project" for event in events]
