"""What a vendor tells about its companies. A hint only: the company is read again."""

from __future__ import annotations

from collections.abc import Sequence

from planeapp.customers import errands
from planeapp.customers.book import has_companies
from planeapp.installations.models import Connection, Installation
from planeapp.lib.events import Event

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
