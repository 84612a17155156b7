"""The doors that vendors push to: verify the raw bytes, store one row, answer; the work comes later.

Answers: 200 stored · 400 unreadable JSON under a good signature · 401 bad or missing signature · 404 no such door ·
413 over 5 MB · 415 not JSON · 503 the database cannot take it now (the vendor tries again).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from planeapp.inbox.models import Delivery
from planeapp.installations.models import Connection
from planeapp.lib.crypto import CannotDecrypt
from planeapp.lib.events import BadSignature
from planeapp.lib.wake import wake
from planeapp.plane import events as plane_events
from planeapp.providers import events_of

log = structlog.get_logger(__name__)
MAX_BODY = 5 * 1024 * 1024
Check = Callable[[bytes], None]
SECRET_HEADERS = re.compile(r"authorization|cookie|secret|signature|token", re.IGNORECASE)
KEPT_HEADERS = re.compile(r"x-[\w-]+|user-agent|content-type", re.IGNORECASE)


class Unwelcome(Exception):
    """A delivery that is answered with an error and leaves no row."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@csrf_exempt
@require_POST
def plane(request: HttpRequest) -> HttpResponse:
    """Plane's webhooks: v1, v2 and agent bodies alike."""

    def check(raw: bytes) -> None:
        plane_events.verify(raw, request.headers.get("X-Plane-Signature", ""), settings.PLANE_WEBHOOK_SECRETS)

    return _receive(request, check, Delivery.Source.PLANE, None)


@csrf_exempt
@require_POST
def provider(request: HttpRequest, provider: str, opaque_id: str) -> HttpResponse:
    """A provider's webhooks, one unguessable address per connection."""
    try:
        connection = Connection.objects.filter(provider=provider, opaque_id=opaque_id).first()
        secrets = _secrets(connection) if connection else []
    except (DatabaseError, InterfaceError, CannotDecrypt) as error:
        return _unavailable(error)
    if connection is None:
        return JsonResponse({"error": "There is no such address."}, status=404)

    def check(raw: bytes) -> None:
        events_of(provider).verify(raw, request.headers, secrets, timezone.now().timestamp())

    return _receive(request, check, Delivery.Source.PROVIDER, connection)


def _secrets(connection: Connection) -> list[str]:
    found = connection.credentials.filter(slot="webhook").first()
    return str(found.access).split() if found else []


def _receive(request: HttpRequest, check: Check, source: str, connection: Connection | None) -> HttpResponse:
    try:
        raw = _raw_body(request)
        _verified(raw, check)
        _readable(raw, strict=connection is None)
    except Unwelcome as refusal:
        log.info("delivery refused", status=refusal.status, reason=refusal.text, source=source)
        return JsonResponse({"error": refusal.text}, status=refusal.status)
    try:
        _store(request.headers, raw, source, connection)
    except (DatabaseError, InterfaceError) as error:
        return _unavailable(error)
    return JsonResponse({"ok": True})


def _raw_body(request: HttpRequest) -> bytes:
    sent = request.content_type or ""
    if sent not in {"application/json", "text/json"} and not sent.endswith("+json"):
        raise Unwelcome(415, "Send application/json.")
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > MAX_BODY:
        raise Unwelcome(413, "The body is larger than 5 MB.")
    raw = request.read(MAX_BODY + 1)
    if len(raw) > MAX_BODY:
        raise Unwelcome(413, "The body is larger than 5 MB.")
    return raw


def _verified(raw: bytes, check: Check) -> None:
    try:
        check(raw)
    except BadSignature as error:
        raise Unwelcome(401, "The signature is missing or wrong.") from error


def _readable(raw: bytes, strict: bool) -> None:
    """Refuse what is no JSON. Not strict: texts may hold raw line ends, since people paste them into templates."""
    try:
        body = json.loads(raw, strict=strict, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unwelcome(400, "The body is not readable JSON.") from error
    if not isinstance(body, (dict, list)):
        raise Unwelcome(400, "The body is not a JSON object.")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _store(headers: Mapping[str, str], raw: bytes, source: str, connection: Connection | None) -> None:
    now = timezone.now()
    Delivery.objects.create(
        source=source,
        connection=connection,
        headers=_worth_keeping(headers),
        body=raw,
        received_at=now,
        due_at=now,
    )
    wake("inbox.work")


def _worth_keeping(headers: Mapping[str, str]) -> dict[str, str]:
    """The vendor's own headers, which help to read a delivery later; never a secret."""
    kept = {name.lower(): value for name, value in headers.items() if KEPT_HEADERS.fullmatch(name)}
    return {name: value[:500] for name, value in kept.items() if not SECRET_HEADERS.search(name)}


def _unavailable(error: Exception) -> HttpResponse:
    log.error("delivery not stored", error=type(error).__name__)
    answer = JsonResponse({"error": "We cannot store this now. Please send it again."}, status=503)
    answer["Retry-After"] = "10"
    return answer
