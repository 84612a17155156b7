"""Labels and states of a project, and links of a work item."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from planeapp.sandbox.plane import fields, projects, serializers, webhooks
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, Handler, of_project
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError, bad, conflict, missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.store import Doc

_EXTERNAL: dict[str, fields.Check] = {
    "external_source": fields.text(null=True, blank=True),
    "external_id": fields.text(null=True, blank=True),
}
_LABEL: dict[str, fields.Check] = {
    "name": fields.text(),
    "color": fields.text(blank=True),
    "description": fields.text(limit=0, blank=True),
    "parent": fields.row("label"),
    "sort_order": fields.anything,
} | _EXTERNAL
_STATE: dict[str, fields.Check] = {
    "name": fields.text(),
    "color": fields.text(),
    "description": fields.text(limit=0, blank=True),
    "group": fields.choice("backlog", "unstarted", "started", "completed", "cancelled"),
    "sequence": fields.anything,
    "default": fields.flag,
} | _EXTERNAL
_LINK: dict[str, fields.Check] = {"url": fields.text(limit=0), "title": fields.text(null=True, blank=True)}


def add_label(plane: Plane, project: Doc, actor: Doc, **values: object) -> Doc:
    """Make a label at the end of the project's."""
    taken = [row["sort_order"] for row in plane.live("label", project=project["id"])]
    blank: Doc = {"description": "", "color": "", "external_source": None, "external_id": None, "parent": None}
    blank["sort_order"] = max(taken, default=55_535.0) + 10_000
    return plane.new(
        "label", actor["id"], **blank | values | {"project": project["id"], "workspace": project["workspace"]}
    )


def _refuse_doubles(call: Call, kind: str, values: Doc, but: str = "") -> None:
    word = kind.capitalize()
    for row in call.plane.live(kind, project=call.within["id"]):
        if row["id"] == but:
            continue
        pair = (values.get("external_id"), values.get("external_source"))
        if all(pair) and pair == (row["external_id"], row["external_source"]):
            raise conflict(f"{word} with the same external id and external source already exists", row["id"])
        if values.get("name") == row["name"]:
            raise conflict(f"{word} with the same name already exists in the project", row["id"])


def _row(call: Call, kind: str) -> Doc:
    row = call.plane.one(kind, call.path["row_id"])
    if row is None or row["project"] != call.within["id"]:
        raise missing()
    return row


def _one(kind: str, keys: tuple[str, ...], checks: dict[str, fields.Check]) -> dict[str, Handler]:
    def get(call: Call) -> Answer:
        return 200, serializers.pick(_row(call, kind), keys)

    def update(call: Call) -> Answer:
        row, values = _row(call, kind), fields.clean(call.plane, call.data, checks)
        _refuse_doubles(call, kind, values, but=row["id"])
        return 200, serializers.pick(call.plane.change(kind, row, call.user["id"], **values), keys)

    def delete(call: Call) -> Answer:
        row = _row(call, kind)
        if kind == "state" and (row["default"] or call.plane.live("work_item", state=row["id"])):
            raise ApiError(400, {"error": "The state is not empty, only empty states can be deleted"})
        row["deleted_at"] = call.plane.stamp()
        call.plane.store.put(kind, row["id"], row)
        return 204, None

    return {"GET": get, "PATCH": update, "DELETE": delete}


def _labels(call: Call) -> Answer:
    rows = call.plane.live("label", project=call.within["id"])[::-1]
    return 200, page(call.query, [serializers.pick(row, serializers.LABEL) for row in rows])


def _create_label(call: Call) -> Answer:
    values = fields.clean(call.plane, call.data, _LABEL, required=["name"])
    _refuse_doubles(call, "label", values)
    return 201, serializers.pick(add_label(call.plane, call.within, call.user, **values), serializers.LABEL)


def _states(call: Call) -> Answer:
    rows = sorted(call.plane.live("state", project=call.within["id"]), key=lambda row: float(row["sequence"]))
    return 200, page(call.query, [serializers.pick(row, serializers.STATE) for row in rows])


