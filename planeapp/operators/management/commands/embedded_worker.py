"""``manage.py embedded_worker``: all work in one process, when there is no Redis."""

from __future__ import annotations

import signal
import socket
import threading
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from structlog.contextvars import bound_contextvars, clear_contextvars

from planeapp.bot.models import Turn
from planeapp.celery import EMBEDDED_SECONDS, EMBEDDED_THREADS, app, warm
from planeapp.inbox.models import Delivery
from planeapp.installations import calls
from planeapp.lib.claims import release_all
from planeapp.operators.signs import BEAT, EVERY_SECONDS, Giver
from planeapp.sync.models import Due, ItemLink, Job

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Runs the tasks of the beat table: threads for each queue, so that slow work never holds up what people wait for."""

    help = "Work off everything in this one process (embedded mode, without Redis)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGTERM or SIGINT; the row in hand is finished first."""
        if settings.REDIS_URL:
            raise CommandError("REDIS_URL is set: run the Celery workers of the Procfile instead.")
        app.loader.import_default_modules()
        warm()
        for model in (Delivery, Turn, Due, Job, ItemLink):
            release_all(model)
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        threads = [
            threading.Thread(target=run_queue, args=(queue, stop), name=f"{queue}-{number}")
            for queue, count in EMBEDDED_THREADS.items()
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        watch(threads, stop)
        for thread in threads:
            thread.join()


def watch(threads: list[threading.Thread], stop: threading.Event) -> None:
    """Give signs of life for the queues whose threads live, until ``stop`` is set. This process is its own beat."""
    name = f"embedded@{socket.gethostname()}"
    while not stop.is_set():
        alive = {thread.name.partition("-")[0] for thread in threads if thread.is_alive()}
        Giver(name, alive | {BEAT} if alive else ()).leave()
        stop.wait(EVERY_SECONDS)
    Giver(name, ()).end()


def run_queue(queue: str, stop: threading.Event) -> None:
    """Run every task of a queue when its time comes, until ``stop`` is set."""
    every = _schedule(queue)
    due = dict.fromkeys(every, time.monotonic())
    while not stop.is_set():
        now = time.monotonic()
        for task in [name for name, at in due.items() if at <= now]:
            _run(task)
            due[task] = time.monotonic() + every[task]
        stop.wait(max(min(due.values()) - time.monotonic(), 0.01))


def _schedule(queue: str) -> dict[str, float]:
    """Task → seconds between its runs, for one queue."""
    found = {}
    for entry in app.conf.beat_schedule.values():
        if app.conf.task_routes[entry["task"]] == queue:
            found[entry["task"]] = EMBEDDED_SECONDS.get(entry["task"], float(entry["schedule"]))
    return found


def _run(task: str) -> None:
    close_old_connections()
    clear_contextvars()
    try:
        with bound_contextvars(task=task):
            app.tasks[task]()
    except Exception:  # one task's trouble must not end the worker; its rows are still due
        log.exception("task failed", task=task)
    calls.task_ended()
