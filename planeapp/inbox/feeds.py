"""Polled feeds: what a vendor's events feed holds becomes deliveries like any other. The first look is only a baseline."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import structlog
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection, Installation
from planeapp.lib.budget import calling_for
from planeapp.lib.errors import GroundcrewError
from planeapp.lib.wake import wake
from planeapp.providers import events_of, provider_class
from planeapp.sync import due
from planeapp.sync.timeline import note

log = structlog.get_logger(__name__)
REMEMBERED = 500
SMALLEST_PAGE = 25
"""A page as long as this may be a full one where we have not seen a longer one yet."""


def read_all() -> int:
    """Read the feed of every connection that has one; gives the number of new deliveries."""
    usable = Connection.objects.filter(
        status=Connection.Status.ACTIVE, installation__status=Installation.Status.ACTIVE
    ).select_related("installation")
    return sum(_read(connection) for connection in usable if connection.usable and connection.can("feed"))


def _read(connection: Connection) -> int:
    try:
        with calling_for("feed", routine=True):
            bodies, page, gap = _entries(connection)
    except GroundcrewError as error:
        log.warning("feed not read", connection=str(connection.pk), code=error.code, detail=str(error))
        return 0
    seen = _seen(connection)
    fresh = [(key, body) for key, body in ((_key(connection, body), body) for body in bodies) if key not in seen]
    first = connection.feed_read_at is None
    if not first:
        _store(connection, [body for _, body in fresh])
    if gap:
        _look_at_everything(connection)
    connection.feed_seen = {"ids": ([key for key, _ in fresh] + seen)[:REMEMBERED], "page": page}
    connection.feed_read_at = timezone.now()
    connection.save(update_fields=["feed_seen", "feed_read_at", "updated_at"])
    return 0 if first else len(fresh)


def _seen(connection: Connection) -> list[str]:
    return list(connection.feed_seen.get("ids", []))


def _entries(connection: Connection) -> tuple[Sequence[bytes], int, bool]:
    """What the feed holds, the longest page that it had so far, and whether something may lie between it and what we know.

    That is possible when all of a full page is new. Then more of the feed is read, which may reach what we know.
    """
    provider = provider_for(connection)
    bodies, longest = provider.feed(), int(connection.feed_seen.get("page", 0))
    page, full = max(longest, len(bodies)), len(bodies) >= (longest or SMALLEST_PAGE)
    if connection.feed_read_at is None or not bodies or not full or _meets(connection, bodies):
        return bodies, page, False
    wider = provider.feed(wide=True)
    return wider, page, not _meets(connection, wider)


def _meets(connection: Connection, bodies: Sequence[bytes]) -> bool:
    """Whether something among these was seen before."""
    return not {_key(connection, body) for body in bodies}.isdisjoint(_seen(connection))


def _look_at_everything(connection: Connection) -> None:
    """What the feed did not show can only be found by a full look at every pair."""
    log.warning("feed may have a gap", connection=str(connection.pk))
    name = provider_class(connection.provider).name
    text = f"The events feed of {name} may have left something out, so all of it is looked at once."
    for pair in connection.pairs.filter(enabled=True):
        note(pair, "feed_gap", text)
        due.ask(pair, reason="the events feed may have a gap")


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
