"""The soft quota of 200 calls a minute, the hard 150 a second, and at most 50 calls at once."""

from __future__ import annotations

from collections import defaultdict

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.store import Store

DEFAULTS = {"calls": 200, "window": 60.0, "perSecond": 150, "parallel": 50}


class Limits:
    """Counts calls per bucket (a token) in fixed windows of the sandbox's clock.

    The store's ``settings``/``limits`` document may change any of :data:`DEFAULTS`; it is read on every call.
    Source: Planhat developer docs, "Authentication & limits".
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._running: defaultdict[str, int] = defaultdict(int)

    def forget(self) -> None:
        """Begin to count anew."""
        self._windows.clear()

    def rules(self) -> dict[str, float]:
        """The limits in force."""
        return DEFAULTS | (self._store.get("settings", "limits") or {})

    def enter(self, bucket: str) -> tuple[bool, dict[str, str]]:
        """Count a call: whether it may go on, and the two headers for its answer. Pair with :meth:`leave`."""
        rules = self.rules()
        self._running[bucket] += 1
        used = self._count("soft", bucket, rules["window"])
        in_this_second = self._count("hard", bucket, 1.0)
        headers = {
            "X-Rate-Limit-Limit": str(int(rules["calls"])),
            "X-Rate-Limit-Remaining": str(max(0, int(rules["calls"]) - used)),
        }
        free = (
            used <= rules["calls"]
            and in_this_second <= rules["perSecond"]
            and self._running[bucket] <= rules["parallel"]
        )
        return free, headers

    def leave(self, bucket: str) -> None:
        """The call has been answered."""
        self._running[bucket] -= 1

    def _count(self, name: str, bucket: str, length: float) -> int:
        now = self._clock.time()
        start, used = self._windows.get((name, bucket), (now, 0))
        if not start <= now < start + length:
            start, used = now, 0
        self._windows[name, bucket] = (start, used + 1)
        return used + 1
