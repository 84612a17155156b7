from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from planeapp.providers.planner import reading
from planeapp.providers.planner.mapping import item_of

ROW = {"id": "b1", "title": "One"}
UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("structured", "texts", "expected"),
    [
        ({"a": 1}, ("x",), {"a": 1}),
        (None, ('{"a": ', "1}"), {"a": 1}),
        (None, ('{"id": 1}', '{"id": 2}'), [{"id": 1}, {"id": 2}]),
        (None, ("Created block b1",), "Created block b1"),
        (None, (), ""),
    ],
)
def test_an_answer_s_content_is_taken_from_the_best_part(
    structured: Any, texts: tuple[str, ...], expected: Any
) -> None:
    assert reading.data_of(structured, texts) == expected


@pytest.mark.parametrize(
    "answer",
    [
        [ROW], {"blocks": [ROW]}, {"data": {"items": [ROW]}}, {"result": {"blocks": [ROW], "tags": [{"id": "t"}]}},
        {"edges": [{"node": ROW}]}, {"ok": True, "schedule": [ROW]},
    ],
)  # fmt: skip
def test_rows_are_found_wherever_they_are(answer: Any) -> None:
    assert reading.rows(answer) == [ROW]


@pytest.mark.parametrize(
    "answer",
    [
        ROW,
        {"block": ROW},
        {"data": {"block": ROW}},
        {"result": ROW},
        {"blocks": [ROW]},
        [ROW],
        {"ok": 1, "data": [ROW]},
    ],
)
def test_a_single_row_is_found_wherever_it_is(answer: Any) -> None:
    assert reading.one(answer) == ROW


def test_nothing_is_found_where_nothing_is() -> None:
    assert reading.rows({"ok": True}) == [] and reading.one({"ok": True}) is None and reading.one("done") is None
    assert reading.has_rows({"data": {"blocks": []}}) and not reading.has_rows({"ok": True})


@pytest.mark.parametrize(
    ("answer", "cursor", "more"),
    [
        ({"nextCursor": "c"}, "c", False), ({"pagination": {"next_cursor": "d", "has_more": True}}, "d", True),
        ({"pageInfo": {"endCursor": "e", "hasNextPage": True}}, "e", True),
        ({"nextCursor": None}, "", False), ([], "", False),
    ],
)  # fmt: skip
def test_further_pages_are_noticed(answer: Any, cursor: str, more: bool) -> None:
    assert (reading.next_cursor(answer), reading.more_to_come(answer)) == (cursor, more)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-23", date(2026, 11, 23)),
        ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        (1795428000, datetime(2026, 11, 23, 10, tzinfo=UTC)),
        (1795428000000, datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("1795428000", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("soon", None), (None, None), (True, None), ("", None),
    ],
)  # fmt: skip
def test_moments_are_read_in_many_forms(value: Any, expected: Any) -> None:
    assert reading.moment_of(value) == expected


@pytest.mark.parametrize(
    ("when", "hints"),
    [
        ({"startDate": "2026-11-23", "endDate": "2026-11-25"}, {}),
        ({"start_date": "2026-11-23", "end_date": "2026-11-26"}, {"end_inclusive": False}),
        ({"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-25"}}, {}),
        ({"startsAt": "2026-11-23T00:00:00+01:00", "durationMinutes": 4320}, {}),
        ({"startsAt": "2026-11-22T23:00:00Z", "duration": 259200}, {"duration_unit": "seconds"}),
        ({"schedule": {"from": "2026-11-23", "to": "2026-11-25"}}, {}),
        ({"start": "2026-11-23T00:00:00Z", "end": "2026-11-26T00:00:00Z", "allDay": True}, {}),
        ({"start": "2026-11-23T00:00:00Z", "end": "2026-11-25T23:59:59Z", "allDay": True}, {}),
        ({"startMs": 1795388400000, "endMs": 1795647600000}, {}),
        ({"startDate": "2026-11-23", "durationDays": 3}, {}),
        ({"from": "2026-11-23T00:00", "until": "2026-11-26T00:00"}, {}),
    ],
)
def test_whole_days_are_recognised_in_many_shapes(when: dict[str, Any], hints: dict[str, Any]) -> None:
    values = item_of({**ROW, **when}, "Europe/Stockholm", hints).values
    assert (values["start"], values["end"], values["starts_at"]) == (date(2026, 11, 23), date(2026, 11, 25), None)


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (["Ada@X.se", "u1"], ("ada@x.se", "milo@x.se")),
        ([{"id": "u1"}, {"email": "ada@x.se"}], ("ada@x.se", "milo@x.se")),
        ("u1", ("milo@x.se",)), (None, ()), (["stranger"], ()),
    ],
)  # fmt: skip
def test_people_are_told_by_address(people: Any, expected: tuple[str, ...]) -> None:
    assert item_of({**ROW, "assignees": people}, "UTC", {}, {"u1": "milo@x.se"}).values["people"] == expected


def test_what_a_row_does_not_have_is_not_among_its_values() -> None:
    assert set(item_of(ROW, "UTC").values) == {"title", "start", "end", "starts_at", "ends_at"}


def test_a_row_s_own_fields_come_before_those_of_its_parts() -> None:
    record = {
        "id": "b1",
        "name": "Block",
        "project": {"id": "p1", "name": "Project"},
        "creator": {"id": "u", "email": "e@x"},
    }
    found = reading.block_of(record, {}, UTC)
    assert (found["id"], found["title"], found["project"]) == ("b1", "Block", "p1")
