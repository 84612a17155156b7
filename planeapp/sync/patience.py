"""How a sweep waits for calls: within its run, so that it goes on where it stopped."""

from __future__ import annotations

import time

from django.utils import timezone

from planeapp.sync.models import Due

LONGEST_PAUSE = 90.0  # less than a claim's lease
LONGEST_WAIT = 600.0


class Patience:
    """Waits for room in the budget and keeps the row meanwhile.

    A run that would have to wait for more than ``LONGEST_WAIT`` seconds in all (or a single pause that is too long) is
    given up and begins anew later: what it has written stays, since each change is remembered by itself.
    """

    def __init__(self, row: Due) -> None:
        self.row = row
        self.left = LONGEST_WAIT

    def __call__(self, seconds: float) -> bool:
        """Whether the seconds were waited; false as well when another worker has the row by now."""
        held, now = Due.objects.filter(pk=self.row.pk, claimed_at=self.row.claimed_at), timezone.now()
        if seconds > min(self.left, LONGEST_PAUSE) or not held.update(claimed_at=now):
            return False
        self.row.claimed_at = now
        self.left -= seconds
        time.sleep(seconds)
        return True
