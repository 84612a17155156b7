"""The calendar keeps the contract; beside it, what is special about iCalendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from planeapp.lib.errors import FixSettings, RetryLater
from planeapp.providers.base import Item, Provider
from tests.providers.contract import DatedContract, MovedContract, ProviderContract
from tests.providers.icalendar.conftest import MakeCalendar
from tests.providers.icalendar.provider import Calendar
from tests.providers.icalendar.served import TOKEN, Shelf
from tests.providers.misfortunes import HttpContract, MakeAt

STOCKHOLM = ZoneInfo("Europe/Stockholm")
VALUES: Mapping[str, Any] = {
    "title": "Inspect, then release; belt loader",
    "start": date(2026, 11, 23),
    "end": date(2026, 11, 25),
    "key": "CUST-12",
    "url": "https://app.plane.so/ws/browse/CUST-12/",
}


@pytest.fixture
def calendar(shelf: Shelf, calendar_at: MakeCalendar) -> Calendar:
    """A connection to empty calendars."""
    return calendar_at()


class TestContract(DatedContract, MovedContract, HttpContract, ProviderContract):
    repeats_safely = True
    clearable = frozenset({"url"})
    secret = TOKEN
    home = "team"

    @pytest.fixture
    def provider(self, calendar: Calendar) -> Provider:
        return calendar

    @pytest.fixture
    def at(self, calendar_at: MakeCalendar) -> MakeAt:
        return calendar_at

    @pytest.fixture
    def values(self) -> Mapping[str, Any]:
        return VALUES

    @pytest.fixture
    def changes(self) -> Mapping[str, Any]:
        return {"title": "Inspect both", "start": date(2026, 11, 24), "end": date(2026, 12, 1)}

    @pytest.fixture
    def move(self, shelf: Shelf) -> Callable[[Item], str]:
        def moved(item: Item) -> str:
            shelf.calendars["leave"][item.id] = shelf.calendars["team"].pop(item.id)
            return "leave"

        return moved

    @pytest.fixture
    def lose_answer(self, shelf: Shelf) -> Callable[[], None]:
        def lose() -> None:
            shelf.lost = 1

        return lose


def test_the_end_in_the_file_is_the_day_after_the_last(calendar: Calendar, shelf: Shelf) -> None:
    calendar.create("team", VALUES, "plane:1")
    (text,) = shelf.texts()
    assert "DTSTART;VALUE=DATE:20261123\r\nDTEND;VALUE=DATE:20261126\r\n" in text
    assert "SUMMARY:Inspect\\, then release\\; belt loader\r\n" in text


def test_what_another_program_put_into_the_event_stays(calendar: Calendar, shelf: Shelf) -> None:
    made = calendar.create("team", VALUES, "plane:1")
    alarm = "LOCATION:Hangar 2\r\nBEGIN:VALARM\r\nTRIGGER:-P1D\r\nSUMMARY:Wake up\r\nEND:VALARM\r\nEND:VEVENT"
    shelf.rewrite("END:VEVENT", alarm)
    calendar.update("team", made, {"title": "New"})
    (text,) = shelf.texts()
    assert alarm in text and "SUMMARY:New\r\n" in text and text.count("SUMMARY") == 2


def test_an_event_with_times_keeps_its_hours_when_its_day_moves_over_summer_time(
    calendar: Calendar, shelf: Shelf
) -> None:
    times = {
        "starts_at": datetime(2027, 3, 26, 10, tzinfo=STOCKHOLM),
        "ends_at": datetime(2027, 3, 26, 12, tzinfo=STOCKHOLM),
    }
    made = calendar.create("team", {**VALUES, **times}, "plane:1")
    assert {name: made.values[name] for name in times} == times
    assert made.values["start"] == made.values["end"] == date(2027, 3, 26)
    moved = calendar.update("team", made, {"start": date(2027, 3, 29), "end": date(2027, 3, 29)})
    assert moved.values["starts_at"] == datetime(2027, 3, 29, 10, tzinfo=STOCKHOLM)
    assert moved.values["ends_at"] == datetime(2027, 3, 29, 12, tzinfo=STOCKHOLM)


def test_a_change_by_somebody_else_in_between_is_not_overwritten(
    calendar: Calendar, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = calendar.create("team", VALUES, "plane:1")
    read = calendar.client.event

    def and_then_somebody_edits(*where: str) -> Any:
        found = read(*where)
        shelf.rewrite("END:VEVENT", "LOCATION:Hangar 2\r\nEND:VEVENT")
        return found

    monkeypatch.setattr(calendar.client, "event", and_then_somebody_edits)
    with pytest.raises(RetryLater):
        calendar.update("team", made, {"title": "New"})
    assert "Hangar 2" in shelf.texts()[0]


def test_an_event_that_nobody_can_read_makes_the_listing_incomplete(calendar: Calendar, shelf: Shelf) -> None:
    made = calendar.create("team", VALUES, "plane:1")
    shelf.calendars["team"]["odd"] = shelf.texts()[0].replace("20261123", "2026-11-23")
    listing = calendar.list("team")
    assert ([item.id for item in listing.items], listing.complete) == ([made.id], False)


def test_an_event_cannot_lose_its_last_day(calendar: Calendar) -> None:
    made = calendar.create("team", VALUES, "plane:1")
    with pytest.raises(FixSettings) as refused:
        calendar.update("team", made, {"start": None, "end": None})
    assert "needs a day" in refused.value.person
