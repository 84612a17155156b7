"""Customers, their requests, and the work items tied to them.

Made after the docstrings and models of plane-sdk 0.3 and the developer docs; no real server was recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planeapp.sandbox.plane import fields, serializers, work_items
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, of_workspace
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError, missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.plane.plans import with_customers
from planeapp.sandbox.store import Doc

_OPTIONAL_TEXT = fields.text(null=True, blank=True)
_LONG_TEXT = fields.text(limit=0, null=True, blank=True)


def _whole(plane: Plane, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not str(value).isdigit():
        raise fields.Invalid(["A valid integer is required."])
    return int(value)


CHECKS: dict[str, fields.Check] = {
    "name": fields.text(),
    "description_html": _LONG_TEXT,
    "email": _OPTIONAL_TEXT,
    "website_url": _OPTIONAL_TEXT,
    "logo_props": fields.anything,
    "domain": _OPTIONAL_TEXT,
    "employees": _whole,
    "stage": _OPTIONAL_TEXT,
    "contract_status": _OPTIONAL_TEXT,
    "revenue": _OPTIONAL_TEXT,
    "external_source": _OPTIONAL_TEXT,
    "external_id": _OPTIONAL_TEXT,
}
_REQUEST: dict[str, fields.Check] = {
    "name": fields.text(),
    "description_html": _LONG_TEXT,
    "link": _OPTIONAL_TEXT,
    "work_item_ids": fields.rows("work_item"),
}


def of_path(call: Call) -> Doc:
    """The customer of the path, in the workspace of the path."""
    row = call.plane.one("customer", call.path["customer_id"])
    if row is None or row["workspace"] != call.here["id"]:
        raise missing()
    return row


def add(plane: Plane, workspace: Doc, actor: Doc, **values: object) -> Doc:
    """Make a customer."""
    blank: Doc = dict.fromkeys(CHECKS) | {"logo_props": {}, "archived_at": None}
    return plane.new("customer", actor["id"], **blank | values | {"workspace": workspace["id"]})


def _shown(plane: Plane, row: Doc) -> Doc:
    requests = plane.live("customer_request", customer=row["id"])
    return serializers.pick(row, serializers.CUSTOMER) | {"customer_request_count": len(requests)}


def searched(call: Call, rows: list[Doc], shown: Callable[[Plane, Doc], Doc]) -> Answer:
    """A page of those rows whose name holds the query's ``query``, newest first."""
    words = call.query.get("query", "").strip().lower()
    envelope = page(call.query, [row for row in reversed(rows) if words in row["name"].lower()])
    envelope["results"] = [shown(call.plane, row) for row in envelope["results"]]
    return 200, envelope


def _list(call: Call) -> Answer:
    return searched(call, call.plane.live("customer", workspace=call.here["id"]), _shown)


def _match(call: Call, values: Doc) -> Doc | None:
    """The row that a POST changes: that of the external pair, else the first of the very same name, whoever made it."""
    pair = {name: values.get(name) for name in ("external_id", "external_source")}
    wanted = [pair] if all(pair.values()) else []
    for equal in (*wanted, {"name": values["name"]}):
        for row in call.plane.live("customer", workspace=call.here["id"], **equal):
            return row
    return None


def _upsert(call: Call) -> Answer:
    values = fields.clean(call.plane, call.data, CHECKS, required=["name"])
    row = _match(call, values)
    if row is None:
        return 201, _shown(call.plane, add(call.plane, call.here, call.user, **values))
    return 200, _shown(call.plane, call.plane.change("customer", row, call.user["id"], **values))


def _get(call: Call) -> Answer:
    return 200, _shown(call.plane, of_path(call))


def _update(call: Call) -> Answer:
    row, values = of_path(call), fields.clean(call.plane, call.data, CHECKS)
    return 200, _shown(call.plane, call.plane.change("customer", row, call.user["id"], **values))


def _delete(call: Call) -> Answer:
    return _end(call, "customer", of_path(call))


def _end(call: Call, kind: str, row: Doc) -> Answer:
    row["deleted_at"] = call.plane.stamp()
    call.plane.store.put(kind, row["id"], row)
    return 204, None


def _delete_by_pair(call: Call) -> Answer:
    pair = {name: call.query.get(name) for name in ("external_id", "external_source")}
    if not all(pair.values()):
        raise ApiError(400, {"error": "external_id and external_source are required"})
    for row in call.plane.live("customer", workspace=call.here["id"], **pair):
        _end(call, "customer", row)
    return 204, None


# Work items


def ties(call: Call) -> list[Doc]:
    """The ties of the path's customer to work items that are still there; of one request when the query names it."""
    found = call.plane.live("customer_tie", customer=of_path(call)["id"])
    request = call.query.get("customer_request_id")
    return [row for row in found if request in (None, row["request"]) and call.plane.one("work_item", row["issue"])]


