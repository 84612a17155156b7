from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Task
from django.core.management import call_command
from django.core.management.base import CommandError

from planeapp.celery import BULK, EMBEDDED_SECONDS, EMBEDDED_THREADS, LIVE, app
from planeapp.operators import signs
from planeapp.operators.management.commands import embedded_worker
from planeapp.operators.management.commands.embedded_worker import run_queue, watch

app.loader.import_default_modules()
TABLE = {entry["task"]: entry for entry in app.conf.beat_schedule.values()}


def test_every_task_of_the_table_is_there_and_has_a_queue() -> None:
    assert set(TABLE) <= set(app.tasks)
    assert {app.conf.task_routes[task] for task in TABLE} == set(EMBEDDED_THREADS)


def test_every_task_of_ours_has_a_queue_and_is_swept_up_by_the_table() -> None:
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert ours == set(app.conf.task_routes) == set(TABLE)


def test_the_quicker_looks_are_those_of_tasks_that_exist() -> None:
    assert set(EMBEDDED_SECONDS) <= set(TABLE)
    assert all(seconds < TABLE[task]["schedule"] for task, seconds in EMBEDDED_SECONDS.items())


@pytest.mark.django_db
@pytest.mark.parametrize("task", sorted(TABLE))
def test_every_task_of_the_table_runs_on_an_empty_database(task: str) -> None:
    assert app.tasks[task]() in (0, None)


class Pretended:
    """A task that counts its runs and, from the third on, ends the worker."""

    def __init__(self, stop: threading.Event, *errors: Exception) -> None:
        self.stop, self.errors, self.runs = stop, list(errors), 0

    def __call__(self) -> None:
        self.runs += 1
        if self.runs >= 3:
            self.stop.set()
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts pretended tasks into the table: name → (queue, task)."""

    def put(**tasks: tuple[str, Pretended]) -> None:
        routes = {name: queue for name, (queue, _) in tasks.items()}
        beat = {name: {"task": name, "schedule": 0.01} for name in tasks}
        conf = SimpleNamespace(task_routes=routes, beat_schedule=beat)
        pretended = SimpleNamespace(conf=conf, tasks={name: task for name, (_, task) in tasks.items()})
        monkeypatch.setattr(embedded_worker, "app", pretended)
        monkeypatch.setattr(embedded_worker, "close_old_connections", lambda: None)

    return put


def test_a_queue_runs_its_own_tasks_again_and_again_until_it_is_told_to_stop(table: Any) -> None:
    stop = threading.Event()
    live, bulk = Pretended(stop), Pretended(stop)
    table(live=(LIVE, live), bulk=(BULK, bulk))
    run_queue(LIVE, stop)
    assert (live.runs, bulk.runs) == (3, 0)


def test_a_task_that_fails_ends_neither_the_worker_nor_its_neighbours(table: Any, caplog: Any) -> None:
    stop = threading.Event()
    broken, fine = Pretended(stop, KeyError("a bug"), KeyError("again")), Pretended(stop)
    table(broken=(LIVE, broken), fine=(LIVE, fine))
    run_queue(LIVE, stop)
    assert broken.runs == 3 and fine.runs >= 2
    assert [record.levelname for record in caplog.records if "task failed" in str(record.msg)] == ["ERROR", "ERROR"]


def test_a_worker_that_is_told_to_stop_at_once_runs_nothing(table: Any) -> None:
    stop = threading.Event()
    stop.set()
    task = Pretended(stop)
    table(one=(LIVE, task))
    run_queue(LIVE, stop)
    assert task.runs == 0


@pytest.mark.django_db
def test_queues_whose_threads_live_give_signs_of_life_and_take_them_back_at_the_end() -> None:
    seen: list[dict[str, int]] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            seen.append(signs.alive())
            self.set()
            return True

    alive = SimpleNamespace(name="bot-0", is_alive=lambda: True)
    dead = SimpleNamespace(name="live-0", is_alive=lambda: False)
    watch([alive, dead], Stop())  # type: ignore[list-item]
    assert seen == [{"inbox": 0, "bot": 1, "live": 0, "bulk": 0, "beat": 1}]
    assert signs.alive()["bot"] == 0


def test_it_refuses_to_work_beside_redis(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    with pytest.raises(CommandError, match="run the Celery workers of the Procfile instead"):
        call_command("embedded_worker")
    assert isinstance(app.tasks["inbox.work"], Task)
