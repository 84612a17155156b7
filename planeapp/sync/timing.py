"""Days into a stretch of time: what a new row is given for a work item's days. Pure.

Plane knows days alone. Where the pair makes rows with times, they lie within its working hours: a row begins when work
opens on the first day and takes its estimate (else until work closes on the last day, else the usual length), over as
many working days as that needs. A work item with nothing but a due date is counted backwards from it.

Opening hours are times on the wall in the pair's zone; lengths are real minutes, so that a day on which the clocks change
has an hour more or less to give.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.providers.base import Values
from planeapp.sync.options import Timing

DAY = timedelta(days=1)
TIMES = ("starts_at", "ends_at")


def placed(values: Values, timing: Timing, zone: str) -> dict[str, Any]:
    """The values with the times, or the missing day, that a new row gets. Times that somebody asked for stay."""
    start, end = values.get("start"), values.get("end")
    if (start is None and end is None) or any(values.get(name) is not None for name in TIMES):
        return dict(values)
    minutes = timing.estimates.get(str(values.get("estimate") or ""))
    try:
        if timing.mode == "times":
            begin, finish = _times(start, end, minutes, _Hours(timing, ZoneInfo(zone)))
            return {**values, "starts_at": begin, "ends_at": finish}
        if minutes is None or (start is not None and end is not None):
            return dict(values)
        return {**values, **_days(start, end, minutes, timing)}
    except OverflowError:  # a stand-in for "never" (the year 9999): past the end of the calendar there are no hours
        return dict(values)


def _days(start: date | None, end: date | None, minutes: int, timing: Timing) -> dict[str, date]:
    """The missing first or last day, so that the working days between hold the estimate."""
    day_minutes = (datetime.combine(date.min, timing.closes) - datetime.combine(date.min, timing.opens)) / timedelta(
        minutes=1
    )
    count = max(-(-minutes // int(day_minutes)), 1)
    if start is not None:
        return {"start": start, "end": _step(start, count, DAY, timing)}
    assert end is not None  # the caller saw one of them
    return {"start": _step(end, count, -DAY, timing), "end": end}


def _step(day: date, working_days: int, way: timedelta, timing: Timing) -> date:
    """The day on which so many working days are over, ``day`` itself included if it is one."""
    working_days -= day.weekday() in timing.weekdays
    while working_days:
        day += way
        working_days -= day.weekday() in timing.weekdays
    return day


class _Hours:
    """Working hours as stretches of real time."""

    def __init__(self, timing: Timing, zone: ZoneInfo) -> None:
        self.timing, self.zone = timing, zone
        self.usual = timedelta(minutes=timing.minutes)

    def stretch(self, day: date) -> tuple[datetime, datetime]:
        """When work opens and closes on a day, in UTC."""
        opens, closes = (datetime.combine(day, at, self.zone) for at in (self.timing.opens, self.timing.closes))
        return opens.astimezone(UTC), closes.astimezone(UTC)

    def works(self, day: date) -> bool:
        """Whether it is a working day. One whose hours all fall into the hour that the clocks skip is none."""
        return day.weekday() in self.timing.weekdays and self.stretch(day)[0] < self.stretch(day)[1]

    def local(self, moment: datetime) -> datetime:
        """In the pair's zone."""
        return moment.astimezone(self.zone)


def _times(start: date | None, end: date | None, minutes: int | None, hours: _Hours) -> tuple[datetime, datetime]:
    length = hours.usual if minutes is None else timedelta(minutes=minutes)
    if start is None:
        assert end is not None  # the caller saw one of them
        return _backward(end, length, hours)
    first = _working(start, DAY, hours)
    begin = hours.stretch(first)[0]
    if minutes is None and end is not None:
        closes = hours.stretch(_working(end, -DAY, hours))[1]
        if closes > begin:
            return hours.local(begin), hours.local(closes)
    return hours.local(begin), hours.local(_used_up(first, length, hours))


def _backward(end: date, length: timedelta, hours: _Hours) -> tuple[datetime, datetime]:
    last = _working(end, -DAY, hours)
    finish = hours.stretch(last)[1]
    day, left = last, length
    while True:
        opens, closes = hours.stretch(day)
        if closes - opens >= left:
            return hours.local(closes - left), hours.local(finish)
        left -= closes - opens
        day = _working(day - DAY, -DAY, hours)


def _used_up(day: date, length: timedelta, hours: _Hours) -> datetime:
    """When so much working time has passed that begins with a working day."""
    left = length
    while True:
        opens, closes = hours.stretch(day)
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
        day = _working(day + DAY, DAY, hours)


def _working(day: date, way: timedelta, hours: _Hours) -> date:
    while not hours.works(day):
        day += way
    return day
