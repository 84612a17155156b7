"""Profile "nested": a referenced ``block`` object, minutes instead of an end, a list of assignees, text results.

It knows no whole days: such blocks are shown from midnight with their length, and every write of a time makes a timed
block.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from planeapp.sandbox.planner import times
from planeapp.sandbox.planner.schedule import STATUSES, Invalid, Schedule
from planeapp.sandbox.planner.tooling import NOTHING, Profile, Tool, many, record, text
from planeapp.sandbox.store import Doc

NAMES = {
    "project_id": "block.project",
    "title": "block.title",
    "start": "block.startsAt",
    "end": "block.durationMinutes",
    "assignees": "block.assignees",
    "notes": "block.notes",
    "url": "block.link",
    "status": "block.status",
}
INSIDE = {"project": "project_id", "title": "title", "notes": "notes", "link": "url", "status": "status"}
PROPERTIES: Doc = {
    "project": text("Id of the project"),
    "title": text("Title", minLength=1, maxLength=255),
    "startsAt": text("Start, RFC 3339", format="date-time"),
    "durationMinutes": {"type": "integer", "minimum": 1, "description": "Length in minutes"},
    "assignees": many(record({"email": text("E-mail address", format="email")})),
    "notes": text("Notes"),
    "link": text("Address to open from the block", format="uri"),
    "status": text("State", enum=list(STATUSES)),
}
ID = text("Id of the block")


def _list_projects(schedule: Schedule, arguments: Doc) -> Doc:
    return {
        "data": [{"id": row["id"], "title": row["name"], "timezone": row["timezone"]} for row in schedule.projects()]
    }


def _list_members(schedule: Schedule, arguments: Doc) -> Doc:
    return {"data": [{"id": row["id"], "displayName": row["name"], "email": row["email"]} for row in schedule.people()]}


def _list(schedule: Schedule, arguments: Doc) -> Doc:
    wanted = arguments.get("filter", {})
    found = schedule.blocks(wanted.get("project"), wanted.get("after"), wanted.get("before"))
    return {"data": [_shown(schedule, block) for block in found]}


def _get(schedule: Schedule, arguments: Doc) -> Doc:
    return {"data": {"block": _shown(schedule, schedule.get(arguments["blockId"]))}}


def _add(schedule: Schedule, arguments: Doc) -> Doc:
    given = arguments["block"]
    fields = _fields(given) | _length(given["startsAt"], given["durationMinutes"])
    return {"data": {"block": _shown(schedule, schedule.create(fields))}}


def _edit(schedule: Schedule, arguments: Doc) -> Doc:
    given, old = arguments["block"], schedule.get(arguments["blockId"])
    fields = _fields(given)
    if "startsAt" in given or "durationMinutes" in given:
        begin, finish = times.span(old)
        minutes = given.get("durationMinutes", _minutes(begin, finish))
        fields |= _length(given.get("startsAt", begin.isoformat()), minutes)
    return {"data": {"block": _shown(schedule, schedule.update(old["id"], fields))}}


def _remove(schedule: Schedule, arguments: Doc) -> Doc:
    return {"data": {"removed": schedule.delete(arguments["blockId"])["id"]}}


def _shown(schedule: Schedule, block: Doc) -> Doc:
    begin, finish = times.span(block)
    return {
        "id": block["id"],
        **{outside: block[inside] for outside, inside in INSIDE.items()},
        "startsAt": begin.isoformat(timespec="seconds"),
        "durationMinutes": _minutes(begin, finish),
        "assignees": [{"email": person["email"]} for person in schedule.people() if person["id"] in block["assignees"]],
    }


def _minutes(begin: datetime, finish: datetime) -> int:
    return round((finish.timestamp() - begin.timestamp()) / 60)


def _length(start: str, minutes: int) -> Doc:
    try:
        begin = datetime.fromisoformat(start).astimezone(ZoneInfo("UTC"))
    except ValueError as error:
        raise Invalid([{"field": "start", "message": "must be an RFC 3339 date-time"}]) from error
    return {"start": begin.isoformat(), "end": (begin + timedelta(minutes=minutes)).isoformat(), "all_day": False}


def _fields(given: Doc) -> Doc:
    fields = {inside: given[outside] for outside, inside in INSIDE.items() if outside in given}
    if "assignees" in given:
        fields["assignees"] = [person["email"] for person in given["assignees"]]
    return fields


FILTER = record(
    {
        "project": text("Id of a project"),
        "after": text("Not over before", format="date-time"),
        "before": text("Not begun after", format="date-time"),
    },
    [],
)


def _with_block(name: str, required: list[str], more: Doc) -> Doc:
    properties = {**more, "block": {"$ref": f"#/$defs/{name}"}}
    return record(properties, more={"$defs": {name: record(PROPERTIES, required)}})


NEW = _with_block("Block", ["project", "title", "startsAt", "durationMinutes"], {})
PATCH = _with_block("BlockChanges", [], {"blockId": ID})
BY_ID = record({"blockId": ID})

PROFILE = Profile(
    "nested",
    "Nested: a block object with a length in minutes, text results",
    (
        Tool("projects.list", "Projects", "projects:read", "read", NOTHING, _list_projects),
        Tool("members.list", "Members of the workspace", "projects:read", "read", NOTHING, _list_members),
        Tool("blocks.list", "Blocks on the schedule", "blocks:read", "read", record({"filter": FILTER}, []), _list),
        Tool("blocks.get", "A block", "blocks:read", "read", BY_ID, _get),
        Tool("blocks.add", "Add a block", "blocks:write", "write", NEW, _add, names=NAMES),
        Tool(
            "blocks.edit",
            "Edit a block; only what is given changes",
            "blocks:write",
            "write",
            PATCH,
            _edit,
            names=NAMES,
        ),
        Tool("blocks.remove", "Remove a block", "blocks:write", "delete", BY_ID, _remove),
    ),
    structured=False,
)
