"""Deliveries of Planhat's automations: an admin's "call webhook" step with a shared secret in a header.

Planhat has no webhook subscriptions, no signature and no fixed payload (help centre, "Webhooks in automations"): the
body is what the admin pasted, usually :data:`TEMPLATE`. It is a hint to read the record again, nothing in it is
believed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from planeapp.lib.events import BadSignature, Event
from planeapp.providers.base import HandWebhook

HEADER = "X-Planhat-Secret"
TEMPLATE = '{"event": "company.updated", "model": "Company", "id": "<<object._id>>", "at": "<<time.now>>"}'
"""What an admin pastes as the body of the step; ``company.updated`` is replaced by what the automation is about."""

_SORTS = {
    "": ("company", "remote"),
    "company": ("company",),
    "companies": ("company",),
    "issue": ("remote",),
    "issues": ("remote",),
}
"""What a model is to us. Without one it may be either: whoever does not know the id has nothing to do."""

BY_HAND = HandWebhook(
    HEADER,
    TEMPLATE,
    (
        "In Planhat open Automations and make one that starts when a company is updated (and another one for removed).",
        "Add the step “Call webhook”: method POST, the address below, and these two headers: the secret below, and "
        "Content-Type with the value application/json.",
        "Paste the body below. Planhat fills in what stands between << and >>.",
    ),
)
"""How an admin has Planhat tell us at once (help centre, "Webhooks in automations")."""

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_EXACT_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|\d{13}")
_DELETED = re.compile(r"delet|remov", re.IGNORECASE)


def verify(raw: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: float = 0.0) -> None:
    """Compare the secret header with every secret that is valid now, in constant time; BadSignature when none fits.

    ``raw`` is not signed by Planhat: a delivery can be replayed, which is harmless since it only makes us read again.
    """
    given = next((value for name, value in headers.items() if name.lower() == HEADER.lower()), "").encode()
    fits = [hmac.compare_digest(given, secret.encode()) for secret in secrets if secret]
    if not given or not any(fits):
        raise BadSignature(f"{HEADER} is missing or unknown")


def read(raw: bytes) -> list[Event]:
    """What a delivery says of each record: ``company.changed`` or ``company.deleted`` for a company, ``remote.changed`` or
    ``remote.deleted`` for an issue, both where the body tells no model, and ``other`` for any other model or no record.

    Never raises. ``subject`` is the record's ``_id``; ``data`` has ``model`` (lower case, ``""`` when not told) and
    ``event`` as sent; on ``other`` also ``problem``.
    """
    try:
        body = json.loads(raw, strict=False)  # pasted values may hold raw newlines
    except (ValueError, RecursionError):
        return [_other(raw, "", "the body is no JSON")]
    parts = body if isinstance(body, list) else [body]
    return [event for part in parts for event in _events(raw, part)] or [_other(raw, "", "the body is empty")]


def _events(raw: bytes, part: Any) -> list[Event]:
    if not isinstance(part, Mapping):
        return [_other(raw, "", "the body is no object")]
    nested = (part.get(name) for name in ("object", "data", "record"))
    record: Mapping[str, Any] = next((one for one in nested if isinstance(one, Mapping)), {})
    name = _text(part, "event", "type", "action")
    ident = _text(part, "id", "_id", "objectId") or _text(record, "_id", "id")
    if not _ID.fullmatch(ident):
        problem = "the record's id is missing" if not ident else "the record's id was not filled in by the automation"
        return [_other(raw, name, problem)]
    model = (_text(part, "model", "objectType") or (name.partition(".")[0] if "." in name else "")).lower()
    verb, at = "deleted" if _DELETED.search(name) else "changed", _text(part, "at", "time")
    kinds = [f"{sort}.{verb}" for sort in _SORTS.get(model, ())]
    data = {"model": model, "event": name}
    found = [Event(kind, _event_id(kind, model, ident, at), subject=ident, data=data) for kind in kinds]
    return found or [_other(raw, name, f"nothing follows here from a change of {model[:40]}")]


def _event_id(kind: str, model: str, ident: str, at: str) -> str:
    """Equal for repeats only where the body tells the time to the second. Without it two changes of one record look the
    same, and reading once too often is better than missing the second."""
    if not _EXACT_TIME.search(at):
        return f"planhat:{uuid.uuid4()}"
    return "planhat:" + hashlib.sha256("\n".join((kind, model, ident, at)).encode("utf-8", "replace")).hexdigest()


def _other(raw: bytes, name: str, problem: str) -> Event:
    return Event(
        "other", "planhat:" + hashlib.sha256(raw).hexdigest(), data={"model": "", "event": name, "problem": problem}
    )


def _text(part: Mapping[str, Any], *names: str) -> str:
    value = next((part[name] for name in names if part.get(name) not in (None, "")), "")
    return str(value).strip() if isinstance(value, (str, int)) else ""
