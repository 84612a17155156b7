"""Who may come in, and what is written down of a delivery: the rules of the doors, without any waiting.

Answers: 200 stored · 400 unreadable JSON under a good signature · 401 bad or missing signature · 404 no such door ·
405 not a POST · 408 the body came too slowly · 413 over 5 MB, or too many parts · 415 not JSON · 503 we cannot take it
now (the vendor tries again).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings

from planeapp.inbox.models import Delivery
from planeapp.inbox.routes import URGENT
from planeapp.installations.models import Connection
from planeapp.lib.events import BadSignature, Event
from planeapp.lib.ids import time_ordered
from planeapp.lib.texts import storable
from planeapp.plane import events as plane_events
from planeapp.providers import events_of

log = structlog.get_logger(__name__)
MAX_BODY = 5 * 1024 * 1024
MAX_BRACKETS = 100_000  # each is an object or a list to be made; Plane's largest deliveries have some hundreds
PLANE_DOOR = "/webhooks/plane"
PROVIDER_DOOR = re.compile(r"/webhooks/([-\w]{1,50})/([-\w]{1,100})")
SECRET_HEADERS = re.compile(r"authorization|cookie|secret|signature|token", re.IGNORECASE)
KEPT_HEADERS = re.compile(r"x-[\w-]+|user-agent|content-type", re.IGNORECASE)


class Unwelcome(Exception):
    """A delivery that is answered with an error and leaves no row."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True)
class Door:
    """Whose door somebody knocks at, and the secrets that open it (any of them)."""

    source: str
    secrets: tuple[str, ...]
    provider: str = ""
    connection: UUID | None = None
    workspace: str = ""

    def verify(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> None:
        """Raise BadSignature unless one of our secrets signs these bytes."""
        if self.provider:
            events_of(self.provider).verify(raw, headers, list(self.secrets), now.timestamp())
        else:
            plane_events.verify(raw, headers.get("x-plane-signature", ""), self.secrets)

    def read(self, raw: bytes, headers: Mapping[str, str]) -> list[Event]:
        """What the body says; ValueError when it is no JSON."""
        return events_of(self.provider).read(raw) if self.provider else plane_events.read(raw, headers)


def plane_door() -> Door:
    """Plane's: one for all workspaces."""
    return Door(Delivery.Source.PLANE, tuple(settings.PLANE_WEBHOOK_SECRETS))


def provider_door(provider: str, opaque_id: str) -> Door | None:
    """A connection's own, or None when no connection has this address. Reads the database."""
    found = Connection.objects.filter(provider=provider, opaque_id=opaque_id).select_related("installation").first()
    if found is None:
        return None
    secret = found.credentials.filter(slot="webhook").first()
    secrets = tuple(str(secret.access).split()) if secret else ()
    return Door(Delivery.Source.PROVIDER, secrets, provider, found.pk, str(found.installation.workspace_id))


def check_head(method: str, headers: Mapping[str, str]) -> None:
    """Refuse, before the body is read, what its first lines already rule out."""
    if method != "POST":
        raise Unwelcome(405, "Send a POST.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        raise Unwelcome(415, "Send application/json.")
    length = headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 10 or int(length) > MAX_BODY):
        raise Unwelcome(413, "The body is larger than 5 MB.")


def accept(door: Door, headers: Mapping[str, str], raw: bytes, now: datetime) -> dict[str, Any]:
    """The row for a delivery whose signature is good. ``headers`` have lower-case names."""
    try:
        door.verify(raw, headers, now)
    except BadSignature as error:
        raise Unwelcome(401, "The signature is missing or wrong.") from error
    _readable(raw, strict=not door.provider)
    event = _glance(door, headers, raw)
    return {
        "id": time_ordered(),
        "source": str(door.source),
        "connection": door.connection,
        "lane": storable(door.workspace or event.workspace, 64),
        "rank": (Delivery.Rank.TALK if event.kind in URGENT else Delivery.Rank.REST).value,
        "kind": storable(event.kind, 60),
        "subject": storable(event.subject, 100),
        "headers": _worth_keeping(headers),
        "body": raw,
        "received_at": now,
        "due_at": now,
    }


def _readable(raw: bytes, strict: bool) -> None:
    """Refuse what is no JSON. Not strict: texts may hold raw line ends, since people paste them into templates."""
    if raw.count(b"[") + raw.count(b"{") > MAX_BRACKETS:
        raise Unwelcome(413, "The body has too many parts.")
    try:
        body = json.loads(raw, strict=strict, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unwelcome(400, "The body is not readable JSON.") from error
    if not isinstance(body, (dict, list)):
        raise Unwelcome(400, "The body is not a JSON object.")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _glance(door: Door, headers: Mapping[str, str], raw: bytes) -> Event:
    """The first event, for order and turns; what it means is read again when the work is done.

    Whatever goes wrong in the reading, the delivery is kept: the worker meets it again and writes down the reason.
    """
    try:
        events = door.read(raw, headers)
    except Exception as error:
        log.warning("delivery not understood at the door", error=type(error).__name__)
        events = []
    return events[0] if events else Event("other", "")


def _worth_keeping(headers: Mapping[str, str]) -> dict[str, str]:
    """The vendor's own headers, which help to read a delivery later; never a secret."""
    kept = {name: value for name, value in headers.items() if KEPT_HEADERS.fullmatch(name)}
    return {name: storable(value, 500) for name, value in kept.items() if not SECRET_HEADERS.search(name)}
