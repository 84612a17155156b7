"""How much work waits for each company: counted from what both sides last agreed on, without a call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from planeapp.installations.models import Connection
from planeapp.providers.base import Tally
from planeapp.sync.models import ItemLink

OPEN = frozenset({"backlog", "unstarted", "started"})
CHUNK = 2000
SEEN = ("item_id", "ours__state", "ours__priority", "ours__created", "ours__parties")


@dataclass
class Work:
    """The work items of one company. ``oldest``: the day the oldest open one was made (UTC), where that is known."""

    open: int = 0
    urgent: int = 0
    oldest: date | None = None
    completed: int = 0
    cancelled: int = 0

    @property
    def closed(self) -> int:
        """How many are over, done or not."""
        return self.completed + self.cancelled

    @property
    def tally(self) -> Tally:
        """The figures that the company shows."""
        return Tally(self.open, self.urgent, self.oldest)

    def add(self, state: str, urgent: bool, made: date | None) -> None:
        """Count one more."""
        if state in OPEN:
            self.open += 1
            self.urgent += urgent
            self.oldest = min(filter(None, (self.oldest, made)), default=None)
        self.completed += state == "completed"
        self.cancelled += state == "cancelled"


def work_of(connection: Connection) -> dict[str, Work]:
    """Company id → its work, for every company that has any. An item that waits for several counts for each."""
    found: defaultdict[str, Work] = defaultdict(Work)
    for state, priority, made, parties in _agreed(connection):
        for party in parties or ():
            found[party].add(state, priority == "urgent", date.fromisoformat(made) if made else None)
    return dict(found)


def _agreed(connection: Connection) -> Iterator[tuple[Any, ...]]:
    """State, priority, day and companies of every linked item, once each: one with several rows as agreed on last."""
    links = ItemLink.objects.filter(pair__connection=connection, state=ItemLink.State.LINKED)
    before = None
    for item, *told in links.order_by("item_id", "-updated_at").values_list(*SEEN).iterator(chunk_size=CHUNK):
        if item != before:
            yield tuple(told)
        before = item
