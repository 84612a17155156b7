"""Stretches of time that commands name, and how they are told back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.lib.errors import AskPerson
from planeapp.sync.values import spoken

DEFAULT_MINUTES = 60
DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class Span:
    """A stretch of time: whole days (``end`` inclusive), and times when they were said."""

    start: date
    end: date
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def told(self) -> str:
        """The span in full, with its zone when it has times."""
        if self.starts_at is None or self.ends_at is None:
            days = spoken(self.start) if self.start == self.end else f"{spoken(self.start)} to {spoken(self.end)}"
            return f"{days} (whole days)" if self.start != self.end else f"{days} (whole day)"
        until = self.ends_at.strftime("%H:%M") if self.starts_at.date() == self.ends_at.date() else spoken(self.ends_at)
        return f"{spoken(self.starts_at)} to {until} ({self.starts_at.tzinfo})"

    def as_data(self) -> dict[str, str]:
        """JSON-able form."""
        told = {"start": self.start, "end": self.end, "starts_at": self.starts_at, "ends_at": self.ends_at}
        return {name: value.isoformat() for name, value in told.items() if value is not None}

    @classmethod
    def from_data(cls, data: Mapping[str, str], zone: str) -> Span:
        """From :meth:`as_data`, with times in ``zone``."""
        days = date.fromisoformat(data["start"]), date.fromisoformat(data["end"])
        if "starts_at" not in data:
            return cls(*days)
        times = (datetime.fromisoformat(data[name]).astimezone(ZoneInfo(zone)) for name in ("starts_at", "ends_at"))
        return cls(*days, *times)


def timed(begin: datetime, finish: datetime) -> Span:
    """A span with times; it belongs to every day that it touches."""
    last_day = (finish - timedelta(microseconds=1)).date()
    return Span(begin.date(), max(last_day, begin.date()), begin, finish)


def later(moment: datetime, by: timedelta) -> datetime:
    """So much later in real time: as long also when the clocks change."""
    return (moment.astimezone(UTC) + by).astimezone(moment.tzinfo)


def span_of(args: Mapping[str, Any], zone: str) -> Span:
    """The span that a ``schedule`` command names. Arguments as ``understand`` prints them."""
    if is_day(args["start"]):
        start = date.fromisoformat(args["start"])
        days = timedelta(minutes=args.get("minutes", 0)).days
        end = date.fromisoformat(args["end"][:10]) if args.get("end") else start + timedelta(days=max(days - 1, 0))
        return Span(start, end)
    begin = datetime.fromisoformat(args["start"]).astimezone(ZoneInfo(zone))
    if args.get("end"):
        finish = datetime.fromisoformat(args["end"]).astimezone(ZoneInfo(zone))
    else:
        finish = later(begin, timedelta(minutes=args.get("minutes", DEFAULT_MINUTES)))
    return timed(begin, finish)


def is_day(text: str) -> bool:
    """Whether it names a whole day."""
    return len(text) == len("2026-11-23")


def moved(old: Span, args: Mapping[str, Any], zone: str) -> Span:
    """Where a ``move`` command puts a span. AskPerson when whole days cannot be moved so.

    A move keeps the length; a day alone keeps the time of day; days are days of the calendar, also when the clocks change.
    """
    if "extend_minutes" in args:
        return _extended(old, timedelta(minutes=args["extend_minutes"]))
    if "shift_days" in args:
        return _shifted(old, timedelta(days=args["shift_days"]))
    if "shift_minutes" in args:
        return _by_minutes(old, args["shift_minutes"])
    return _to(old, args["start"], zone)


def _to(old: Span, start: str, zone: str) -> Span:
    if is_day(start):
        return _shifted(old, date.fromisoformat(start) - old.start)
    begin = datetime.fromisoformat(start).astimezone(ZoneInfo(zone))
    if old.starts_at is None or old.ends_at is None:
        return timed(begin, later(begin, timedelta(minutes=DEFAULT_MINUTES)))
    return timed(begin, later(begin, old.ends_at - old.starts_at))


def _shifted(old: Span, by: timedelta) -> Span:
    if old.starts_at is None or old.ends_at is None:
        return Span(old.start + by, old.end + by)
    return timed(old.starts_at + by, old.ends_at + by)  # by the wall clock of their zone


def _by_minutes(old: Span, minutes: int) -> Span:
    if old.starts_at is not None and old.ends_at is not None:
        by = timedelta(minutes=minutes)
        return timed(later(old.starts_at, by), later(old.ends_at, by))
    if minutes % DAY_MINUTES:
        raise AskPerson(
            "whole days by hours", person="It is planned in whole days. Say by how many days, or give a time."
        )
    return _shifted(old, timedelta(minutes=minutes))


def _extended(old: Span, by: timedelta) -> Span:
    if old.starts_at is not None and old.ends_at is not None:
        finish = later(old.ends_at, by)
        if finish <= old.starts_at:
            raise AskPerson("no time left", person="Then nothing would be left of it. Write unschedule to take it off.")
        return timed(old.starts_at, finish)
    if by % timedelta(days=1):
        raise AskPerson("whole days by hours", person="It is planned in whole days. Say by how many days.")
    if old.end + by < old.start:
        raise AskPerson("no day left", person="Then nothing would be left of it. Write unschedule to take it off.")
    return Span(old.start, old.end + by)
