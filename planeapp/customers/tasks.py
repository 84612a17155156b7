"""Doors for workers."""

from __future__ import annotations

from celery import shared_task

from planeapp.customers import errands, runner
from planeapp.lib.claims import due_within
from planeapp.lib.wake import awake, wake_again


@shared_task(name="customers.work")
def work() -> int:
    """Do every errand that is due; gives their number."""
    awake(errands.TASK)
    done = 0
    while runner.work_one():
        done += 1
    wake_again(errands.TASK, due_within(errands.workable()))
    return done


@shared_task(name="customers.plan")
def plan() -> int:
    """Give every connection its recurring errands; gives the number of new ones."""
    return runner.plan()
