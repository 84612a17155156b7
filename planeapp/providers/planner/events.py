"""What Planner pushes and feeds: signed webhooks, the events feed, the Zapier feed.

Signature: ``x-planner-signature: sha256=<hex>`` over ``"{timestamp}.{raw body}"`` with ``x-planner-timestamp`` in Unix
seconds
(Planner developer page, "Webhooks"). The body's shape is not documented, so the usual names are tried in order.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from planeapp.lib.events import BadSignature, Event
from planeapp.providers.planner.reading import fields_of, id_of, is_block
from planeapp.providers.planner.schema import fingerprint
from planeapp.providers.planner.words import NOUNS, OTHER_NOUNS, singular, split

SIGNATURE, TIMESTAMP = "x-planner-signature", "x-planner-timestamp"
MAX_AGE_SECONDS = 300
LISTS = ("events", "data", "items", "results", "records")
IDS = ("id", "eventId", "event_id")
TYPES = ("type", "event", "eventType", "event_type", "action", "topic")
TIMES = ("occurredAt", "occurred_at", "createdAt", "created_at", "timestamp")
ENTITIES = ("block", "data", "payload", "object", "record", "resource", "entity")
ACTORS = ("actor", "user", "actorId", "userId", "actor_id", "user_id", "triggeredBy")
DELETED = frozenset({"delete", "deleted", "remove", "removed", "archive", "archived", "destroyed"})
CHANGED = frozenset({
    "create", "created", "add", "added", "update", "updated", "change", "changed", "move", "moved", "reschedule",
    "rescheduled", "edit", "edited", "modified", "restore", "restored", "assigned", "unassigned", "scheduled",
    "resized",
})  # fmt: skip


def verify(raw: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: float) -> None:
    """Raise BadSignature unless a secret signed these bytes at most 300 s before or after ``now`` (Unix seconds)."""
    named = {name.lower(): value for name, value in headers.items()}
    stamp, given = named.get(TIMESTAMP, ""), named.get(SIGNATURE, "")
    if not re.fullmatch(r"\d{1,12}", stamp) or abs(now - int(stamp)) > MAX_AGE_SECONDS:
        raise BadSignature("timestamp missing, unreadable or too far away")
    if not re.fullmatch(r"sha256=[0-9a-fA-F]{64}", given):
        raise BadSignature("signature missing or not sha256")
    message, digest = stamp.encode() + b"." + raw, given.removeprefix("sha256=").lower()
    fitting = [
        hmac.compare_digest(hmac.new(secret.encode(), message, hashlib.sha256).hexdigest(), digest)
        for secret in secrets
        if secret
    ]
    if not any(fitting):
        raise BadSignature("no secret fits")


def read(raw: bytes) -> list[Event]:
    """What a webhook's body means: one event, or several in a list. Raises ValueError when it is not JSON."""
    body = json.loads(raw)
    if isinstance(body, Mapping) and _type(body):
        return [event_of(body)]
    return read_feed(body)


def read_feed(body: Any) -> list[Event]:
    """What a feed's page means, in the order in which it came (Planner's feeds are expected newest first)."""
    return [event_of(entry) for entry in entries(body) if isinstance(entry, Mapping)]


def entries(body: Any) -> list[Any]:
    """The list of a page: the body itself, or the first list under the usual names; a lone object counts as one."""
    if isinstance(body, list):
        return body
    if not isinstance(body, Mapping):
        return []
    found = next((body[name] for name in LISTS if isinstance(body.get(name), list)), None)
    return found if found is not None else ([body] if _type(body) else [])


def event_of(entry: Mapping[str, Any]) -> Event:
    """One entry. ``data`` has ``record`` (the block as the entry carries it, or None), ``type`` and ``at``."""
    kind, record = _type(entry), _record(entry)
    subject = _subject(entry, record)
    data = {"record": record, "type": kind, "at": _first(entry, TIMES)}
    return Event(
        kind=_meaning(kind, record, subject),
        id=_event_id(entry, record),
        subject=subject,
        project=_project(entry, record),
        actor=_actor(entry),
        data=data,
    )


def _event_id(entry: Mapping[str, Any], record: Mapping[str, Any] | None) -> str:
    """The entry's own id, else a hash. In a flat entry ``id`` is the block's unless the block's id stands beside it."""
    flat = record is entry and not any(name in entry for name in ("blockId", "block_id"))
    return _first(entry, IDS[1:] if flat else IDS) or fingerprint(entry)


def _first(entry: Mapping[str, Any], names: Iterable[str]) -> str:
    return next(
        (str(entry[name]) for name in names if isinstance(entry.get(name), str | int) and entry[name] != ""), ""
    )


def _type(entry: Mapping[str, Any]) -> str:
    return next((entry[name] for name in TYPES if isinstance(entry.get(name), str)), "")


def _record(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for name in ENTITIES:
        inside = entry.get(name)
        if not isinstance(inside, Mapping):
            continue
        deeper = inside.get("block")
        if isinstance(deeper, Mapping) and id_of(deeper):
            return deeper
        if id_of(inside):
            return inside
    return entry if is_block(entry) and {"start", "end"} & set(fields_of(entry)) else None


def _subject(entry: Mapping[str, Any], record: Mapping[str, Any] | None) -> str:
    named = next((entry[name] for name in ("blockId", "block_id", "entityId", "resourceId") if entry.get(name)), "")
    if named:
        return str(named)
    inside = entry.get("data")
    if record is None and isinstance(inside, Mapping):
        return str(inside.get("blockId") or inside.get("block_id") or "")
    return id_of(record) if record is not None else ""


def _meaning(kind: str, record: Mapping[str, Any] | None, subject: str) -> str:
    words = [word.lower() for word in split(kind)]
    nouns = {singular(word) for word in words}
    about_block = bool(nouns & set(NOUNS["block"])) or (not nouns & _strangers() and record is not None)
    if not subject or not about_block or nouns & _strangers():
        return "other"
    if set(words) & DELETED:
        return "remote.deleted"
    return "remote.changed" if set(words) & CHANGED else "other"


def _strangers() -> frozenset[str]:
    return OTHER_NOUNS | frozenset(NOUNS["project"]) | set(NOUNS["person"])


def _project(entry: Mapping[str, Any], record: Mapping[str, Any] | None) -> str:
    for part in (record, entry):
        found = fields_of(part).get("project") if part is not None else None
        if isinstance(found, str | int):
            return str(found)
    return ""


def _actor(entry: Mapping[str, Any]) -> str:
    for name in ACTORS:
        found = entry.get(name)
        if isinstance(found, Mapping):
            return id_of(found)
        if isinstance(found, str | int):
            return str(found)
    return ""
