from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from planeapp.lib.claims import LEASE
from planeapp.lib.errors import FixSettings, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.sync import due, engine
from planeapp.sync.apply import Outcome
from planeapp.sync.models import Due, TimelineEntry
from planeapp.sync.snapshot import Sides
from planeapp.sync.tasks import plan_reconcile, work_due, work_pairs
from tests.factories import DueFactory, ProjectPairFactory
from tests.sync.conftest import Bench

pytestmark = pytest.mark.django_db


class Engine:
    """Stands where the engine is: raises what it is told, one error a look, and remembers what it was asked for."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.looked: list[str] = []

    def run_item_of(self, sides: object, item_id: str, extra: object = None, told: object = None) -> Outcome:
        self.looked.append(item_id)
        if self.errors:
            raise self.errors.pop(0)
        return Outcome()

    def run_pair(self, pair: object, *, beat: Callable[[], bool]) -> None:
        assert beat()
        self.run_item_of(pair, "")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the engine a pretended one."""

    def pretend(*errors: Exception) -> Engine:
        made = Engine(*errors)
        monkeypatch.setattr(engine, "run_item_of", made.run_item_of)
        monkeypatch.setattr(engine, "run_pair", made.run_pair)
        return made

    return pretend


def work() -> int:
    return due.work_batch(whole=False)


# Wishes


def test_any_number_of_wishes_make_one_row() -> None:
    pair, item = ProjectPairFactory(), str(uuid.uuid4())
    for number in range(5):
        due.ask(pair, item, reason=f"wish {number}")
    row = Due.objects.get()
    assert (row.asked, row.reason, row.item_id) == (5, "wish 0", item)


def test_a_wish_waits_a_moment_for_the_rest_of_the_same_edit() -> None:
    with time_machine.travel(timezone.now(), tick=False):
        due.ask(ProjectPairFactory(), "i")
        assert Due.objects.get().due_at == timezone.now() + due.FOLD
        assert work_due() == 0


def test_a_new_wish_begins_the_attempts_anew() -> None:
    row = DueFactory(attempts=7, due_at=timezone.now() + timedelta(hours=1))
    due.ask(row.pair, row.item_id, delay=timedelta(0))
    row.refresh_from_db()
    assert (row.attempts, row.due_at <= timezone.now()) == (0, True)


def test_items_and_pairs_are_wished_for_apart() -> None:
    pair = ProjectPairFactory()
    due.ask(pair)
    due.ask(pair, "i")
    assert sorted(Due.objects.values_list("item_id", flat=True)) == ["", "i"]


def test_a_long_reason_is_cut_to_fit() -> None:
    due.ask(ProjectPairFactory(), "i", reason="x" * 500)
    assert len(Due.objects.get().reason) == 200


def test_after_a_gap_every_pair_is_looked_at_as_if_for_the_first_time() -> None:
    pair = ProjectPairFactory(reconciled_at=timezone.now())
    ProjectPairFactory(connection=pair.connection, enabled=False)
    other = ProjectPairFactory(reconciled_at=timezone.now())
    due.ask_everything(pair.connection.installation)
    assert (Due.objects.get().pair, Due.objects.get().item_id) == (pair, "")
    for one in (pair, other):
        one.refresh_from_db()
    assert (pair.reconciled_at, other.reconciled_at is None) == (None, False)


# Looks


def test_what_was_looked_at_is_forgotten(looks: Any) -> None:
    row, seen = DueFactory(), looks()
    assert (work(), seen.looked) == (1, [row.item_id])
    assert not Due.objects.exists()


def test_whole_pairs_and_single_items_are_worked_off_apart(looks: Any) -> None:
    DueFactory(item_id="")
    seen = looks()
    assert (work_due(), work_pairs(), seen.looked) == (0, 1, [""])


def test_a_wish_that_comes_during_the_look_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    row = DueFactory()

    def look(sides: object, item_id: str, extra: object, told: object) -> Outcome:
        due.ask(row.pair, row.item_id, delay=timedelta(0))
        return Outcome()

    monkeypatch.setattr(engine, "run_item_of", look)
    work()
    row.refresh_from_db()
    assert (row.asked, row.claimed_at) == (2, None)
    assert work() == 1


def test_a_wish_that_meets_a_row_just_being_forgotten_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    row = DueFactory()
    found = Due.objects.get_or_create

    def forgotten_meanwhile(*args: Any, **kwargs: Any) -> Any:
        got = found(*args, **kwargs)
        if not got[1]:
            Due.objects.all().delete()
        return got

    monkeypatch.setattr(Due.objects, "get_or_create", forgotten_meanwhile)
    due.ask(row.pair, row.item_id)
    assert Due.objects.filter(pair=row.pair, item_id=row.item_id).exists()


def test_what_a_dead_worker_held_is_looked_at_after_its_lease(looks: Any) -> None:
    DueFactory(claimed_at=timezone.now() - timedelta(seconds=1))
    DueFactory(claimed_at=timezone.now() - LEASE - timedelta(seconds=1))
    looks()
    assert work() == 1


