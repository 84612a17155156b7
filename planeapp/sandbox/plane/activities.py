"""The history of a work item."""

from __future__ import annotations

import uuid
from typing import Any

from planeapp.sandbox.plane import serializers
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, of_project
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.plane.webhooks import Change
from planeapp.sandbox.store import Doc

_NAMES = {"state": ("state", "name"), "labels": ("label", "name"), "assignees": ("user", "display_name")}
_TOLD = ("name", "description_html", "priority", "state", "start_date", "target_date", "labels", "assignees", "parent")


def tell_created(plane: Plane, item: Doc, actor: Doc) -> None:
    """Note that an item was made."""
    _add(plane, item, actor, "created", None, "created the issue")


def tell_changes(plane: Plane, item: Doc, actor: Doc, changes: list[Change]) -> None:
    """Note changed fields; people and labels get a row each."""
    for field, old, new in changes:
        if field in ("labels", "assignees"):
            _tell_set(plane, item, actor, field, old, new)
        elif field in _TOLD:
            _tell_value(plane, item, actor, field, old, new)


def _tell_value(plane: Plane, item: Doc, actor: Doc, field: str, old: Any, new: Any) -> None:
    name = "description" if field == "description_html" else field
    values: Doc = {"old_value": old or "", "new_value": new or ""}
    if field == "state":
        values = {"old_identifier": old, "new_identifier": new}
        values |= {"old_value": _name(plane, field, old), "new_value": _name(plane, field, new)}
    _add(plane, item, actor, "updated", name, f"updated the {name.replace('_', ' ')} to", **values)


def _tell_set(plane: Plane, item: Doc, actor: Doc, field: str, old: list[str], new: list[str]) -> None:
    one = field.removesuffix("s")
    for key in [key for key in new if key not in old]:
        values = {"old_value": "", "new_value": _name(plane, field, key), "new_identifier": key}
        _add(plane, item, actor, "updated", field, f"added {one} ", **values)
    for key in [key for key in old if key not in new]:
        values = {"old_value": _name(plane, field, key), "new_value": "", "old_identifier": key}
        _add(plane, item, actor, "updated", field, f"removed {one} ", **values)


def _name(plane: Plane, field: str, key: str | None) -> str:
    kind, column = _NAMES[field]
    row = plane.store.get(kind, key or "")
    return str(row[column]) if row else ""


def _add(plane: Plane, item: Doc, actor: Doc, verb: str, field: str | None, comment: str, **values: Any) -> None:
    now = plane.stamp()
    key = str(uuid.uuid4())
    row: Doc = {"id": key, "created_at": now, "updated_at": now, "deleted_at": None, "verb": verb, "field": field}
    row |= {"comment": comment, "attachments": [], "epoch": float(int(plane.clock.time())), "actor": actor["id"]}
    row |= {"issue": item["id"], "project": item["project"], "workspace": item["workspace"]} | values
    plane.store.put("activity", key, row)


def _list(call: Call) -> Answer:
    rows = call.plane.live("activity", issue=call.path["item_id"])
    if call.query.get("order_by") == "-created_at":
        rows.reverse()
    return 200, page(call.query, [serializers.pick(row, serializers.ACTIVITY) for row in rows])


def _get(call: Call) -> Answer:
    row = call.plane.one("activity", call.path["activity_id"])
    if row is None or row["issue"] != call.path["item_id"]:
        raise missing()
    return 200, serializers.pick(row, serializers.ACTIVITY)


def endpoints(items: str) -> list[Endpoint]:
    """Addresses under the path ``items`` of a project's work items."""
    base, scope = items + "{item_id:uuid}/activities/", "projects.work_items.activities"
    return [
        Endpoint(base, scope, of_project, {"GET": _list}),
        Endpoint(base + "{activity_id:uuid}/", scope, of_project, {"GET": _get}),
    ]
