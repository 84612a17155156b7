"""Long work over a pair, worked off in the background: backfills, and runs that are taken back.

A job goes on where it stopped, whoever stops it: a limit that is used up, a vendor that is down, a killed worker, a
deployment. Errors that pass make it wait; those that only a person can mend end it with the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.installations.models import Connection, Installation
from planeapp.lib.budget import Reserved, sweeping
from planeapp.lib.claims import LEASE, backoff, claim
from planeapp.lib.errors import GroundcrewError, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.lib.wake import wake
from planeapp.sync import backfill
from planeapp.sync.due import QUOTA_PAUSE, pause
from planeapp.sync.models import Job, ProjectPair, SyncRun
from planeapp.sync.patience import Patience
from planeapp.sync.snapshot import Sides
from planeapp.sync.undo import Undoer, undoable

log = structlog.get_logger(__name__)
TASK = "sync.work_jobs"
MAX_ATTEMPTS = 20
PARKED = timedelta(minutes=5)
LONGEST_WAIT = 120.0
TURN_SECONDS = 60.0


def open_in(installation: Installation) -> QuerySet[Job]:
    """The workspace's jobs that are under way, oldest first."""
    found = Job.objects.filter(pair__connection__installation=installation, state=Job.State.WAITING)
    return found.select_related("pair__connection__installation", "run", "result").order_by("created_at")


def ask_backfill(pair: ProjectPair, who: str = "", since: datetime | None = None) -> Job:
    """Have everything brought over that has no counterpart yet: the backfill that is under way, else a new one.

    ``since``: only work items that changed since.
    """
    with transaction.atomic():
        ProjectPair.objects.select_for_update().get(pk=pair.pk)
        found = pair.jobs.filter(kind=Job.Kind.BACKFILL, state=Job.State.WAITING).first()
        job = found or Job.objects.create(
            pair=pair, kind=Job.Kind.BACKFILL, since=since, asked_by=who[:200], due_at=timezone.now()
        )
        wake(TASK)
    return job


def ask_undo(run: SyncRun, who: str = "") -> Job:
    """Have a run taken back; the undo that is under way if there is one already."""
    with transaction.atomic():
        SyncRun.objects.select_for_update().get(pk=run.pk)
        found = run.jobs.filter(kind=Job.Kind.UNDO, state=Job.State.WAITING).first()
        job = found or Job.objects.create(
            pair=run.pair, kind=Job.Kind.UNDO, run=run, asked_by=who[:200], due_at=timezone.now(),
            total=undoable(run).count(),
        )  # fmt: skip
        wake(TASK)
    return job


def end(job: Job) -> bool:
    """End a job that is under way; what it has done stays. False when it was over already."""
    waiting = Job.objects.filter(pk=job.pk, state=Job.State.WAITING)
    ended = bool(waiting.update(state=Job.State.ENDED, finished_at=timezone.now()))
    if ended:
        job.refresh_from_db()
        _finish_result(job, SyncRun.State.DONE, "A person ended it before its end.")
    return ended


def workable() -> QuerySet[Job]:
    """Jobs whose connection may be used now."""
    return (
        Job.objects.filter(state=Job.State.WAITING, pair__connection__status=Connection.Status.ACTIVE)
        .filter(pair__connection__installation__status=Installation.Status.ACTIVE)
        .exclude(pair__connection__paused_until__gt=timezone.now())
    )


def work_one(only: Job | None = None) -> Job | None:
    """Go on with the job that is due first (or with this one), as long as it goes; None when nothing is due."""
    rows = workable() if only is None else workable().filter(pk=only.pk)
    claimed = claim(rows, 1, LEASE)
    if not claimed:
        return None
    job = Job.objects.select_related("pair__connection__installation", "run", "result").get(pk=claimed[0].pk)
    run = str(job.result_id) if job.result_id else None
    with structlog.contextvars.bound_contextvars(job=str(job.pk), pair=str(job.pair_id), run=run):
        _work(job)
    return job


