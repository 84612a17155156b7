"""Work items: the rules that hold for a change, whether it comes from the API or from the tracker's pages."""

from __future__ import annotations

from typing import Any

from planeapp.sandbox.plane import activities, fields, webhooks
from planeapp.sandbox.plane.auth import MEMBER
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import bad
from planeapp.sandbox.plane.html import clean_description
from planeapp.sandbox.store import Doc

PRIORITIES = ("urgent", "high", "medium", "low", "none")
CHECKS: dict[str, fields.Check] = {
    "name": fields.text(),
    "description_html": fields.text(limit=0, blank=True),
    "state": fields.row("state"),
    "labels": fields.rows("label"),
    "assignees": fields.rows("user"),
    "priority": fields.choice(*PRIORITIES),
    "start_date": fields.day,
    "target_date": fields.day,
    "parent": fields.row("work_item"),
    "external_source": fields.text(null=True, blank=True),
    "external_id": fields.text(null=True, blank=True),
    "is_draft": fields.flag,
    "point": fields.anything,
    "sort_order": fields.anything,
}
"""Writable fields, in the order in which their changes are told (which is not that of the request)."""
IN_PAGES = {"state": "state_id", "labels": "label_ids", "assignees": "assignee_ids", "parent": "parent_id"}
"""How the web pages spell fields in their requests, and therefore in the webhooks that follow."""
_BLANK: Doc = {
    "type_id": None,
    "point": None,
    "description_html": "<p></p>",
    "description_binary": None,
    "priority": "none",
    "start_date": None,
    "target_date": None,
    "completed_at": None,
    "archived_at": None,
    "is_draft": False,
    "external_source": None,
    "external_id": None,
    "parent": None,
    "estimate_point": None,
    "type": None,
    "assignees": [],
    "labels": [],
}


def settle(plane: Plane, project: Doc, values: Doc) -> Doc:
    """The rules beyond single fields: dates in order, HTML cleaned, only states, people and labels of the project.

    Foreign labels and people who are not members are dropped without a word; a foreign state is a 400.
    """
    start, target = values.get("start_date"), values.get("target_date")
    if start and target and start > target:
        raise bad(non_field_errors=["Start date cannot exceed target date"])
    settled = dict(values)
    if "description_html" in values:
        settled["description_html"] = clean_description(values["description_html"])
    if values.get("state") and _foreign(plane, "state", values["state"], project):
        raise bad(non_field_errors=["State is not valid please pass a valid state_id"])
    if values.get("parent") and _foreign(plane, "work_item", values["parent"], project):
        raise bad(non_field_errors=["Parent is not valid issue_id please pass a valid issue_id"])
    if "labels" in values:
        settled["labels"] = [key for key in values["labels"] if not _foreign(plane, "label", key, project)]
    if "assignees" in values:
        settled["assignees"] = [key for key in values["assignees"] if project["members"].get(key, 0) >= MEMBER]
    return settled


def _foreign(plane: Plane, kind: str, key: str, project: Doc) -> bool:
    row = plane.one(kind, key)
    return row is None or row["project"] != project["id"]


def create(plane: Plane, project: Doc, actor: Doc, values: Doc) -> Doc:
    """Make a work item from checked ``values``, tell of it, and give the row."""
    settled = _BLANK | settle(plane, project, values)
    others = plane.store.find("work_item", project=project["id"])
    settled["state"] = settled.get("state") or default_state(plane, project)["id"]
    settled["assignees"] = settled["assignees"] or [key for key in [project.get("default_assignee")] if key]
    item = plane.new(
        "work_item",
        actor["id"],
        project=project["id"],
        workspace=project["workspace"],
        sequence_id=max((row["sequence_id"] for row in others), default=0) + 1,
        sort_order=_next_order(others, settled["state"]),
        **settled,
    )
    if _group(plane, settled["state"]) == "completed":
        item["completed_at"] = item["created_at"]
    activities.tell_created(plane, item, actor)
    webhooks.created(plane, "issue", item, actor)
    return item


def _next_order(others: list[Doc], state: str) -> float:
    taken = [float(row["sort_order"]) for row in others if row["state"] == state and row["deleted_at"] is None]
    return max(taken) + 10_000 if taken else 65_535.0


def default_state(plane: Plane, project: Doc) -> Doc:
    """The state in which new items of a project begin."""
    states = plane.live("state", project=project["id"])
    return next((state for state in states if state["default"]), states[0])


def _group(plane: Plane, state: str) -> str:
    row = plane.store.get("state", state)
    return str(row["group"]) if row else ""


def update(plane: Plane, item: Doc, actor: Doc, values: Doc, in_pages: bool = False) -> Doc:
    """Change a work item by checked ``values`` and tell of each field that changed, in the spelling of the caller.

    Old and new are compared as sent: HTML that Plane rewrote counts as changed when it is sent again.
    """
    project = plane.store.get("project", item["project"]) or {}
    settled = settle(plane, project, values)
    changes = [(name, item[name], values[name]) for name in CHECKS if name in values and item[name] != values[name]]
    settled |= _completion(plane, item, settled)
    plane.change("work_item", item, actor["id"], **settled)
    activities.tell_changes(plane, item, actor, sorted(changes, key=lambda change: list(values).index(change[0])))
    spelled = [(IN_PAGES.get(name, name) if in_pages else name, old, new) for name, old, new in changes]
    webhooks.updated(plane, "issue", item, actor, spelled)
    return item


def _completion(plane: Plane, item: Doc, settled: Doc) -> Doc:
    if not settled.get("state") or settled["state"] == item["state"]:
        return {}
    done = _group(plane, settled["state"]) == "completed"
    return {"completed_at": plane.stamp() if done else None}


def delete(plane: Plane, item: Doc, actor: Doc) -> None:
    """Delete softly. No webhook of the first format tells of it."""
    item["deleted_at"] = plane.stamp()
    plane.store.put("work_item", item["id"], item)
    webhooks.deleted(plane, "issue", item, actor)


def visible(plane: Plane, **equal: Any) -> list[Doc]:
    """Items that lists and details show: not deleted, not archived, no drafts; newest first."""
    rows = [row for row in plane.live("work_item", **equal) if row["archived_at"] is None and not row["is_draft"]]
    return sorted(rows, key=lambda row: str(row["created_at"]), reverse=True)


def key_of(plane: Plane, item: Doc) -> str:
    """The readable key, such as CUST-12."""
    project = plane.store.get("project", item["project"])
    return f"{project['identifier'] if project else '?'}-{item['sequence_id']}"
