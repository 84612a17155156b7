"""Slowing down a workspace that sends far more than the others, so that these are answered and worked as ever.

What it sends is stored like everything else; only the answer waits a little, and with it the sender's next delivery. No
delivery is refused for it, and no answer waits longer than ``MOST`` seconds (Plane gives up after 30). A workspace that
sends alone, or as much as the rest, waits for nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

RATE = 60.0  # deliveries a second that every workspace may send, to each web process
TIMES = 2.0  # or so many times what the workspaces of this second send on average
BURST = 100  # so many at once are answered as they come
MOST = 2.0
REMEMBERED = 10_000


class Pace:
    """How long the answer to each workspace's next delivery waits; a leaky bucket for each (GCRA)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._even: dict[str, float] = {}  # by workspace: when all that it sent would have come, sent at the rate
        self._second, self._sent, self._mean = 0.0, Counter[str](), 0.0

    def delay(self, lane: str) -> float:
        """Seconds for which this answer has to wait."""
        now = self.clock()
        self._count(lane, now)
        earliest = now - BURST / RATE
        even = max(self._even.get(lane, 0.0), earliest) + 1 / max(RATE, TIMES * self._mean)
        if len(self._even) >= REMEMBERED:
            self._even = {known: at for known, at in self._even.items() if at > earliest}
        self._even[lane] = even = min(even, now + MOST)
        return max(even - now, 0.0)

    def _count(self, lane: str, now: float) -> None:
        """What a workspace sent on average in the last second that is over."""
        passed = now - self._second
        if passed >= 1.0:
            self._mean = self._sent.total() / len(self._sent) / passed if self._sent else 0.0
            self._second, self._sent = now, Counter()
        self._sent[lane] += 1
