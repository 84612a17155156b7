"""Calls counted by what they were made for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from celery.signals import task_postrun
from django.core.signals import request_finished
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from planeapp.inbox.tasks import read_feeds
from planeapp.installations import budgets, calls, connecting
from planeapp.installations.budgets import Calls
from planeapp.installations.calls import HELD_SECONDS, JUST_COUNTED_SECONDS, flush, held
from planeapp.installations.gateways import plane_for, provider_for
from planeapp.installations.models import CallCount, Connection, Installation
from planeapp.installations.uninstall import offboard
from planeapp.lib.budget import FIRST_ANSWER, Allowance, Budget, calling_for, sweeping
from planeapp.operators.management.commands import embedded_worker
from tests.factories import ConnectionFactory, InstallationFactory
from tests.vendors import Talk, Team


def call(budget: Budget, times: int = 1, refused: bool = False) -> None:
    for _ in range(times):
        with budget.call() as one:
            one.tell(Allowance(refused=refused, resets_in=0.0001))


def rows() -> set[tuple[Any, ...]]:
    flush()
    return set(CallCount.objects.values_list("installation", "connection", "purpose", "calls", "refused"))


def by_purpose(installation: Installation, connection: Connection | None = None) -> dict[str, int]:
    flush()
    assert not held.calls
    key = connection.pk if connection else None
    return {one.purpose: one.total.calls for one in budgets.used(installation) if one.connection == key}


# What is counted


@pytest.mark.django_db
def test_calls_are_counted_by_token_hour_and_purpose() -> None:
    connection = ConnectionFactory(provider="planhat")
    of_plane, of_theirs = budgets.of_installation(connection.installation), budgets.of_connection(connection)("api")
    call(of_plane, 2)
    with sweeping(name="backfill"):
        call(of_theirs, 3)
    with calling_for("preview"):
        call(of_theirs)
        call(of_theirs, refused=True)
    mine = connection.installation.pk
    assert rows() == {
        (mine, None, "live", 2, 0),
        (mine, connection.pk, "backfill", 3, 0),
        (mine, connection.pk, "preview", 2, 1),
    }


@pytest.mark.django_db
def test_what_is_counted_later_is_added_and_a_new_hour_has_its_own_count(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets.of_installation(InstallationFactory())
    noon = datetime(2026, 11, 23, 12, 59, 59, tzinfo=UTC)
    for at in (noon, noon, noon + timedelta(seconds=1)):
        monkeypatch.setattr(calls.timezone, "now", lambda at=at: at)
        call(budget)
        flush()
    found = CallCount.objects.order_by("hour").values_list("hour", "calls")
    assert list(found) == [(noon.replace(minute=0, second=0), 2), (noon + timedelta(seconds=1), 1)]


@pytest.mark.django_db
def test_calls_with_several_tokens_in_several_hours_are_told_together() -> None:
    installation = InstallationFactory()
    for hour, made in ((datetime(2026, 11, 23, 22, tzinfo=UTC), 5), (datetime(2026, 11, 23, 23, tzinfo=UTC), 7)):
        CallCount.objects.create(installation=installation, key="a", purpose="live", hour=hour, calls=made, refused=1)
        CallCount.objects.create(installation=installation, key="b", purpose="live", hour=hour, calls=1)
    (found,) = budgets.used(installation, days=100_000)
    assert found.total == Calls(14, 2)


@pytest.mark.django_db
def test_only_the_last_days_are_told_and_counts_go_after_ninety() -> None:
    installation, now = InstallationFactory(), timezone.now()
    for days in (1, 20, 91):
        CallCount.objects.create(
            installation=installation, key="a", purpose="live", hour=now - timedelta(days=days), calls=1
        )
    assert [one.total.calls for one in budgets.used(installation)] == [1]
    assert budgets.forget_old() == 1
    assert CallCount.objects.count() == 2


@pytest.mark.django_db
def test_what_this_process_has_not_written_yet_is_seen_as_well() -> None:
    budget = budgets.of_installation(installation := InstallationFactory())
    call(budget, 2)
    flush()
    call(budget)
    (found,) = budgets.used(installation)
    assert (found.total, CallCount.objects.get().calls) == (Calls(3, 0), 2)


@pytest.mark.django_db
def test_a_workspace_sees_its_own_calls_alone() -> None:
    one, other = InstallationFactory(), InstallationFactory()
    call(budgets.of_installation(one))
    assert (by_purpose(one), by_purpose(other)) == ({"live": 1}, {})


# Who counts as what


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["help", "status", "schedule tomorrow 9:00 for 2h"])
def test_an_answer_is_counted_as_the_bots_and_takes_no_more_calls_than_a_quiet_sweep_leaves(
    talk: Talk, text: str
) -> None:  # fmt: skip
    talk.team.pair(talk.team.connect("planner"))
    assert talk.ask(text)
    made = by_purpose(talk.installation)
    assert set(made) == {"bot"}
    assert made["bot"] <= FIRST_ANSWER


@pytest.mark.django_db
def test_a_probe_is_counted_as_one(team: Team) -> None:
    connection = team.connect("planhat")
    connecting.probe(connection)
    assert set(by_purpose(team.installation, connection)) == {"probe"}


@pytest.mark.django_db
def test_reading_a_feed_is_routine(team: Team) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        connection = team.connect("planner")
        connected_at = time.time()
        clock.shift(60)
        read_feeds()
    assert by_purpose(team.installation, connection)["feed"] > 0
    assert budgets.of_connection(connection)("api").window().live_at == connected_at


@pytest.mark.django_db
def test_what_nobody_named_is_live_work(team: Team) -> None:
    plane_for(team.installation).me()
    provider_for(team.connect("planhat")).parties("acme")
    assert set(by_purpose(team.installation)) == {"live"}


# When it is written


@pytest.mark.django_db
def test_a_call_costs_no_statement_of_its_own(django_assert_num_queries: Any) -> None:
    token = calls.Token(InstallationFactory().pk, None, "any:bot")
    with django_assert_num_queries(0):
        for _ in range(100):
            calls.TokenTally(token)("live", refused=False)
    with django_assert_num_queries(4):  # who is there, and one statement for all in a transaction
        flush()
    assert rows() == {(token.installation, None, "live", 100, 0)}


@pytest.mark.django_db(transaction=True)
def test_counts_are_written_when_the_oldest_has_waited_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets.of_installation(InstallationFactory())
    call(budget, 3)
    assert not CallCount.objects.exists()
    later(monkeypatch, HELD_SECONDS)
    call(budget)
    assert CallCount.objects.get().calls == 4


ENDS: dict[str, Callable[[], object]] = {
    "task": lambda: task_postrun.send(None),
    "embedded task": lambda: embedded_worker._run("sync.work_due"),
    "request": lambda: request_finished.send(None),
}


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    at = time.monotonic() + seconds
    monkeypatch.setattr(calls.time, "monotonic", lambda: at)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_request_or_task_writes_them(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets.of_installation(InstallationFactory())
    call(budget, 2)
    later(monkeypatch, JUST_COUNTED_SECONDS)
    ENDS[end]()
    assert CallCount.objects.get().calls == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_short_tasks_only_one_now_and_then_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets.of_installation(InstallationFactory())
    for _ in range(5):
        call(budget)
        ENDS["task"]()
    assert not CallCount.objects.exists()
    later(monkeypatch, JUST_COUNTED_SECONDS)
    ENDS["task"]()
    assert CallCount.objects.get().calls == 5


@pytest.mark.django_db(transaction=True)
def test_within_somebodys_transaction_they_wait_for_its_end() -> None:
    budget = budgets.of_installation(InstallationFactory())
    with transaction.atomic():
        call(budget)
        calls.request_ended()
        assert not CallCount.objects.exists()
    calls.request_ended()
    assert CallCount.objects.get().calls == 1


@pytest.mark.django_db
def test_while_the_database_refuses_counts_they_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    installation = InstallationFactory()
    call(budgets.of_installation(installation), 2)

    def broken(counts: object) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(calls, "_write", broken)
        flush()
    assert sum(held.calls.values()) == 2
    assert by_purpose(installation) == {"live": 2}


@pytest.mark.django_db
def test_counts_of_a_workspace_that_was_erased_meanwhile_are_dropped_and_others_written() -> None:
    gone, stays = InstallationFactory(), ConnectionFactory(provider="planhat")
    away = ConnectionFactory(provider="planhat", installation=InstallationFactory())
    call(budgets.of_installation(gone))
    call(budgets.of_connection(away)("api"))
    call(budgets.of_connection(stays)("api"))
    gone.delete()
    away.delete()
    assert rows() == {(stays.installation.pk, stays.pk, "live", 1, 0)}
    assert not held.calls


@pytest.mark.django_db(transaction=True)
def test_a_workspace_that_is_erased_while_counts_are_written_keeps_no_other_one_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone, stays = InstallationFactory(), InstallationFactory()
    call(budgets.of_installation(gone))
    call(budgets.of_installation(stays))
    known = calls._known

    def erased_just_now(tokens: set[calls.Token]) -> set[calls.Token]:
        found = known(tokens)
        Installation.objects.filter(pk=gone.pk).delete()
        return found

    monkeypatch.setattr(calls, "_known", erased_just_now)
    flush()
    assert rows() == {(stays.pk, None, "live", 1, 0)}


@pytest.mark.django_db(transaction=True)
def test_many_who_write_at_once_lose_nothing() -> None:
    installations = [InstallationFactory() for _ in range(3)]

    def work() -> None:
        for _ in range(10):
            for one in installations:
                calls.TokenTally(calls.Token(one.pk, None, f"{one.pk}:bot"))("live", refused=False)
            flush()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows() == {(one.pk, None, "live", 40, 0) for one in installations}


@pytest.mark.django_db
def test_offboarding_erases_counts_and_windows_and_the_receipt_says_so(team: Team, settings: Any) -> None:
    settings.REDIS_URL = ""
    plane_for(team.installation).me()
    flush()
    receipt = offboard(team.installation, by="a test")
    assert receipt["rows"].items() >= {"installations.CallCount": 1, "installations.CallWindow": 1}.items()
    flush()
    assert not CallCount.objects.exists()
