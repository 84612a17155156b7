"""``Values`` as JSON and back, so that a link can remember them without losing dates, times or tuples."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

DATES = frozenset({"start", "end"})
DAYS = DATES | {"created"}
TIMES = frozenset({"starts_at", "ends_at"})
TUPLES = frozenset({"people", "parties", "contacts", "labels"})


def to_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON-able copy."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def from_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The values that ``to_json`` was given."""
    return {name: _rich(name, value) for name, value in stored.items()}


def _rich(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in DAYS:
        return date.fromisoformat(value)
    if name in TIMES:
        return datetime.fromisoformat(value)
    return tuple(value) if name in TUPLES else value


def spoken(value: Any) -> str:
    """A value for people."""
    if value in (None, "", ()):
        return "nothing"
    if isinstance(value, datetime):
        return value.strftime("%a %d %b %Y %H:%M")
    if isinstance(value, date):
        return value.strftime("%a %d %b %Y")
    return ", ".join(value) if isinstance(value, tuple) else str(value)
