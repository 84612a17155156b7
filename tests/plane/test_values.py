"""Plane's record of a work item ↔ neutral values."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from planeapp.plane.records import Member, dropped, member
from planeapp.plane.values import EMPTY_NOTES, counts, day, fields_of, state_for, values_of
from tests.plane.conftest import captured

PROJECT = {"id": "p1", "identifier": "CUST"}
STATES = [
    {"id": "s1", "group": "unstarted", "sequence": 20, "default": False},
    {"id": "s0", "group": "unstarted", "sequence": 10, "default": False},
    {"id": "s2", "group": "backlog", "sequence": 5, "default": False},
    {"id": "s3", "group": "backlog", "sequence": 6, "default": True},
    {"id": "s9", "group": "triage", "sequence": 1, "default": False},
]
MEMBERS = [
    Member("u1", "milo@sandbox.test", "milo"),
    Member("u2", "ada@sandbox.test", "ada"),
    Member("b", "bot@x", "bot", is_bot=True),
]
LABELS = [{"id": "l1", "name": "bug"}, {"id": "l2", "name": "Acme"}]
RECORD: dict[str, Any] = {
    "id": "i1", "name": "Belt jams", "description_html": "<p>Now</p>", "start_date": "2026-12-01",
    "target_date": "2026-12-24", "priority": "high", "state": "s1", "assignees": ["u1", "u2", "gone", "b"],
    "labels": ["l1", "l2"], "sequence_id": 7, "created_at": "2026-11-02T23:30:00-02:00", "created_by": "u2",
}  # fmt: skip


def fields(**values: Any) -> dict[str, Any]:
    """Plane's fields for these values."""
    return fields_of(values, STATES, MEMBERS, lambda name: f"id of {name}")


def test_a_record_of_the_api_is_read_by_its_ids() -> None:
    assert values_of(RECORD, PROJECT, STATES, MEMBERS, labels=LABELS, url="https://x") == {
        "title": "Belt jams", "notes": "<p>Now</p>", "start": date(2026, 12, 1), "end": date(2026, 12, 24),
        "priority": "high", "state": "unstarted", "people": ("ada@sandbox.test", "milo@sandbox.test"),
        "labels": ("Acme", "bug"), "key": "CUST-7", "url": "https://x",
        "created": date(2026, 11, 3), "reporter": "ada@sandbox.test",
    }  # fmt: skip


def test_a_record_of_a_webhook_is_read_by_its_objects() -> None:
    record = json.loads(captured("001")["body_raw"])["data"]
    values = values_of(record, PROJECT, [], [])
    assert (values["state"], values["people"], values["labels"]) == (
        "backlog",
        ("milo@sandbox.test",),
        ("bug", "customer"),
    )
    assert (values["key"], values["start"], values["end"]) == ("CUST-1", None, None)


def test_what_the_record_does_not_tell_is_left_out() -> None:
    values = values_of({"id": "i1", "name": "x", "state": "unknown"}, {}, STATES, MEMBERS)
    assert values == {"title": "x"}


@pytest.mark.parametrize("by", ["gone", "b", None])
def test_a_bot_or_a_stranger_is_not_named_as_who_made_an_item(by: str | None) -> None:
    assert "reporter" not in values_of({**RECORD, "created_by": by}, PROJECT, STATES, MEMBERS)


@pytest.mark.parametrize("written", ["2026-11-03T01:30:00Z", "2026-11-02T20:30:00-05:00", "2026-11-03 01:30:00+00:00"])
def test_an_item_was_made_on_the_same_day_however_its_time_is_written(written: str) -> None:
    assert values_of({**RECORD, "created_at": written}, PROJECT, STATES, MEMBERS)["created"] == date(2026, 11, 3)


@pytest.mark.parametrize("notes", [None, "", " ", "<p></p>"])
def test_an_empty_description_is_none(notes: str | None) -> None:
    assert values_of({**RECORD, "description_html": notes}, PROJECT, STATES, MEMBERS)["notes"] is None


@pytest.mark.parametrize(
    "change",
    [{"archived_at": "2026-01-01"}, {"is_draft": True}, {"deleted_at": "2026-01-01T00:00:00Z"}, {"state": "s9"}],
)
def test_archived_drafts_and_triage_do_not_count(change: dict[str, Any]) -> None:
    assert counts(RECORD, STATES)
    assert not counts({**RECORD, **change}, STATES)


def test_a_group_becomes_the_default_state_or_the_first() -> None:
    assert [state_for(group, STATES) for group in ("backlog", "unstarted", "completed")] == ["s3", "s0", None]


def test_values_become_fields() -> None:
    told = fields(
        title="T" * 300, notes=None, start=date(2026, 12, 1), end=None, priority=None, state="backlog", labels=("a",)
    )
    assert told["name"] == "T" * 255
    assert (told["description_html"], told["start_date"], told["target_date"]) == (EMPTY_NOTES, "2026-12-01", None)
    assert (told["priority"], told["state"], told["labels"]) == ("none", "s3", ["id of a"])


def test_a_group_without_a_state_is_not_written() -> None:
    assert fields(state="completed") == {}


def test_strangers_alone_do_not_unassign_anybody() -> None:
    assert fields(people=("who@x",)) == {}
    assert fields(people=("who@x", "ADA@sandbox.test")) == {"assignees": ["u2"]}
    assert fields(people=()) == {"assignees": []}


@pytest.mark.parametrize(
    ("told", "expected"), [("2026-12-01T23:00:00Z", date(2026, 12, 1)), ("None", None), (None, None), (3, None)]
)
def test_a_day_is_the_day_as_written(told: Any, expected: date | None) -> None:
    assert day(told) == expected


def test_a_member_row_is_read_flat_and_nested() -> None:
    flat = {"id": "u1", "email": "Milo@Sandbox.test", "display_name": "milo", "role": 15}
    nested = {"id": "row", "role": 15, "member": {"id": "u1", "email": "milo@sandbox.test", "display_name": "milo"}}
    assert member(flat) == member(nested) == Member("u1", "milo@sandbox.test", "milo", 15)


def test_dropped_looks_into_objects_and_past_the_sanitiser() -> None:
    sent = {
        "name": " x ",
        "state": "s1",
        "assignees": ["u1", "u2"],
        "description_html": "a",
        "priority": "low",
        "unseen": 1,
    }
    record = {
        "name": "x",
        "state": {"id": "s1"},
        "assignees": [{"id": "u1"}],
        "description_html": "<p>a</p>",
        "priority": "none",
    }
    assert dropped(sent, record) == {"assignees": ["u2"], "priority": "low"}
