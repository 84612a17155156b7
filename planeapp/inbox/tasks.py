"""Doors for workers."""

from __future__ import annotations

from celery import shared_task

from planeapp.inbox import feeds, retention, silence, work
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


@shared_task(name="inbox.listen")
def listen() -> int:
    """Judge whether deliveries stay out where one was missed; gives the number of such suspicions that go on."""
    return silence.listen()


@shared_task(name="inbox.retain")
def retain() -> int:
    """Roll up and delete what is older than we keep; gives the number of deliveries."""
    return retention.retain()
