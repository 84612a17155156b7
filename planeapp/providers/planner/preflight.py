"""Whether a field can be kept in step on this connection, told from the tools alone: the check before a rule is switched on."""

from __future__ import annotations

from collections.abc import Collection

from planeapp.providers.planner.arguments import MappingData, slot_of
from planeapp.providers.planner.mapping import LABELS
from planeapp.providers.planner.toolbox import Toolbox

SLOTS: dict[str, tuple[str, ...]] = {"end": ("end", "duration")}
"""Our field → the tool's fields of which one is enough; a field that is not named here is its own."""


def objection(box: Toolbox, field: str, direction: str, by_rest: Collection[str], *, feeds: bool) -> str:
    """Why a field cannot be kept in step in a direction, or ``""``.

    ``by_rest``: the names that the REST template uses where blocks may be created by it; ``feeds``: events can be read.
    """
    against = ""
    if direction in ("out", "both"):
        against = _out(box, field, by_rest)
    if direction in ("in", "both"):
        against = against or _in(box, field, feeds)
    return against


def _out(box: Toolbox, field: str, by_rest: Collection[str]) -> str:
    """What is in the way of writing a field."""
    what = LABELS[field]
    changing, creating = box.usable("update_block"), box.usable("create_block")
    if any(_takes(tool, field) for tool in changing):
        return _unknown_values(box, field, changing)
    if box.fitting("update_block") and not changing:
        return box.why_not("update_block")
    if any(_takes(tool, field) for tool in creating) or _in_template(field, by_rest):
        return f"Planner's tools cannot change {what} once a block is made."
    if changing or creating:
        return f"Planner's tools have no place for {what} of a block."
    return box.why_not("create_block" if box.fitting("create_block") else "update_block")


def _takes(tool: MappingData, field: str) -> bool:
    return any(slot_of(tool, name) for name in SLOTS.get(field, (field,)))


def _in_template(field: str, names: Collection[str]) -> bool:
    return any(name in names for name in SLOTS.get(field, (field,)))


def _unknown_values(box: Toolbox, field: str, tools: list[MappingData]) -> str:
    """There is a place, but we may not know what to write there: states by other names, people by ids."""
    if field == "state" and not box.hints.get("states"):
        return "None of Planner's states is like one of Plane's. An admin can name them in the connection's settings."
    by_id = field == "people" and all(slot_of(tool, field).get("by") == "id" for tool in tools if _takes(tool, field))
    if not by_id or box.best("list_people"):
        return ""
    return f"Planner's tools name people by their ids, and who they are cannot be told. {box.why_not('list_people')}"


def _in(box: Toolbox, field: str, feeds: bool) -> str:
    """What is in the way of reading a field."""
    readers = [tool for tool in (box.best("list_blocks"), box.best("get_block")) if tool is not None]
    if not readers:
        return "" if feeds else f"{box.why_not('list_blocks')} There is no events feed either."
    names = SLOTS.get(field, (field,))
    silent = [tool["tool"] for tool in readers if tool.get("told") is not None and not set(names) & set(tool["told"])]
    if len(silent) < len(readers):
        return ""
    tools = " and ".join(silent)
    return f"Planner's tool{'s' if len(silent) > 1 else ''} {tools} do{'' if len(silent) > 1 else 'es'} not tell {LABELS[field]}."
