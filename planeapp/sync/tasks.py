"""Doors for workers."""

from __future__ import annotations

from celery import shared_task

from planeapp.lib.claims import due_within
from planeapp.lib.wake import awake, wake_again
from planeapp.sync import due, jobs, reconcile, retention


@shared_task(name="sync.work_due")
def work_due() -> int:
    """Look at every item that is due; gives their number."""
    awake("sync.work_due")
    done = 0
    while count := due.work_batch(whole=False):
        done += count
    wake_again("sync.work_due", due_within(due.workable().exclude(item_id="")))
    return done


@shared_task(name="sync.work_pairs")
def work_pairs() -> int:
    """Bring every pair that is due in step; gives their number."""
    awake("sync.work_pairs")
    done = 0
    while count := due.work_batch(whole=True):
        done += count
    wake_again("sync.work_pairs", due_within(due.workable().filter(item_id="")))
    return done


@shared_task(name="sync.work_jobs")
def work_jobs() -> int:
    """Go on with every long job that is due; gives their number."""
    awake(jobs.TASK)
    done = 0
    while jobs.work_one():
        done += 1
    wake_again(jobs.TASK, due_within(jobs.workable()))
    return done


@shared_task(name="sync.plan_reconcile")
def plan_reconcile() -> int:
    """Make every pair due in its turn, to find what no webhook told; gives their number."""
    return reconcile.plan()


@shared_task(name="sync.retain")
def retain() -> int:
    """Forget runs, lines and answered conflicts that are too old to be of use; gives their number."""
    return retention.forget_old()
