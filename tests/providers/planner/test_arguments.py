from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from planeapp.providers.planner.arguments import arguments_for, objections, propose
from planeapp.providers.planner.schema import leaves, problems
from planeapp.providers.planner.toolbox import build

ZONE = ZoneInfo("Europe/Stockholm")
DAYS = {
    "id": "b1", "project": "p1", "title": "Tow", "start": date(2026, 11, 23), "end": date(2026, 11, 25),
    "timezone": "Europe/Stockholm", "people": ("a@x.se", "b@x.se"), "person_ids": {"a@x.se": "u1"}, "notes": "Hi",
    "state": "started", "external_id": "m1",
}  # fmt: skip
TIMED = DAYS | {
    "start": datetime(2026, 11, 23, 9, tzinfo=ZONE),
    "end": datetime(2026, 11, 23, 10, 30, tzinfo=ZONE),
}


def schema(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required or []}


def tool(input_schema: dict[str, Any], name: str = "createBlock") -> dict[str, Any]:
    return {"name": name, "description": "", "input_schema": input_schema, "output_schema": {}, "annotations": {}}


def filled(input_schema: dict[str, Any], block: dict[str, Any] = DAYS, role: str = "create_block") -> dict[str, Any]:
    mapping = json.loads(json.dumps(propose(tool(input_schema), role)))
    return arguments_for(mapping, block)


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("name", "part", "days", "timed"),
    [
        ("start", {**TEXT, "format": "date-time"}, "2026-11-23T00:00:00+01:00", "2026-11-23T09:00:00+01:00"),
        ("end", {**TEXT, "format": "date-time"}, "2026-11-26T00:00:00+01:00", "2026-11-23T10:30:00+01:00"),
        ("endDate", TEXT, "2026-11-25", "2026-11-23"),
        ("end_date", {**TEXT, "description": "Day after the last"}, "2026-11-26", "2026-11-24"),
        ("due", {**TEXT, "description": "YYYY-MM-DD"}, "2026-11-25", "2026-11-23"),
        ("startMs", NUMBER, 1795388400000, 1795420800000),
        ("startsAt", {**NUMBER, "description": "Unix seconds"}, 1795388400, 1795420800),
        (
            "startTime",
            {**TEXT, "description": "Local date-time without offset"},
            "2026-11-23T00:00:00",
            "2026-11-23T09:00:00",
        ),
    ],
)
def test_dates_take_the_form_that_the_schema_asks_for(name: str, part: Any, days: Any, timed: Any) -> None:
    assert filled(schema(**{name: part})) == {name: days}
    assert filled(schema(**{name: part}), TIMED) == {name: timed}


@pytest.mark.parametrize(
    ("name", "days", "timed"),
    [("durationMinutes", 4320, 90), ("duration_days", 3, 1), ("durationHours", 72, 2), ("duration", 4320, 90)],
)
def test_a_length_takes_its_unit_from_the_name(name: str, days: int, timed: int) -> None:
    assert filled(schema(**{name: NUMBER})) == {name: days}
    assert filled(schema(**{name: NUMBER}), TIMED) == {name: timed}


def test_a_length_in_days_counts_days_even_when_a_clock_changes() -> None:
    block = DAYS | {"start": date(2027, 3, 27), "end": date(2027, 3, 28)}
    assert filled(schema(durationDays=NUMBER, durationMinutes=NUMBER), block) in (
        {"durationMinutes": 2820},
        {"durationDays": 2},
    )


