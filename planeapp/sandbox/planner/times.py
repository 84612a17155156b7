"""When a block is: dates for whole days (the end is the last day), moments with an offset for everything else."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Doc = dict[str, Any]
YEARS = range(1970, 2200)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


class BadTime(ValueError):
    """A start or end that cannot be; ``field`` is "start" or "end"."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def canonical(start: str, end: str | None, all_day: bool | None, zone: ZoneInfo) -> tuple[str, str, bool]:
    """The stored form of a start and an end: two dates, or two moments with the zone's offset, and which of both.

    A date-time that ends a whole-day block is exclusive (midnight after the last day), a date is inclusive. Without
    ``all_day`` a start that is a date means whole days. Without an end: that day, or one hour. Raises BadTime.
    """
    first, last = _parse("start", start, zone), _parse("end", end, zone) if end else None
    whole = all_day if all_day is not None else not isinstance(first, datetime)
    if whole:
        day, until = _first_day(first), _last_day(last) if last else _first_day(first)
        if until < day:
            raise BadTime("end", "must not be before the start")
        return day.isoformat(), until.isoformat(), True
    begin = _midnight(first, zone)
    finish = begin + timedelta(hours=1) if last is None else _after(last, zone)
    if finish.timestamp() <= begin.timestamp():
        raise BadTime("end", "must be after the start")
    return begin.isoformat(timespec="seconds"), finish.isoformat(timespec="seconds"), False


def span(block: Doc) -> tuple[datetime, datetime]:
    """The moments at which a block begins and is over (exclusive), in its timezone."""
    zone = ZoneInfo(block["timezone"])
    return _midnight(_parse("start", block["start"], zone), zone), _after(_parse("end", block["end"], zone), zone)


def days(block: Doc) -> tuple[date, date]:
    """The first and the last day that a block touches, in its timezone."""
    begin, finish = span(block)
    return begin.date(), (finish - TICK).date()


def shifted(block: Doc, count: int) -> Doc:
    """``start`` and ``end`` so many days later, at the same hour on the wall, also over a change to summer time."""
    zone, move = ZoneInfo(block["timezone"]), timedelta(days=count)
    if block["all_day"]:
        return {name: (date.fromisoformat(block[name]) + move).isoformat() for name in ("start", "end")}
    begin, finish = span(block)
    # The offset is dropped and found again: the same hour may have another one on the new day.
    return {
        name: (moment.replace(tzinfo=None) + move).replace(tzinfo=zone).isoformat(timespec="seconds")
        for name, moment in (("start", begin), ("end", finish))
    }


def _parse(field: str, text: str, zone: ZoneInfo) -> date | datetime:
    whole = len(text) == len("2026-11-23")
    try:
        moment = date.fromisoformat(text) if whole else datetime.fromisoformat(text)
    except ValueError as error:
        raise BadTime(field, "must be an ISO 8601 date or date-time, such as 2026-11-23T10:00:00Z") from error
    if moment.year not in YEARS:
        raise BadTime(field, f"must be between the years {YEARS.start} and {YEARS.stop - 1}")
    if not isinstance(moment, datetime):
        return moment
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _first_day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _last_day(value: date | datetime) -> date:
    return (value - TICK).date() if isinstance(value, datetime) else value


def _midnight(value: date | datetime, zone: ZoneInfo) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(), zone)


def _after(value: date | datetime, zone: ZoneInfo) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value + DAY, time(), zone)
