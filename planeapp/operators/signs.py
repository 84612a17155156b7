"""Signs of life of the workers and of beat, left in the database for ``doctor`` and ``/metrics``.

A Celery worker gives one when its own heartbeat goes out (so it lives and reaches the broker), beat when it sends a task,
the embedded worker from its main thread. The row is written beside the work: a slow database must not hold up the broker's
connection.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import structlog
from celery.signals import before_task_publish, heartbeat_sent, worker_ready, worker_shutdown
from django.db import Error, connection
from django.db.models import Count
from django.utils import timezone

from planeapp.operators.models import Sign

log = structlog.get_logger(__name__)
EVERY_SECONDS = 15.0
ALIVE = timedelta(seconds=60)
FORGOTTEN = timedelta(days=1)
BEAT = "beat"
QUEUES = ("inbox", "bot", "live", "bulk", BEAT)


def write(name: str, queues: Collection[str]) -> None:
    """A process was there just now for these queues; signs of processes that ended long ago go."""
    now = timezone.now()
    Sign.objects.bulk_create(
        [Sign(name=name[:200], queue=queue, seen_at=now) for queue in sorted(queues)],
        update_conflicts=True, unique_fields=["name", "queue"], update_fields=["seen_at"],
    )  # fmt: skip
    Sign.objects.filter(seen_at__lt=now - FORGOTTEN).delete()


def withdraw(name: str) -> None:
    """The process ends on purpose: nobody has to wonder where it is."""
    Sign.objects.filter(name=name[:200]).delete()


def alive() -> dict[str, int]:
    """Queue → number of processes that gave a sign within the last minute; every queue is there."""
    recent = Sign.objects.filter(seen_at__gte=timezone.now() - ALIVE).order_by()
    found = dict(recent.values_list("queue").annotate(number=Count("pk")))
    return {queue: found.get(queue, 0) for queue in QUEUES}


class Giver:
    """The signs of one process, one every ``EVERY_SECONDS`` at most."""

    def __init__(self, name: str, queues: Collection[str]) -> None:
        self.name, self.queues = name, frozenset(queues)
        self._last = -EVERY_SECONDS

    def due(self) -> bool:
        """Whether it is time; asked once, it is not for a while."""
        now = time.monotonic()
        if now - self._last < EVERY_SECONDS:
            return False
        self._last = now
        return True

    def give(self) -> None:
        """Leave a sign beside the work, when it is time."""
        if self.due():
            threading.Thread(target=self._aside, name="sign", daemon=True).start()

    def leave(self) -> None:
        """Leave a sign now; trouble is logged, since work must go on without."""
        self._guarded(write, self.name, self.queues)

    def end(self) -> None:
        """Take the signs back."""
        self._guarded(withdraw, self.name)

    def _aside(self) -> None:
        try:
            self.leave()
        finally:
            connection.close()

    @staticmethod
    def _guarded(work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except Error as error:
            log.warning("sign of life not written", error=type(error).__name__)


class Celerys:
    """The givers of this Celery process: a worker's (known when it is ready) and beat's."""

    def __init__(self) -> None:
        self.worker: Giver | None = None
        self.beat = Giver(f"{BEAT}@{socket.gethostname()}", [BEAT])

    def ready(self, sender: Any = None, **_: Any) -> None:
        """The worker listens: remember its name and queues."""
        self.worker = Giver(sender.hostname, list(sender.app.amqp.queues.consume_from))
        self.worker.give()

    def heard(self, **_: Any) -> None:
        """The worker's heartbeat went out."""
        if self.worker is not None:
            self.worker.give()

    def sent(self, headers: Mapping[str, Any] | None = None, **_: Any) -> None:
        """A task is sent; Celery marks those of beat."""
        if headers and headers.get("celery_beat_task"):
            self.beat.give()

    def ended(self, **_: Any) -> None:
        """The worker ends in peace."""
        if self.worker is not None:
            self.worker.end()


_ours = Celerys()


def listen() -> None:
    """Hear Celery's signals. Connected once per process; web processes never get any."""
    worker_ready.connect(_ours.ready, weak=False, dispatch_uid="signs")
    heartbeat_sent.connect(_ours.heard, weak=False, dispatch_uid="signs")
    before_task_publish.connect(_ours.sent, weak=False, dispatch_uid="signs")
    worker_shutdown.connect(_ours.ended, weak=False, dispatch_uid="signs")
