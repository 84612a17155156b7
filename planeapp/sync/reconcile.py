"""The sweep: every pair is looked at as a whole now and then, since webhooks are hints and some things are never told.

A deleted or archived work item, a change while a webhook was off, an outage: a look at all of both sides finds them. Each
pair has its own place in the interval, so that not all are looked at in one minute, and a sweep leaves half of every
vendor's limit to live work (``planeapp.lib.budget``).
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from planeapp.sync import due
from planeapp.sync.models import ProjectPair


def plan() -> int:
    """Make every pair due within the coming interval; gives their number. One that was looked at just before its turn,
    because somebody asked, is left out."""
    pairs = ProjectPair.objects.filter(
        enabled=True, connection__status="active", connection__installation__status="active"
    )
    turns = [(pair, turn(pair)) for pair in pairs]
    wanted = [(pair, delay) for pair, delay in turns if not _just_before(pair, delay)]
    for pair, delay in wanted:
        due.ask(pair, delay=delay, reason="reconcile")
    return len(wanted)


def turn(pair: ProjectPair) -> timedelta:
    """The pair's place in the interval: always the same, and spread evenly over all pairs."""
    return timedelta(seconds=pair.pk.int % 10_000 / 10_000 * settings.RECONCILE_SECONDS)


def _just_before(pair: ProjectPair, delay: timedelta) -> bool:
    if pair.reconciled_at is None:
        return False
    return timezone.now() + delay - pair.reconciled_at < timedelta(seconds=settings.RECONCILE_SECONDS / 2)
