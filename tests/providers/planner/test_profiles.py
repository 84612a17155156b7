"""One connection, whatever tools Planner offers: the same scenario on every profile of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings
from planeapp.providers.planner.provider import Planner
from tests.providers.planner.conftest import Sandbox

PLACE, OTHER, MARK = "prj_ramp", "prj_winter", "plane:ws/item-1"
VALUES: dict[str, Any] = {
    "title": "Inspect belt loader", "notes": "<p>Bring the long hose</p>", "start": date(2026, 11, 23),
    "end": date(2026, 11, 25), "people": ("ada@sandbox.test",), "key": "CUST-12",
    "url": "https://app.plane.so/ws/browse/CUST-12/",
}  # fmt: skip
CHANGES: dict[str, Any] = {
    "title": "Inspect both loaders", "notes": "<p>And the short one</p>", "start": date(2026, 12, 1), "end": date(2026, 12, 2),
}  # fmt: skip
FIELDS = ("title", "start", "end", "notes", "state", "people")
ONCE_MADE = "Planner's tools cannot change {} once a block is made."
NO_STATE_OUT = "Planner's tools have no place for the state of a block."
NO_STATE_IN = "Planner's tools search_blocks and read_block do not tell the state."


@dataclass(frozen=True)
class Expected:
    """What a profile cannot do: report lines, and objections by field and direction."""

    lines: dict[str, str] = field(default_factory=dict)
    objections: dict[tuple[str, str], str] = field(default_factory=dict)


READ_ONLY = {
    "can_update_block": "Planner offers no tool to change a block.",
    "can_delete_block": "Planner offers no tool to delete a block.",
}
LABELS = {
    "title": "the title",
    "start": "the start date",
    "end": "the due date",
    "notes": "the notes",
    "people": "the people",
}
PROFILES = {
    "classic": Expected(),
    "days": Expected(),
    "nested": Expected(),
    "readonly_epoch": Expected(
        READ_ONLY,
        {(name, way): ONCE_MADE.format(label) for name, label in LABELS.items() for way in ("out", "both")}
        | {("state", "out"): NO_STATE_OUT, ("state", "both"): NO_STATE_OUT, ("state", "in"): NO_STATE_IN},
    ),
}


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest, sandbox: Sandbox) -> str:
    sandbox.profile(request.param)
    return str(request.param)


@pytest.fixture
def planner(profile: str, sandbox: Sandbox) -> Iterator[Planner]:
    with sandbox.planner() as found:
        yield found


def drag(sandbox: Sandbox, item_id: str, **changes: Any) -> None:
    """Somebody changes a block in Planner."""
    row = next(row for row in sandbox.store.all("blocks") if row["id"] == item_id)
    sandbox.store.put("blocks", item_id, {**row, **changes})


def test_places_creating_finding_reading_and_following_a_block_work_everywhere(
    sandbox: Sandbox, planner: Planner
) -> None:
    assert [place.id for place in planner.places()] == ["prj_ramp", "prj_winter", "prj_fleet"]
    made = planner.create(PLACE, VALUES, MARK)
    assert (made.mark, made.place) == (MARK, PLACE)
    assert [(item.id, item.place) for item in planner.find(PLACE, MARK)] == [(made.id, PLACE)]
    assert planner.get(PLACE, made.id) == made
    drag(sandbox, made.id, project_id=OTHER)
    moved = planner.get(PLACE, made.id)
    assert moved is not None and (moved.id, moved.place, moved.mark) == (made.id, OTHER, MARK)
    assert made.id not in [item.id for item in planner.list(PLACE).items]


@pytest.mark.parametrize("profile", ["classic", "days", "nested"], indirect=True)
def test_a_block_that_was_dragged_away_is_changed_where_it_lies_and_deleted(sandbox: Sandbox, planner: Planner) -> None:
    made = planner.create(PLACE, VALUES, MARK)
    drag(sandbox, made.id, project_id=OTHER)
    moved = planner.get(PLACE, made.id)
    assert moved is not None
    changed = planner.update(PLACE, moved, CHANGES)
    assert {name: changed.values[name] for name in CHANGES} == CHANGES
    assert (changed.place, changed.mark, planner.get(PLACE, made.id)) == (OTHER, MARK, changed)
    planner.delete(PLACE, changed)
    assert planner.get(PLACE, made.id) is None and list(planner.find(OTHER, MARK)) == []


@pytest.mark.parametrize("profile", ["readonly_epoch"], indirect=True)
def test_where_nothing_can_be_changed_a_person_is_told_what_to_do_by_hand(sandbox: Sandbox, planner: Planner) -> None:
    made = planner.create(PLACE, VALUES, MARK)
    before = sandbox.store.all("blocks")
    with pytest.raises(FixSettings) as refused:
        planner.update(PLACE, made, CHANGES)
    assert refused.value.code == "not_offered"
    assert refused.value.person == (
        "Planner offers no tool to change a block. Please change it by hand in Planner: the title to “Inspect both loaders”, "
        "the notes to “And the short one”, the start date to 1 December 2026, the due date to 2 December 2026."
    )
    with pytest.raises(FixSettings):
        planner.delete(PLACE, made)
    assert sandbox.store.all("blocks") == before


def test_the_report_says_what_cannot_be_done(planner: Planner, profile: str) -> None:
    lines = {line["name"]: line for line in planner.access.report["lines"] if line["name"].startswith("can_")}
    assert {name: line["detail"] for name, line in lines.items() if line["state"] != "ok"} == PROFILES[profile].lines


def test_the_pre_flight_check_objects_to_what_cannot_be_kept_in_step_and_to_nothing_else(
    planner: Planner, profile: str, sandbox: Sandbox
) -> None:
    sandbox.forget()
    found = {(name, way): planner.objection(name, way) for name in FIELDS for way in ("off", "out", "in", "both")}
    assert {key: told for key, told in found.items() if told} == PROFILES[profile].objections
    assert [entry for entry in sandbox.requests() if entry["method"] == "POST"] == []


def test_every_field_can_be_asked_about(planner: Planner) -> None:
    assert [known.name for known in planner.fields] == list(FIELDS)
