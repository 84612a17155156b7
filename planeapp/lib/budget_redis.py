"""Budgets kept in Redis, where all workers on all machines see them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import redis
import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")
KEPT_SECONDS = 24 * 3600
AWAY_SECONDS = 5.0


class RedisStore:
    """Windows in one Redis. While Redis is away nothing is counted: calls go on, and the vendor's own limit holds.

    That is logged when it begins and when it ends, not for every call.
    """

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
        self._away_until = 0.0

    def change(self, key: str, turn: Callable[[str | bytes | None], tuple[str, T]]) -> T | None:
        """See :class:`planeapp.lib.budget.Store`."""
        return self._unless_away(lambda: self._change(f"budget:{key}", turn))

    def read(self, key: str) -> str | bytes | None:
        """See :class:`planeapp.lib.budget.Store`."""
        return self._unless_away(lambda: self._redis.get(f"budget:{key}"))  # type: ignore[arg-type, return-value]

    def read_many(self, keys: Sequence[str]) -> dict[str, str | bytes | None]:
        """What is kept under each of ``keys``, asked at once; empty while Redis is away."""
        names = [f"budget:{key}" for key in keys]
        found = self._unless_away(lambda: self._redis.mget(names)) if names else []
        return dict(zip(keys, found or [], strict=False))  # type: ignore[arg-type]

    def forget(self, owners: Collection[str]) -> None:
        """Delete every window whose key is ``<owner>:…``. While Redis is away they go by themselves, within a day."""

        def delete() -> None:
            for owner in owners:
                for key in self._redis.scan_iter(match=f"budget:{owner}:*", count=1000):
                    self._redis.delete(key)

        self._unless_away(delete)

    def _unless_away(self, work: Callable[[], T]) -> T | None:
        if self._away_until > time.monotonic():
            return None
        try:
            result = work()
        except (redis.RedisError, OSError) as error:
            if not self._away_until:
                log.warning("calls are not counted: Redis is away", error=type(error).__name__)
            self._away_until = time.monotonic() + AWAY_SECONDS
            return None
        if self._away_until:
            log.info("calls are counted again")
            self._away_until = 0.0
        return result

    def _change(self, key: str, turn: Callable[[str | bytes | None], tuple[str, T]]) -> T:
        """Read, think, write; once more from the start whenever another worker wrote in between."""
        with self._redis.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(key)  # type: ignore[no-untyped-call]
                    text, result = turn(pipe.get(key))  # type: ignore[arg-type]
                    pipe.multi()
                    pipe.set(key, text, ex=KEPT_SECONDS)
                    pipe.execute()
                except redis.WatchError:
                    continue
                return result
