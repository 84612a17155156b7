"""How long runs, their before-images, timelines and answered conflicts are kept."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from planeapp.sync.models import Conflict, Job, RunChange, SyncRun, TimelineEntry

QUIET = timedelta(days=14)
KEPT = timedelta(days=90)
LINES = timedelta(days=365)
BATCH = 5_000


def forget_old() -> int:
    """Delete at most ``BATCH`` rows of each kind; gives their number. Runs that changed nothing go first.

    A run can be taken back for ``KEPT``: its before-images go with it. One that still counts as running after that long
    was killed.
    """
    now = timezone.now()
    changed = RunChange.objects.filter(run=OuterRef("pk"))
    old = Q(started_at__lt=now - KEPT) | (Q(started_at__lt=now - QUIET) & ~Exists(changed))
    found = [
        SyncRun.objects.filter(old).exclude(state=SyncRun.State.RUNNING, started_at__gte=now - KEPT),
        Job.objects.filter(finished_at__lt=now - KEPT),
        Conflict.objects.filter(closed_at__lt=now - KEPT),
        TimelineEntry.objects.filter(at__lt=now - LINES),
    ]
    return sum(rows.model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True)[:BATCH])).delete()[0]
               for rows in found)  # fmt: skip
