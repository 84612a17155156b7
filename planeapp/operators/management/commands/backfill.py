"""``manage.py backfill WORKSPACE``: bring everything over that has no counterpart yet, here and with progress."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError
from django.db.models.signals import post_save
from django.utils import timezone

from planeapp.dashboard.progress import Progress, progress_of
from planeapp.installations import audit
from planeapp.installations.models import Installation
from planeapp.operators.commands import GroundcrewCommand, add_provider, connections, moment, one_line, workspace
from planeapp.sync import jobs
from planeapp.sync.models import Job, ProjectPair

LOOK_SECONDS = 1.0
BROKEN_OFF = 130  # as a shell tells Ctrl-C


@dataclass
class Teller:
    """Prints a line whenever it says something new."""

    write: Callable[[str], Any]
    last: str = ""

    def __call__(self, line: str) -> None:
        """Print the line unless it is the last one again."""
        if line != self.last:
            self.write(line)
        self.last = line


class Command(GroundcrewCommand):
    """Begins the backfill of each pair, or joins the one that is under way, and works on it until it is over."""

    help = (
        "Bring everything over that has no counterpart yet, with progress. It can be broken off: workers go on with it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Workspace, provider, how far back."""
        parser.add_argument("workspace", help="slug or uuid")
        add_provider(parser)
        parser.add_argument("--since", help="only work items that changed since, ISO 8601 (the workspace's time zone)")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """One pair after the other; what fails for one leaves the next alone."""
        installation = workspace(options["workspace"])
        since = moment("--since", options["since"], ZoneInfo(installation.zone))
        found = connections(installation, options["provider"])
        pairs = ProjectPair.objects.filter(connection__in=found, enabled=True).order_by("project_name")
        say = Teller(self.stdout.write if not options["json"] else _nothing)
        with one_line():
            ended = [_bring_over(installation, pair, since, say) for pair in pairs]
        if options["json"]:
            self.print_json({"pairs": [_as_data(job) for job in ended]})
        elif not ended:
            self.stdout.write("There is no pair to bring over.")
        if wrong := [why for job in ended if (why := _wrong(job))]:
            raise CommandError(" ".join(wrong))


def _nothing(line: str) -> None:
    """Where nobody reads."""


def _bring_over(installation: Installation, pair: ProjectPair, since: datetime | None, say: Teller) -> Job:
    """Work on the pair's backfill until it is over; gives it as it ended."""
    joined = pair.jobs.filter(kind=Job.Kind.BACKFILL, state=Job.State.WAITING).exists()
    job = jobs.ask_backfill(pair, "command line", since)
    if joined:
        say(f"{pair}: a backfill is under way already, this goes on with it{_otherwise(job, since)}")
    else:
        audit.record("began_backfill", installation, provider=pair.connection.provider, project=pair.project_key,
                     by="command line")  # fmt: skip
    try:
        with _watched(job, say):
            return _until_over(job, say)
    except KeyboardInterrupt as error:
        told = f"{pair}: broken off. Workers go on with it within two minutes; the page Runs shows how far it is."
        raise CommandError(told, returncode=BROKEN_OFF) from error


def _otherwise(job: Job, since: datetime | None) -> str:
    """Says so when the backfill that is joined looks further back, or less far, than was asked for."""
    if job.since == since:
        return ""
    return f" (it takes what changed since {job.since:%Y-%m-%d})" if job.since else " (it takes everything)"


@contextmanager
def _watched(job: Job, say: Teller) -> Iterator[None]:
    """Tell of each step at once, while it is worked on in this process."""

    def stepped(instance: Job, **_: Any) -> None:
        if instance.pk == job.pk:
            say(_line(instance))

    post_save.connect(stepped, sender=Job, weak=False)
    try:
        yield
    finally:
        post_save.disconnect(stepped, sender=Job)


def _until_over(job: Job, say: Teller) -> Job:
    """Work on it, or watch who does, until it is over or only a person can help; gives it as it is then."""
    while True:
        jobs.work_one(job)
        job = Job.objects.select_related("pair__connection__installation", "result").get(pk=job.pk)
        now = progress_of(job)
        if not now.under_way or now.parked:
            say(_line(job))
            return job
        say(_line(job) + _waiting(now))
        _rest(job, now)


def _line(job: Job) -> str:
    """How far it is."""
    of = f" of {job.total}" if job.total is not None else ""
    failed = f", {job.failed} failed" if job.failed else ""
    left = progress_of(job).left
    return f"{job.pair}: {job.done}{of} work items looked at{failed}{f', {left} left' if left else ''}"


def _waiting(now: Progress) -> str:
    if now.waits_until is None:
        return ""
    zone = ZoneInfo(now.job.pair.connection.installation.zone)
    quota = "for quota " if now.for_quota else ""
    return f"; waiting {quota}until {now.waits_until.astimezone(zone):%H:%M:%S}. {now.job.detail}".rstrip()


def _rest(job: Job, now: Progress) -> None:
    """Until it is due, or for a moment when another worker is at it; never so long that a person's end goes unseen."""
    if now.waits_until is not None:
        time.sleep(min(max((now.waits_until - timezone.now()).total_seconds(), 0.0), LOOK_SECONDS))
    elif job.claimed_at is not None:
        time.sleep(LOOK_SECONDS)


def _as_data(job: Job) -> dict[str, Any]:
    return {
        "pair": str(job.pair), "provider": job.pair.connection.provider, "state": job.state, "done": job.done,
        "total": job.total, "failed": job.failed, "counts": job.result.counts if job.result else {},
        "detail": job.detail,
    }  # fmt: skip


def _wrong(job: Job) -> str:
    """What a person has to look at, or ``""``."""
    if job.state == Job.State.DONE:
        items = "1 work item" if job.failed == 1 else f"{job.failed} work items"
        return f"{job.pair}: {items} failed; the page Activity says why." if job.failed else ""
    if job.state == Job.State.WAITING:
        return f"{job.pair}: the connection has to be mended first; then workers go on with it."
    if job.state == Job.State.ENDED:
        return f"{job.pair}: ended by a person."
    return f"{job.pair}: failed. {job.detail}"
