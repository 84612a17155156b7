"""The bot's side of an agent run: what it thinks is shown for a while, what it says becomes a comment in the thread.

Source: Plane developer docs, agents (beta). The pages disagree on errors; here an error is said aloud too.
"""

from __future__ import annotations

from typing import Any

from planeapp.sandbox.plane import agents, comments
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.html import from_markdown
from planeapp.sandbox.store import Doc

EPHEMERAL = ("thought", "action")
SPOKEN = ("response", "elicitation", "error")
_AFTER = {
    "thought": "in_progress",
    "action": "in_progress",
    "response": "completed",
    "elicitation": "awaiting",
    "error": "failed",
}


def speak(plane: Plane, run: Doc, bot: Doc, kind: str, content: Doc, **extra: Any) -> Doc:
    """Add an activity of ``kind`` to a run, move its status, write the comment if there is one. Gives the activity."""
    activity = agents.note(plane, run, bot, kind, content, ephemeral=kind in EPHEMERAL, **extra)
    agents.move(plane, run, _status(plane, run, kind))
    item = plane.one("work_item", run.get("issue") or "")
    if kind in SPOKEN and item is not None:
        words = from_markdown(str(content["body"]))
        row = comments.add(plane, item, bot, comment_html=words, parent=run.get("comment"))
        activity["comment"] = row["id"]
        plane.store.put("run_activity", activity["id"], activity)
    return activity


def _status(plane: Plane, run: Doc, kind: str) -> str:
    if agents.status_of(plane, run) != "stopping":
        return _AFTER[kind]
    return {"response": "stopped", "error": "failed"}.get(kind, "stopping")
