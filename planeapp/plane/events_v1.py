"""Webhooks v1: ``{event, action, webhook_id, workspace_id, data, activity}``, one delivery per changed field.

Source: Plane developer docs, "Build a Plane app / Webhooks"; real deliveries of Plane Community Edition 1.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planeapp.lib.events import Event
from planeapp.plane.bodies import as_dict, clean_id, content_id, text

ACTIONS = {"create": "created", "update": "updated", "delete": "deleted"}
COMMENT_FIELDS = frozenset({"comment_html", "description", ""})
HEAVY = frozenset({"description_binary"})


def event(body: Mapping[str, Any], named: str = "") -> Event:
    """The one event of a v1 body; ``named`` is the X-Plane-Event header, for bodies without ``event``."""
    what = text(body.get("event")) or named
    action = text(body.get("action")) or ""
    action = ACTIONS.get(action, action)
    data, activity = as_dict(body.get("data")), as_dict(body.get("activity"))
    field = text(activity.get("field")) or ""
    about: dict[str, Any] = {
        "id": _id(what, action, data, activity, field),
        "workspace": clean_id(body.get("workspace_id")),
        "actor": clean_id(activity.get("actor")) or _writer(action, data),
    }
    if what == "issue":
        return _item(action, field, data, about)
    if what == "issue_comment":
        return _comment(action, field, data, activity, about)
    if what == "project":
        told = {"action": action, "field": field}
        return Event("project.changed", project=clean_id(data.get("id")), data=told, **about)
    about |= {"subject": clean_id(data.get("id")), "project": clean_id(data.get("project"))}
    return Event("other", data={"event": f"{what}.{action}", "reason": "not an event that we use"}, **about)


def _id(what: str, action: str, data: Mapping[str, Any], activity: Mapping[str, Any], field: str) -> str:
    """v1 has no id of its own. Equal for repeated and doubled deliveries: the delivery and webhook ids stay out.

    ``updated_at`` keeps a later change to the same value apart from an earlier one.
    """
    who = clean_id(activity.get("actor"))
    values = (activity.get("old_value"), activity.get("new_value"))
    return content_id(what, action, clean_id(data.get("id")), field, values, who, data.get("updated_at"))


def _writer(action: str, data: Mapping[str, Any]) -> str:
    """Who wrote the row, when the delivery has no ``activity`` (bodies of older servers)."""
    names = ("updated_by",) if action == "updated" else ("actor", "created_by")
    return next((found for name in names if (found := clean_id(data.get(name)))), "")


def _item(action: str, field: str, data: Mapping[str, Any], about: dict[str, Any]) -> Event:
    about |= {"subject": clean_id(data.get("id")), "project": clean_id(data.get("project"))}
    if action == "deleted":
        return Event("item.deleted", **about)
    if field == "last_activity_at":
        skipped = {"event": "issue.updated", "reason": "only the time of the last activity moved"}
        return Event("other", data=skipped, **about)
    whole = {name: value for name, value in data.items() if name not in HEAVY}
    return Event("item.changed", data={"field": field, "item": whole}, **about)


def _comment(
    action: str, field: str, data: Mapping[str, Any], activity: Mapping[str, Any], about: dict[str, Any]
) -> Event:
    """An edit in the web UI comes once per stored form of the text; only the HTML one counts."""
    about |= {"subject": clean_id(data.get("issue")), "project": clean_id(data.get("project"))}
    if action == "deleted" or field not in COMMENT_FIELDS:
        reason = "a deleted comment asks for nothing" if action == "deleted" else f"{field} is not the comment's text"
        return Event("other", data={"event": f"issue_comment.{action}", "reason": reason}, **about)
    comment = {
        "comment_id": clean_id(data.get("id")),
        "html": text(data.get("comment_html")),
        "edited": action == "updated",
        "old_html": text(activity.get("old_value")) if field else None,
        "parent": clean_id(data.get("parent")),
    }
    return Event("comment.written", data=comment, **about)
