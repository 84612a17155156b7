from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.lib.errors import FixSettings
from planeapp.providers.base import Item
from planeapp.providers.planner.arguments import arguments_for, propose
from planeapp.providers.planner.mapping import changed_block, item_of, moved_span, new_block
from planeapp.providers.planner.toolbox import build

ZONES = (
    "UTC", "Europe/Stockholm", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe",
    "Pacific/Apia", "Asia/Tehran", "Africa/Cairo", "Pacific/Chatham",
)  # fmt: skip
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
WHEN: dict[str, dict[str, Any]] = {
    "dates": {"startDate": TEXT, "endDate": TEXT},
    "exclusive dates": {"startDate": TEXT, "endDate": {**TEXT, "description": "exclusive"}},
    "moments": {"start": {**TEXT, "format": "date-time"}, "end": {**TEXT, "format": "date-time"}},
    "moments and all day": {
        "start": {**TEXT, "format": "date-time"}, "end": {**TEXT, "format": "date-time"}, "allDay": {"type": "boolean"},
    },
    "milliseconds": {"startMs": NUMBER, "endMs": NUMBER},
    "length": {"startsAt": {**TEXT, "format": "date-time"}, "durationMinutes": NUMBER},
    "days": {"startDate": TEXT, "durationDays": NUMBER},
}  # fmt: skip
EXACT = ("moments", "moments and all day", "milliseconds", "length")
FIELDS = frozenset({"title", "notes", "start", "end", "external_id", "url"})

days = st.dates(date(2000, 1, 1), date(2060, 1, 1))
lengths = st.integers(0, 40)
zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)


def tool_of(form: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"title": TEXT, "reference": TEXT, "memo": TEXT, **WHEN[form]}}
    return {
        "name": "createBlock", "description": "", "input_schema": schema, "output_schema": {}, "annotations": {},
    }  # fmt: skip


def there_and_back(form: str, values: dict[str, Any], zone: str) -> Item:
    """What a vendor that keeps exactly what it gets would give back."""
    tool = tool_of(form)
    sent = arguments_for(propose(tool, "create_block"), new_block(values, "m:1", "p", zone, FIELDS))
    return item_of({"id": "b1", **sent}, zone, build([tool], {}).hints)


@settings(deadline=None)
@given(form=st.sampled_from(list(WHEN)), first=days, length=lengths, zone=zones)
def test_whole_days_come_back_as_the_same_days(form: str, first: date, length: int, zone: str) -> None:
    values = {"title": "T", "start": first, "end": first + timedelta(days=length)}
    found = there_and_back(form, values, zone).values
    # A zone may leave out a midnight, or a whole day (Apia in 2011): a length in minutes cannot tell that day.
    assert (found["start"], found["end"]) == (values["start"], values["end"]) or _odd_day(values, zone)
    assert found["starts_at"] is None or _odd_day(values, zone)


def _odd_day(values: dict[str, Any], zone: str) -> bool:
    """Whether a midnight at an end of these days does not exist in the zone."""
    edges = [values["start"], values["end"] + timedelta(days=1)]
    midnights = [datetime.combine(day, datetime.min.time(), ZoneInfo(zone)) for day in edges]
    seen = [moment.astimezone(UTC).astimezone(ZoneInfo(zone)) for moment in midnights]
    return [moment.replace(tzinfo=None) for moment in seen] != [moment.replace(tzinfo=None) for moment in midnights]


@settings(deadline=None)
@given(form=st.sampled_from(EXACT), begin=moments, minutes=st.integers(1, 3000), zone=zones)
def test_moments_come_back_as_the_same_moments(form: str, begin: datetime, minutes: int, zone: str) -> None:
    finish = begin + timedelta(minutes=minutes)
    found = there_and_back(form, {"title": "T", "starts_at": begin, "ends_at": finish}, zone).values
    if found["starts_at"] is None:  # from midnight to midnight: whole days
        assert begin.astimezone(ZoneInfo(zone)).hour == 0 and minutes % 60 == 0
    else:
        # By the clock of UTC: in the hour that a zone has twice, moments of two zones are never equal (PEP 495).
        assert [found[name].astimezone(UTC) for name in ("starts_at", "ends_at")] == [begin, finish]


@settings(deadline=None)
@given(begin=moments, minutes=st.integers(1, 3000), shift=st.integers(-400, 400), zone=zones)
def test_a_moved_block_keeps_its_clock_and_its_days(begin: datetime, minutes: int, shift: int, zone: str) -> None:
    old = item_of(_record(begin, begin + timedelta(minutes=minutes)), zone).values
    move = timedelta(days=shift)
    new = {"start": old["start"] + move, "end": old["end"] + move}
    start, end = moved_span(old, new, ZoneInfo(zone))
    if old["starts_at"] is None:
        assert (start, end) == (new["start"], new["end"])
        return
    assert isinstance(start, datetime) and isinstance(end, datetime) and start < end
    wanted = datetime.combine(new["start"], old["starts_at"].time(), ZoneInfo(zone))
    assert start.timestamp() == wanted.timestamp()


@settings(deadline=None)
@given(begin=moments, minutes=st.integers(1, 3000), zone=zones)
def test_moving_to_the_same_days_changes_nothing(begin: datetime, minutes: int, zone: str) -> None:
    old = item_of(_record(begin, begin + timedelta(minutes=minutes)), zone).values
    span = moved_span(old, {"start": old["start"], "end": old["end"]}, ZoneInfo(zone))
    moved = item_of(_record(*span), zone).values if isinstance(span[0], datetime) else {**old}
    fold = old["starts_at"] is not None and (old["starts_at"].fold or old["ends_at"].fold)
    assert fold or (moved["starts_at"], moved["ends_at"]) == (old["starts_at"], old["ends_at"])


