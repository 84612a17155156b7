"""Modules, cycles, and the intake that nobody has set up."""

from __future__ import annotations

from datetime import date

from planeapp.sandbox.plane import fields, serializers, webhooks
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, Handler, of_project
from planeapp.sandbox.plane.errors import ApiError, bad, broken, conflict, missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.store import Doc

KEYS = {"module": serializers.MODULE, "cycle": serializers.CYCLE}
_COMMON: dict[str, fields.Check] = {
    "name": fields.text(),
    "description": fields.text(limit=0, blank=True),
    "external_source": fields.text(null=True, blank=True),
    "external_id": fields.text(null=True, blank=True),
}
CHECKS: dict[str, dict[str, fields.Check]] = {
    "module": _COMMON
    | {
        "start_date": fields.day,
        "target_date": fields.day,
        "status": fields.choice("backlog", "planned", "in-progress", "paused", "completed", "cancelled"),
        "lead": fields.row("user"),
        "members": fields.rows("user"),
    },
    "cycle": _COMMON | {"start_date": fields.moment, "end_date": fields.moment, "owned_by": fields.row("user")},
}
_BLANK: dict[str, Doc] = {
    "module": {
        "description_text": None,
        "description_html": None,
        "target_date": None,
        "status": "planned",
        "lead": None,
        "members": [],
    },
    "cycle": {"end_date": None, "progress_snapshot": {}, "timezone": "UTC", "version": 1},
}
_SAME: Doc = {"description": "", "start_date": None, "view_props": {}, "logo_props": {}, "archived_at": None}
_SAME |= {"external_source": None, "external_id": None}
_PATCHED_MODULE = (
    "name",
    "description",
    "start_date",
    "target_date",
    "status",
    "lead",
    "external_source",
    "external_id",
)
_GROUPS = ("cancelled", "completed", "started", "unstarted", "backlog")


def _counted(call: Call, kind: str, row: Doc) -> Doc:
    items = _items(call, kind, row)
    states = call.plane.store
    groups = [(states.get("state", item["state"]) or {}).get("group") for item in items]
    counts = {"total_issues": len(items)} | {f"{group}_issues": groups.count(group) for group in _GROUPS}
    return {"id": row["id"]} | counts | serializers.pick(row, KEYS[kind])


def _items(call: Call, kind: str, row: Doc) -> list[Doc]:
    found = [call.plane.one("work_item", tie["issue"]) for tie in call.plane.live(f"{kind}_item", **{kind: row["id"]})]
    return [item for item in found if item]


def _row(call: Call, kind: str) -> Doc:
    row = call.plane.one(kind, call.path["row_id"])
    if row is None or row["project"] != call.within["id"]:
        raise missing()
    return row


def _values(call: Call, kind: str) -> Doc:
    required = ["name"] if call.method == "POST" else []
    values = fields.clean(call.plane, call.data, CHECKS[kind], required)
    if kind == "cycle":
        # Plain dates become the first second and the last minute of their days (as captured).
        for name, time in (("start_date", "T00:00:01Z"), ("end_date", "T23:59:00Z")):
            if values.get(name):
                values[name] = date.fromisoformat(values[name][:10]).isoformat() + time
    return values


def _refuse_doubles(call: Call, kind: str, values: Doc) -> None:
    for row in call.plane.live(kind, project=call.within["id"]):
        pair = (values.get("external_id"), values.get("external_source"))
        if all(pair) and pair == (row["external_id"], row["external_source"]):
            raise conflict(
                f"{kind.capitalize()} with the same external id and external source already exists", row["id"]
            )
        if kind == "module" and row["name"] == values["name"]:
            words = "Module with this name already exists"
            raise ApiError(
                400, {"id": row["id"], "code": "MODULE_NAME_ALREADY_EXISTS", "error": words, "message": words}
            )


