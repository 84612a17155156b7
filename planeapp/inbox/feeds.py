"""Polled feeds: what a vendor's events feed holds becomes deliveries like any other. The first look is only a baseline."""

from __future__ import annotations

import hashlib

import structlog
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection, Installation
from planeapp.lib.errors import GroundcrewError
from planeapp.lib.wake import wake
from planeapp.providers import events_of

log = structlog.get_logger(__name__)
REMEMBERED = 500


def read_all() -> int:
    """Read the feed of every connection that has one; gives the number of new deliveries."""
    usable = Connection.objects.filter(
        status=Connection.Status.ACTIVE, installation__status=Installation.Status.ACTIVE
    ).select_related("installation")
    return sum(_read(connection) for connection in usable if connection.usable and connection.can("feed"))


def _read(connection: Connection) -> int:
    try:
        bodies = provider_for(connection).feed()
    except GroundcrewError as error:
        log.warning("feed not read", connection=str(connection.pk), code=error.code, detail=str(error))
        return 0
    seen = list(connection.feed_seen.get("ids", []))
    fresh = [(key, body) for key, body in ((_key(connection, body), body) for body in bodies) if key not in seen]
    first = connection.feed_read_at is None
    if not first:
        _store(connection, [body for _, body in fresh])
    connection.feed_seen = {"ids": ([key for key, _ in fresh] + seen)[:REMEMBERED]}
    connection.feed_read_at = timezone.now()
    connection.save(update_fields=["feed_seen", "feed_read_at", "updated_at"])
    return 0 if first else len(fresh)


def _key(connection: Connection, body: bytes) -> str:
    """The event's id, by which webhook and feed are known to tell the same."""
    try:
        events = events_of(connection.provider).read(body)
    except ValueError:
        events = []
    return events[0].id if events else hashlib.sha256(body).hexdigest()


def _store(connection: Connection, bodies: list[bytes]) -> None:
    now = timezone.now()
    for body in reversed(bodies):  # feeds are newest first; work is oldest first
        Delivery.objects.create(
            source=Delivery.Source.PROVIDER, connection=connection, lane=str(connection.installation.workspace_id),
            headers={"feed": "polled"}, body=body,
            received_at=now, due_at=now,
        )  # fmt: skip
    if bodies:
        wake("inbox.work")
