from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.providers.icalendar.lines import Line, escape, events, fold, read, unescape, write
from tests.providers.icalendar.mapping import item

STOCKHOLM = ZoneInfo("Europe/Stockholm")
TEXTS = some.text(some.characters(exclude_categories=["Cc", "Cs"]))


def event(*told: str) -> dict[str, Line]:
    """A VEVENT with these lines."""
    (found,) = events(
        read("\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", *told, "END:VEVENT", "END:VCALENDAR")))
    )
    return found


@pytest.mark.parametrize(
    ("told", "start", "end"),
    [
        (["DTSTART;VALUE=DATE:20261123"], 23, 23),
        (["DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261124"], 23, 23),
        (["DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261126"], 23, 25),
        (["DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261123"], 23, 23),
        (["DTSTART;VALUE=DATE:20261123", "DURATION:P3D"], 23, 25),
        (["DTSTART:20261123T230000Z", "DTEND:20261124T010000Z"], 24, 24),
        (["DTSTART;TZID=Europe/Stockholm:20261123T220000", "DURATION:PT2H"], 23, 23),
        (['DTSTART;TZID="Europe/Stockholm":20261123T220000', "DURATION:PT2H1M"], 23, 24),
        (["DTSTART:20261123T220000"], 23, 23),
    ],
)
def test_first_and_last_day_of_an_event(told: list[str], start: int, end: int) -> None:
    found = item(event(*told), STOCKHOLM)
    assert found is not None
    assert (found.values["start"], found.values["end"]) == (date(2026, 11, start), date(2026, 11, end))


def test_times_are_told_of_an_event_that_has_some() -> None:
    found = item(event("DTSTART:20261123T090000Z", "DURATION:PT1H30M", "LAST-MODIFIED:20261120T080000Z"), STOCKHOLM)
    assert found is not None and found.version == "2026-11-20T08:00:00+00:00"
    assert found.values["starts_at"] == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert found.values["ends_at"] == datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize("told", ["DTSTART:tomorrow", "DTSTART;TZID=Mars/Base:20261123T090000", "SUMMARY:x"])
def test_an_event_that_cannot_be_read_is_no_item(told: str) -> None:
    assert item(event(told), STOCKHOLM) is None


@given(TEXTS)
def test_every_text_comes_back_and_no_line_is_longer_than_75_octets(text: str) -> None:
    file = write([Line("BEGIN", "VCALENDAR"), Line("SUMMARY", escape(text)), Line("END", "VCALENDAR")])
    assert unescape(read(file)[1].value) == text
    assert all(len(line.encode()) <= 75 for line in file.split("\r\n"))


def test_a_line_end_in_a_text_begins_no_new_property() -> None:
    assert fold(str(Line("SUMMARY", escape("a\r\nURL:http://x\rb\nc")))) == "SUMMARY:a\\nURL:http://x\\nb\\nc"


@pytest.mark.parametrize("text", ["", "BEGIN:VCALENDAR", "<html>", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1"])
def test_half_a_file_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)
