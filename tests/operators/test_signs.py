from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from planeapp.celery import EMBEDDED_THREADS
from planeapp.operators import signs
from planeapp.operators.models import Sign
from planeapp.operators.signs import Celerys, Giver


def test_every_queue_of_the_workers_and_beat_are_looked_for() -> None:
    assert set(signs.QUEUES) == {*EMBEDDED_THREADS, signs.BEAT}


@pytest.mark.django_db
def test_a_sign_counts_for_a_minute() -> None:
    signs.write("bot@one", ["bot"])
    assert signs.alive() == {"inbox": 0, "bot": 1, "live": 0, "bulk": 0, "beat": 0}
    Sign.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
    assert signs.alive()["bot"] == 0


@pytest.mark.django_db
def test_a_process_has_one_row_per_queue_however_often_it_gives_signs() -> None:
    for _ in range(2):
        signs.write("embedded@one", ["bot", "live"])
    assert sorted(Sign.objects.values_list("queue", flat=True)) == ["bot", "live"]


@pytest.mark.django_db
def test_signs_of_long_ago_go_and_a_worker_that_ends_takes_its_own_along() -> None:
    signs.write("bot@old", ["bot"])
    Sign.objects.update(seen_at=timezone.now() - timedelta(days=2))
    signs.write("bot@new", ["bot"])
    assert list(Sign.objects.values_list("name", flat=True)) == ["bot@new"]
    signs.withdraw("bot@new")
    assert not Sign.objects.exists()


def test_a_giver_is_due_at_once_and_then_not_for_a_while() -> None:
    giver = Giver("bot@one", ["bot"])
    assert [giver.due(), giver.due()] == [True, False]


@pytest.mark.django_db
def test_a_database_that_is_away_costs_the_worker_nothing() -> None:
    def down(*_: Any) -> None:
        raise OperationalError("gone")

    with connection.execute_wrapper(down):
        Giver("bot@one", ["bot"]).leave()


class Noted(Giver):
    """Counts instead of writing beside."""

    given = 0

    def give(self) -> None:
        self.given += 1


def test_beats_own_tasks_are_its_sign_and_wake_ups_are_not() -> None:
    here = Celerys()
    here.beat = Noted("beat@one", ["beat"])
    here.sent(headers={"id": "1"})
    here.sent(headers={"id": "2", "celery_beat_task": True})
    assert here.beat.given == 1


def test_a_worker_gives_signs_for_the_queues_that_it_consumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs, "Giver", Noted)
    here = Celerys()
    here.heard()
    assert here.worker is None
    queues = SimpleNamespace(consume_from={"bot": None, "live": None})
    here.ready(SimpleNamespace(hostname="bot@one", app=SimpleNamespace(amqp=SimpleNamespace(queues=queues))))
    here.heard()
    assert (here.worker.name, here.worker.queues, here.worker.given) == ("bot@one", {"bot", "live"}, 2)
