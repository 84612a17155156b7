from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.inbox.models import Delivery
from planeapp.inbox.turns import BATCH, LEASE, claim_turns
from tests.factories import DeliveryFactory

pytestmark = pytest.mark.django_db
TALK, REST = Delivery.Rank.TALK, Delivery.Rank.REST


def burst(lane: str, count: int, **more: Any) -> list[Delivery]:
    """Waiting deliveries of a workspace, each about an item of its own."""
    return [DeliveryFactory(lane=lane, subject=f"{lane}-{number}", **more) for number in range(count)]


def finish(rows: Sequence[Delivery]) -> None:
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(state="handled", claimed_at=None)


def test_every_workspace_gets_an_equal_share_of_a_batch() -> None:
    burst("loud", 100)
    for lane in ("a", "b"):
        burst(lane, 20)
    assert Counter(row.lane for row in claim_turns(12)) == {"loud": 4, "a": 4, "b": 4}


def test_a_quiet_workspace_waits_for_one_batch_at_most() -> None:
    burst("loud", 200)
    quiet = DeliveryFactory(lane="quiet")
    assert quiet in claim_turns()


def test_a_workspace_alone_gets_the_whole_batch() -> None:
    burst("a", BATCH + 5)
    assert len(claim_turns()) == BATCH


def test_with_more_workspaces_than_places_everyone_comes_in_time() -> None:
    lanes = {f"w{number:02}" for number in range(3 * BATCH)}
    for lane in lanes:
        DeliveryFactory(lane=lane)
    batches = []
    while found := claim_turns():
        batches.append({row.lane for row in found})
        finish(found)
    assert [len(batch) for batch in batches] == [BATCH] * 3
    assert set.union(*batches) == lanes


def test_those_behind_whom_a_person_waits_go_first_then_the_oldest() -> None:
    older, newer = burst("a", 2, rank=REST)
    (talk,) = burst("b", 1, rank=TALK)
    late_talk = DeliveryFactory(lane="a", rank=TALK, subject="late")
    assert claim_turns() == [talk, late_talk, older, newer]


@pytest.mark.parametrize("rank", [TALK, REST])
def test_deliveries_of_one_item_wait_for_the_one_that_is_in_somebodys_hands(rank: int) -> None:
    first, second = (DeliveryFactory(lane="a", subject="item", rank=rank) for _ in range(2))
    assert claim_turns(1) == [first]
    assert claim_turns() == []
    finish([first])
    assert claim_turns() == [second]


def test_what_has_no_item_and_items_of_the_same_name_elsewhere_wait_for_nobody() -> None:
    for subject in ("item", ""):
        DeliveryFactory(lane="a", subject=subject, claimed_at=timezone.now(), rank=TALK)
    free = [DeliveryFactory(lane="a", subject="", rank=TALK), DeliveryFactory(lane="b", subject="item", rank=TALK)]
    assert claim_turns() == free


def test_a_workspace_keeps_one_worker_busy_with_what_nobody_waits_for() -> None:
    burst("a", 3)
    talk = DeliveryFactory(lane="a", rank=TALK, subject="talk")
    other = DeliveryFactory(lane="b", subject="other")
    claimed = claim_turns(2)
    assert claimed == [talk, other]
    finish(claimed)
    (first,) = claim_turns(1)
    DeliveryFactory(lane="a", rank=TALK, subject="more talk")
    assert [row.subject for row in claim_turns()] == ["more talk"]
    finish([first])
    assert [row.subject for row in claim_turns()] == ["a-1", "a-2"]


def test_one_that_failed_steps_aside_until_its_next_try() -> None:
    failed = DeliveryFactory(lane="a", subject="item", state="failed", due_at=timezone.now() + timedelta(minutes=1))
    next_one = DeliveryFactory(lane="a", subject="item")
    assert claim_turns() == [next_one]
    finish([next_one])
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert claim_turns() == [failed]


