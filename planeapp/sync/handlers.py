"""What a change in Plane or at a provider makes due. Rows only; the looking is done later."""

from __future__ import annotations

from planeapp.installations.models import Connection, Installation
from planeapp.lib.events import Event
from planeapp.sync import due
from planeapp.sync.models import ItemLink, ProjectPair


def item_changed(installation: Installation, connection: Connection | None, event: Event) -> str:
    """A work item changed: every pair of its project looks at it. Projects that are not paired are left alone."""
    pairs = ProjectPair.objects.filter(connection__installation=installation, enabled=True)
    pairs = (
        pairs.filter(project_id=event.project)
        if event.project
        else pairs.filter(links__item_id=event.subject).distinct()
    )
    found = list(pairs)
    for pair in found:
        due.ask(pair, event.subject, reason="changed in Plane")
    return "" if found else "its project is not paired"


def remote_changed(installation: Installation, connection: Connection | None, event: Event) -> str:
    """A provider's row changed: the item linked to it is looked at. Rows that we do not know are none of our business."""
    links = ItemLink.objects.filter(pair__connection=connection, remote_id=event.subject, state=ItemLink.State.LINKED)
    found = list(links.select_related("pair"))
    for link in found:
        due.ask(link.pair, str(link.item_id), reason="changed at the provider")
    return "" if found else "not linked to a work item"
