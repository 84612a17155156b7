from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from planeapp.customers import errands, runner
from planeapp.customers.models import Errand
from planeapp.customers.work import KINDS, Kind
from planeapp.installations.models import Connection
from planeapp.lib.budget import purpose
from planeapp.lib.claims import LEASE
from planeapp.lib.errors import FixSettings, GroundcrewError, OutOfQuota, ReconnectNeeded, RetryLater
from tests.customers.factories import KnowingConnectionFactory
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Done(list[tuple[str, str]]):
    """What was worked on; ``fault`` is raised instead."""

    fault: BaseException | None = None

    def work(self, connection: Connection, key: str) -> None:
        self.append((purpose().name, key))
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Done:
    """Two kinds instead of the real ones: one that comes every hour, one that is asked for."""
    made = Done()
    for name in list(KINDS):
        monkeypatch.delitem(KINDS, name)
    monkeypatch.setitem(KINDS, "hourly", Kind(made.work, HOUR, "upkeep"))
    monkeypatch.setitem(KINDS, "asked", Kind(made.work, None, "asking"))
    return made


@pytest.fixture
def connection() -> Connection:
    made: Connection = KnowingConnectionFactory()
    return made


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(timezone.now(), tick=False) as made:
        yield made


def row(kind: str = "asked") -> Errand:
    return Errand.objects.get(kind=kind)


def test_an_errand_that_is_asked_for_twice_is_done_once(connection: Connection, done: Done) -> None:
    errands.ask(connection, "asked", "x")
    errands.ask(connection, "asked", "x")
    while runner.work_one():
        pass
    assert done == [("asking", "x")] and not Errand.objects.exists()


def test_one_that_is_asked_for_while_it_is_done_is_done_once_more(connection: Connection, done: Done) -> None:
    errands.ask(connection, "asked")
    claimed = Errand.objects.get()
    claimed.claimed_at = timezone.now()
    claimed.save()
    errands.ask(connection, "asked")
    runner._over(claimed, None)
    assert row().claimed_at is None and runner.work_one() is not None


def test_recurring_ones_come_by_themselves_for_who_has_companies(
    connection: Connection, done: Done, clock: time_machine.Coordinates
) -> None:
    ConnectionFactory(provider="planner")
    assert (runner.plan(), runner.plan()) == (1, 0)
    while runner.work_one():
        pass
    assert done == [("upkeep", "")] and row("hourly").due_at == timezone.now() + HOUR
    clock.shift(HOUR)
    assert runner.work_one() is not None and len(done) == 2


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [(RetryLater("down", delay=7), 7), (OutOfQuota("enough", delay=30), 30), (ReconnectNeeded("refused"), 300)],
)
def test_what_passes_makes_it_wait_and_says_why(
    connection: Connection, done: Done, clock: time_machine.Coordinates, fault: GroundcrewError, seconds: int
) -> None:
    done.fault = fault
    errands.ask(connection, "asked")
    runner.work_one()
    assert row().due_at == timezone.now() + timedelta(seconds=seconds) and row().detail == fault.person


def test_a_used_up_limit_holds_up_the_errand_and_not_the_connection(connection: Connection, done: Done) -> None:
    done.fault = OutOfQuota("enough of Plane's calls", delay=30)
    errands.ask(connection, "asked")
    runner.work_one()
    connection.refresh_from_db()
    assert connection.paused_until is None and row().due_at > timezone.now()


def test_what_only_a_person_can_mend_is_told_and_tried_again_at_its_time(
    connection: Connection, done: Done, clock: time_machine.Coordinates
) -> None:
    done.fault = FixSettings("no", person="Please allow it over there.")
    runner.plan()
    runner.work_one()
    assert row("hourly").detail == "Please allow it over there." and row("hourly").due_at == timezone.now() + HOUR


def test_a_break_of_ours_keeps_the_errand(connection: Connection, done: Done) -> None:
    done.fault = KeyError("oops")
    errands.ask(connection, "asked")
    runner.work_one()
    assert row().attempts == 1 and row().claimed_at is None


def test_a_killed_worker_leaves_it_to_the_next(
    connection: Connection, done: Done, clock: time_machine.Coordinates
) -> None:
    done.fault = KeyboardInterrupt()
    errands.ask(connection, "asked")
    with pytest.raises(KeyboardInterrupt):
        runner.work_one()
    assert runner.work_one() is None
    clock.shift(LEASE + timedelta(seconds=1))
    done.fault = None
    assert runner.work_one() is not None and len(done) == 2


def test_an_errand_of_a_connection_that_lost_its_companies_ends(connection: Connection, done: Done) -> None:
    errands.ask(connection, "asked")
    Connection.objects.update(report={})
    runner.work_one()
    assert done == [] and not Errand.objects.exists()


def test_every_kind_can_be_worked_on() -> None:
    assert {"scan", "recent", "read", "match", "fire", "calendar", "tallies", "mirror", "labels", "cards"} == set(KINDS)
    assert all(callable(kind.work) for kind in KINDS.values())
