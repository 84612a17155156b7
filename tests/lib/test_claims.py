from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.lib.claims import LEASE, anything_due, backoff, claim, due_within, release_all
from tests.factories import DeliveryFactory

pytestmark = pytest.mark.django_db


def ago(seconds: float) -> object:
    return timezone.now() - timedelta(seconds=seconds)


def test_what_is_due_is_claimed_oldest_first() -> None:
    late, early = DeliveryFactory(due_at=ago(1)), DeliveryFactory(due_at=ago(9))
    assert claim(Delivery.objects.all(), 10) == [early, late]


def test_a_claim_takes_no_more_than_it_is_asked_to() -> None:
    rows = [DeliveryFactory(due_at=ago(9 - number)) for number in range(3)]
    assert claim(Delivery.objects.all(), 2) == rows[:2]
    assert claim(Delivery.objects.all(), 2) == rows[2:]


def test_what_is_not_due_yet_is_left() -> None:
    DeliveryFactory(due_at=ago(-60))
    assert claim(Delivery.objects.all(), 10) == []


def test_a_claimed_row_is_not_claimed_again() -> None:
    DeliveryFactory()
    (first,) = claim(Delivery.objects.all(), 10)
    assert first.claimed_at is not None
    assert claim(Delivery.objects.all(), 10) == []


def test_a_row_whose_worker_died_is_claimed_again_after_the_lease() -> None:
    held, stale = DeliveryFactory(claimed_at=ago(LEASE.total_seconds() - 5)), DeliveryFactory(claimed_at=ago(121))
    assert claim(Delivery.objects.all(), 10) == [stale]
    held.refresh_from_db()
    stale.refresh_from_db()
    assert stale.claimed_at > held.claimed_at


def test_a_claim_looks_at_the_given_rows_alone() -> None:
    DeliveryFactory(state=Delivery.State.HANDLED)
    assert claim(Delivery.objects.filter(state=Delivery.State.WAITING), 10) == []


@pytest.mark.parametrize(
    ("row", "due"),
    [({}, True), ({"claimed_at": "now"}, False), ({"claimed_at": "stale"}, True), ({"due_at": "later"}, False)],
)
def test_a_worker_can_ask_whether_a_claim_would_find_anything(row: dict[str, str], due: bool) -> None:
    times = {"now": ago(0), "stale": ago(200), "later": ago(-60)}
    DeliveryFactory(**{name: times[value] for name, value in row.items()})
    assert anything_due(Delivery.objects.all()) is due
    assert bool(claim(Delivery.objects.all(), 1)) is due


def test_at_its_start_the_only_worker_frees_what_a_dead_one_held() -> None:
    DeliveryFactory(claimed_at=ago(1))
    DeliveryFactory()
    assert release_all(Delivery) == 1
    assert len(claim(Delivery.objects.all(), 10)) == 2


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 2), (1, 2), (2, 4), (3, 8), (7, 128), (20, 3600), (10_000, 3600)]
)
def test_the_wait_doubles_up_to_an_hour_and_is_spread(attempts: int, seconds: float) -> None:
    waits = {backoff(min(attempts, 1000)).total_seconds() for _ in range(50)}
    assert min(waits) >= 0.75 * seconds
    assert max(waits) <= 1.25 * seconds
    assert len(waits) > 1


def workers(count: int) -> list[list[object]]:
    """What each of several workers got, all beginning at once and working until nothing is left."""
    gate = threading.Barrier(count)

    def work() -> list[object]:
        got: list[object] = []
        gate.wait()
        try:
            while rows := claim(Delivery.objects.all(), 3):
                got += [row.pk for row in rows]
        finally:
            connection.close()
        return got

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(work) for _ in range(count)]]


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_get_one_row() -> None:
    rows = {DeliveryFactory().pk for _ in range(40)}
    got = [pk for worker in workers(4) for pk in worker]
    assert len(got) == len(set(got))
    if connection.vendor == "sqlite":
        assert set(got) == rows


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_on_postgresql_a_worker_skips_what_another_is_just_taking() -> None:
    from django.db import transaction

    first, second = DeliveryFactory(due_at=ago(9)), DeliveryFactory(due_at=ago(1))
    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=first.pk)
        with ThreadPoolExecutor(1) as pool:
            got = pool.submit(lambda: (claim(Delivery.objects.all(), 10), connection.close())[0]).result(5)
    assert got == [second]


@pytest.mark.parametrize(("seconds", "found"), [((), None), ((-5,), None), ((5,), 5.0), ((60,), None), ((7, 3), 3.0)])
def test_a_worker_can_ask_when_the_next_row_is_due_soon(seconds: tuple[float, ...], found: float | None) -> None:
    for number in seconds:
        DeliveryFactory(due_at=ago(-number))
    wait = due_within(Delivery.objects.all())
    assert wait == (None if found is None else pytest.approx(found, abs=0.5))