def _record(start: Any, end: Any) -> dict[str, Any]:
    return {"id": "b1", "title": "T", "start": start.isoformat(), "end": end.isoformat()}


STOCKHOLM = ZoneInfo("Europe/Stockholm")


def timed(day: date, hour: int, end_day: date, end_hour: int) -> dict[str, Any]:
    begin = datetime(day.year, day.month, day.day, hour, tzinfo=STOCKHOLM)
    finish = datetime(end_day.year, end_day.month, end_day.day, end_hour, tzinfo=STOCKHOLM)
    return item_of(_record(begin, finish), "Europe/Stockholm").values  # type: ignore[return-value]


def test_a_block_that_ends_at_midnight_ends_on_the_day_before() -> None:
    old = timed(date(2026, 11, 23), 22, date(2026, 11, 24), 0)
    assert (old["start"], old["end"]) == (date(2026, 11, 23), date(2026, 11, 23))
    start, end = moved_span(old, {"start": date(2026, 11, 30), "end": date(2026, 11, 30)}, STOCKHOLM)
    assert (start, end) == (
        datetime(2026, 11, 30, 22, tzinfo=STOCKHOLM),
        datetime(2026, 12, 1, 0, tzinfo=STOCKHOLM),
    )


def test_an_hour_that_does_not_exist_moves_one_hour_on_and_the_end_stays_behind_it() -> None:
    begin, finish = datetime(2026, 11, 23, 2, 30, tzinfo=STOCKHOLM), datetime(2026, 11, 23, 3, tzinfo=STOCKHOLM)
    old = item_of(_record(begin, finish), "Europe/Stockholm").values
    start, end = moved_span(old, {"start": date(2027, 3, 28), "end": date(2027, 3, 28)}, STOCKHOLM)
    assert isinstance(start, datetime) and isinstance(end, datetime)
    assert (start.hour, start.minute) == (3, 30) and end - start == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"end": date(2026, 11, 27)}, (date(2026, 11, 23), date(2026, 11, 27))),
        ({"start": date(2026, 11, 24)}, (date(2026, 11, 24), date(2026, 11, 25))),
        ({"start": date(2026, 11, 30)}, (date(2026, 11, 30), date(2026, 12, 2))),
        ({"end": date(2026, 11, 20)}, (date(2026, 11, 18), date(2026, 11, 20))),
        ({"start": None, "end": date(2026, 11, 27)}, (date(2026, 11, 27), date(2026, 11, 27))),
    ],
)
def test_one_new_day_leaves_the_other_or_takes_it_along(new: dict[str, Any], expected: tuple[date, date]) -> None:
    old = {"start": date(2026, 11, 23), "end": date(2026, 11, 25)}
    assert moved_span(old, new, STOCKHOLM) == expected


def test_a_new_time_of_day_keeps_the_length() -> None:
    old = timed(date(2026, 11, 23), 9, date(2026, 11, 23), 11)
    start, end = moved_span(old, {"starts_at": datetime(2026, 11, 24, 14, tzinfo=STOCKHOLM)}, STOCKHOLM)
    assert (start, end) == (
        datetime(2026, 11, 24, 14, tzinfo=STOCKHOLM),
        datetime(2026, 11, 24, 16, tzinfo=STOCKHOLM),
    )


def test_taking_both_days_away_is_refused() -> None:
    old = {"start": date(2026, 11, 23), "end": date(2026, 11, 25)}
    with pytest.raises(FixSettings) as refused:
        moved_span(old, {"start": None, "end": None}, STOCKHOLM)
    assert refused.value.code == "no_dates"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"external_id", "url", "notes"}, "external_id"),
        ({"url", "notes"}, "url"),
        ({"notes"}, "notes_tail"),
    ],
)
def test_the_mark_goes_to_the_best_place_that_there_is_and_is_read_from_there(fields: set[str], where: str) -> None:
    values = {"title": "T", "notes": "<p>Hi</p>", "start": date(2026, 1, 1), "url": "https://x.se/A-1", "key": "A-1"}
    block = new_block(values, "plane:ws/1", "p", "UTC", frozenset(fields))
    assert "plane:ws/1" in str(block[where]).replace("%3A", ":").replace("%2F", "/")
    notes = "\n\n".join(part for part in (block["notes"], str(block.get("notes_tail") or "")) if part)
    record = {"id": "b", "title": "T", "notes": notes, "url": block.get("url"), "externalId": block.get("external_id")}
    item = item_of(record, "UTC")
    assert (
        item.mark == "plane:ws/1" and item.values["notes"] == "<p>Hi</p>" and item.values["url"] == "https://x.se/A-1"
    )


def test_without_an_address_the_mark_goes_into_the_notes_even_where_there_is_a_link() -> None:
    block = new_block({"title": "T", "start": date(2026, 1, 1)}, "m:1", "p", "UTC", frozenset({"url", "notes"}))
    assert "url" not in block and block["notes_tail"].endswith("m:1")


def test_a_change_touches_only_what_it_names() -> None:
    item = Item("b", {"title": "Old", "start": date(2026, 1, 1), "end": date(2026, 1, 1)}, mark="m:1")
    block, touched = changed_block(item, {"title": "New"}, "p", "UTC", FIELDS)
    assert touched == {"title"} and block["title"] == "New"
    assert changed_block(item, {"key": "A-2"}, "p", "UTC", FIELDS)[1] == frozenset()
