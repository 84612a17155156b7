"""The kinds of errands: what does them, and how often they come by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from planeapp.customers import cards, firing, labels, mirror, references, scan, tallies
from planeapp.installations.models import Connection


@dataclass(frozen=True)
class Kind:
    """``work(connection, key)`` may be killed anywhere and run twice; ``every``: how often it comes by itself; ``purpose``:
    the name under which its calls are counted."""

    work: Callable[[Connection, str], None]
    every: timedelta | None
    purpose: str


KINDS: dict[str, Kind] = {
    "scan": Kind(scan.whole, timedelta(hours=24), "companies"),
    "recent": Kind(scan.recent, timedelta(minutes=10), "companies"),
    "read": Kind(scan.one, None, "companies"),
    "match": Kind(references.work, timedelta(minutes=15), "matching"),
    "fire": Kind(firing.work, timedelta(minutes=5), "rules"),
    "calendar": Kind(firing.calendar, timedelta(hours=6), "rules"),
    "tallies": Kind(tallies.work, timedelta(minutes=5), "tallies"),
    "mirror": Kind(mirror.work, timedelta(minutes=15), "customers"),
    "labels": Kind(labels.work, timedelta(minutes=5), "labels"),
    "cards": Kind(cards.work, timedelta(minutes=15), "cards"),
}
"""In the order in which a new connection's errands are done."""
