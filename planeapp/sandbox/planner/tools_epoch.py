"""Profile "readonly_epoch": milliseconds since 1970, draft-07 schemas; blocks can be made and read, never changed."""

from __future__ import annotations

from datetime import UTC, datetime

from planeapp.sandbox.planner import times
from planeapp.sandbox.planner.schedule import Invalid, Schedule
from planeapp.sandbox.planner.tooling import Profile, Tool, many, record, text
from planeapp.sandbox.store import Doc

DRAFT = {"$schema": "http://json-schema.org/draft-07/schema#"}
NAMES = {
    "project_id": "project",
    "title": "label",
    "start": "startMs",
    "end": "endMs",
    "timezone": "tz",
    "assignees": "owners",
    "notes": "memo",
    "external_id": "reference",
}


def _milliseconds(what: str) -> Doc:
    return {"type": "integer", "minimum": 0, "description": f"{what}, Unix time in milliseconds"}


WRITABLE: Doc = {
    "project": text("Project id"),
    "label": text("Label of the block", minLength=1, maxLength=255),
    "startMs": _milliseconds("Start"),
    "endMs": _milliseconds("End (exclusive)"),
    "tz": text("IANA timezone"),
    "owners": many({"type": "string"}) | {"description": "User ids"},
    "memo": text("Notes"),
    "reference": {"type": ["string", "null"], "description": "Reference of the calling system"},
}
BLOCK = record({"id": {"type": "string"}, **WRITABLE})
USER = record({"id": {"type": "string"}, "name": {"type": "string"}, "email": {"type": "string"}})
PROJECT = record({"id": {"type": "string"}, "name": {"type": "string"}})


def _list_projects(schedule: Schedule, arguments: Doc) -> Doc:
    return {"results": [{"id": row["id"], "name": row["name"]} for row in schedule.projects()]}


def _list_users(schedule: Schedule, arguments: Doc) -> Doc:
    return {"results": schedule.people()}


def _search(schedule: Schedule, arguments: Doc) -> Doc:
    low, high = (_moment(arguments.get(name)) for name in ("fromMs", "untilMs"))
    return {"results": [_shown(block) for block in schedule.blocks(arguments.get("project"), low, high)]}


def _read(schedule: Schedule, arguments: Doc) -> Doc:
    return {"result": _shown(schedule.get(arguments["id"]))}


def _create(schedule: Schedule, arguments: Doc) -> Doc:
    inside = {outside: name for name, outside in NAMES.items()}
    fields = {inside[name]: value for name, value in arguments.items()}
    fields |= {"start": _moment(fields["start"]), "end": _moment(fields["end"]), "all_day": False}
    return {"result": _shown(schedule.create(fields))}


def _shown(block: Doc) -> Doc:
    begin, finish = times.span(block)
    shown = {outside: block[inside] for inside, outside in NAMES.items()}
    return {
        "id": block["id"],
        **shown,
        "startMs": int(begin.timestamp() * 1000),
        "endMs": int(finish.timestamp() * 1000),
    }


def _moment(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid([{"field": "start", "message": "is too far away to be a moment"}]) from error


SEARCH = record(
    {
        "project": text("Project id"),
        "fromMs": _milliseconds("Not over before"),
        "untilMs": _milliseconds("Not begun after"),
    },
    [],
    more=DRAFT,
)

PROFILE = Profile(
    "readonly_epoch",
    "Read and create only: epoch milliseconds",
    (
        Tool(
            "list_projects",
            "List projects",
            "projects:read",
            "read",
            record({}, more=DRAFT),
            _list_projects,
            record({"results": many(PROJECT)}),
        ),
        Tool(
            "list_users",
            "List users",
            "projects:read",
            "read",
            record({}, more=DRAFT),
            _list_users,
            record({"results": many(USER)}),
        ),
        Tool(
            "search_blocks",
            "Search schedule blocks",
            "blocks:read",
            "read",
            SEARCH,
            _search,
            record({"results": many(BLOCK)}),
        ),
        Tool(
            "read_block",
            "Read one schedule block",
            "blocks:read",
            "read",
            record({"id": text("Block id")}, more=DRAFT),
            _read,
            record({"result": BLOCK}),
        ),
        Tool(
            "create_block",
            "Create a schedule block",
            "blocks:write",
            "write",
            record(WRITABLE, ["project", "label", "startMs", "endMs"], more=DRAFT),
            _create,
            record({"result": BLOCK}),
            NAMES,
        ),
    ),
)
