"""Webhooks v2: ``{version, delivery_id, event_id, entity_id, entity_type, event, webhook_id, workspace_id, data,
previous_attributes}``. Source: Plane developer docs, "Webhooks", whose samples show every oddity handled here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planeapp.lib.events import Event
from planeapp.plane.bodies import as_dict, clean_id, content_id, text

NOISE = frozenset({"last_activity_at", "updated_at", "updated_by_id"})


def event(body: Mapping[str, Any], named: str = "") -> Event:
    """The one event of a v2 body; ``named`` is the X-Plane-Event header, for bodies without ``event``."""
    what = event_name(text(body.get("event")) or named)
    data, before = as_dict(body.get("data")), as_dict(body.get("previous_attributes"))
    about: dict[str, Any] = {
        "id": _id(body),
        "subject": clean_id(body.get("entity_id")) or clean_id(data.get("id")),
        "workspace": clean_id(body.get("workspace_id")),
        "project": _either(data, before, "project_id") or _either(data, before, "project"),
        "actor": _actor(what, data),
    }
    if what in ("workitem.created", "workitem.updated", "workitem.archived"):
        return _item(what, before, about)
    if what == "workitem.deleted":
        return Event("item.deleted", **about)
    if what in ("workitem.comment.created", "workitem.comment.updated"):
        return _comment(what, data, before, about)
    if what.startswith("project.") and what.count(".") == 1:
        about |= {"project": about["subject"], "subject": ""}
        return Event("project.changed", data={"action": what.rsplit(".", 1)[1], "field": ""}, **about)
    return Event("other", data={"event": what, "reason": "not an event that we use"}, **about)


def event_name(written: str) -> str:
    """``workitem.updated`` from either spelling; samples also show ``WebhookScope.ScopeChoices.WORK_ITEM_UPDATED``."""
    last = written.rsplit(".", 1)[-1]
    if "_" not in last:
        return written.lower()
    head, *middle, verb = last.lower().replace("work_item", "workitem").split("_")
    return ".".join(part for part in (head, "_".join(middle), verb) if part)


def _id(body: Mapping[str, Any]) -> str:
    """(webhook, event): the event id is stable over retries, the delivery id is not."""
    webhook, happened = clean_id(body.get("webhook_id")), clean_id(body.get("event_id"))
    if happened:
        return f"v2:{webhook}:{happened}"
    return content_id({name: value for name, value in body.items() if name != "delivery_id"})


def _actor(what: str, data: Mapping[str, Any]) -> str:
    """Who did it; deletes do not tell."""
    comment = as_dict(data.get("comment"))
    if comment:
        return clean_id(comment.get("actor_id")) or clean_id(comment.get("actor"))
    return clean_id(data.get("created_by_id" if what.endswith(".created") else "updated_by_id"))


def _either(data: Mapping[str, Any], before: Mapping[str, Any], name: str) -> str:
    return clean_id(data.get(name)) or clean_id(before.get(name))


def _item(what: str, before: Mapping[str, Any], about: dict[str, Any]) -> Event:
    """``field`` names all that changed, comma separated; the record is incomplete (no HTML), so ``item`` stays {}."""
    if what == "workitem.updated" and "last_activity_at" in before and set(before) <= NOISE:
        skipped = {"event": what, "reason": "only the time of the last activity moved"}
        return Event("other", data=skipped, **about)
    field = "archived_at" if what == "workitem.archived" else ",".join(sorted(set(before) - NOISE))
    return Event("item.changed", data={"field": field, "item": {}}, **about)


def _comment(what: str, data: Mapping[str, Any], before: Mapping[str, Any], about: dict[str, Any]) -> Event:
    """The entity is the work item; the comment sits inside, without its HTML: it has to be fetched."""
    comment = as_dict(data.get("comment"))
    old = as_dict(before.get("comment"))
    told = {
        "comment_id": clean_id(comment.get("id")),
        "html": text(comment.get("comment_html")),
        "edited": what.endswith(".updated"),
        "old_html": text(old.get("comment_html")) or text(before.get("comment_html")),
        "parent": clean_id(comment.get("parent_id")),
    }
    about["subject"] = clean_id(comment.get("issue_id")) or about["subject"]
    return Event("comment.written", data=told, **about)