def test_references_and_nullable_parts_are_followed() -> None:
    whole = {
        "type": "object", "required": ["block"],
        "properties": {"block": {"$ref": "#/$defs/Block"}},
        "$defs": {"Block": schema(
            ["name", "period"], name={"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]},
            period=schema(["from", "to"], **{"from": {**TEXT, "format": "date"}, "to": {**TEXT, "format": "date"}}),
        )},
    }  # fmt: skip
    assert filled(whole) == {"block": {"name": "T…", "period": {"from": "2026-11-23", "to": "2026-11-25"}}}


def test_a_schema_that_refers_to_itself_ends() -> None:
    whole = schema(block={"$ref": "#/$defs/B"}) | {"$defs": {"B": schema(title=TEXT, parent={"$ref": "#/$defs/B"})}}
    assert 0 < len(leaves(whole)) < 20


def test_a_remote_reference_is_never_fetched() -> None:
    whole = schema(["title"], title=TEXT, other={"$ref": "http://127.0.0.1:9/x.json"})
    assert filled(whole) == {"title": "Tow"}
    assert problems(whole, {"title": "Tow", "other": 1}) == []


def test_a_required_list_of_objects_gets_one() -> None:
    batch = schema(["blocks"], blocks={"type": "array", "items": schema(["title"], title=TEXT, startDate=TEXT)})
    assert filled(batch) == {"blocks": [{"title": "Tow", "startDate": "2026-11-23"}]}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"assigneeEmail": TEXT}, {"assigneeEmail": "a@x.se"}),
        ({"assigneeIds": {"type": "array", "items": TEXT}}, {"assigneeIds": ["u1"]}),
        (
            {"assignees": {"type": "array", "items": schema(email=TEXT)}},
            {"assignees": [{"email": "a@x.se"}, {"email": "b@x.se"}]},
        ),
        ({"owner": TEXT}, {"owner": "u1"}),
    ],
)
def test_people_go_out_by_address_or_by_id_alone_or_in_a_list(part: Any, expected: Any) -> None:
    assert filled(schema(**part)) == expected


def test_a_state_is_one_of_the_choices_or_left_out() -> None:
    assert filled(schema(status={**TEXT, "enum": ["TODO", "IN_PROGRESS"]})) == {"status": "IN_PROGRESS"}
    assert filled(schema(status={**TEXT, "enum": ["red", "blue"]})) == {}


def test_a_constant_a_default_and_an_only_choice_fill_themselves() -> None:
    whole = schema(
        ["kind", "version", "source", "title"],
        kind={"const": "shift"}, version={**NUMBER, "default": 2}, source={**TEXT, "enum": ["api"]}, title=TEXT,
    )  # fmt: skip
    assert filled(whole) == {"kind": "shift", "version": 2, "source": "api", "title": "Tow"}


def test_what_is_required_and_unknown_is_reported_by_its_path() -> None:
    whole = schema(["title", "meta"], title=TEXT, meta=schema(["folderId"], folderId=TEXT, hint=TEXT))
    assert propose(tool(whole), "create_block")["missing"] == ["meta.folderId"]


def test_an_admin_fills_a_gap_with_a_constant_or_another_field() -> None:
    whole = schema(["title", "folder", "caption"], title=TEXT, folder=TEXT, caption=TEXT)
    mapping = propose(tool(whole), "create_block", {"constants": {"folder": "f1"}, "fields": {"caption": "notes"}})
    assert mapping["missing"] == []
    assert arguments_for(mapping, DAYS) == {"title": "Tow", "folder": "f1", "caption": "Hi"}


def test_a_project_s_id_is_not_the_block_s_id() -> None:
    whole = schema(project=schema(id=TEXT), block=schema(id=TEXT, title=TEXT))
    assert filled(whole, role="update_block") == {"project": {"id": "p1"}, "block": {"id": "b1", "title": "Tow"}}


def test_an_update_sends_what_changed_and_what_is_required() -> None:
    whole = schema(["id", "title"], id=TEXT, title=TEXT, notes=TEXT, startDate=TEXT, endDate=TEXT)
    mapping = propose(tool(whole, "updateBlock"), "update_block")
    sent = arguments_for(mapping, DAYS, frozenset({"start", "end"}))
    assert sent == {"id": "b1", "title": "Tow", "startDate": "2026-11-23", "endDate": "2026-11-25"}


def test_arguments_are_checked_with_the_formats_of_the_tool_s_own_schema() -> None:
    whole = schema(startDate={**TEXT, "format": "date"}) | {"additionalProperties": False}
    assert objections(tool(whole), {"startDate": "2026-11-23"}) == []
    assert len(objections(tool(whole), {"startDate": "tomorrow", "extra": 1})) == 2


def test_several_tools_share_a_change_between_them() -> None:
    rename = tool(schema(["id", "title"], id=TEXT, title=TEXT), "renameBlock")
    move = tool(schema(["id", "startDate", "endDate"], id=TEXT, startDate=TEXT, endDate=TEXT), "moveBlock")
    box = build([rename, move], {})
    assert [m["tool"] for m in box.updates(frozenset({"start", "end", "duration"}))] == ["moveBlock"]
    assert {m["tool"] for m in box.updates(frozenset({"title", "start", "end"}))} == {"moveBlock", "renameBlock"}
    assert box.updates(frozenset({"people"})) == []
