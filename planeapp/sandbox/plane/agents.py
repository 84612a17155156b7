"""Agent runs: talks between people and an app's bot under a work item.

Source: Plane developer docs, agents (beta): statuses, activity types, signals and the two webhooks. What people say is
here; what the bot says is in :mod:`planeapp.sandbox.plane.talk`.
"""

from __future__ import annotations

from typing import Any

from planeapp.sandbox.plane import serializers, webhooks
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.html import mentioned, stripped
from planeapp.sandbox.store import Doc

STALE_AFTER = 300.0
OPEN = ("created", "in_progress", "awaiting", "stopping")


def bots(plane: Plane, workspace: str) -> dict[str, Doc]:
    """The installation behind each bot of a workspace."""
    return {row["app_bot"]: row for row in webhooks.installations(plane, workspace)}


def heard(plane: Plane, comment: Doc, actor: Doc) -> None:
    """A comment was written: a reply in a run's thread prompts that run, a mention of a bot begins a new one."""
    installed = bots(plane, comment["workspace"])
    if plane.setting("webhooks")["agent"] == "off" or actor["id"] in installed:
        return
    running = plane.store.find("run", comment=comment["parent"]) if comment["parent"] else []
    for run in running:
        prompt(plane, run, actor, comment)
    busy = {run["agent_user"] for run in running}
    for key in mentioned(comment["comment_html"]):
        if key in installed and key not in busy:
            run = begin(plane, installed[key], actor, comment)
            prompt(plane, run, actor, comment)


def begin(plane: Plane, installation: Doc, creator: Doc, comment: Doc | None, **fields: Any) -> Doc:
    """Start a run for the bot of ``installation`` and tell the app."""
    base: Doc = {
        "status": "created",
        "started_at": plane.stamp(),
        "ended_at": None,
        "stopped_at": None,
        "stopped_by": None,
    }
    base |= {"external_link": None, "error_metadata": None, "type": "comment_thread", "moved_at": plane.clock.time()}
    base |= {"agent_user": installation["app_bot"], "workspace": installation["workspace"], "creator": creator["id"]}
    if comment is not None:
        base |= {"issue": comment["issue"], "project": comment["project"], "source_comment": comment["id"]}
        base["comment"] = comment["parent"] or comment["id"]
    run = plane.new("run", creator["id"], **base | fields)
    _tell(plane, run, creator, "agent_run_create", {"action": "created", "type": "agent_run"})
    return run


def prompt(plane: Plane, run: Doc, actor: Doc, comment: Doc | None, signal: str = "continue") -> Doc:
    """A person says something in a run (or, with signal "stop", asks it to end); tells the app."""
    said = comment["comment_html"] if comment else ""
    body = said if plane.setting("webhooks")["prompt"] == "html" else stripped(said).strip()
    content = {"type": "prompt", "body": body or ("stop" if signal == "stop" else "")}
    activity = note(plane, run, actor, "prompt", content, signal=signal, comment=comment["id"] if comment else None)
    move(plane, run, "stopping" if signal == "stop" else "in_progress" if run["status"] != "created" else "created")
    head: Doc = {"action": "prompted", "type": "agent_run_activity"}
    head["agent_run_activity"] = serializers.pick(activity, serializers.RUN_ACTIVITY)
    _tell(plane, run, actor, "agent_run_user_prompt", head)
    return activity


def status_of(plane: Plane, run: Doc) -> str:
    """The run's status now: one that was left alone for five minutes is stale."""
    quiet = plane.clock.time() - float(run["moved_at"])
    return "stale" if run["status"] in ("created", "in_progress") and quiet > STALE_AFTER else str(run["status"])


def shown(plane: Plane, run: Doc) -> Doc:
    """A run as the API shows it."""
    return serializers.pick(run, serializers.RUN) | {"status": status_of(plane, run)}


def said(plane: Plane, run: Doc) -> list[Doc]:
    """Activities of a run, oldest first."""
    return plane.store.find("run_activity", agent_run=run["id"])


def note(plane: Plane, run: Doc, actor: Doc, kind: str, content: Doc, **extra: Any) -> Doc:
    """Store an activity of a run."""
    base: Doc = {"agent_run": run["id"], "type": kind, "content": content, "content_metadata": None, "ephemeral": False}
    base |= {"signal": "continue", "signal_metadata": None, "comment": None, "actor": actor["id"]}
    base |= {"project": run.get("project"), "workspace": run["workspace"]}
    return plane.new("run_activity", actor["id"], **base | extra)


def move(plane: Plane, run: Doc, status: str) -> None:
    """Set a run's status, and the time of its end where it ends."""
    ends = {"completed": "ended_at", "failed": "ended_at", "stopped": "stopped_at"}
    times = {ends[status]: plane.stamp()} if status in ends else {}
    plane.change("run", run, None, status=status, moved_at=plane.clock.time(), **times)


def _tell(plane: Plane, run: Doc, actor: Doc, event: str, head: Doc) -> None:
    installation = bots(plane, run["workspace"]).get(run["agent_user"])
    application = plane.store.get("application", installation["application"]) if installation else None
    form = plane.setting("webhooks")["agent"]
    if installation is None or application is None or form == "off":
        return
    told = shown(plane, run)
    told.pop("creator")  # the documented webhook does not carry it
    flat: Doc = head | {
        "agent_run": told,
        "agent_user_id": run["agent_user"],
        "app_client_id": application["client_id"],
    }
    flat |= {"issue_id": run.get("issue"), "project_id": run.get("project"), "workspace_id": run["workspace"]}
    flat["comment_id"] = run.get("comment")
    payload = _wrapped(flat, event, installation, actor) if form == "wrapped" else flat
    webhooks.enqueue(
        plane, installation, "v1", event, {"event": event, "action": head["action"], "row": run["id"]}, payload
    )


def _wrapped(flat: Doc, event: str, installation: Doc, actor: Doc) -> Doc:
    person = serializers.pick(actor, serializers.USER)
    nothing = {"field": None, "new_value": None, "old_value": None}
    envelope: Doc = {"event": event, "action": flat["action"], "webhook_id": installation["webhook"]}
    envelope |= {"workspace_id": installation["workspace"], "data": flat}
    return envelope | {"activity": nothing | {"actor": person, "old_identifier": None, "new_identifier": None}}
