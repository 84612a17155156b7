"""The calls that a connection costs, for people: how the limits stand, and what the last days' calls were made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from planeapp.installations import budgets
from planeapp.installations.budgets import Standing, Used
from planeapp.installations.models import Connection

DAYS = 14
PURPOSES = {
    "live": "Changes, as they happen",
    "sweep": "Looks at whole projects",
    "feed": "Reading what is new",
    "bot": "Answers of the bot",
    "probe": "Finding out what the connection can do",
    "preview": "Checks of rules",
    "backfill": "Taking over what was there before",
    "undo": "Taking back runs",
    "companies": "Reading companies",
    "contacts": "Contacts that somebody asked for",
    "matching": "Matching customers and labels with companies",
    "rules": "Rules on companies",
    "tallies": "Figures of work on companies",
    "customers": "Customers in Plane",
    "labels": "Labels that name companies",
    "cards": "Cards with companies’ facts",
    "alerts": "Saying alerts under a work item",
    "pages": "Looking things up for a page",
}


@dataclass(frozen=True)
class Limit:
    """How one token's limit stands. ``every``: its window in words; ``left`` is None where no limit is known."""

    name: str
    limit: int | None
    every: str
    used: int
    left: int | None
    paused_until: datetime | None


@dataclass(frozen=True)
class Spent:
    """Calls to one system for one purpose."""

    name: str
    purpose: str
    calls: int
    refused: int


def told(connection: Connection) -> dict[str, Any]:
    """What ``_calls.html`` draws: this connection's calls, and Plane's of its workspace."""
    installation, ours = connection.installation, (None, connection.pk)
    standing = [one for one in budgets.now(installation) if one.connection in (None, connection)]
    used = [one for one in budgets.used(installation, DAYS) if one.connection in ours]
    return {
        "limits": [_limit(one, standing) for one in standing], "spent": [_spent(one, connection) for one in used],
        "days": DAYS,
    }  # fmt: skip


def _limit(one: Standing, every: Sequence[Standing]) -> Limit:
    name = one.connection.provider_name if one.connection else "Plane"
    several = sum(other.connection == one.connection for other in every) > 1
    window = "a minute" if one.seconds == 60 else f"{one.seconds:g} seconds"
    told_name = f"{name} ({one.slot})" if several else name
    return Limit(told_name, one.limit, window, one.used, one.remaining, one.paused_until)


def _spent(one: Used, connection: Connection) -> Spent:
    name = connection.provider_name if one.connection else "Plane"
    purpose = PURPOSES.get(one.purpose, one.purpose.replace("_", " ").capitalize())
    return Spent(name, purpose, one.total.calls, one.total.refused)