@pytest.mark.parametrize(
    "state",
    [
        {"pair__enabled": False},
        {"pair__connection__status": "reconnect"},
        {"pair__connection__status": "paused"},
        {"pair__connection__installation__status": "uninstalled"},
        {"pair__connection__installation__status": "reconnect"},
    ],
)
def test_nothing_is_looked_at_where_it_may_not_be(looks: Any, state: dict[str, Any]) -> None:
    row, seen = DueFactory(**state), looks()
    assert (work(), seen.looked) == (0, [])
    assert Due.objects.get() == row


# What goes wrong


def test_quota_pauses_the_connection_until_the_vendor_allows_and_others_go_on(looks: Any) -> None:
    first = DueFactory(due_at=timezone.now() - timedelta(seconds=9))
    second = DueFactory(pair=first.pair)
    other = DueFactory()
    looks(OutOfQuota("429", delay=120))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        due.claim(due.workable().exclude(item_id=""), 1)
        Due.objects.update(claimed_at=None)
        due._work(Due.objects.get(pk=first.pk), Sides(first.pair))
        first.pair.connection.refresh_from_db()
        assert first.pair.connection.paused_until == timezone.now() + timedelta(seconds=120)
        assert set(due.workable()) == {other}
        clock.shift(timedelta(seconds=121))
        assert set(due.workable()) == {first, second, other}
    assert TimelineEntry.objects.get().code == "waiting_for_quota"


def test_quota_without_a_time_pauses_for_a_minute(looks: Any) -> None:
    row = DueFactory()
    looks(OutOfQuota("429"))
    with time_machine.travel(timezone.now(), tick=False):
        work()
        row.pair.connection.refresh_from_db()
        assert row.pair.connection.paused_until == timezone.now() + timedelta(seconds=due.QUOTA_PAUSE)


def test_a_refused_connection_parks_the_row_until_it_is_mended(looks: Any) -> None:
    row = DueFactory()
    seen = looks(ReconnectNeeded("401"), ReconnectNeeded("401"))
    assert work_due() == 1
    row.refresh_from_db()
    assert (row.claimed_at, len(seen.looked)) == (None, 1)
    assert row.due_at > timezone.now()
    assert TimelineEntry.objects.get().code == "reconnect_needed"


def test_what_did_not_answer_is_tried_again_later_and_later(looks: Any) -> None:
    row, waits = DueFactory(), []
    looks(*[RetryLater("down") for _ in range(due.MAX_ATTEMPTS)])
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(due.MAX_ATTEMPTS - 1):
            assert work() == 1
            row.refresh_from_db()
            waits.append((row.due_at - timezone.now()).total_seconds())
            clock.shift(timedelta(hours=2))
        assert work() == 1
    assert waits == sorted(waits)
    assert not Due.objects.exists()


def test_a_delay_that_the_vendor_names_is_kept(looks: Any) -> None:
    row = DueFactory()
    looks(RetryLater("503", delay=42))
    with time_machine.travel(timezone.now(), tick=False):
        work()
        row.refresh_from_db()
        assert row.due_at == timezone.now() + timedelta(seconds=42)


def test_what_settings_cause_is_said_and_not_tried_again(looks: Any) -> None:
    DueFactory()
    looks(FixSettings("400", person="Choose a template."))
    work()
    assert not Due.objects.exists()
    assert TimelineEntry.objects.get().text == "Choose a template."


def test_a_fault_of_ours_holds_up_nobody_else_and_comes_back(looks: Any) -> None:
    first, second = DueFactory(due_at=timezone.now() - timedelta(seconds=9)), DueFactory()
    seen = looks(LookupError("a bug"))
    assert work_due() == 2
    assert seen.looked == [first.item_id, second.item_id]
    first.refresh_from_db()
    assert (list(Due.objects.all()), first.attempts, first.claimed_at) == ([first], 1, None)
    assert "a bug" not in TimelineEntry.objects.get().text


def test_an_unknown_outcome_is_looked_at_again_soon(bench: Bench) -> None:
    due.ask(bench.pair, bench.item, delay=timedelta(0))
    bench.world.fail("create", OutcomeUnknown("timeout"))
    assert work_due() == 1
    row = Due.objects.get()
    assert timezone.now() < row.due_at < timezone.now() + timedelta(seconds=6)
    Due.objects.update(due_at=timezone.now())
    assert (work_due(), len(bench.rows()), Due.objects.count()) == (1, 1, 0)


def test_a_pair_that_is_due_is_brought_in_step(bench: Bench) -> None:
    assert plan_reconcile() == 1
    Due.objects.update(due_at=timezone.now())
    assert (work_pairs(), len(bench.rows())) == (1, 1)


@pytest.mark.parametrize(
    ("state", "count"),
    [
        ({}, 1),
        ({"enabled": False}, 0),
        ({"connection__status": "reconnect"}, 0),
        ({"connection__installation__status": "uninstalled"}, 0),
    ],
)
def test_the_reconcile_sweep_asks_for_every_pair_that_may_be_looked_at(state: dict[str, Any], count: int) -> None:
    ProjectPairFactory(**state)
    assert (plan_reconcile(), Due.objects.count()) == (count, count)
