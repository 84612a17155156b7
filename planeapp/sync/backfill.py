"""Backfill: everything that has no counterpart yet, page by page, going on where it stopped.

A page of work items is read, those without a counterpart get one, and then the bookmark moves: who is killed reads one
page again. What is linked already is the sweep's business and costs nothing here. The other side is listed once, at the
beginning, for rows that carry our mark from an earlier life.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from planeapp.installations import budgets
from planeapp.plane.paging import PER_PAGE
from planeapp.sync import snapshot as reading
from planeapp.sync.apply import Applier
from planeapp.sync.engine import plan_for
from planeapp.sync.models import Job, SyncRun
from planeapp.sync.snapshot import Sides


def work(job: Job, beat: Callable[[], bool], turn: Callable[[], bool]) -> bool:
    """Go on, page by page, while it is our ``turn``; true at the end.

    ``beat`` says whether the job is still ours. What breaks off leaves the bookmark where it is.
    """
    with closing(Sides(job.pair)) as sides:
        run = _run(job)
        if "marks" not in job.bookmark:
            _keep(job, marks=_marks(sides), cursor="")
        while job.bookmark["cursor"] is not None:
            if not beat() or not turn():
                return False
            _page(job, sides, run, beat)
    return True


def _run(job: Job) -> SyncRun:
    if job.result is None:
        job.result = SyncRun.objects.create(pair=job.pair, kind=SyncRun.Kind.BACKFILL)
        job.save(update_fields=["result"])
    return job.result


def _marks(sides: Sides) -> dict[str, str]:
    """Mark → row, of rows over there that no link of ours knows."""
    known = set(sides.pair.links.values_list("remote_id", flat=True))
    return {row.mark: row.id for row in sides.rows.list().items if row.mark and row.id not in known}


def _page(job: Job, sides: Sides, run: SyncRun, beat: Callable[[], bool]) -> None:
    page = sides.plane.page(sides.project, job.bookmark["cursor"], job.since)
    snapshot = reading.of_page(sides, page.items, job.bookmark["marks"])
    outcome = Applier(sides, snapshot, run, beat).apply(plan_for(sides, snapshot))
    run.counts = _done(run)
    run.save(update_fields=["counts"])
    seen = job.bookmark.get("seen", 0) + len(page.items)
    job.done, job.failed = seen, job.failed + len(outcome.failed)
    job.total = max(page.total, seen) if page.total is not None else job.total
    _keep(job, cursor=page.following or None, seen=seen)


def _done(run: SyncRun) -> dict[str, int]:
    """What the run has written by now, with the part of a page that a killed worker had written."""
    wrote = run.changes.filter(done=True).values_list("kind", "side").annotate(count=Count("pk")).order_by()
    return {f"{kind} {side}": count for kind, side, count in wrote}


def _keep(job: Job, **bookmark: object) -> None:
    job.bookmark = {**job.bookmark, **bookmark}
    job.save(update_fields=["bookmark", "done", "failed", "total"])


def eta(job: Job) -> timedelta | None:
    """How long the rest takes at the pace that the vendors' limits allow; None while that cannot be told.

    By the calls that an item has cost so far on each side. Where no limit is known, by the time that an item took.
    """
    if job.total is None or not job.done or job.result is None:
        return None
    left = max(job.total - job.done, 0)
    created = job.result.counts.get("create vendor", 0) / job.done
    rates = _rates(job)
    costs = ((1 / PER_PAGE + created, rates.get("plane")), (created, rates.get("vendor")))
    bounds = [left * calls / rate for calls, rate in costs if rate]
    spent = (timezone.now() - job.created_at).total_seconds()
    return timedelta(seconds=round(max(bounds) if bounds else spent / job.done * left))


def _rates(job: Job) -> dict[str, float]:
    """Calls a second that a sweep may make on each side, where a limit is known."""
    found: dict[str, float] = {}
    for token in budgets.now(job.pair.connection.installation):
        side = "plane" if token.connection is None else "vendor"
        if token.sweep_rate and (token.connection is None or token.connection.pk == job.pair.connection_id):
            found[side] = min(found.get(side, token.sweep_rate), token.sweep_rate)
    return found
