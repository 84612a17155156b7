"""Wake-ups: tell the workers that rows are waiting. A lost wake-up only costs time, since a sweep looks as well.

With Redis a task is published, unless one that has not begun yet is waiting already. Embedded, nothing is sent: the
worker next door looks at the tables by itself.
"""

from __future__ import annotations

import threading
from functools import cache

import redis
import structlog
from celery import Celery
from celery.app.utils import find_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)
WAITING_SECONDS = 10


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


@cache
def _celery() -> Celery:
    """Our Celery application, found by name as ``celery -A`` does: a web process loads it in no other way."""
    return find_app("planeapp.celery")


def wake(task: str) -> None:
    """Wake the workers for ``task`` once the running transaction is committed."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _publish(task))


class _Nudger(threading.Thread):
    """Publishes wake-ups beside the work: one covers all that were asked for while the last was on its way."""

    def __init__(self) -> None:
        super().__init__(name="nudge", daemon=True)
        self._wanted: set[str] = set()
        self._bell = threading.Condition()
        self.start()

    def ask(self, task: str) -> None:
        """Publish a wake-up for ``task`` soon."""
        with self._bell:
            self._wanted.add(task)
            self._bell.notify()

    def run(self) -> None:
        while True:
            with self._bell:
                while not self._wanted:
                    self._bell.wait()
                tasks, self._wanted = self._wanted, set()
            for task in tasks:
                _publish(task)


@cache
def _nudger() -> _Nudger:
    return _Nudger()


def nudge(task: str) -> None:
    """Wake the workers for ``task`` without waiting for Redis: for the doors, after their commit."""
    if settings.REDIS_URL:
        _nudger().ask(task)


def _publish(task: str) -> None:
    try:
        if _redis().set(f"wake:{task}", "1", nx=True, ex=WAITING_SECONDS):
            _celery().send_task(task, retry=False)
    except (redis.RedisError, OperationalError, OSError) as error:
        log.warning("wake-up not sent; the sweep finds the rows", task=task, error=type(error).__name__)


def wake_again(task: str, seconds: float | None) -> None:
    """Called by a task that found nothing more to do now, but rows that are due in so many seconds (None: no rows)."""
    if not settings.REDIS_URL or seconds is None:
        return
    try:
        if _redis().set(f"later:{task}", "1", nx=True, px=max(int(seconds * 1000), 1)):
            _celery().send_task(task, retry=False, countdown=seconds)
    except (redis.RedisError, OperationalError, OSError) as error:
        log.warning("wake-up not sent; the sweep finds the rows", task=task, error=type(error).__name__)


def awake(task: str) -> None:
    """Called by the task when it begins: from now on a new wake-up counts."""
    if settings.REDIS_URL:
        try:
            _redis().delete(f"wake:{task}")
        except redis.RedisError as error:
            log.warning("wake-up mark not cleared; it ends by itself", task=task, error=type(error).__name__)
