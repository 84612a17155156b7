"""Celery's entry with fault points."""

from __future__ import annotations

from planeapp.celery import app
from tests.faults import points

__all__ = ["app"]


def _arm(**_: object) -> None:
    """The rooms can be loaded only when Django is ready."""
    points.arm()


if app.finalized:
    _arm()
else:
    app.on_after_finalize.connect(_arm, weak=False)
