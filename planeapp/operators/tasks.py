"""Doors for workers."""

from __future__ import annotations

from celery import shared_task

from planeapp.operators import troubles


@shared_task(name="operators.watch")
def watch() -> int:
    """See what is the matter in which workspace; gives the number of troubles that go on."""
    return troubles.watch()
