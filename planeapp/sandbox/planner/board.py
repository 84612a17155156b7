"""The schedule as lanes of seven days with bars on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from planeapp.sandbox.planner import times
from planeapp.sandbox.planner.schedule import Schedule
from planeapp.sandbox.store import Doc

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bar:
    """A block in one lane: ``column`` from 1 to 7, ``span`` in days; ``before``/``after``: it goes on there."""

    block: Doc
    column: int
    span: int
    before: bool
    after: bool
    clock: str
    people: str


@dataclass(frozen=True)
class Lane:
    """Seven days of one project (``project`` is its row) or, with None, of all."""

    title: str
    project: Doc | None
    days: list[date]
    bars: list[Bar]


def monday_of(day: date) -> date:
    """The Monday of the day's week."""
    return day - DAY * day.weekday()


def week(schedule: Schedule, day: date) -> list[Lane]:
    """The week of ``day``, a lane per project."""
    days = _seven(monday_of(day))
    return [Lane(row["name"], row, days, _bars(schedule, days, row["id"])) for row in schedule.projects()]


def month(schedule: Schedule, day: date) -> list[Lane]:
    """The month of ``day``, a lane per week."""
    start, lanes = monday_of(day.replace(day=1)), []
    while start <= day or start.month == day.month:
        days = _seven(start)
        lanes.append(Lane(f"Week {start.isocalendar().week}", None, days, _bars(schedule, days)))
        start += DAY * 7
    return lanes


def _seven(start: date) -> list[date]:
    return [start + DAY * number for number in range(7)]


def _bars(schedule: Schedule, days: list[date], project: str | None = None) -> list[Bar]:
    names = {person["id"]: person["name"].split()[0] for person in schedule.people()}
    bars = []
    for block in schedule.blocks(project):
        first, last = times.days(block)
        if last < days[0] or first > days[-1]:
            continue
        left, right = max(first, days[0]), min(last, days[-1])
        people = ", ".join(names[key] for key in block["assignees"])
        place = ((left - days[0]).days + 1, (right - left).days + 1, first < days[0], last > days[-1])
        bars.append(Bar(block, *place, _clock(block), people))
    return bars


def _clock(block: Doc) -> str:
    if block["all_day"]:
        return ""
    begin, finish = times.span(block)
    return f"{begin:%H:%M}-{finish:%H:%M}"
