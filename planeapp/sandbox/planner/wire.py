"""A block as Planner shows it outside: camelCase, in REST answers, feeds, webhooks and the usual MCP tools."""

from __future__ import annotations

from planeapp.sandbox.planner import times
from planeapp.sandbox.store import Doc

# Our name → the name outside, for what can be written and is written the same way.
NAMES = {
    "project_id": "projectId",
    "title": "title",
    "start": "start",
    "end": "end",
    "all_day": "allDay",
    "timezone": "timezone",
    "assignees": "assigneeIds",
    "notes": "notes",
    "url": "url",
    "status": "status",
    "external_id": "externalId",
    "color": "color",
}
INSIDE = {outside: inside for inside, outside in NAMES.items()}


def wire_block(block: Doc) -> Doc:
    """The block with ``start``/``end`` as moments (end exclusive) and ``startDate``/``endDate`` as days (inclusive)."""
    begin, finish = times.span(block)
    first, last = times.days(block)
    shown = {outside: block[inside] for inside, outside in NAMES.items()}
    return {
        "id": block["id"],
        **shown,
        "start": begin.isoformat(timespec="seconds"),
        "end": finish.isoformat(timespec="seconds"),
        "startDate": first.isoformat(),
        "endDate": last.isoformat(),
        "createdAt": block["created_at"],
        "updatedAt": block["updated_at"],
    }