def _work(job: Job) -> None:
    patience = Patience(job, LONGEST_WAIT)
    try:
        with sweeping(patience, job.kind):
            over = WORK[Job.Kind(job.kind)](job, _still_ours(job, patience), _turn())
    except RetryLater as error:
        _later(job, error)
    except OutcomeUnknown as error:  # every step looks before it writes, so it is taken up again
        _later(job, RetryLater(str(error), person=error.person))
    except ReconnectNeeded as error:
        _wait(job, timezone.now() + PARKED, error.person)  # ``workable`` leaves it out until the connection is mended
    except GroundcrewError as error:
        _finish(job, Job.State.FAILED, error.person)
    except Exception as error:
        log.exception("job broke")
        _later(job, RetryLater(f"{type(error).__name__} on our side", person=GroundcrewError.default_person))
    else:
        _finish(job, Job.State.DONE) if over else _wait(job, timezone.now(), "")


def _turn() -> Callable[[], bool]:
    """True for ``TURN_SECONDS``: then the jobs of others are looked at before this one goes on."""
    began = time.monotonic()
    return lambda: time.monotonic() - began < TURN_SECONDS


def _still_ours(job: Job, patience: Patience) -> Callable[[], bool]:
    """Whether nobody else took the job over, and no person ended it."""
    return lambda: patience.beat() and Job.objects.filter(pk=job.pk, state=Job.State.WAITING).exists()


def _undo(job: Job, beat: Callable[[], bool], turn: Callable[[], bool]) -> bool:
    """Take the run's changes back, last one first; the bookmark is the last one that was looked at. True at the end."""
    assert job.run is not None  # of the kind
    if job.result is None:
        job.result = SyncRun.objects.create(pair=job.pair, kind=SyncRun.Kind.UNDO, undoes=job.run)
        job.save(update_fields=["result"])
    with closing(Sides(job.pair)) as sides:
        undoer, seen = Undoer(sides, job.result), job.bookmark.get("last")
        rest = undoable(job.run)
        for change in rest.filter(pk__lt=seen) if seen else rest:
            if not beat() or not turn():
                return False
            job.failed += not undoer.undo(change)
            job.done, job.bookmark = job.done + 1, {"last": change.pk}
            job.save(update_fields=["done", "failed", "bookmark"])
    return True


WORK = {Job.Kind.BACKFILL: backfill.work, Job.Kind.UNDO: _undo}


def _later(job: Job, error: RetryLater) -> None:
    attempts = job.attempts if isinstance(error, OutOfQuota) else job.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        _finish(job, Job.State.FAILED, error.person)
        return
    if isinstance(error, OutOfQuota) and not isinstance(error, Reserved):
        pause(job.pair, error)
    wait = timedelta(seconds=error.delay or QUOTA_PAUSE) if isinstance(error, OutOfQuota) else backoff(attempts)
    job.attempts = attempts
    _wait(job, timezone.now() + wait, error.person)


def _wait(job: Job, until: datetime, why: str) -> None:
    log.info("job waits", detail=why)
    # Only while it is ours: another worker's claim must not be taken from it.
    ours = Job.objects.filter(pk=job.pk, claimed_at=job.claimed_at)
    ours.update(claimed_at=None, due_at=until, attempts=job.attempts, detail=why[:500])


def _finish(job: Job, state: str, detail: str = "") -> None:
    ours = Job.objects.filter(pk=job.pk, state=Job.State.WAITING, claimed_at=job.claimed_at)
    if ours.update(state=state, detail=detail[:500], finished_at=timezone.now(), claimed_at=None):
        over = SyncRun.State.DONE if state == Job.State.DONE else SyncRun.State.FAILED
        _finish_result(job, over, detail)


def _finish_result(job: Job, state: str, detail: str) -> None:
    if job.result is None:
        return
    undone = {"undone": job.done - job.failed, "kept": job.failed}
    counts = undone if job.kind == Job.Kind.UNDO else job.result.counts
    SyncRun.objects.filter(pk=job.result.pk).update(
        state=state, counts=counts, detail=detail[:500], finished_at=timezone.now()
    )
