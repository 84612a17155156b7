from __future__ import annotations

from typing import Any

import pytest

from planeapp.providers.planner.tools import classify, overridden
from planeapp.providers.planner.words import split

ID = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


def tool(name: str, schema: dict[str, Any] | None = None, **hints: bool) -> dict[str, Any]:
    return {
        "name": name, "description": "", "input_schema": schema or {"type": "object"}, "output_schema": {},
        "annotations": hints,
    }  # fmt: skip


def roles(*tools: dict[str, Any]) -> dict[str, list[str]]:
    return classify(tools)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rescheduleBlock", ["reschedule", "block"]),
        ("blocks.list", ["blocks", "list"]),
        ("get_schedule-item", ["get", "schedule", "item"]),
        ("planner_listMCPTools", ["planner", "list", "mcp", "tools"]),
    ],
)
def test_names_are_split_into_words(name: str, words: list[str]) -> None:
    assert split(name) == words


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("listProjects", "list_projects"), ("projects.list", "list_projects"), ("get_projects", "list_projects"),
        ("list_team_members", "list_people"), ("searchBlocks", "list_blocks"), ("getBlocks", "list_blocks"),
        ("list_project_blocks", "list_blocks"), ("createBlock", "create_block"), ("addEvent", "create_block"),
        ("create_schedule_item", "create_block"),
    ],
)  # fmt: skip
def test_a_tool_s_role_is_read_from_its_name(name: str, role: str) -> None:
    assert roles(tool(name)) == {role: [name]}


@pytest.mark.parametrize("name", ["moveBlock", "rescheduleEvent", "blocks.edit", "update_item"])
def test_a_changing_tool_must_take_an_id(name: str) -> None:
    assert roles(tool(name, ID)) == {"update_block": [name]}
    assert roles(tool(name)) == {}


@pytest.mark.parametrize(
    "name", ["listComments", "createFolder", "archiveProject", "shareBlock", "whoami", "addBlockComment"]
)
def test_tools_about_something_else_have_no_role(name: str) -> None:
    assert roles(tool(name, ID)) == {}


def test_annotations_only_raise_caution() -> None:
    assert roles(tool("listBlocks", readOnlyHint=False)) == {}
    assert roles(tool("getBlock", ID, destructiveHint=True)) == {}
    assert roles(tool("createBlock", readOnlyHint=True)) == {}
    assert roles(tool("wipe_everything", readOnlyHint=True)) == {}


def test_a_listing_that_needs_something_unknown_comes_last() -> None:
    schema = {"type": "object", "properties": {"folderSecret": {"type": "string"}}, "required": ["folderSecret"]}
    found = roles(tool("listBlocks", schema), tool("list_blocks_in_project"))
    assert found["list_blocks"][0] == "list_blocks_in_project"


def test_the_tool_that_writes_most_comes_first() -> None:
    whole = {"type": "object", "properties": {name: {"type": "string"} for name in ("id", "title", "start", "end")}}
    assert roles(tool("moveBlock", ID), tool("updateBlock", whole))["update_block"] == ["updateBlock", "moveBlock"]


def test_an_admin_s_choice_wins_and_can_switch_a_role_off() -> None:
    found = {"create_block": ["createBlock"], "delete_block": ["deleteBlock"]}
    changed = overridden(found, {"create_block": {"tool": "makeIt"}, "delete_block": "", "nonsense": "x"})
    assert changed == {"create_block": ["makeIt"], "delete_block": []}
