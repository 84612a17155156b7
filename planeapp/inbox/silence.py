"""Whether deliveries really stay out where one was missed, and what is done about it.

A suspicion (raised by a sweep, or here by what a polled feed told first) ends with the next delivery. When none has come
``GRACE`` after it was raised, a provider is asked to push to us anew, once; if that does not help, or for Plane's webhook,
which only a person can switch on again, the admins are told: a notice on the overview, and an alert that is found by it.

A delivery up to ``SLACK`` before the change counts as heard, since the vendor's clock may be ahead of ours. Versions of
Plane from before March 2026 tell nothing of changes made over the REST API: where all changes are made by a script with a
person's key and nothing else happens for the whole grace, the notice is wrong, and goes with the next delivery.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db.models import Max
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.installations import connecting, silences
from planeapp.installations.models import Connection, Silence

log = structlog.get_logger(__name__)
GRACE = timedelta(minutes=10)
SLACK = timedelta(minutes=5)
POLLED = {"headers__feed": "polled"}


def listen() -> int:
    """Judge every suspicion; gives the number of those that go on."""
    _suspect_slow_pushes()
    rows = Silence.objects.filter(installation__status="active").select_related("installation", "connection")
    return sum(_judge(row) for row in rows)


def _suspect_slow_pushes() -> None:
    """A polled feed that tells what no push had told: the push comes first where there is one."""
    polled = Delivery.objects.filter(
        **POLLED, source=Delivery.Source.PROVIDER, state=Delivery.State.HANDLED,
        received_at__gte=timezone.now() - 2 * GRACE,
    )  # fmt: skip
    newest = dict(polled.order_by().values_list("connection").annotate(Max("received_at")))
    for connection in Connection.objects.filter(pk__in=newest, status="active").select_related("installation"):
        at = newest[connection.pk]
        if silences.pushes(connection) and not _heard(connection, at):
            silences.suspect(connection.installation, connection, at)


def _judge(row: Silence) -> bool:
    """Take the next step with a suspicion; whether it goes on."""
    since = row.missed_at or row.renewed_at
    if since is None or (_heard(row.connection, since) if row.connection else _heard_plane(row, since)):
        log.info("deliveries come", workspace=row.installation.slug, connection=str(row.connection_id or ""))
        row.delete()
        return False
    if row.missed_at and row.found_at and row.found_at <= timezone.now() - GRACE and row.told_at is None:
        _act(row)
    return True


def _heard_plane(row: Silence, since: datetime) -> bool:
    came = Delivery.objects.filter(source=Delivery.Source.PLANE, received_at__gte=since - SLACK)
    waiting = came.filter(lane=str(row.installation.workspace_id), state=Delivery.State.WAITING)
    return came.filter(installation=row.installation).exists() or waiting.exists()


def _heard(connection: Connection, since: datetime) -> bool:
    """Whether the vendor has pushed something itself."""
    came = Delivery.objects.filter(connection=connection, received_at__gte=since - SLACK)
    return any(headers.get("feed") != "polled" for headers in came.values_list("headers", flat=True))


def _act(row: Silence) -> None:
    now = timezone.now()
    mine = Silence.objects.filter(pk=row.pk, renewed_at=row.renewed_at, told_at=None)  # two workers: one acts
    if row.connection and row.renewed_at is None:
        if mine.update(renewed_at=now, missed_at=None, found_at=None):
            connecting.subscribe(row.connection, anew=True)
    elif mine.update(told_at=now):
        log.warning("deliveries stay out", workspace=row.installation.slug, connection=str(row.connection_id or ""))
