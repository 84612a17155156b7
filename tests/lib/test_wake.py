from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from planeapp.celery import LIVE
from planeapp.lib import wake as room
from planeapp.lib.wake import awake, wake, wake_again

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Queue:
    """The broker's default queue, as far as one task that nobody else sends is concerned."""

    redis: redis.Redis
    task: str

    def messages(self) -> list[bytes]:
        """What waits for a worker."""
        waiting = self.redis.lrange(LIVE, 0, -1)
        return [raw for raw in waiting if json.loads(raw)["headers"]["task"] == self.task]

    def clear(self) -> None:
        """Leave nothing behind."""
        for raw in self.messages():
            self.redis.lrem(LIVE, 0, raw)
        self.redis.delete(f"wake:{self.task}", f"later:{self.task}")


@pytest.fixture
def queue(settings: Settings) -> Iterator[Queue]:
    made = Queue(redis.Redis.from_url(settings.REDIS_URL), f"test.{uuid.uuid4()}")
    yield made
    made.clear()
    made.redis.close()


@pytest.mark.redis
@pytest.mark.django_db
def test_any_number_of_wishes_make_one_wake_up_until_the_task_begins(
    queue: Queue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(5):
            wake(queue.task)
    assert len(queue.messages()) == 1
    awake(queue.task)
    with django_capture_on_commit_callbacks(execute=True):
        wake(queue.task)
    assert len(queue.messages()) == 2


def test_a_process_that_never_loaded_celery_sends_to_our_queues() -> None:
    script = (
        "import django; django.setup(); from planeapp.lib import wake; app = wake._celery();"
        "print(app.main, app.amqp.router.route({}, 'inbox.work')['queue'].name, app.conf.broker_url)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "planeapp.settings", "REDIS_URL": "redis://127.0.0.1:1/0"}
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert told.stdout.split() == ["planeapp", "inbox", "redis://127.0.0.1:1/0"], told.stderr


@pytest.mark.redis
@pytest.mark.django_db
def test_nobody_is_woken_for_what_was_rolled_back(
    queue: Queue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                wake(queue.task)
                raise LookupError
        except LookupError:
            pass
    assert queue.messages() == []


@pytest.mark.redis
def test_a_task_that_knows_of_later_work_is_woken_for_it_once(queue: Queue) -> None:
    for _ in range(3):
        wake_again(queue.task, 30)
    (raw,) = queue.messages()
    assert json.loads(raw)["headers"]["eta"]


@pytest.mark.redis
def test_without_later_work_nobody_is_woken(queue: Queue) -> None:
    wake_again(queue.task, None)
    assert queue.messages() == []


@pytest.mark.django_db
def test_redis_that_is_down_costs_a_line_in_the_log_and_nothing_else(
    settings: Settings, caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    room._redis.cache_clear()
    with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
        wake("inbox.work")
        wake_again("inbox.work", 1)
        awake("inbox.work")
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    room._redis.cache_clear()


@pytest.mark.django_db
def test_embedded_nothing_is_sent(
    settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.REDIS_URL = ""
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        wake("inbox.work")
        wake_again("inbox.work", 1)
        awake("inbox.work")
    assert callbacks == []
