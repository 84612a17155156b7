"""Days into times: a table of what people expect, and what holds for every setting."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from planeapp.sync.options import Timing
from planeapp.sync.timing import placed

MONDAY, TUESDAY, WEDNESDAY, FRIDAY = (date(2026, 11, day) for day in (23, 24, 25, 27))
SATURDAY, SUNDAY, NEXT_MONDAY = date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 30)
ZONES = ("UTC", "Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
ESTIMATES = {"S": 120, "M": 480, "L": 960, "XL": 2400}
TIMES = Timing(mode="times", estimates=ESTIMATES)
DAYS = Timing(mode="days", estimates=ESTIMATES)


def at(day: date, hour: int, minute: int = 0, zone: str = "UTC") -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))


def span(timing: Timing, zone: str = "UTC", **values: Any) -> tuple[Any, Any]:
    found = placed({"title": "a", **values}, timing, zone)
    assert found["title"] == "a"
    return found.get("starts_at"), found.get("ends_at")


# Times: the table


@pytest.mark.parametrize(
    ("values", "begins", "ends"),
    [
        ({"start": MONDAY, "end": MONDAY}, at(MONDAY, 9), at(MONDAY, 17)),
        ({"start": MONDAY, "end": WEDNESDAY}, at(MONDAY, 9), at(WEDNESDAY, 17)),
        ({"start": MONDAY, "end": None}, at(MONDAY, 9), at(MONDAY, 10)),  # the usual length
        ({"start": MONDAY}, at(MONDAY, 9), at(MONDAY, 10)),
        ({"start": None, "end": MONDAY}, at(MONDAY, 16), at(MONDAY, 17)),  # backwards from the due date
        ({"start": MONDAY, "end": WEDNESDAY, "estimate": "S"}, at(MONDAY, 9), at(MONDAY, 11)),
        ({"start": MONDAY, "end": MONDAY, "estimate": "L"}, at(MONDAY, 9), at(TUESDAY, 17)),
        ({"start": FRIDAY, "estimate": "L"}, at(FRIDAY, 9), at(NEXT_MONDAY, 17)),  # over the weekend
        ({"end": NEXT_MONDAY, "estimate": "L"}, at(FRIDAY, 9), at(NEXT_MONDAY, 17)),
        ({"end": TUESDAY, "estimate": "S"}, at(TUESDAY, 15), at(TUESDAY, 17)),
        ({"start": SATURDAY, "end": SUNDAY}, at(NEXT_MONDAY, 9), at(NEXT_MONDAY, 10)),  # no working day in it
        ({"start": SATURDAY, "end": NEXT_MONDAY}, at(NEXT_MONDAY, 9), at(NEXT_MONDAY, 17)),
        ({"end": SUNDAY}, at(FRIDAY, 16), at(FRIDAY, 17)),
        ({"start": MONDAY, "estimate": "unheard of"}, at(MONDAY, 9), at(MONDAY, 10)),
    ],
)  # fmt: skip
def test_days_become_times_within_the_working_hours(values: dict[str, Any], begins: datetime, ends: datetime) -> None:
    assert span(TIMES, **values) == (begins, ends)


def test_the_days_themselves_stay_beside_the_times() -> None:
    found = placed({"start": MONDAY, "end": TUESDAY}, TIMES, "UTC")
    assert (found["start"], found["end"]) == (MONDAY, TUESDAY)


def test_hours_are_those_of_the_pairs_zone() -> None:
    begins, ends = span(TIMES, "Asia/Kolkata", start=MONDAY, end=MONDAY)
    assert (begins, ends) == (at(MONDAY, 9, zone="Asia/Kolkata"), at(MONDAY, 17, zone="Asia/Kolkata"))
    assert begins.astimezone(UTC).hour == 3


def test_an_estimate_that_is_a_number_is_found_by_its_name() -> None:
    assert span(Timing(mode="times", estimates={"5": 30}), start=MONDAY, estimate=5) == (
        at(MONDAY, 9),
        at(MONDAY, 9, 30),
    )


@pytest.mark.parametrize("timing", [TIMES, DAYS])
@pytest.mark.parametrize("values", [{}, {"start": None, "end": None}, {"estimate": "S"}])
def test_an_item_without_days_gets_none(timing: Timing, values: dict[str, Any]) -> None:
    assert placed(values, timing, "UTC") == values


@pytest.mark.parametrize("timing", [TIMES, DAYS])
@pytest.mark.parametrize("name", ["starts_at", "ends_at"])
def test_times_that_somebody_asked_for_stay(timing: Timing, name: str) -> None:
    values = {"start": MONDAY, "end": None, "estimate": "S", name: at(TUESDAY, 3)}
    assert placed(values, timing, "UTC") == values


# Whole days


@pytest.mark.parametrize(
    ("values", "days"),
    [
        ({"start": MONDAY, "estimate": "S"}, (MONDAY, MONDAY)),  # the last day is part of the row
        ({"start": MONDAY, "estimate": "M"}, (MONDAY, MONDAY)),
        ({"start": MONDAY, "end": None, "estimate": "L"}, (MONDAY, TUESDAY)),
        ({"start": MONDAY, "estimate": "XL"}, (MONDAY, FRIDAY)),
        ({"start": FRIDAY, "estimate": "L"}, (FRIDAY, NEXT_MONDAY)),
        ({"end": TUESDAY, "estimate": "L"}, (MONDAY, TUESDAY)),
        ({"end": NEXT_MONDAY, "start": None, "estimate": "L"}, (FRIDAY, NEXT_MONDAY)),
        ({"start": SATURDAY, "estimate": "M"}, (SATURDAY, NEXT_MONDAY)),  # the weekend holds nothing of it
        ({"end": SUNDAY, "estimate": "M"}, (FRIDAY, SUNDAY)),
        ({"start": MONDAY, "end": WEDNESDAY, "estimate": "S"}, (MONDAY, WEDNESDAY)),  # two days are two days
        ({"start": MONDAY}, (MONDAY, None)),
        ({"end": MONDAY}, (None, MONDAY)),
    ],
)  # fmt: skip
def test_whole_days_get_the_missing_end_from_the_estimate(values: dict[str, Any], days: tuple[Any, Any]) -> None:
    found = placed(values, DAYS, "UTC")
    assert (found.get("start"), found.get("end")) == days
    assert "starts_at" not in found


# The days on which the clocks change


EVERY_DAY = {"mode": "times", "weekdays": tuple(range(7))}
CHANGES = [
    ("Europe/Stockholm", date(2026, 3, 29), -1),
    ("Europe/Stockholm", date(2026, 10, 25), 1),
    ("America/New_York", date(2026, 3, 8), -1),
    ("America/New_York", date(2026, 11, 1), 1),
]


def real(span: tuple[Any, Any]) -> timedelta:
    begins, ends = span
    return ends.astimezone(UTC) - begins.astimezone(UTC)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("zone", "day", "hours_more"), CHANGES)
def test_a_day_on_which_the_clocks_change_has_an_hour_more_or_less_to_give(
    zone: str, day: date, hours_more: int
) -> None:
    timing = Timing(**EVERY_DAY, opens=time(0), closes=time(12))
    begins, ends = span(timing, zone, start=day, end=day)
    assert (begins, ends) == (at(day, 0, zone=zone), at(day, 12, zone=zone))
    assert real((begins, ends)) == timedelta(hours=12 + hours_more)


@pytest.mark.parametrize(("zone", "day", "hours_more"), CHANGES)
@pytest.mark.parametrize("which", ["start", "end"])
def test_an_estimate_is_real_time_though_the_clocks_change_within_it(
    zone: str, day: date, hours_more: int, which: str
) -> None:
    timing = Timing(**EVERY_DAY, opens=time(0), closes=time(12), estimates={"one": 6 * 60})
    found = span(timing, zone, **{which: day}, estimate="one")
    assert real(found) == timedelta(hours=6)
    assert {moment.date() for moment in found} == {day}


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, day, more in CHANGES if more < 0])
def test_hours_that_the_clocks_skip_altogether_are_no_working_day(zone: str, day: date) -> None:
    timing = Timing(**EVERY_DAY, opens=time(2, 30), closes=time(3), minutes=10)
    assert span(timing, zone, start=day) == (
        at(day + timedelta(days=1), 2, 30, zone), at(day + timedelta(days=1), 2, 40, zone)
    )  # fmt: skip


# What holds for every setting


@st.composite
def timings(draw: st.DrawFn, mode: str) -> Timing:
    opens = draw(st.integers(0, 24 * 60 - 6))
    closes = draw(st.integers(opens + 5, 24 * 60 - 1))
    return Timing(
        mode=mode,
        opens=time(*divmod(opens, 60)),
        closes=time(*divmod(closes, 60)),
        weekdays=tuple(draw(st.sets(st.integers(0, 6), min_size=1))),
        minutes=draw(st.integers(5, 3000)),
        estimates=draw(st.dictionaries(st.sampled_from("ABC"), st.integers(5, 3000))),
    )


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    day = st.dates(date(2026, 1, 1), date(2027, 12, 31))
    start, end = draw(st.none() | day), draw(st.none() | day)
    if start and end:
        start, end = min(start, end), max(start, end)
    return {"start": start, "end": end, "estimate": draw(st.none() | st.sampled_from("ABCD"))}


def exists(moment: datetime) -> bool:
    """Whether the clocks on the wall ever show it."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(fold=0) == moment.replace(fold=0)


