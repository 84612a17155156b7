"""A sweep and the vendor's limit: it waits, it steps aside, and live work goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import Context
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from planeapp.installations.gateways import plane_for
from planeapp.lib.budget import Reserved
from planeapp.lib.claims import LEASE, anything_due, claim
from planeapp.sandbox.plane import work_items
from planeapp.sync import due, patience
from planeapp.sync.models import Due, SyncRun, TimelineEntry
from planeapp.sync.patience import LONGEST_PAUSE, LONGEST_WAIT, Patience
from tests.factories import DueFactory
from tests.sweeping import Sweeps

pytestmark = pytest.mark.django_db


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited, without waiting."""
    found: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", found.append)
    return found


def held() -> Due:
    made: Due = DueFactory(item_id="", claimed_at=timezone.now() - timedelta(seconds=60))
    return made


def test_a_short_wait_keeps_the_row(slept: list[float]) -> None:
    row, before = held(), timezone.now()
    assert Patience(row)(20.0)
    row.refresh_from_db()
    assert (slept, row.claimed_at is not None and row.claimed_at >= before) == ([20.0], True)


def test_a_wait_that_outlasts_the_claim_is_not_begun(slept: list[float]) -> None:
    assert not Patience(held())(LONGEST_PAUSE + 1)
    assert slept == []


def test_waits_end_when_they_are_too_long_in_all(slept: list[float]) -> None:
    wait = Patience(held())
    while wait(60.0):
        assert sum(slept) <= LONGEST_WAIT
    assert sum(slept) == LONGEST_WAIT


def test_a_row_that_another_worker_has_is_let_go(slept: list[float]) -> None:
    row = held()
    Due.objects.update(claimed_at=timezone.now())
    assert not Patience(row)(1.0)
    assert slept == []


def test_after_a_wait_the_row_is_ours_for_a_whole_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    row = held()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        monkeypatch.setattr(patience.time, "sleep", lambda seconds: clock.shift(seconds))
        assert Patience(row)(LONGEST_PAUSE)
        assert Due.objects.get().claimed_at == timezone.now()
        clock.shift(LEASE - timedelta(seconds=1))
        assert not anything_due(Due.objects.all())


def test_a_wait_in_which_the_row_went_to_another_worker_is_the_end_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    row = held()
    monkeypatch.setattr(patience.time, "sleep", lambda _: Due.objects.update(claimed_at=timezone.now()))
    assert not Patience(row)(1.0)


# Beats of a run that works


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(timezone.now(), tick=False) as found:
        yield found


def taken() -> Due:
    made: Due = DueFactory(item_id="")
    (row,) = claim(Due.objects.filter(pk=made.pk), 1)
    return row


def test_a_run_that_beats_keeps_its_row_for_as_long_as_it_works(clock: time_machine.Coordinates) -> None:
    mine = Patience(taken())
    for _ in range(100):
        clock.shift(15)
        assert mine.beat()
        assert claim(Due.objects.all(), 1) == []


def test_a_beat_writes_only_now_and_then(clock: time_machine.Coordinates, django_assert_num_queries: Any) -> None:
    mine = Patience(taken())
    with django_assert_num_queries(2):
        for _ in range(45):
            clock.shift(1)
            assert mine.beat()


def test_a_run_that_was_away_for_longer_than_its_lease_hears_that_another_has_the_row(
    clock: time_machine.Coordinates,
) -> None:
    mine = Patience(taken())
    clock.shift(LEASE + timedelta(seconds=1))
    (theirs,) = claim(Due.objects.all(), 1)
    assert [mine.beat(), mine.beat(), mine(1.0)] == [False] * 3
    assert Patience(theirs).beat()


def test_a_run_that_was_away_and_whose_row_nobody_took_goes_on(clock: time_machine.Coordinates) -> None:
    mine = Patience(taken())
    clock.shift(LEASE * 3)
    assert mine.beat()
    assert claim(Due.objects.all(), 1) == []


def test_a_row_that_is_gone_or_was_never_claimed_cannot_be_kept(clock: time_machine.Coordinates) -> None:
    mine, unclaimed = Patience(taken()), Patience(DueFactory())
    Due.objects.filter(pk=mine.row.pk).delete()
    clock.shift(60)
    assert (mine.beat(), unclaimed.beat()) == (False, False)


def test_a_sweep_that_steps_aside_pauses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    row = DueFactory(item_id="")
    item = DueFactory(pair=row.pair)

    def run(pair: object, *, beat: object) -> None:
        raise Reserved("half is for live work", delay=40)

    monkeypatch.setattr(due.engine, "run_pair", run)
    due.work_batch(whole=True)
    row.refresh_from_db()
    assert row.claimed_at is None and row.due_at > timezone.now() + timedelta(seconds=30)
    assert set(due.workable().filter(due_at__lte=timezone.now())) == {item}
    assert not TimelineEntry.objects.exists()


# In the sandbox, with a tight limit


@pytest.fixture
def tight(sweeps: Sweeps) -> Sweeps:
    """Plane allows ten calls a minute, and the project has more pages than a sweep's half."""
    rows, ada = sweeps.team.vendors.rows, sweeps.team.vendors.person("ada")
    for number in range(700):
        work_items.create(rows, sweeps.team.project(), ada, {"name": f"Item {number}"})
    sweeps.lose()
    rows.store.put("settings", "limits", {"per_minute": 10})
    sweeps.pass_(5)
    sweeps.team.vendors.plane.control.requests.clear()
    return sweeps


def hook(sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch, also: Callable[[], Any] = bool) -> list[float]:
    """Lets waits pass at once; ``also`` is done in each as another worker does it."""
    found: list[float] = []

    def sleep(seconds: float) -> None:
        found.append(seconds)
        Context().run(also)
        sweeps.clock.shift(timedelta(seconds=seconds))

    monkeypatch.setattr(patience.time, "sleep", sleep)
    return found


def test_a_sweep_waits_for_its_share_and_goes_on_at_the_next_page(
    tight: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    waits = hook(tight, monkeypatch)
    tight.edit(name="On the way")
    tight.sweep()
    asked = tight.team.vendors.plane.asked("GET", "/work-items/")
    pages = [one["query"] for one in asked if "cursor=" in one["query"] or "per_page" in one["query"]]
    assert waits and len(pages) == len(set(pages)) == 8
    assert SyncRun.objects.latest("started_at").state == SyncRun.State.DONE
    assert "On the way" in str(tight.block())


def test_while_a_sweep_waits_live_work_has_its_half_and_nobody_meets_a_429(
    tight: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    done: list[Any] = []

    def live() -> None:
        plane = plane_for(tight.team.installation)
        done.extend(plane.me() for _ in range(2))

    waits = hook(tight, monkeypatch, live)
    tight.sweep()
    assert len(done) == 2 * len(waits) > 0
    assert {one["status"] for one in tight.team.vendors.plane.asked("GET")} == {200}
