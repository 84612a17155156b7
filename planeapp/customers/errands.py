"""Errands: work about companies that goes on in the background, one row per connection and kind however often it is asked for.

What does them stands in ``work``; who works them off in ``runner``.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Case, DateTimeField, F, QuerySet, Value, When
from django.db.models.functions import Least
from django.utils import timezone

from planeapp.customers.models import Errand
from planeapp.installations.models import Connection, Installation
from planeapp.lib.wake import wake

TASK = "customers.work"


def ask(connection: Connection, kind: str, key: str = "", delay: timedelta = timedelta(0)) -> None:
    """Have an errand done within ``delay``. Asked for again while it is under way, it is done once more, after the delay."""
    due_at = timezone.now() + delay
    with transaction.atomic():
        mine = {"connection": connection, "kind": kind, "key": key}
        row, made = Errand.objects.get_or_create(**mine, defaults={"due_at": due_at})
        if not made:
            waiting = When(claimed_at=None, then=Least(F("due_at"), due_at))
            again = Case(waiting, default=Value(due_at), output_field=DateTimeField())
            Errand.objects.filter(pk=row.pk).update(asked=F("asked") + 1, attempts=0, due_at=again)
        wake(TASK)


def workable() -> QuerySet[Errand]:
    """Errands whose connection may be used now."""
    now = timezone.now()
    return Errand.objects.filter(
        connection__status=Connection.Status.ACTIVE, connection__installation__status=Installation.Status.ACTIVE
    ).exclude(connection__paused_until__gt=now)
