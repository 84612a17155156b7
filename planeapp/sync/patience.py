"""How a long run keeps its row, and waits for calls within itself, so that it goes on where it stopped."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.utils import timezone

LONGEST_PAUSE = 90.0  # less than a claim's lease
LONGEST_WAIT = 600.0
BEAT = timedelta(seconds=20)


class Claimed(Protocol):
    """A row that one worker has for a while (see ``planeapp.lib.claims``)."""

    pk: Any
    claimed_at: datetime | None
    _default_manager: Any


class Patience:
    """Waits for room in the budget, and keeps the row meanwhile.

    A run that would have to wait for more than ``longest`` seconds in all (or a single pause that is too long) is
    given up and begins anew later: what it has written stays, since each change is remembered by itself.
    """

    def __init__(self, row: Claimed, longest: float = LONGEST_WAIT) -> None:
        self.row = row
        self.left = longest

    def __call__(self, seconds: float) -> bool:
        """Whether the seconds were waited and the row is still ours; not begun when it is another worker's by now."""
        if seconds > min(self.left, LONGEST_PAUSE) or not self._renew():
            return False
        self.left -= seconds
        time.sleep(seconds)
        return self._renew()

    def beat(self) -> bool:
        """Keep the row while the run works: called between changes, it renews a claim that is older than ``BEAT``.

        False when another worker has taken the row: the run must not go on. That stays so.
        """
        claimed = self.row.claimed_at
        return claimed is not None and (timezone.now() - claimed < BEAT or self._renew())

    def _renew(self) -> bool:
        claimed, now = self.row.claimed_at, timezone.now()
        held = type(self.row)._default_manager.filter(pk=str(self.row.pk), claimed_at=claimed)
        if claimed is None or not held.update(claimed_at=now):
            return False
        self.row.claimed_at = now
        return True