def _tied(call: Call) -> Answer:
    keys = dict.fromkeys(row["issue"] for row in ties(call))
    items = [row for key in keys if (row := call.plane.one("work_item", key))]
    words = call.query.get("search", "").strip().lower()
    # Not paged: the bare array (Plane developer docs).
    return 200, [_item(call.plane, row) for row in items if words in row["name"].lower()]


def _item(plane: Plane, row: Doc) -> Doc:
    project = plane.store.get("project", row["project"]) or {}
    named = {"state_id": row["state"], "project_id": row["project"], "project__identifier": project.get("identifier")}
    return serializers.pick(row, ("id", "name", "priority", "sequence_id", "created_at", "updated_at")) | named


def _tie(call: Call) -> Answer:
    customer, request = of_path(call), call.query.get("customer_request_id")
    asked = call.data.get("issue_ids") if isinstance(call.data, dict) else None
    if not isinstance(asked, list) or not asked:
        raise ApiError(400, {"error": "issue_ids is required"})
    known = {row["id"]: row for row in work_items.visible(call.plane, workspace=call.here["id"])}
    if not set(map(str, asked)) <= known.keys():
        raise ApiError(400, {"error": "Some of the issues do not exist"})
    items = [known[str(key)] for key in dict.fromkeys(asked)]
    tie(call.plane, customer, items, request)
    linked = [_item(call.plane, row) for row in items]
    return 201, {"message": "Issues linked successfully", "linked_issues": linked}


def tie(plane: Plane, customer: Doc, items: list[Doc], request: str | None = None) -> None:
    """Tie work items to a customer (or to a request of it); those that are tied so already stay as they are."""
    for item in items:
        if not plane.live("customer_tie", customer=customer["id"], issue=item["id"], request=request):
            plane.new("customer_tie", None, customer=customer["id"], issue=item["id"], request=request)


def _untie(call: Call) -> Answer:
    found = [row for row in ties(call) if row["issue"] == call.path["item_id"]]
    if not found:
        raise missing()
    for row in found:
        _end(call, "customer_tie", row)
    return 204, None


# Requests


def _request_shown(plane: Plane, row: Doc) -> Doc:
    return serializers.pick(row, serializers.CUSTOMER_REQUEST) | {"attachment_count": 0}


def _requests(call: Call) -> Answer:
    return searched(call, call.plane.live("customer_request", customer=of_path(call)["id"]), _request_shown)


def _request(call: Call) -> Doc:
    row = call.plane.one("customer_request", call.path["request_id"])
    if row is None or row["customer"] != of_path(call)["id"]:
        raise missing()
    return row


def _save_request(call: Call, row: Doc | None) -> Answer:
    """Make a request, or change it; its ``work_item_ids`` are tied and not told back."""
    customer = of_path(call)
    values = fields.clean(call.plane, call.data, _REQUEST, required=() if row else ["name"])
    items = [item for key in values.pop("work_item_ids", ()) if (item := call.plane.one("work_item", key))]
    if row is None:
        blank = {"description_html": "", "link": None, "customer": customer["id"]}
        saved = call.plane.new("customer_request", call.user["id"], **blank | values)
    else:
        saved = call.plane.change("customer_request", row, call.user["id"], **values)
    tie(call.plane, customer, items, saved["id"])
    return 200 if row else 201, _request_shown(call.plane, saved)


def _create_request(call: Call) -> Answer:
    return _save_request(call, None)


def _update_request(call: Call) -> Answer:
    return _save_request(call, _request(call))


def _get_request(call: Call) -> Answer:
    return 200, _request_shown(call.plane, _request(call))


def _delete_request(call: Call) -> Answer:
    return _end(call, "customer_request", _request(call))


def endpoints(workspace: str) -> list[Endpoint]:
    """Addresses under the workspace's path. Work items are ``issues`` here, in Plane's newest docs too."""
    customers = workspace + "customers/"
    one, requests = customers + "{customer_id:uuid}/", customers + "{customer_id:uuid}/requests/"
    table = {
        (customers, "customers"): {"GET": _list, "POST": _upsert, "DELETE": _delete_by_pair},
        (one, "customers"): {"GET": _get, "PATCH": _update, "DELETE": _delete},
        (one + "issues/", "customers.work_items"): {"GET": _tied, "POST": _tie},
        (one + "issues/{item_id:uuid}/", "customers.work_items"): {"DELETE": _untie},
        (requests, "customers.requests"): {"GET": _requests, "POST": _create_request},
        (requests + "{request_id:uuid}/", "customers.requests"): {
            "GET": _get_request, "PATCH": _update_request, "DELETE": _delete_request,
        },
    }  # fmt: skip
    return [Endpoint(path, scope, of_workspace, with_customers(by)) for (path, scope), by in table.items()]
