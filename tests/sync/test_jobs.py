"""Long jobs: who may work on them, what stops them for a while and what for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from planeapp.lib.budget import Reserved
from planeapp.lib.claims import LEASE
from planeapp.lib.errors import FixSettings, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.sync import jobs
from planeapp.sync.models import Job, ProjectPair, SyncRun
from planeapp.sync.tasks import work_jobs
from tests.factories import ProjectPairFactory, SyncRunFactory

pytestmark = pytest.mark.django_db

Work = Callable[[Job, Callable[[], bool], Callable[[], bool]], bool]


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], None]:
    """Says what a backfill does when it gets its turn."""

    def pretend(work: Work) -> None:
        monkeypatch.setitem(jobs.WORK, Job.Kind.BACKFILL, work)

    return pretend


@pytest.fixture
def pair() -> ProjectPair:
    made: ProjectPair = ProjectPairFactory()
    return made


def raising(error: Exception) -> Work:
    def work(job: Job, beat: object, turn: object) -> bool:
        job.result = SyncRun.objects.create(pair=job.pair, kind=SyncRun.Kind.BACKFILL)
        job.save(update_fields=["result"])
        raise error

    return work


def again(job: Job) -> Job:
    job.refresh_from_db()
    return job


# Asking


def test_a_pair_has_one_backfill_at_a_time(pair: ProjectPair) -> None:
    first = jobs.ask_backfill(pair, "Ada")
    assert jobs.ask_backfill(pair, "Milo") == first
    jobs.end(first)
    assert jobs.ask_backfill(pair) != first
    assert (first.asked_by, Job.objects.count()) == ("Ada", 2)


def test_the_jobs_of_a_workspace_are_its_own_and_only_those_under_way(pair: ProjectPair) -> None:
    over, other = jobs.ask_backfill(pair), jobs.ask_backfill(ProjectPairFactory())
    jobs.end(over)
    mine = jobs.ask_backfill(pair)
    assert list(jobs.open_in(pair.connection.installation)) == [mine]
    assert list(jobs.open_in(other.pair.connection.installation)) == [other]


# Turns


def test_a_job_that_comes_to_its_end_is_done_and_says_so_in_its_run(
    pair: ProjectPair, works: Callable[[Work], None]
) -> None:
    job = jobs.ask_backfill(pair)
    job.result = SyncRun.objects.create(pair=pair, kind=SyncRun.Kind.BACKFILL, counts={"create vendor": 2})
    job.save()
    works(lambda job, beat, turn: True)
    assert work_jobs() == 1
    assert (again(job).state, job.claimed_at, job.finished_at is not None) == ("done", None, True)
    job.result.refresh_from_db()
    assert (job.result.state, job.result.counts) == ("done", {"create vendor": 2})
    assert work_jobs() == 0


def test_a_job_whose_turn_is_over_lets_the_others_go_first(works: Callable[[Work], None]) -> None:
    first, second = (jobs.ask_backfill(ProjectPairFactory()) for _ in range(2))
    seen: list[Job] = []

    def work(job: Job, beat: object, turn: object) -> bool:
        seen.append(job)
        return len(seen) > 2

    works(work)
    assert work_jobs() == 4
    assert seen == [first, second, first, second]


def test_a_turn_is_over_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [1000.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: seconds[0])
    turn = jobs._turn()
    seconds[0] += jobs.TURN_SECONDS - 1
    assert turn()
    seconds[0] += 2
    assert not turn()


def test_a_job_that_a_living_worker_holds_is_not_taken(pair: ProjectPair, works: Callable[[Work], None]) -> None:
    job = jobs.ask_backfill(pair)
    works(lambda job, beat, turn: True)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        Job.objects.update(claimed_at=timezone.now())
        clock.shift(LEASE - timedelta(seconds=1))
        assert jobs.work_one() is None
        assert jobs.work_one(job) is None
        clock.shift(2)
        assert jobs.work_one() == job


@pytest.mark.parametrize("over", [False, True])
def test_a_worker_that_was_away_too_long_neither_frees_nor_ends_the_job_of_the_next(
    pair: ProjectPair, works: Callable[[Work], None], over: bool
) -> None:
    job = jobs.ask_backfill(pair)
    theirs = timezone.now() + timedelta(seconds=9)

    def taken_meanwhile(job: Job, beat: Callable[[], bool], turn: object) -> bool:
        Job.objects.update(claimed_at=theirs)
        job.claimed_at = timezone.now() - LEASE
        assert not beat()
        return over

    works(taken_meanwhile)
    assert jobs.work_one(job) == job
    assert (again(job).claimed_at, job.state) == (theirs, "waiting")


def test_a_person_ends_a_job_and_what_it_did_stays(pair: ProjectPair, works: Callable[[Work], None]) -> None:
    job = jobs.ask_backfill(pair)

    def ended_meanwhile(job: Job, beat: Callable[[], bool], turn: object) -> bool:
        job.result = SyncRunFactory(pair=pair, kind="backfill", state="running", counts={"create vendor": 1})
        job.save()
        assert beat()
        assert jobs.end(Job.objects.get())
        return not beat()

    works(ended_meanwhile)
    jobs.work_one()
    assert (again(job).state, jobs.end(job), jobs.work_one()) == ("ended", False, None)
    assert job.result is not None
    assert (job.result.state, job.result.counts) == ("done", {"create vendor": 1})
    assert job.result.detail == "A person ended it before its end."


# Where it may not go on


@pytest.mark.parametrize(
    "change",
    [
        {"status": "reconnect"},
        {"status": "paused"},
        {"paused_until": timezone.now() + timedelta(days=1)},
    ],
)
def test_a_job_rests_while_its_connection_may_not_be_used(
    pair: ProjectPair, works: Callable[[Work], None], change: dict[str, Any]
) -> None:
    job = jobs.ask_backfill(pair)
    works(lambda job, beat, turn: True)
    type(pair.connection).objects.update(**change)
    assert jobs.work_one() is None
    type(pair.connection).objects.update(status="active", paused_until=None)
    assert jobs.work_one() == job


def test_a_job_of_a_workspace_that_took_the_app_off_rests(pair: ProjectPair) -> None:
    jobs.ask_backfill(pair)
    type(pair.connection.installation).objects.update(status="uninstalled")
    assert jobs.work_one() is None


# What goes wrong


def test_quota_that_is_used_up_pauses_the_connection_and_costs_no_attempt(
    pair: ProjectPair, works: Callable[[Work], None]
) -> None:
    job = jobs.ask_backfill(pair)
    works(raising(OutOfQuota("429", delay=120)))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(jobs.MAX_ATTEMPTS + 1):
            assert jobs.work_one() == job
            pair.connection.refresh_from_db()
            assert pair.connection.paused_until == timezone.now() + timedelta(seconds=120)
            assert jobs.work_one() is None
            clock.shift(121)
        works(lambda job, beat, turn: True)
        assert jobs.work_one() == job
    assert (again(job).state, job.attempts) == ("done", 0)


def test_a_reserve_that_is_kept_for_live_work_pauses_only_the_job(
    pair: ProjectPair, works: Callable[[Work], None]
) -> None:
    job = jobs.ask_backfill(pair)
    works(raising(Reserved("half is for live work", delay=40)))
    with time_machine.travel(timezone.now(), tick=False):
        jobs.work_one()
        assert again(job).due_at == timezone.now() + timedelta(seconds=40)
    pair.connection.refresh_from_db()
    assert (pair.connection.paused_until, job.attempts) == (None, 0)


def test_a_vendor_that_is_down_is_tried_later_and_later_and_then_given_up_with_its_reason(
    pair: ProjectPair, works: Callable[[Work], None]
) -> None:
    job, waits = jobs.ask_backfill(pair), []
    works(raising(RetryLater("down", person="It does not answer.")))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        while again(job).state == "waiting":
            assert jobs.work_one() == job
            waits.append(again(job).due_at - timezone.now())
            clock.shift(timedelta(hours=2))
    assert len(waits) == jobs.MAX_ATTEMPTS
    assert waits[0] < waits[4] < waits[8]
    assert (job.state, job.detail) == ("failed", "It does not answer.")
    assert job.result is not None and job.result.state == "failed"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (FixSettings("400", person="Choose a template."), "failed"),
        (ReconnectNeeded("401", person="Connect again."), "waiting"),
        (LookupError("a bug"), "waiting"),
    ],
)
def test_what_only_a_person_can_mend_is_told(
    pair: ProjectPair, works: Callable[[Work], None], error: Exception, state: str
) -> None:
    job = jobs.ask_backfill(pair)
    works(raising(error))
    jobs.work_one()
    assert (again(job).state, job.claimed_at) == (state, None)
    assert job.detail == getattr(error, "person", job.detail)
    assert "a bug" not in job.detail
    assert job.state != "waiting" or job.due_at > timezone.now()
