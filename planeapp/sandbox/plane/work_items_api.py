"""The API of work items."""

from __future__ import annotations

import re
from typing import Any

from planeapp.sandbox.plane import fields, serializers, work_items
from planeapp.sandbox.plane.auth import ADMIN, role_in
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, of_project, of_workspace
from planeapp.sandbox.plane.errors import ApiError, broken, conflict, missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.store import Doc

TAKEN = "Issue with the same external id and external source already exists"
SCOPE = "projects.work_items"
_FORGED: dict[str, fields.Check] = {"created_by": fields.row("user"), "created_at": fields.moment}
_ORDERS = {"state__name": "name", "state__group": "group"}


def _item(call: Call) -> Doc:
    row = call.plane.one("work_item", call.path["item_id"])
    if row is None or row["project"] != call.within["id"]:
        raise missing()
    return row


def _list(call: Call) -> Answer:
    key, source = call.query.get("external_id"), call.query.get("external_source")
    if key and source:
        return 200, serializers.work_item(call.plane, _by_external(call, key, source), call.query)
    return _page(call, _ordered(call, work_items.visible(call.plane, project=call.within["id"])))


def _archived(call: Call) -> Answer:
    return _page(call, [row for row in call.plane.live("work_item", project=call.within["id"]) if row["archived_at"]])


def _page(call: Call, rows: list[Doc]) -> Answer:
    envelope = page(call.query, rows)
    envelope["results"] = [serializers.work_item(call.plane, row, call.query) for row in envelope["results"]]
    return 200, envelope


def _by_external(call: Call, key: str, source: str) -> Doc:
    rows = call.plane.live("work_item", project=call.within["id"], external_id=key, external_source=source)
    if not rows:
        raise missing()
    if len(rows) > 1:
        raise broken()
    return rows[0]


def _ordered(call: Call, rows: list[Doc]) -> list[Doc]:
    order = call.query.get("order_by", "-created_at")
    name = order.removeprefix("-")
    if name not in (*_ORDERS, *serializers.WORK_ITEM):
        raise broken()
    return sorted(rows, key=lambda row: _worth(call, row, name), reverse=order.startswith("-"))


def _worth(call: Call, row: Doc, name: str) -> tuple[bool, Any]:
    if name in _ORDERS:
        value = (call.plane.store.get("state", row["state"]) or {}).get(_ORDERS[name])
    else:
        value = work_items.PRIORITIES.index(row[name]) if name == "priority" else row[name]
    return value is None, "" if value is None else value


def _create(call: Call) -> Answer:
    values = fields.clean(call.plane, call.data, work_items.CHECKS, required=["name"])
    forged = fields.clean(call.plane, call.data, _FORGED)
    if values.get("external_id") and values.get("external_source"):
        pair = {name: values[name] for name in ("external_id", "external_source")}
        for other in call.plane.live("work_item", project=call.within["id"], **pair):
            raise conflict(TAKEN, other["id"])
    item = work_items.create(call.plane, call.within, call.user, values)
    shown = serializers.work_item(call.plane, item)
    # The stored times come after those of the answer, and a background task moves updated_at once more (as captured).
    item.update({"created_at": call.plane.stamp()} | forged)
    call.plane.touch("work_item", item)
    return 201, shown


def _get(call: Call) -> Answer:
    item = _item(call)
    if item["archived_at"] is not None or item["is_draft"]:
        raise missing()
    return 200, serializers.work_item(call.plane, item, call.query)


def _update(call: Call) -> Answer:
    item = _item(call)
    values = fields.clean(call.plane, call.data, work_items.CHECKS)
    key = values.get("external_id")
    if key and key != item["external_id"]:
        source = values.get("external_source", item["external_source"])
        if source and call.plane.live("work_item", project=item["project"], external_id=key, external_source=source):
            raise conflict(TAKEN, item["id"])
    work_items.update(call.plane, item, call.user, values)
    shown = serializers.work_item(call.plane, item)
    call.plane.touch("work_item", item)
    return 200, shown


def _delete(call: Call) -> Answer:
    item = _item(call)
    if item["created_by"] != call.user["id"] and role_in(call.project, call.user) < ADMIN:
        raise ApiError(403, {"error": "Only admin or creator can delete the work item"})
    work_items.delete(call.plane, item, call.user)
    return 204, None


def _by_key(call: Call) -> Answer:
    rows = work_items.visible(call.plane, project=call.within["id"], sequence_id=int(call.path["number"]))
    if not rows:
        raise missing()
    return 200, serializers.work_item(call.plane, rows[0], call.query)


def _search(call: Call) -> Answer:
    words = call.query.get("search", "").strip().lower()
    limit = int(call.query.get("limit", "10")) if call.query.get("limit", "10").isdigit() else 10
    everywhere = call.query.get("workspace_search", "false") == "true" or not call.query.get("project_id")
    found = []
    for row in work_items.visible(call.plane, workspace=call.here["id"]) if words else []:
        project = call.plane.one("project", row["project"])
        if project is None or role_in(project, call.user) == 0:
            continue
        if (everywhere or project["id"] == call.query["project_id"]) and _matches(row, project, words):
            found.append(_hit(call, row, project))
    return 200, {"issues": found[:limit]}


def _matches(row: Doc, project: Doc, words: str) -> bool:
    numbers = [int(number) for number in re.findall(r"\b\d+\b", words)]
    return words in row["name"].lower() or row["sequence_id"] in numbers or words in project["identifier"].lower()


def _hit(call: Call, row: Doc, project: Doc) -> Doc:
    return {
        "name": row["name"],
        "id": row["id"],
        "sequence_id": row["sequence_id"],
        "project__identifier": project["identifier"],
        "project_id": project["id"],
        "workspace__slug": call.here["slug"],
    }


def endpoints(workspace: str, items: str) -> list[Endpoint]:
    """Addresses under the workspace's path and under the path ``items`` of a project's work items."""
    project, name = items.removesuffix("/").rsplit("/", 1)
    return [
        Endpoint(f"{project}/archived-{name}/", SCOPE, of_project, {"GET": _archived}),
        Endpoint(items, SCOPE, of_project, {"GET": _list, "POST": _create}),
        Endpoint(items + "{item_id:uuid}/", SCOPE, of_project, {"GET": _get, "PATCH": _update, "DELETE": _delete}),
        Endpoint(f"{workspace}{name}/search/", SCOPE, of_workspace, {"GET": _search}),
        Endpoint(f"{workspace}{name}/{{identifier:key}}-{{number:int}}/", SCOPE, of_project, {"GET": _by_key}),
    ]
