"""Which handler an event goes to, the way ``urls.py`` names views.

A handler gets ``(installation, connection or None, events)``, writes rows only, and gives for each event ``""`` when it took
it or the reason why there was nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planeapp.bot import hearing
from planeapp.customers import handlers as customers
from planeapp.installations.models import Connection, Installation
from planeapp.lib.events import Event
from planeapp.sync import handlers as sync

Handler = Callable[[Installation, Connection | None, Sequence[Event]], list[str]]


def each(handler: Callable[[Installation, Connection | None, Event], str]) -> Handler:
    """A handler that takes its events one at a time."""

    def take(installation: Installation, connection: Connection | None, events: Sequence[Event]) -> list[str]:
        return [handler(installation, connection, event) for event in events]

    return take


def items_changed(installation: Installation, connection: Connection | None, events: Sequence[Event]) -> list[str]:
    """Work items are kept in step; new labels on them may name a company."""
    customers.items_labelled(installation, events)
    return sync.items_changed(installation, connection, events)


ROUTES: dict[str, Handler] = {
    "item.changed": items_changed,
    "item.deleted": sync.items_changed,
    "project.changed": sync.projects_changed,
    "remote.changed": sync.remotes_changed,
    "remote.deleted": sync.remotes_changed,
    "company.changed": customers.companies_changed,
    "company.deleted": customers.companies_changed,
    "comment.written": each(hearing.comment_written),
    "run.created": each(hearing.run_created),
    "run.prompted": each(hearing.run_prompted),
}

URGENT = frozenset({"comment.written", "run.created", "run.prompted"})
"""Kinds behind which a person waits for an answer: they go first."""
FOLDED = frozenset(
    {"item.changed", "item.deleted", "remote.changed", "remote.deleted", "company.changed", "company.deleted"}
)
"""Kinds that only say "look at it": of several that wait for one subject, one look is enough."""