def opening(timing: Timing, moment: datetime) -> tuple[datetime, datetime]:
    """When work opens and closes on the moment's day."""
    day, zone = moment.date(), moment.tzinfo
    return datetime.combine(day, timing.opens, zone), datetime.combine(day, timing.closes, zone)


def worked(timing: Timing, begins: datetime, ends: datetime) -> timedelta:
    """Real working time between two moments, counted day by day."""
    found, day = timedelta(0), begins.date()
    while day <= ends.date():
        if day.weekday() in timing.weekdays:
            stretch = (datetime.combine(day, hour, begins.tzinfo) for hour in (timing.opens, timing.closes))
            opens, closes = (moment.astimezone(UTC) for moment in stretch)
            within = min(closes, ends.astimezone(UTC)) - max(opens, begins.astimezone(UTC))
            found += max(within, timedelta(0))
        day += timedelta(days=1)
    return found


@settings(max_examples=250, deadline=None)
@given(timings("times"), items(), st.sampled_from(ZONES))
def test_times_lie_within_working_hours_and_days_and_end_after_they_begin(
    timing: Timing, item: dict[str, Any], zone: str
) -> None:
    begins, ends = span(timing, zone, **item)
    assume(begins is not None)
    assert begins.astimezone(UTC) < ends.astimezone(UTC)
    for moment in (begins, ends):
        opens, closes = opening(timing, moment)
        assume(exists(opens) and exists(closes))
        assert opens.astimezone(UTC) <= moment.astimezone(UTC) <= closes.astimezone(UTC)
        assert moment.weekday() in timing.weekdays


