"""How far long work is, as the pages and the command line tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from planeapp.dashboard.words import about
from planeapp.installations.models import Connection, Installation
from planeapp.sync import backfill
from planeapp.sync.models import Job

RECENT = timedelta(days=1)
SHOWN = 10


@dataclass(frozen=True)
class Progress:
    """A job with what its row does not say by itself.

    ``left``: how long the rest takes, in words. ``waits_until``: it does nothing before; ``for_quota``: since the limit on
    calls is used up. ``parked``: it does nothing until a person has mended the connection.
    """

    job: Job
    left: str = ""
    waits_until: datetime | None = None
    for_quota: bool = False
    parked: bool = False

    @property
    def under_way(self) -> bool:
        """Whether it is not over."""
        return self.job.state == Job.State.WAITING


def progress_of(job: Job) -> Progress:
    """How far it is now."""
    connection, now = job.pair.connection, timezone.now()
    if job.state != Job.State.WAITING:
        return Progress(job)
    if connection.status != Connection.Status.ACTIVE or not connection.installation.active:
        return Progress(job, parked=True)
    paused = connection.paused_until if connection.paused_until and connection.paused_until > now else None
    until = max(paused or now, job.due_at)
    return Progress(job, _left(job), until if until > now else None, for_quota=paused is not None)


def _left(job: Job) -> str:
    left = backfill.eta(job) if job.kind == Job.Kind.BACKFILL else None
    return about(left) if left else ""


def of(installation: Installation, only: Q | None = None, since: timedelta = RECENT) -> list[Progress]:
    """The workspace's jobs that are under way or ended within ``since``, newest first; ``only`` narrows them."""
    current = Q(state=Job.State.WAITING) | Q(finished_at__gt=timezone.now() - since)
    rows = Job.objects.filter(current, only or Q(), pair__connection__installation=installation)
    found = rows.select_related("pair__connection__installation", "run", "result").order_by("-created_at")[:SHOWN]
    return [progress_of(job) for job in found]


def as_context(shown: list[Progress]) -> dict[str, Any]:
    """What the partial ``_jobs.html`` needs beside its address."""
    return {"jobs": shown, "under_way": any(one.under_way for one in shown)}
