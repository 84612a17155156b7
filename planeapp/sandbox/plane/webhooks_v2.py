"""Webhooks of the second format, with the oddities of the published samples.

Source: Plane developer docs, introduction to webhooks: missing values are the text "None" (real null in comments), an
update is named by an enum path, times differ in form, comments sit inside their work item without HTML and project.
"""

from __future__ import annotations

import uuid
from typing import Any

from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.html import stripped
from planeapp.sandbox.store import Doc

Subject = tuple[str, Doc]
NAMES = {"issue": "workitem", "issue_comment": "workitem.comment", "issue_link": "workitem.link"}
KINDS: dict[str, str] = {"issue": "work_item", "issue_comment": "comment", "issue_link": "link"}
ENTITIES = {"issue": "issue", "issue_comment": "issue", "issue_link": "issue_link"}
_ITEM = (
    *(
        "id",
        "name",
        "priority",
        "start_date",
        "target_date",
        "sequence_id",
        "sort_order",
        "completed_at",
        "archived_at",
    ),
    *("is_draft", "external_source", "external_id", "created_at", "updated_at", "deleted_at", "point"),
)
_REFERENCES = ("project", "workspace", "parent", "state", "type", "estimate_point", "created_by", "updated_by")


def subjects(event: str, action: str, row: Doc, changes: list[tuple[str, Any, Any]]) -> list[Subject]:
    """The deliveries of one change: event name and what is needed to build the body. One per change, not per field."""
    name = f"{NAMES.get(event, event)}.{action}"
    if name == "workitem.updated":
        name = "WebhookScope.ScopeChoices.WORK_ITEM_UPDATED"
    subject: Doc = {"event": event, "action": action, "row": row["id"], "event_id": str(uuid.uuid4())}
    subject["previous"] = {_spelled(field): _space(old) for field, old, _ in changes}
    if action == "deleted":
        subject["previous"] = _none(_data_of(event, row))
        subject["entity"] = row.get("issue") or row["id"]
    told = [(name, subject)]
    if event == "issue_comment" and action == "created":
        told.append(_stirred(row))
    return told


def _stirred(comment: Doc) -> Subject:
    previous = {"last_activity_at": _space(comment["created_at"])}
    key = str(uuid.uuid4())
    subject: Doc = {
        "event": "issue",
        "action": "updated",
        "row": comment["issue"],
        "event_id": key,
        "previous": previous,
    }
    return "WebhookScope.ScopeChoices.WORK_ITEM_UPDATED", subject


def build(plane: Plane, installation: Doc, name: str, subject: Doc) -> Doc | None:
    """The body but for ``delivery_id``, which every attempt makes anew; None when the row is gone."""
    event: str = subject["event"]
    gone = subject["action"] == "deleted"
    kind: str = KINDS.get(event) or event
    row = plane.one(kind, subject["row"])
    if row is None and not gone:
        return None
    data: Doc = {} if row is None or gone else _data_of(event, row)
    return {
        "version": "v2",
        "delivery_id": "",
        "event_id": subject["event_id"],
        "entity_id": subject["entity"] if gone else (row or {}).get("issue") or subject["row"],
        "entity_type": ENTITIES.get(event, event),
        "event": name,
        "webhook_id": installation["webhook"],
        "workspace_id": installation["workspace"],
        "data": _none(data) if event == "issue" else data,
        "previous_attributes": subject["previous"],
    }


def _data_of(event: str, row: Doc) -> Doc:
    if event == "issue":
        return _item(row)
    if event == "issue_comment":
        return {"id": row["issue"], "comment": _comment(row)}
    return {name: _iso(value) for name, value in row.items() if name != "members"}


def _item(row: Doc) -> Doc:
    shown = {name: _iso(row.get(name)) for name in _ITEM}
    shown |= {f"{name}_id": row.get(name) for name in _REFERENCES}
    return shown | {"assignee_ids": row["assignees"], "label_ids": row["labels"], "description_json": {}}


def _comment(row: Doc) -> Doc:
    return {
        "id": row["id"],
        "access": row["access"],
        "actor_id": row["actor"],
        "issue_id": row["issue"],
        "edited_at": row["edited_at"],
        "comment_stripped": stripped(row["comment_html"]),
    }


def _spelled(field: str) -> str:
    single = {"state": "state_id", "parent": "parent_id", "labels": "label_ids", "assignees": "assignee_ids"}
    return single.get(field, field)


def _none(values: Doc) -> Doc:
    return {name: "None" if value is None else value for name, value in values.items()}


def _iso(value: Any) -> Any:
    return value.replace("Z", "+00:00") if isinstance(value, str) and value.endswith("Z") and "T" in value else value


def _space(value: Any) -> Any:
    value = _iso(value)
    return (
        value.replace("T", " ").replace("+00:00", "+00")
        if isinstance(value, str) and value.endswith("+00:00")
        else value
    )
