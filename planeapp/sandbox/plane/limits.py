"""Calls per minute and token: a sliding window, as Plane counts them."""

from __future__ import annotations

import math
from collections import deque

from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError

WINDOW = 60.0


class TooMany(ApiError):
    """429; ``retry_after`` in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(429, {"error_code": 5900, "error_message": "RATE_LIMIT_EXCEEDED"})
        self.retry_after = retry_after


class Limits:
    """Counts allowed calls in memory. The number allowed is the setting "limits" → "per_minute"."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[float]] = {}

    def count(self, plane: Plane, token: str) -> dict[str, str]:
        """Count one call and give the headers of its answer; raises :class:`TooMany`.

        ``X-RateLimit-Reset`` is always a minute from now, whatever the window holds (as captured).
        """
        now, allowed = plane.clock.time(), int(plane.setting("limits")["per_minute"])
        calls = self._calls.setdefault(token, deque())
        while calls and calls[0] <= now - WINDOW:
            calls.popleft()
        if len(calls) >= allowed:
            raise TooMany(max(1, math.ceil(calls[0] + WINDOW - now)) if calls else int(WINDOW))
        calls.append(now)
        return {"X-RateLimit-Remaining": str(allowed - len(calls)), "X-RateLimit-Reset": str(int(now + WINDOW))}
