"""What happens to a stored delivery: read it, find the workspace, hand each new event to its handler, write down the end.

Handlers only write rows (what is due, what was said), in the same transaction as the mark that the event was seen: so an
event has one effect however often it is delivered and whenever a worker dies.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.inbox.models import Delivery, Happening
from planeapp.inbox.routes import ROUTES, Handler
from planeapp.installations.models import Installation
from planeapp.lib.claims import backoff, claim
from planeapp.lib.events import Event
from planeapp.plane import events as plane_events
from planeapp.providers import events_of

log = structlog.get_logger(__name__)
BATCH = 50
MAX_ATTEMPTS = 8
OPEN = [Delivery.State.WAITING, Delivery.State.WORKING, Delivery.State.FAILED]


@dataclass(frozen=True)
class End:
    """How an event or a delivery ended, with the reason that people read."""

    state: str
    reason: str = ""


def open_deliveries() -> QuerySet[Delivery]:
    """Deliveries that have not come to their end."""
    return Delivery.objects.filter(state__in=OPEN)


def work_batch() -> int:
    """Work on one batch of due deliveries; gives their number."""
    claimed = claim(open_deliveries(), BATCH)
    for delivery in claimed:
        with structlog.contextvars.bound_contextvars(delivery=str(delivery.id)):
            work_one(delivery)
    return len(claimed)


def work_one(delivery: Delivery) -> None:
    """Bring one claimed delivery to its end."""
    try:
        end = _worked(delivery)
    except Exception as error:  # whatever a handler raises, the row must keep it and come back
        log.exception("delivery failed")
        end = _failed(delivery, error)
    delivery.state, delivery.reason = end.state, _storable(end.reason)[:500]
    delivery.claimed_at = None
    if end.state != Delivery.State.FAILED:
        delivery.finished_at = timezone.now()
    delivery.save()


def _storable(text: str) -> str:
    """The text without what no database takes (it may quote a delivery): NUL and half characters."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _failed(delivery: Delivery, error: Exception) -> End:
    delivery.attempts += 1
    if delivery.attempts >= MAX_ATTEMPTS:
        return End(Delivery.State.DEAD, f"Given up after {delivery.attempts} tries: {type(error).__name__}")
    delivery.due_at = timezone.now() + backoff(delivery.attempts)
    return End(Delivery.State.FAILED, f"{type(error).__name__}: will be tried again")


def _worked(delivery: Delivery) -> End:
    try:
        events = _read(delivery)
    except ValueError as error:
        return End(Delivery.State.DEAD, f"unreadable: {error}")
    delivery.kind = ", ".join(dict.fromkeys(event.kind for event in events))[:60]
    delivery.subject = next((event.subject for event in events if event.subject), "")[:100]
    ends = [_event(delivery, event) for event in events]
    handled = next((end for end in ends if end.state == Delivery.State.HANDLED), None)
    return handled or next(iter(ends), End(Delivery.State.IGNORED, "nothing in it for us"))


def _read(delivery: Delivery) -> list[Event]:
    raw = bytes(delivery.body)
    if delivery.connection is not None:
        return events_of(delivery.connection.provider).read(raw)
    return plane_events.read(raw, delivery.headers)


def _installation(delivery: Delivery, event: Event) -> Installation | None:
    if delivery.connection is not None:
        return delivery.connection.installation
    try:
        workspace = uuid.UUID(event.workspace)
    except ValueError:
        return None
    return Installation.objects.filter(workspace_id=workspace).first()


def _event(delivery: Delivery, event: Event) -> End:
    installation = _installation(delivery, event)
    if installation is None:
        return End(Delivery.State.IGNORED, "unknown workspace")
    delivery.installation = installation
    if installation.status == Installation.Status.UNINSTALLED:
        return End(Delivery.State.IGNORED, "the app is uninstalled there")
    if installation.app_bot and event.actor == str(installation.app_bot):
        return End(Delivery.State.IGNORED, "our own change")
    handler = ROUTES.get(event.kind)
    if handler is None:
        return End(Delivery.State.IGNORED, str(event.data.get("reason") or f"unknown event {event.kind}"))
    return _once(delivery, installation, event, handler)


def _once(delivery: Delivery, installation: Installation, event: Event, handler: Handler) -> End:
    try:
        with transaction.atomic():
            Happening.objects.create(installation=installation, key=event.id[:200], delivery=delivery)
            reason = handler(installation, delivery.connection, event)
    except IntegrityError:
        if Happening.objects.filter(installation=installation, key=event.id[:200]).exists():
            return End(Delivery.State.IGNORED, "delivered before")
        raise
    return End(Delivery.State.IGNORED, reason) if reason else End(Delivery.State.HANDLED)
