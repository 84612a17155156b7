"""Claiming rows for work: one worker gets a row, and a row whose worker died is found again.

A table that is worked on this way has ``due_at`` and ``claimed_at``.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TypeVar

from django.db import connections, models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

LEASE = timedelta(seconds=120)

Row = TypeVar("Row", bound=models.Model)


def claim(rows: QuerySet[Row], limit: int, lease: timedelta = LEASE) -> list[Row]:
    """At most ``limit`` due rows of ``rows`` that are now ours alone, oldest first."""
    now = timezone.now()
    free = rows.filter(Q(claimed_at=None) | Q(claimed_at__lt=now - lease), due_at__lte=now)
    skip = connections[rows.db].features.has_select_for_update_skip_locked
    with transaction.atomic(using=rows.db):
        found = list(free.order_by("due_at").select_for_update(skip_locked=skip)[:limit])
        if found:
            rows.model._default_manager.filter(pk__in=[row.pk for row in found]).update(claimed_at=now)
    for row in found:
        row.claimed_at = now  # type: ignore[attr-defined]
    return found


def anything_due(rows: QuerySet[Row], lease: timedelta = LEASE) -> bool:
    """Whether a claim would find something; reads only, so that an idle worker takes no lock."""
    now = timezone.now()
    return rows.filter(Q(claimed_at=None) | Q(claimed_at__lt=now - lease), due_at__lte=now).exists()


def due_within(rows: QuerySet[Row], seconds: float = 9.0) -> float | None:
    """Seconds until the next unclaimed row is due, when that is soon; None when it is not (a sweep comes by)."""
    now = timezone.now()
    soon = rows.filter(claimed_at=None, due_at__gt=now, due_at__lte=now + timedelta(seconds=seconds))
    first = soon.order_by("due_at").values_list("due_at", flat=True).first()
    return None if first is None else max((first - now).total_seconds(), 0.0) + 0.01


def release_all(model: type[models.Model]) -> int:
    """Free every claim. For the embedded worker's start: it is the only one, so whoever held them is dead."""
    return model._default_manager.exclude(claimed_at=None).update(claimed_at=None)


def backoff(attempts: int, base: float = 2.0, most: float = 3600.0) -> timedelta:
    """How long to wait after ``attempts`` failures: doubling from ``base`` seconds, spread by up to a quarter."""
    seconds = min(base * 2 ** max(attempts - 1, 0), most)
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311
