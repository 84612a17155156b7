"""Plane's deliveries: the signature, and what a body means in our words.

Webhooks v1, v2 and agent bodies (flat or wrapped) all become the same few events. Nothing here looks anything up: an
event is a hint, and whoever handles it reads again where it matters. Source: Plane developer docs, "Webhooks" (both
formats) and "Building an agent".
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planeapp.lib.events import BadSignature, Event
from planeapp.plane import events_v1, events_v2
from planeapp.plane.bodies import as_dict, clean_id, content_id, text

REPEAT_SECONDS = 2 * 3600.0
"""How long a delivery without an id of its own may be repeated: v1 tries five times more, each up to ten minutes later, and
queues may stand still in between. A later genuine change differs in ``updated_at``, so the window swallows none."""
AGENT_TYPES = frozenset({"agent_run", "agent_run_activity"})


def verify(raw: bytes, signature: str, secrets: Sequence[str]) -> None:
    """Raise BadSignature unless ``signature`` is the hex HMAC-SHA256 of ``raw`` under one of ``secrets``.

    Several secrets may be valid at once (every webhook row of Plane has its own). All are tried, in constant time each.
    """
    given = signature.strip().encode("ascii", "replace") if signature.isascii() else b""
    matches = [
        hmac.compare_digest(hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest().encode(), given)
        for secret in secrets
        if secret
    ]
    if not any(matches):
        raise BadSignature("no known secret signs this delivery" if given else "not signed")


def read(raw: bytes, headers: Mapping[str, str]) -> list[Event]:
    """The events of one delivery; never empty. Raises ValueError when the body is not a JSON object.

    Unknown events, and known ones that ask for no work, become one Event of kind ``other`` with ``data["reason"]``.

    ``data`` by kind:

    - ``item.changed``: field (``""`` for a new item), item (v1's whole record, or {})
    - ``comment.written``: comment_id, html (None: fetch it), edited, old_html (None: not told), parent
    - ``run.created``: run_id, comment_id, source_comment_id
    - ``run.prompted``: run_id, activity_id, comment_id, body, signal
    - ``other``: event, reason
    """
    named = {name.lower(): value for name, value in headers.items()}.get("x-plane-event", "")
    try:
        event = _event(_parsed(raw), named)
        return [replace(event, repeats_within=REPEAT_SECONDS) if event.id.startswith("content:") else event]
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _event(body: dict[str, Any], named: str) -> Event:
    agent = _agent_body(body)
    if agent is not None:
        return _agent_event(agent, body)
    if body.get("version") == "v2":
        return events_v2.event(body, named)
    return events_v1.event(body, named)


def mention_key(event: Event) -> str:
    """Equal for the comment delivery and the agent run deliveries of one mention (``mention:<comment id>``).

    ``""`` when the event belongs to no comment. A later prompt of the same run may carry the thread's first comment, so
    a key that is already taken by another ``activity_id`` means a follow-up, not a repetition: see :func:`prompt_key`.
    """
    comment = event.data.get("source_comment_id") or event.data.get("comment_id") or ""
    return f"mention:{comment}" if comment else ""


def prompt_key(event: Event) -> str:
    """``prompt:<activity id>`` for ``run.prompted``, else ``""``: one prompt, however often it is delivered."""
    activity = event.data.get("activity_id") or ""
    return f"prompt:{activity}" if activity else ""


def _parsed(raw: bytes) -> dict[str, Any]:
    body = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    return body


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number


def _agent_body(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The part that holds ``agent_run``: the docs print it flat, the open-source sender wraps all in ``data``."""
    for part in (as_dict(body.get("data")), dict(body)):
        ours = text(part.get("type")) in AGENT_TYPES or "agent_run_activity" in part
        if ours and isinstance(part.get("agent_run"), dict):
            return part
    return None


def _agent_event(part: Mapping[str, Any], outer: Mapping[str, Any]) -> Event:
    """``run.prompted`` when a prompt of a person is inside, else ``run.created``.

    Plane may send both for a first mention, and may leave out ``creator``, ``comment`` and ``source_comment``.
    """
    run = as_dict(part["agent_run"])
    run_id = clean_id(run.get("id"))
    workspace = clean_id(part.get("workspace_id")) or clean_id(run.get("workspace"))
    about: dict[str, Any] = {
        "subject": clean_id(part.get("issue_id")) or clean_id(run.get("issue")),
        "workspace": workspace or clean_id(outer.get("workspace_id")),
        "project": clean_id(part.get("project_id")) or clean_id(run.get("project")),
    }
    if "agent_run_activity" in part:
        return _prompt(part, run_id, about)
    comment = clean_id(part.get("comment_id")) or clean_id(run.get("comment"))
    data = {"run_id": run_id, "comment_id": comment, "source_comment_id": clean_id(run.get("source_comment"))}
    known = f"run:{run_id}" if run_id else content_id(part)
    return Event("run.created", known, actor=clean_id(run.get("creator")), data=data, **about)


def _prompt(part: Mapping[str, Any], run_id: str, about: dict[str, Any]) -> Event:
    activity, run = as_dict(part["agent_run_activity"]), as_dict(part["agent_run"])
    actor, activity_id = clean_id(activity.get("actor")), clean_id(activity.get("id"))
    if activity.get("type", "prompt") != "prompt":
        data = {"event": "agent_run_activity", "reason": "not a prompt of a person"}
        return Event("other", content_id(part), actor=actor, data=data, **about)
    body, signal = as_dict(activity.get("content")).get("body"), activity.get("signal")
    data = {
        "run_id": run_id,
        "activity_id": activity_id,
        "comment_id": clean_id(activity.get("comment"))
        or clean_id(run.get("source_comment"))
        or clean_id(part.get("comment_id")),
        "body": body if isinstance(body, str) else "",
        "signal": signal if isinstance(signal, str) else "continue",
    }
    known = f"activity:{activity_id}" if activity_id else content_id(part)
    return Event("run.prompted", known, actor=actor, data=data, **about)
