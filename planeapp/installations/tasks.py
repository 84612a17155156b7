"""Doors for workers."""

from __future__ import annotations

from celery import shared_task

from planeapp.installations import states


@shared_task(name="installations.upkeep")
def upkeep() -> int:
    """Forget authorization attempts that ended long ago; gives their number."""
    return states.forget_old()
