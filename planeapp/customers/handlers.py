"""What a vendor tells about its companies. A hint only: the company is read again."""

from __future__ import annotations

from collections.abc import Sequence

from planeapp.customers import errands
from planeapp.customers.book import has_companies
from planeapp.customers.models import Reference
from planeapp.customers.options import options_of
from planeapp.installations.models import Connection, Installation
from planeapp.lib.events import Event
from planeapp.lib.folding import folded

LABELS = "labels"
ONE_BY_ONE = 20
"""Of more companies than these at once it is cheaper to ask what changed lately."""


def companies_changed(installation: Installation, connection: Connection | None, events: Sequence[Event]) -> list[str]:
    """Companies changed or were removed: each is read again, or all that changed lately when they are many."""
    if connection is None or not has_companies(connection):
        return ["companies are not read here"] * len(events)
    told = sorted({event.subject for event in events})
    if len(told) > ONE_BY_ONE:
        errands.ask(connection, "recent")
    else:
        for company_id in told:
            errands.ask(connection, "read", company_id)
    return [""] * len(events)


def items_labelled(installation: Installation, events: Sequence[Event]) -> None:
    """Work items changed: a label that names a company and was not seen before is matched at once, not at its turn."""
    names = {name for event in events for name in _labels(event)}
    if not names:
        return
    for connection in filter(has_companies, installation.connections.all()):
        prefix = folded(options_of(connection).label_prefix)
        told = {folded(name)[:255] for name in names}
        meant = {name for name in told if prefix and name.startswith(prefix)}
        known = Reference.objects.filter(connection=connection, kind=Reference.Kind.LABEL, key__in=meant)
        if meant - set(known.values_list("key", flat=True)):
            errands.ask(connection, "match")


def _labels(event: Event) -> list[str]:
    """The labels' names, where the delivery tells them."""
    labels = (event.data.get("item") or {}).get(LABELS) or ()
    return [str(label["name"]) for label in labels if isinstance(label, dict) and label.get("name")]
