"""Retention: what vendors sent is kept for ``DELIVERY_DAYS``; after that only how much of what came remains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from planeapp.inbox.models import Delivery, DeliveryCount, Happening
from planeapp.inbox.work import FINAL

CHUNK = 500
MOST_CHUNKS = 400  # for one run; the next one goes on
STRANGERS = timedelta(days=1)  # of a workspace that we do not know, or know no longer: its content is nobody's here
LEAST_MEMORY = timedelta(days=2)  # repeated deliveries are known for so long, however short the rest is kept


class Key(NamedTuple):
    """What is counted together: a row of :class:`DeliveryCount`."""

    day: date
    installation_id: UUID | None
    source: str
    provider: str
    state: str
    kind: str


def retain() -> int:
    """Roll old finished deliveries up into counts and delete them; gives their number.

    Whatever waits, failed or is in hand stays, however old.
    """
    now = timezone.now()
    kept = timedelta(days=settings.DELIVERY_DAYS)
    done = 0
    for _ in range(MOST_CHUNKS):
        rolled = _roll_up(now - kept, now - min(kept, STRANGERS))
        done += rolled
        if rolled < CHUNK:
            break
    _forget(now - max(kept, LEAST_MEMORY))
    return done


def _roll_up(before: datetime, strangers_before: datetime) -> int:
    """Count and delete a chunk in one transaction, so that a delivery is counted once however often this runs."""
    skip = connection.features.has_select_for_update_skip_locked
    old = Q(received_at__lt=before) | Q(received_at__lt=strangers_before, installation=None)
    finished = Delivery.objects.filter(old, state__in=FINAL).order_by("received_at")
    with transaction.atomic():
        locked = finished.select_for_update(skip_locked=skip, of=("self",) if skip else ())
        rows = list(
            locked.values("pk", "received_at", "installation_id", "source", "connection__provider", "state", "kind")[
                :CHUNK
            ]
        )
        for key, count in sorted(
            _counted(rows).items(), key=str
        ):  # in one order: two runs at once cannot lock each other
            _add(key, count)
        Delivery.objects.filter(pk__in=[row["pk"] for row in rows]).delete()
    return len(rows)


def _counted(rows: Iterable[Mapping[str, Any]]) -> Counter[Key]:
    return Counter(
        Key(
            row["received_at"].astimezone(UTC).date(), row["installation_id"], row["source"],
            row["connection__provider"] or "", row["state"], row["kind"],
        )
        for row in rows
    )  # fmt: skip


def _add(key: Key, count: int) -> None:
    row, _ = DeliveryCount.objects.get_or_create(**key._asdict())
    DeliveryCount.objects.filter(pk=row.pk).update(count=F("count") + count)


def _forget(before: datetime) -> None:
    old = Happening.objects.filter(at__lt=before).order_by("at")
    for _ in range(MOST_CHUNKS):
        ids = list(old.values_list("pk", flat=True)[:CHUNK])
        Happening.objects.filter(pk__in=ids, at__lt=before).delete()
        if len(ids) < CHUNK:
            break
