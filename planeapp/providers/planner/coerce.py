"""Single values on their way out: dates, moments, lengths, choices and lists in the form that a schema asks for.

A block's ``start`` and ``end`` are two dates (``end`` is the last day) or two aware moments (``end`` is exclusive).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
UNITS = {"ms": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
Moment = date | datetime


def begin_of(start: Moment, zone: ZoneInfo) -> datetime:
    """The moment at which a block begins."""
    return start.astimezone(zone) if isinstance(start, datetime) else datetime.combine(start, time(), zone)


def finish_of(end: Moment, zone: ZoneInfo) -> datetime:
    """The moment at which a block is over: midnight after its last day for whole days."""
    return end.astimezone(zone) if isinstance(end, datetime) else datetime.combine(end + DAY, time(), zone)


def first_day(start: Moment, zone: ZoneInfo) -> date:
    """The day on which a block begins."""
    return start.astimezone(zone).date() if isinstance(start, datetime) else start


def last_day(end: Moment, zone: ZoneInfo) -> date:
    """The last day that a block touches."""
    return (end.astimezone(zone) - TICK).date() if isinstance(end, datetime) else end


def rfc3339(moment: datetime) -> str:
    """``2026-11-23T10:00:00+01:00``; UTC as ``Z``."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def start_out(start: Moment, slot: Mapping[str, Any], zone: ZoneInfo) -> Any:
    """A start in the slot's form."""
    if slot["form"] == "date":
        return first_day(start, zone).isoformat()
    return _moment_out(begin_of(start, zone), slot["form"])


def end_out(end: Moment, slot: Mapping[str, Any], zone: ZoneInfo) -> Any:
    """An end in the slot's form: a date is the last day unless the slot says otherwise, a moment is exclusive."""
    if slot["form"] == "date":
        last = last_day(end, zone)
        return (last if slot.get("inclusive", True) else last + DAY).isoformat()
    return _moment_out(finish_of(end, zone), slot["form"])


def _moment_out(moment: datetime, form: str) -> Any:
    if form == "epoch_ms":
        return round(moment.timestamp() * 1000)
    if form == "epoch_s":
        return round(moment.timestamp())
    if form == "local":
        return moment.replace(tzinfo=None).isoformat(timespec="seconds")
    return rfc3339(moment)


def duration_out(start: Moment, end: Moment, slot: Mapping[str, Any], zone: ZoneInfo) -> int:
    """The length in the slot's unit; whole days count as days even when a change of the clock makes them shorter."""
    unit = slot.get("unit", "minutes")
    if unit == "days":
        return (last_day(end, zone) - first_day(start, zone)).days + 1
    seconds = finish_of(end, zone).timestamp() - begin_of(start, zone).timestamp()
    return max(1, math.ceil(round(seconds / UNITS[unit], 6)))


def text_out(text: str, slot: Mapping[str, Any], tail: str = "") -> str:
    """A text cut to the slot's length; ``tail`` (our mark's line) is never cut."""
    limit = slot.get("max")
    end = f"\n\n{tail}" if tail and text else tail
    if limit is not None and len(text) + len(end) > limit:
        text = text[: max(0, limit - len(end) - 1)].rstrip() + "…"
    return text + end


def people_out(emails: tuple[str, ...], slot: Mapping[str, Any], ids: Mapping[str, str]) -> Any:
    """People in the slot's form: addresses or the vendor's ids, as a list or (the first of them) alone."""
    known = [email if slot.get("by") == "email" else ids.get(email, "") for email in emails]
    named = [person for person in known if person]
    return named if slot.get("many") else (named[0] if named else None)