def test_what_a_dead_worker_held_is_free_after_its_lease_and_not_before() -> None:
    (row,) = burst("a", 1)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        claim_turns()
        clock.shift(LEASE)
        assert claim_turns() == []
        clock.shift(timedelta(milliseconds=1))
        assert claim_turns() == [row]


def test_nothing_waiting_costs_no_write() -> None:
    burst("a", 3, state="handled")
    with CaptureQueriesContext(connection) as told:
        assert claim_turns() == []
    assert not [query for query in told if query["sql"].startswith("UPDATE")]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.sampled_from("ab"), st.sampled_from(["", "x", "y"]), st.sampled_from([0, 1])),
        st.tuples(st.just("claim"), st.integers(0, 2), st.integers(1, 4)),
        st.tuples(st.just("finish"), st.integers(0, 2)),
        st.tuples(st.just("fail"), st.integers(0, 2)),
        st.tuples(st.just("die"), st.integers(0, 2)),
    ),
    max_size=40,
)


class Workers:
    """Three workers and what is in the hands of each; checks the promise after every step."""

    def __init__(self) -> None:
        self.hands: list[list[Delivery]] = [[], [], []]

    def deliver(self, lane: str, subject: str, rank: int) -> None:
        DeliveryFactory(lane=lane, subject=subject, rank=rank)

    def claim(self, worker: int, limit: int) -> None:
        taken = claim_turns(limit)
        others = [row for number, hand in enumerate(self.hands) for row in hand if number != worker or row in taken]
        assert not set(taken) & set(others)
        assert not _items(taken) & _items(others if not self.hands[worker] else others + self.hands[worker])
        self.hands[worker] += taken

    def finish(self, worker: int) -> None:
        finish(self.hands[worker])
        self.hands[worker] = []

    def fail(self, worker: int) -> None:
        later = timezone.now() + timedelta(seconds=2)
        held = Delivery.objects.filter(pk__in=[row.pk for row in self.hands[worker]])
        held.update(state="failed", claimed_at=None, due_at=later)
        self.hands[worker] = []

    def die(self, worker: int) -> None:
        """Nobody looks while the lease runs out."""
        long_ago = timezone.now() - LEASE * 2
        Delivery.objects.filter(pk__in=[row.pk for row in self.hands[worker]]).update(claimed_at=long_ago)
        self.hands[worker] = []


def _items(rows: Sequence[Delivery]) -> set[tuple[str, str]]:
    return {(row.lane, row.subject) for row in rows if row.subject}


@given(STEPS)
@settings(deadline=None, max_examples=60)
def test_one_item_is_never_in_two_hands_and_everything_comes_to_its_end(steps: Sequence[tuple[Any, ...]]) -> None:
    Delivery.objects.all().delete()
    workers = Workers()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for name, *arguments in steps:
            getattr(workers, name)(*arguments)
            clock.shift(timedelta(milliseconds=10))
        clock.shift(LEASE * 3)
        while found := claim_turns():
            finish(found)
    assert not Delivery.objects.exclude(state="handled").exists()


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_share_the_work_without_meeting_at_an_item() -> None:
    for number in range(120):
        DeliveryFactory(lane=f"w{number % 3}", subject=f"item-{number % 10}")
    shared = Shared()
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(shared.work) for _ in range(4)]:
            future.result()
    assert shared.met == []
    assert len(shared.done) == len(set(shared.done)) == 120


class Shared:
    """What workers in several threads hold at the same moment."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: Counter[tuple[str, str]] = Counter()
        self.met: list[Any] = []
        self.done: list[Any] = []

    def work(self) -> None:
        """Claim and finish until nothing waits."""
        try:
            while Delivery.objects.filter(state="waiting").exists():
                self._batch(claim_turns(5))
        finally:
            connection.close()

    def _batch(self, rows: Sequence[Delivery]) -> None:
        items = _items(rows)
        with self.lock:
            self.met += [item for item in items if self.held[item]]
            self.held.update(items)
        with self.lock:  # given up here before the database knows, so that nobody else can have it yet
            self.held.subtract(items)
            self.done += [row.pk for row in rows]
        finish(rows)
