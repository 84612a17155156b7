"""Profile "days": snake_case, whole days only (the end is the last day), its own status enum, tools in pages.

It has neither a link nor an id of the caller's: a mark can only go into the description.
"""

from __future__ import annotations

from planeapp.sandbox.planner import times
from planeapp.sandbox.planner.schedule import Schedule
from planeapp.sandbox.planner.tooling import NOTHING, Profile, Tool, many, maybe, record, text
from planeapp.sandbox.store import Doc

STATES = {"TENTATIVE": "planned", "CONFIRMED": "confirmed", "COMPLETED": "done", "CANCELLED": "cancelled"}
SHOWN_STATES = {inside: outside for outside, inside in STATES.items()}
NAMES = {
    "title": "name",
    "start": "start_date",
    "end": "end_date",
    "assignees": "assignee_email",
    "notes": "description",
}

WRITABLE: Doc = {
    "project_id": text("Project of the item"),
    "name": text("What is shown on the board", minLength=1, maxLength=120),
    "start_date": text("First day, YYYY-MM-DD", format="date"),
    "end_date": text("Last day, YYYY-MM-DD, inclusive", format="date"),
    "status": text("State of the item", enum=list(STATES)),
    "assignee_email": maybe(text("E-mail address of the person who does it", format="email")),
    "description": text("Free text"),
}
ITEM = record({"block_id": {"type": "string"}, **WRITABLE})
ONE_ITEM = record({"item": ITEM})
ID = text("Identifier of the schedule item")
MEMBER = record({"member_id": {"type": "string"}, "full_name": {"type": "string"}, "email": {"type": "string"}})
PROJECT = record({"project_id": {"type": "string"}, "project_name": {"type": "string"}, "timezone": {"type": "string"}})


def _list_projects(schedule: Schedule, arguments: Doc) -> Doc:
    return {
        "projects": [
            {"project_id": row["id"], "project_name": row["name"], "timezone": row["timezone"]}
            for row in schedule.projects()
        ]
    }


def _list_members(schedule: Schedule, arguments: Doc) -> Doc:
    return {
        "members": [
            {"member_id": row["id"], "full_name": row["name"], "email": row["email"]} for row in schedule.people()
        ]
    }


def _list(schedule: Schedule, arguments: Doc) -> Doc:
    found = schedule.blocks(arguments.get("project_id"), arguments.get("from_date"), arguments.get("to_date"))
    return {"items": [_item(schedule, block) for block in found]}


def _get(schedule: Schedule, arguments: Doc) -> Doc:
    return {"item": _item(schedule, schedule.get(arguments["block_id"]))}


def _create(schedule: Schedule, arguments: Doc) -> Doc:
    return {"item": _item(schedule, schedule.create(_fields(arguments)))}


def _update(schedule: Schedule, arguments: Doc) -> Doc:
    return {"item": _item(schedule, schedule.update(arguments["block_id"], _fields(arguments)))}


def _remove(schedule: Schedule, arguments: Doc) -> Doc:
    return {"block_id": schedule.delete(arguments["block_id"])["id"], "removed": True}


def _item(schedule: Schedule, block: Doc) -> Doc:
    first, last = times.days(block)
    emails = [person["email"] for person in schedule.people() if person["id"] in block["assignees"]]
    return {
        "block_id": block["id"],
        "project_id": block["project_id"],
        "name": block["title"],
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "status": SHOWN_STATES[block["status"]],
        "assignee_email": emails[0] if emails else None,
        "description": block["notes"],
    }


def _fields(arguments: Doc) -> Doc:
    inside = {outside: name for name, outside in NAMES.items()}
    fields = {inside.get(name, name): value for name, value in arguments.items() if name != "block_id"}
    if "status" in fields:
        fields["status"] = STATES[fields["status"]]
    if "assignees" in fields:
        fields["assignees"] = [fields["assignees"]] if fields["assignees"] else []
    if "start" in fields or "end" in fields:
        fields["all_day"] = True
    return fields


LIST_INPUT = record(
    {
        "project_id": text("Only this project"),
        "from_date": text("First day of interest", format="date"),
        "to_date": text("Last day of interest", format="date"),
    },
    [],
)

PROFILE = Profile(
    "days",
    "Days: snake_case, dates only, inclusive end",
    (
        Tool(
            "list_projects",
            "List the projects",
            "projects:read",
            "read",
            NOTHING,
            _list_projects,
            record({"projects": many(PROJECT)}),
        ),
        Tool(
            "list_team_members",
            "List the team",
            "projects:read",
            "read",
            NOTHING,
            _list_members,
            record({"members": many(MEMBER)}),
        ),
        Tool(
            "list_schedule_items",
            "List schedule items",
            "blocks:read",
            "read",
            LIST_INPUT,
            _list,
            record({"items": many(ITEM)}),
        ),
        Tool(
            "get_schedule_item",
            "Get one schedule item",
            "blocks:read",
            "read",
            record({"block_id": ID}),
            _get,
            ONE_ITEM,
        ),
        Tool(
            "create_schedule_item",
            "Put an item on the schedule",
            "blocks:write",
            "write",
            record(WRITABLE, ["project_id", "name", "start_date", "end_date"]),
            _create,
            ONE_ITEM,
            NAMES,
        ),
        Tool(
            "update_schedule_item",
            "Change an item on the schedule",
            "blocks:write",
            "write",
            record({"block_id": ID, **WRITABLE}, ["block_id"]),
            _update,
            ONE_ITEM,
            NAMES,
        ),
        Tool(
            "remove_schedule_item",
            "Take an item off the schedule",
            "blocks:write",
            "delete",
            record({"block_id": ID}),
            _remove,
            record({"block_id": {"type": "string"}, "removed": {"type": "boolean"}}),
        ),
    ),
    page_size=3,
)
