"""Comments under work items. Their HTML is stored as sent."""

from __future__ import annotations

import uuid
from typing import Any

from planeapp.sandbox.plane import agents, fields, serializers, webhooks
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, of_project
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError, conflict, missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.store import Doc

TAKEN = "Work item comment with the same external id and external source already exists"
SCOPE = "projects.work_items.comments"
CHECKS: dict[str, fields.Check] = {
    "comment_html": fields.text(limit=0, blank=True),
    "access": fields.choice("INTERNAL", "EXTERNAL"),
    "external_source": fields.text(null=True, blank=True),
    "external_id": fields.text(null=True, blank=True),
}
_FORGED: dict[str, fields.Check] = {"created_by": fields.row("user"), "created_at": fields.moment}


def add(plane: Plane, item: Doc, actor: Doc, **values: Any) -> Doc:
    """Write a comment under ``item`` as ``actor`` (by default the author too), tell of it, and wake agents."""
    blank: Doc = {"comment_html": "<p></p>", "attachments": [], "access": "INTERNAL", "external_source": None}
    blank |= {"external_id": None, "edited_at": None, "parent": None, "description": str(uuid.uuid4())}
    author = values.pop("created_by", None) or actor["id"]
    place = {"project": item["project"], "workspace": item["workspace"], "issue": item["id"], "actor": author}
    row = plane.new("comment", author, **blank | values | place)
    plane.touch("work_item", item)
    webhooks.created(plane, "issue_comment", row, actor)
    agents.heard(plane, row, actor)
    return row


def edit(plane: Plane, row: Doc, actor: Doc, in_pages: bool = False, **values: Any) -> Doc:
    """Change a comment; only edits in the pages set ``edited_at``."""
    changes = [(name, row[name], value) for name, value in values.items() if row[name] != value]
    if in_pages:
        values["edited_at"] = plane.stamp()
    plane.change("comment", row, actor["id"], **values)
    webhooks.updated(plane, "issue_comment", row, actor, changes)
    return row


def delete(plane: Plane, row: Doc, actor: Doc) -> None:
    """Delete a comment. No webhook of the first format tells of it."""
    row["deleted_at"] = plane.stamp()
    plane.store.put("comment", row["id"], row)
    webhooks.deleted(plane, "issue_comment", row, actor)


def _item(call: Call) -> Doc | None:
    row = call.plane.one("work_item", call.path["item_id"])
    return row if row and row["project"] == call.within["id"] else None


def _comment(call: Call) -> Doc:
    row = call.plane.one("comment", call.path["comment_id"])
    if row is None or row["issue"] != call.path["item_id"]:
        raise missing()
    return row


def _shown(row: Doc) -> Doc:
    shown = serializers.pick(row, serializers.COMMENT)
    return {"id": shown.pop("id"), "is_member": True} | shown


def _list(call: Call) -> Answer:
    rows = sorted(
        call.plane.live("comment", issue=call.path["item_id"]), key=lambda row: str(row["created_at"]), reverse=True
    )
    return 200, page(call.query, [_shown(row) for row in rows])


def _create(call: Call) -> Answer:
    item = _item(call)
    if item is None:
        raise ApiError(400, {"error": "The payload is not valid"})
    values = fields.clean(call.plane, call.data, CHECKS)
    if values.get("external_id") and values.get("external_source"):
        pair = {name: values[name] for name in ("external_id", "external_source")}
        for other in call.plane.live("comment", project=item["project"], **pair):
            raise conflict(TAKEN, other["id"])
    forged = {name: value for name, value in fields.clean(call.plane, call.data, _FORGED).items() if value}
    row = add(call.plane, item, call.user, **values | forged)
    # The answer names the caller as updated_by; the stored row does not (as captured).
    return 201, serializers.pick(row, serializers.COMMENT) | {"updated_by": call.user["id"]}


def _get(call: Call) -> Answer:
    return 200, _shown(_comment(call))


def _update(call: Call) -> Answer:
    row = _comment(call)
    edit(call.plane, row, call.user, **fields.clean(call.plane, call.data, CHECKS))
    return 200, serializers.pick(row, serializers.COMMENT)


def _delete(call: Call) -> Answer:
    delete(call.plane, _comment(call), call.user)
    return 204, None


def endpoints(items: str) -> list[Endpoint]:
    """Addresses under the path ``items`` of a project's work items."""
    base = items + "{item_id:uuid}/comments/"
    return [
        Endpoint(base, SCOPE, of_project, {"GET": _list, "POST": _create}),
        Endpoint(base + "{comment_id:uuid}/", SCOPE, of_project, {"GET": _get, "PATCH": _update, "DELETE": _delete}),
    ]
