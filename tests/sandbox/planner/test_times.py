"""Dates, moments, and what lies between."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from planeapp.sandbox.planner import times

STOCKHOLM = ZoneInfo("Europe/Stockholm")


@pytest.mark.parametrize(
    ("start", "end", "all_day", "expected"),
    [
        ("2026-11-23", "2026-11-24", None, ("2026-11-23", "2026-11-24", True)),
        ("2026-11-23", None, None, ("2026-11-23", "2026-11-23", True)),
        ("2026-11-22T23:00:00Z", "2026-11-24T23:00:00Z", True, ("2026-11-23", "2026-11-24", True)),
        ("2026-11-23T10:00", None, None, ("2026-11-23T10:00:00+01:00", "2026-11-23T11:00:00+01:00", False)),
        ("2026-11-23", "2026-11-23", False, ("2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00", False)),
        ("2027-03-28", "2027-03-28", False, ("2027-03-28T00:00:00+01:00", "2027-03-29T00:00:00+02:00", False)),
    ],
)
def test_the_stored_form(start: str, end: str | None, all_day: bool | None, expected: tuple[str, str, bool]) -> None:
    assert times.canonical(start, end, all_day, STOCKHOLM) == expected


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("soon", None, "start"),
        ("2026-13-01", None, "start"),
        ("0001-01-01", None, "start"),
        ("2026-11-23", "9999-12-31", "end"),
        ("2026-11-23", "later", "end"),
        ("2026-11-23", "2026-11-22", "end"),
        ("2026-11-23T10:00", "2026-11-23T10:00", "end"),
    ],
)
def test_an_impossible_time_names_its_field(start: str, end: str | None, field: str) -> None:
    with pytest.raises(times.BadTime) as caught:
        times.canonical(start, end, None, STOCKHOLM)
    assert caught.value.field == field


def test_a_block_that_ends_at_midnight_does_not_touch_the_next_day() -> None:
    block = {"start": "2026-11-23T22:00:00+01:00", "end": "2026-11-24T00:00:00+01:00", "timezone": "Europe/Stockholm"}
    assert times.days(block) == (date(2026, 11, 23), date(2026, 11, 23))
