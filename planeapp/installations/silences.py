"""Suspicions that a vendor no longer pushes to us; see :class:`planeapp.installations.models.Silence`."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from planeapp.installations.connecting import WEBHOOK
from planeapp.installations.models import Connection, Installation, Silence


def suspect(installation: Installation, connection: Connection | None, missed_at: datetime) -> None:
    """A delivery should have come after ``missed_at`` (Plane's, or a provider's over ``connection``). The first counts."""
    what = {"missed_at": missed_at, "found_at": timezone.now()}
    row, fresh = Silence.objects.get_or_create(installation=installation, connection=connection, defaults=what)
    if not fresh:
        Silence.objects.filter(pk=row.pk, missed_at=None).update(**what)


def pushes(connection: Connection) -> bool:
    """Whether the vendor should push changes: it can, and took our subscription."""
    return connection.can("subscribe") and connection.credentials.filter(slot=WEBHOOK).exists()


def told(installation: Installation) -> QuerySet[Silence]:
    """Silences that the admins were told of and that go on."""
    return installation.silences.exclude(told_at=None).select_related("connection")
