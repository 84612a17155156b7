"""The sandbox's clock: real by default, faster or set by hand when a test asks for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch, running ``speed`` times as fast as the wall clock from the moment of its making."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._base = self._start = time.time()

    @property
    def speed(self) -> float:
        """How many seconds pass here in one second outside."""
        return self._speed

    @speed.setter
    def speed(self, factor: float) -> None:
        self._base, self._start, self._speed = self.time(), time.time(), factor

    def time(self) -> float:
        """Now, in seconds since the epoch."""
        return self._base + (time.time() - self._start) * self._speed

    def now(self) -> datetime:
        """Now, as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def advance(self, seconds: float) -> None:
        """Jump ahead by so many seconds."""
        self._base += seconds