def _collection(kind: str) -> dict[str, Handler]:
    def listing(call: Call) -> Answer:
        rows = call.plane.live(kind, project=call.within["id"])[::-1]
        return 200, page(call.query, [_counted(call, kind, row) for row in rows])

    def create(call: Call) -> Answer:
        values = _values(call, kind)
        if kind == "cycle" and not call.data.get("project_id"):
            raise bad(non_field_errors=["Project ID is required"])
        _refuse_doubles(call, kind, values)
        orders = [row["sort_order"] for row in call.plane.live(kind, project=call.within["id"])]
        fixed: Doc = {
            "project": call.within["id"],
            "workspace": call.here["id"],
            "sort_order": min(orders, default=75_535.0) - 10_000,
        }
        owner = {"owned_by": call.user["id"]} if kind == "cycle" else {}
        row = call.plane.new(kind, call.user["id"], **_SAME | _BLANK[kind] | owner | values | fixed)
        webhooks.created(call.plane, kind, row, call.user)
        return 201, serializers.pick(row, KEYS[kind])

    return {"GET": listing, "POST": create}


def _single(kind: str) -> dict[str, Handler]:
    def get(call: Call) -> Answer:
        return 200, _counted(call, kind, _row(call, kind))

    def update(call: Call) -> Answer:
        row, values = _row(call, kind), _values(call, kind)
        changes = [(name, row[name], value) for name, value in values.items() if row[name] != value]
        call.plane.change(kind, row, call.user["id"], **values)
        webhooks.updated(call.plane, kind, row, call.user, changes)
        return 200, serializers.pick(row, _PATCHED_MODULE if kind == "module" else serializers.CYCLE)

    def delete(call: Call) -> Answer:
        row = _row(call, kind)
        row["deleted_at"] = call.plane.stamp()
        call.plane.store.put(kind, row["id"], row)
        return 204, None

    return {"GET": get, "PATCH": update, "DELETE": delete}


def _contents(kind: str) -> dict[str, Handler]:
    def listing(call: Call) -> Answer:
        items = _items(call, kind, _row(call, kind))
        return 200, page(call.query, [serializers.work_item(call.plane, item, call.query) for item in items])

    def add(call: Call) -> Answer:
        row = _row(call, kind)
        keys = fields.clean(call.plane, call.data, {"issues": fields.rows("work_item")}, ["issues"])["issues"]
        return 200, [_tie(call, kind, row, key) for key in keys]

    return {"GET": listing, "POST": add}


def _tie(call: Call, kind: str, row: Doc, key: str) -> Doc:
    for tie in call.plane.live(f"{kind}_item", **{kind: row["id"], "issue": key}):
        return _shown_tie(call, kind, tie)
    place = {"project": row["project"], "workspace": row["workspace"], kind: row["id"], "issue": key}
    return _shown_tie(call, kind, call.plane.new(f"{kind}_item", None, **place))


def _shown_tie(call: Call, kind: str, tie: Doc) -> Doc:
    by = call.user["id"] if kind == "module" else None
    shown = {"id": tie["id"], "sub_issues_count": 0} | tie
    return shown | {"created_by": by, "updated_by": by}


def _intake(call: Call) -> Answer:
    return 200, page(call.query, [])


def _no_intake(call: Call) -> Answer:
    # Without an intake set up in the project, the captured server fails in just this way.
    raise broken()


def endpoints(project: str) -> list[Endpoint]:
    """Addresses under a project's path."""
    found = [Endpoint(project + "intake-issues/", "projects.intakes", of_project, {"GET": _intake, "POST": _no_intake})]
    for kind in ("module", "cycle"):
        base, scope = f"{project}{kind}s/", f"projects.{kind}s"
        found.append(Endpoint(base, scope, of_project, _collection(kind)))
        found.append(Endpoint(base + "{row_id:uuid}/", scope, of_project, _single(kind)))
        found.append(Endpoint(base + "{row_id:uuid}/" + f"{kind}-issues/", scope, of_project, _contents(kind)))
    return found
