from __future__ import annotations

from typing import Any

import pytest

from planeapp.providers.planner import toolbox
from planeapp.providers.planner.preflight import objection
from planeapp.providers.planner.toolbox import Toolbox

TEXT = {"type": "string"}


def tool(name: str, *, told: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    row = {"type": "object", "properties": dict.fromkeys(("id", *told), TEXT)}
    answer = {"type": "object", "properties": {"blocks": {"type": "array", "items": row}}}
    schema = {"type": "object", "properties": properties}
    return {
        "name": name, "description": "", "input_schema": schema, "output_schema": answer if told else {}, "annotations": {},
    }  # fmt: skip


def box(*tools: dict[str, Any], **settings: Any) -> Toolbox:
    return toolbox.build(tools, settings).under(settings)


def told(found: Toolbox, field: str, direction: str, *, by_rest: tuple[str, ...] = (), feeds: bool = False) -> str:
    return objection(found, field, direction, by_rest, feeds=feeds)


def test_a_length_is_an_end_too() -> None:
    tools = box(tool("updateBlock", id=TEXT, start=TEXT, durationMinutes={"type": "integer"}))
    assert told(tools, "end", "out") == ""
    assert "no place for the notes" in told(tools, "notes", "out")


def test_people_by_ids_need_a_list_of_people() -> None:
    change = tool("updateBlock", id=TEXT, assigneeIds={"type": "array", "items": TEXT})
    assert "no tool to list people" in told(box(change), "people", "out")
    assert told(box(change, tool("listPeople")), "people", "out") == ""


def test_states_of_other_names_can_be_named_by_an_admin() -> None:
    change = tool("updateBlock", id=TEXT, status={"type": "string", "enum": ["ROUGH", "FIRM"]})
    assert "None of Planner's states" in told(box(change), "state", "out")
    assert told(box(change, states={"started": "FIRM"}), "state", "out") == ""


def test_what_an_admin_withholds_is_the_reason() -> None:
    tools = box(tool("updateBlock", id=TEXT, title=TEXT), withheld=["update_block"])
    assert told(tools, "title", "out") == "Off: an admin does not let the app change a block with Planner's tools."


@pytest.mark.parametrize(
    ("by_rest", "said"),
    [
        (("title",), "Planner's tools cannot change the title once a block is made."),
        ((), "Planner offers no tool to change"),
    ],
)
def test_by_rest_blocks_are_made_and_never_changed(by_rest: tuple[str, ...], said: str) -> None:
    assert told(Toolbox(), "title", "out", by_rest=by_rest).startswith(said)


def test_reading_needs_a_tool_or_the_feed() -> None:
    assert told(Toolbox(), "start", "in", feeds=True) == ""
    assert told(Toolbox(), "start", "in") == "Planner offers no tool to list blocks. There is no events feed either."


def test_a_tool_that_says_what_it_tells_is_believed_and_one_that_does_not_is_trusted() -> None:
    assert told(box(tool("listBlocks", told=("title", "startDate"))), "end", "in") == (
        "Planner's tool listBlocks does not tell the due date."
    )
    assert told(box(tool("listBlocks")), "end", "in") == ""
    both = box(tool("listBlocks", told=("title",)), tool("getBlock", id=TEXT))
    assert told(both, "end", "in") == ""
