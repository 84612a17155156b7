"""Bringing the item of a talk in step, the way a person who waits needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planeapp.lib.errors import GroundcrewError, OutcomeUnknown, RetryLater
from planeapp.sync import engine
from planeapp.sync.apply import Outcome
from planeapp.sync.models import ProjectPair

LOOK_AGAIN_SECONDS = 3.0


def bring(pair: ProjectPair, item_id: str, extra: Mapping[str, Any] | None = None) -> Outcome:
    """Run the engine over one item. A write whose answer was lost is RetryLater: the next try looks for our mark first."""
    outcome = engine.run_item(pair, item_id, extra)
    check(outcome.failed.get(item_id))
    return outcome


def check(error: GroundcrewError | None) -> None:
    """Raise RetryLater for what may have happened or will soon; other faults are for the answer."""
    if isinstance(error, OutcomeUnknown):
        raise RetryLater(str(error), delay=LOOK_AGAIN_SECONDS, person=error.person)
