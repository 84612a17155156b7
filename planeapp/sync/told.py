"""A signed delivery that carries the whole work item counts as a read of it.

So a change in Plane costs no call to Plane at all, and a delivery that tells nothing new (a copy, the echo of our own
write, a field that is not kept in step) costs no call to anybody. What a delivery carries is used only while it is the
newest that is known of the item: an older one, or one that waited long, is only a hint to read again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from planeapp.plane.paging import moment
from planeapp.providers.base import Item
from planeapp.sync.models import Due
from planeapp.sync.shapes import Link, Rule

FRESH = timedelta(minutes=2)
LARGEST = 64 * 1024
UNKNOWN = "~"
"""Sorts after every version: something changed and nobody told how, so the item is read."""


@dataclass(frozen=True)
class Told:
    """Plane's record of a work item as delivered, and when Plane wrote it (``version``: UTC, sortable as text)."""

    version: str = ""
    record: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Told:
        """From what an event carries; an empty or huge record tells only that something changed."""
        at = moment(record.get("updated_at")) if record.get("description_html") is not None else None
        if at is None or len(json.dumps(record)) > LARGEST:
            return cls(UNKNOWN)
        return cls(at.astimezone(UTC).isoformat(timespec="microseconds"), record)

    @classmethod
    def kept(cls, row: Due) -> Told:
        """What a due row keeps, unless it waited too long."""
        usable = row.told is not None and timezone.now() - (row.told_at or datetime.min.replace(tzinfo=UTC)) < FRESH
        return cls(row.told_version, row.told) if usable else cls()


def newest(tellings: Iterable[Told]) -> Told:
    """The newest; one that tells only of a change wins over all."""
    return max(tellings, key=lambda told: told.version)


def news(told: Told, links: Iterable[Link]) -> bool:
    """Whether it is newer than everything that the links have seen of the item."""
    at = moment(told.version)
    return at is not None and all((seen := moment(link.seen)) is None or seen < at for link in links)


def same_as_agreed(item: Item, links: Iterable[Link], rules: Mapping[str, Rule]) -> bool:
    """Whether nothing that is kept in step differs from what the links last agreed on."""
    live = [link for link in links if link.state == "linked"]
    kept = [name for name, rule in rules.items() if rule.direction != "off" and name in item.values]
    return bool(live) and all(item.values[name] == link.ours.get(name) for link in live for name in kept)
