"""Webhooks of the first format: what is told, and what a delivery's body looks like.

A change becomes one delivery per changed field. The body is built when the sender takes the delivery up, not when the
change was made, so that fast edits carry the same later row and a row that is gone by then is never told (as captured).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from planeapp.sandbox.plane import serializers, webhooks_v2
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc

Change = tuple[str, Any, Any]
KEYS = {
    "issue_comment": serializers.COMMENT,
    "project": serializers.PROJECT,
    "module": serializers.MODULE,
    "cycle": serializers.CYCLE,
}
ROWS = {"issue": "work_item", "issue_comment": "comment", "project": "project", "module": "module", "cycle": "cycle"}


def installations(plane: Plane, workspace: str) -> list[Doc]:
    """Standing installations of a workspace."""
    return plane.live("installation", workspace=workspace)


def created(plane: Plane, event: str, row: Doc, actor: Doc) -> None:
    """Tell of a new row."""
    _tell(plane, event, "created", row, actor, [])


def updated(plane: Plane, event: str, row: Doc, actor: Doc, changes: list[Change]) -> None:
    """Tell of changes: one delivery per (field, old value, new value), none for no change."""
    if changes:
        _tell(plane, event, "updated", row, actor, changes)


def deleted(plane: Plane, event: str, row: Doc, actor: Doc) -> None:
    """Tell of a deletion. In the first format only projects are told of; the second tells of items and comments too."""
    _tell(plane, event, "deleted", row, actor, [])


def linked(plane: Plane, action: str, row: Doc, actor: Doc) -> None:
    """Tell of a link of a work item; only the second format knows them."""
    if plane.setting("webhooks")["format"] != "v1":
        _tell(plane, "issue_link", action, row, actor, [])


def _tell(plane: Plane, event: str, action: str, row: Doc, actor: Doc, changes: list[Change]) -> None:
    form = plane.setting("webhooks")["format"]
    for installation in installations(plane, row.get("workspace") or row["id"]):
        if form in ("v1", "both") and event in ROWS and (action != "deleted" or event == "project"):
            for activity in _activities(actor, changes):
                subject = {"event": event, "action": action, "row": row["id"], "activity": activity}
                enqueue(plane, installation, "v1", event, subject)
        if form in ("v2", "both"):
            for name, subject in webhooks_v2.subjects(event, action, row, changes):
                enqueue(plane, installation, "v2", name, subject)


def _activities(actor: Doc, changes: list[Change]) -> Iterable[Doc]:
    person = serializers.pick(actor, serializers.USER)
    ends = {"actor": person, "old_identifier": None, "new_identifier": None}
    if not changes:
        yield {"field": None, "new_value": None, "old_value": None} | ends
    for field, old, new in changes:
        yield {"field": field, "new_value": new, "old_value": old} | ends


def enqueue(plane: Plane, installation: Doc, form: str, event: str, subject: Doc, payload: Doc | None = None) -> None:
    """Queue a delivery. ``payload`` is the finished body where it does not depend on a row (agent runs)."""
    if not installation["webhook_active"]:
        return
    key = str(uuid.uuid4())
    delivery: Doc = {
        "id": key,
        "installation": installation["id"],
        "workspace": installation["workspace"],
        "url": plane.world.app_url + "/webhooks/plane/",
        "format": form,
        "event": event,
        "subject": subject,
        "payload": payload,
        "status": "queued",
        "attempts": [],
        "due_at": plane.clock.time(),
        "created_at": plane.stamp(),
    }
    plane.store.put("delivery", key, delivery)
    plane.wake()


def build(plane: Plane, delivery: Doc) -> Doc | None:
    """The body of a delivery, or None when the row it tells of is gone."""
    installation = plane.store.get("installation", delivery["installation"])
    if installation is None or installation["deleted_at"] is not None:
        return None
    if delivery["format"] == "v2":
        return webhooks_v2.build(plane, installation, delivery["event"], delivery["subject"])
    subject = delivery["subject"]
    data = _data(plane, subject["event"], subject["action"], subject["row"])
    if data is None:
        return None
    return {
        "event": subject["event"],
        "action": subject["action"],
        "webhook_id": installation["webhook"],
        "workspace_id": installation["workspace"],
        "data": data,
        "activity": subject["activity"],
    }


def _data(plane: Plane, event: str, action: str, key: str) -> Doc | None:
    if action == "deleted":
        return {"id": key}
    row = plane.one(ROWS[event], key)
    if row is None:
        return None
    return serializers.work_item_event(plane, row) if event == "issue" else serializers.pick(row, KEYS[event])