@settings(max_examples=250, deadline=None)
@given(timings("times"), items(), st.sampled_from(ZONES))
def test_an_estimate_takes_exactly_its_working_time(timing: Timing, item: dict[str, Any], zone: str) -> None:
    begins, ends = span(timing, zone, **item)
    assume(begins is not None)
    minutes = timing.estimates.get(item["estimate"])
    if minutes is not None:
        assert worked(timing, begins, ends) == timedelta(minutes=minutes)
    elif item["start"] is None or item["end"] is None:
        assert worked(timing, begins, ends) == timedelta(minutes=timing.minutes)


@settings(max_examples=150, deadline=None)
@given(timings("times"), items(), st.sampled_from(ZONES))
def test_nothing_but_a_due_date_ends_on_it_at_the_latest(timing: Timing, item: dict[str, Any], zone: str) -> None:
    assume(item["end"] is not None)
    _, ends = span(timing, zone, **{**item, "start": None})
    assert ends.date() <= item["end"]


@settings(max_examples=150, deadline=None)
@given(timings("times"), items(), st.sampled_from(ZONES))
def test_no_row_begins_before_its_first_day(timing: Timing, item: dict[str, Any], zone: str) -> None:
    assume(item["start"] is not None)
    begins, _ = span(timing, zone, **item)
    assert begins.date() >= item["start"]


@settings(max_examples=150, deadline=None)
@given(timings("days"), items())
def test_whole_days_hold_the_estimate_and_not_a_working_day_more(timing: Timing, item: dict[str, Any]) -> None:
    found = placed(item, timing, "UTC")
    start, end = found["start"], found["end"]
    minutes = timing.estimates.get(item["estimate"])
    if minutes is None or (item["start"] is None) == (item["end"] is None):
        assert (start, end) == (item["start"], item["end"])
        return
    hours = datetime.combine(date.min, timing.closes) - datetime.combine(date.min, timing.opens)
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    working = sum(day.weekday() in timing.weekdays for day in days)
    assert start <= end
    assert hours * (working - 1) < timedelta(minutes=minutes) <= hours * working


LONGEST = 60 * 24 * 60


@pytest.mark.parametrize("mode", ["days", "times"])
@pytest.mark.parametrize("which", ["start", "end"])
@pytest.mark.parametrize("day", [date.min, date(1, 1, 2), MONDAY, date(9999, 12, 30), date.max])
def test_the_smallest_hours_and_the_longest_estimate_fit_or_leave_the_days_alone(
    mode: Any, which: str, day: date
) -> None:
    timing = Timing(
        mode=mode, opens=time(23, 54), closes=time(23, 59), weekdays=(6,), minutes=LONGEST, estimates={"A": LONGEST}
    )
    for values in ({which: day}, {which: day, "estimate": "A"}):
        found = placed(values, timing, "America/New_York")
        assert found[which] == day
        assert ("starts_at" in found) == ("ends_at" in found)


def test_hours_too_short_for_any_work_are_refused() -> None:
    with pytest.raises(ValidationError, match="closes must be at least 5 minutes later than opens"):
        Timing(opens=time(9), closes=time(9, 4))