def _create_state(call: Call) -> Answer:
    values = fields.clean(call.plane, call.data, _STATE, required=["name", "color"])
    _refuse_doubles(call, "state", values)
    last = max(row["sequence"] for row in call.plane.live("state", project=call.within["id"]))
    slug = re.sub(r"[^a-z0-9]+", "-", values["name"].lower()).strip("-")
    values = {"group": "backlog", "sequence": last + 15_000, "slug": slug} | values
    # 200, not 201 (as captured).
    return 200, serializers.pick(projects.add_state(call.plane, call.within, call.user, **values), serializers.STATE)


def _links(call: Call) -> Answer:
    rows = call.plane.live("link", issue=call.path["item_id"])[::-1]
    return 200, page(call.query, [serializers.pick(row, serializers.LINK) for row in rows])


def _create_link(call: Call) -> Answer:
    item = call.plane.one("work_item", call.path["item_id"])
    if item is None or item["project"] != call.within["id"]:
        raise ApiError(400, {"error": "The payload is not valid"})
    values = {"title": None} | _checked_link(call)
    if call.plane.live("link", issue=item["id"], url=values["url"]):
        raise ApiError(400, {"error": "URL already exists for this Issue"})
    place = {"project": item["project"], "workspace": item["workspace"], "issue": item["id"], "metadata": {}}
    row = call.plane.new("link", call.user["id"], **values | place)
    shown = serializers.pick(row, serializers.LINK) | {"updated_by": call.user["id"]}
    # A background task of Plane looks the page up and saves the row without its author (as captured).
    row["metadata"] = {"url": row["url"], "title": None, "favicon": "data:image/svg+xml;base64,", "favicon_url": None}
    row["created_by"] = None
    call.plane.touch("link", row)
    call.plane.touch("work_item", item)
    webhooks.linked(call.plane, "created", row, call.user)
    return 201, shown


def _checked_link(call: Call) -> Doc:
    values = fields.clean(call.plane, call.data, _LINK, required=() if call.method == "PATCH" else ["url"])
    parts = urlsplit(values.get("url", "https://unchanged"))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise bad(url=["Invalid URL format."])
    return values


def _link(call: Call) -> Doc:
    row = call.plane.one("link", call.path["link_id"])
    if row is None or row["issue"] != call.path["item_id"]:
        raise missing()
    return row


def _get_link(call: Call) -> Answer:
    return 200, serializers.pick(_link(call), serializers.LINK)


def _update_link(call: Call) -> Answer:
    row = call.plane.change("link", _link(call), call.user["id"], **_checked_link(call))
    return 200, serializers.pick(row, serializers.LINK)


def _delete_link(call: Call) -> Answer:
    row = _link(call)
    row["deleted_at"] = call.plane.stamp()
    call.plane.store.put("link", row["id"], row)
    webhooks.linked(call.plane, "deleted", row, call.user)
    return 204, None


def endpoints(project: str, items: str) -> list[Endpoint]:
    """Addresses under a project's path and under the path of its work items."""
    links, scope = items + "{item_id:uuid}/links/", "projects.work_items.links"
    label, state = _one("label", serializers.LABEL, _LABEL), _one("state", serializers.STATE, _STATE)
    link = {"GET": _get_link, "PATCH": _update_link, "DELETE": _delete_link}
    return [
        Endpoint(project + "labels/", "projects.labels", of_project, {"GET": _labels, "POST": _create_label}),
        Endpoint(project + "labels/{row_id:uuid}/", "projects.labels", of_project, label),
        Endpoint(project + "states/", "projects.states", of_project, {"GET": _states, "POST": _create_state}),
        Endpoint(project + "states/{row_id:uuid}/", "projects.states", of_project, state),
        Endpoint(links, scope, of_project, {"GET": _links, "POST": _create_link}),
        Endpoint(links + "{link_id:uuid}/", scope, of_project, link),
    ]
