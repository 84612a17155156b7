"""The comment thread of a work item as the page shows it."""

from __future__ import annotations

from planeapp.sandbox.plane import agents
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.html import shown
from planeapp.sandbox.store import Doc


def thread(plane: Plane, item: Doc) -> list[Doc]:
    """Top comments, oldest first, each with ``replies`` and ``runs``."""
    rows = sorted(plane.live("comment", issue=item["id"]), key=lambda row: str(row["created_at"]))
    tops = [row for row in rows if not row["parent"]]
    return [_top(plane, row, [reply for reply in rows if reply["parent"] == row["id"]]) for row in tops]


def name_of(plane: Plane, key: str) -> str:
    """A person's shown name."""
    user = plane.store.get("user", key)
    return str(user["display_name"]) if user else "someone"


def _top(plane: Plane, row: Doc, replies: list[Doc]) -> Doc:
    runs = [_run(plane, run) for run in plane.store.find("run", comment=row["id"])]
    return _comment(plane, row) | {"replies": [_comment(plane, reply) for reply in replies], "runs": runs}


def _comment(plane: Plane, row: Doc) -> Doc:
    author = plane.store.get("user", row["actor"]) or {}
    told = shown(row["comment_html"], lambda key: name_of(plane, key))
    edited = row["edited_at"] is not None
    return {"id": row["id"], "author": author, "html": told, "at": row["created_at"], "edited": edited}


def _run(plane: Plane, run: Doc) -> Doc:
    """What of a run is on show: its status, the last thought while it lasts, and what the bot waits for."""
    said = agents.said(plane, run)
    last = said[-1] if said else None
    status = agents.status_of(plane, run)
    view: Doc = {
        "id": run["id"],
        "status": status,
        "bot": name_of(plane, run["agent_user"]),
        "thought": "",
        "options": [],
        "url": "",
    }
    view["open"] = status in agents.OPEN
    if last is None or status not in agents.OPEN:
        return view
    if last["ephemeral"]:
        view["thought"] = last["content"].get("body") or last["content"].get("action", "")
    metadata = last["signal_metadata"] or {}
    if last["signal"] == "select":
        view["options"] = metadata.get("options", [])
    elif last["signal"] == "auth_request":
        view["url"] = metadata.get("url", "")
    return view
