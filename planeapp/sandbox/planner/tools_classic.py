"""Profile "classic": flat, camelCase, ISO date-times (also for whole days: midnight to midnight), structured output."""

from __future__ import annotations

from planeapp.sandbox.planner.schedule import STATUSES, Schedule
from planeapp.sandbox.planner.tooling import NOTHING, Profile, Tool, many, maybe, record, text
from planeapp.sandbox.planner.wire import INSIDE, NAMES, wire_block
from planeapp.sandbox.store import Doc

WRITABLE: Doc = {
    "projectId": text("Project the block belongs to"),
    "title": text("Shown on the schedule", minLength=1, maxLength=255),
    "start": text("When the block begins, ISO 8601 with offset", format="date-time"),
    "end": text("When the block is over (exclusive), ISO 8601 with offset", format="date-time"),
    "allDay": {"type": "boolean", "description": "Whole days: start at midnight, end at midnight after the last day"},
    "timezone": text("IANA timezone in which the block is shown"),
    "assigneeIds": many({"type": "string"}) | {"description": "People by id, see listPeople"},
    "notes": text("Free text", maxLength=10000),
    "url": maybe(text("Link shown on the block", format="uri")),
    "status": text("State of the block", enum=list(STATUSES)),
    "externalId": maybe(text("Your own id for this block", maxLength=255)),
    "color": maybe(text("Hex color such as #3366cc")),
}
SHOWN_TIMES = {name: {"type": "string"} for name in ("startDate", "endDate", "createdAt", "updatedAt")}
BLOCK = record({"id": {"type": "string"}, **WRITABLE, **SHOWN_TIMES})
PROJECT = record({"id": {"type": "string"}, "name": {"type": "string"}, "timezone": {"type": "string"}})
PERSON = record({"id": {"type": "string"}, "name": {"type": "string"}, "email": {"type": "string"}})
ID = text("Block id")


def _list_projects(schedule: Schedule, arguments: Doc) -> Doc:
    return {"projects": schedule.projects()}


def _list_people(schedule: Schedule, arguments: Doc) -> Doc:
    return {"people": schedule.people()}


def _list_blocks(schedule: Schedule, arguments: Doc) -> Doc:
    found = schedule.blocks(arguments.get("projectId"), arguments.get("from"), arguments.get("to"))
    return {"blocks": [wire_block(block) for block in found]}


def _get(schedule: Schedule, arguments: Doc) -> Doc:
    return {"block": wire_block(schedule.get(arguments["id"]))}


def _create(schedule: Schedule, arguments: Doc) -> Doc:
    return {"block": wire_block(schedule.create({"all_day": False} | _fields(arguments)))}


def _update(schedule: Schedule, arguments: Doc) -> Doc:
    return {"block": wire_block(schedule.update(arguments["id"], _fields(arguments)))}


def _delete(schedule: Schedule, arguments: Doc) -> Doc:
    return {"deleted": True, "id": schedule.delete(arguments["id"])["id"]}


def _fields(arguments: Doc) -> Doc:
    return {INSIDE[name]: value for name, value in arguments.items() if name in INSIDE}


LIST_INPUT = record(
    {
        "projectId": text("Only this project's blocks"),
        "from": text("Only blocks that are not over before this date or date-time"),
        "to": text("Only blocks that begin on or before this date or date-time"),
    },
    [],
)
ONE_BLOCK = record({"block": BLOCK})

PROFILE = Profile(
    "classic",
    "Classic: flat camelCase, ISO date-times",
    (
        Tool(
            "listProjects",
            "Projects of the workspace",
            "projects:read",
            "read",
            NOTHING,
            _list_projects,
            record({"projects": many(PROJECT)}),
        ),
        Tool(
            "listPeople",
            "People of the workspace",
            "projects:read",
            "read",
            NOTHING,
            _list_people,
            record({"people": many(PERSON)}),
        ),
        Tool(
            "listBlocks",
            "All schedule blocks, by start",
            "blocks:read",
            "read",
            LIST_INPUT,
            _list_blocks,
            record({"blocks": many(BLOCK)}),
        ),
        Tool("getBlock", "One schedule block", "blocks:read", "read", record({"id": ID}), _get, ONE_BLOCK),
        Tool(
            "createBlock",
            "Create a schedule block",
            "blocks:write",
            "write",
            record(WRITABLE, ["projectId", "title", "start", "end"]),
            _create,
            ONE_BLOCK,
            NAMES,
        ),
        Tool(
            "updateBlock",
            "Change fields of a schedule block; what is left out stays",
            "blocks:write",
            "write",
            record({"id": ID, **WRITABLE}, ["id"]),
            _update,
            ONE_BLOCK,
            NAMES,
        ),
        Tool(
            "deleteBlock",
            "Delete a schedule block for good",
            "blocks:write",
            "delete",
            record({"id": ID}),
            _delete,
            record({"deleted": {"type": "boolean"}, "id": {"type": "string"}}),
        ),
    ),
)
