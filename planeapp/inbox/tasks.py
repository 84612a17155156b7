"""Doors for workers."""

from __future__ import annotations

from celery import shared_task

from planeapp.inbox import feeds, work
from planeapp.lib.claims import due_within
from planeapp.lib.wake import awake, wake_again


@shared_task(name="inbox.work")
def work_inbox() -> int:
    """Work until nothing is due; gives the number of deliveries."""
    awake("inbox.work")
    done = 0
    while count := work.work_batch():
        done += count
    wake_again("inbox.work", due_within(work.open_deliveries()))
    return done


@shared_task(name="inbox.read_feeds")
def read_feeds() -> int:
    """Ask providers that have an events feed what is new; gives the number of new deliveries."""
    return feeds.read_all()
