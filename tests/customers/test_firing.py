from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.utils import timezone

from planeapp.customers import firing
from planeapp.customers.cache import take
from planeapp.customers.models import Book, Company, CompanyChange, CompanyRule, Errand, Firing
from planeapp.installations.models import Connection
from planeapp.providers.base import Company as Told
from planeapp.sync.models import TimelineEntry
from tests.customers.factories import (
    BookFactory,
    CompanyChangeFactory,
    CompanyFactory,
    CompanyRuleFactory,
    FiringFactory,
    KnowingConnectionFactory,
)
from tests.customers.ruling import Ruling, http, ruling, sandbox
from tests.factories import InstallationFactory

__all__ = ["http", "ruling", "sandbox"]
pytestmark = pytest.mark.django_db
NEAR = {"test": "within", "field": "renewal", "value": 30}
TODAY = date(2026, 11, 23)


@pytest.fixture
def book() -> Book:
    made: Book = BookFactory()
    return made


@pytest.fixture
def connection(book: Book) -> Connection:
    return book.connection


def rule(connection: Connection, **more: Any) -> CompanyRule:
    made: CompanyRule = CompanyRuleFactory(connection=connection, enabled=False, armed_at=None, **more)
    firing.arm(made)
    return made


def turn(connection: Connection, count: int = 1, start: int = 0, **values: Any) -> list[CompanyChange]:
    """So many companies were read with these values."""
    told = [Told(f"c{number}", f"Company {number}", values=values) for number in range(start, start + count)]
    return take(connection, told)


def states(**only: Any) -> list[str]:
    return list(Firing.objects.filter(**only).order_by("created_at", "pk").values_list("state", flat=True))


def test_a_rule_fires_once_for_a_change_however_often_and_in_whatever_way_it_is_told(ruling: Ruling) -> None:
    ruling.rule(ruling.create())
    ruling.tell(phase="Onboarding")  # by a webhook
    ruling.work()
    ruling.tell(phase="Onboarding", scan=2)  # by a look at all
    assert firing.decide(ruling.connection, list(CompanyChange.objects.all())) == 0
    ruling.work()
    assert ruling.states() == ["done"] and len(ruling.made()) == 1


def test_there_and_back_and_there_again_fires_twice(ruling: Ruling) -> None:
    ruling.rule(ruling.create(title="{before} to {after}"))
    for phase in ("Onboarding", "Trial", "Onboarding", "ONBOARDING"):
        ruling.tell(phase=phase)
    ruling.work()
    assert ruling.states() == ["done", "done"]
    assert [row["name"] for row in ruling.made()] == ["Trial to Onboarding"] * 2


def test_what_was_decided_is_done_even_if_the_company_changes_before_it_is(ruling: Ruling) -> None:
    ruling.rule(ruling.create(title="{company} in {phase}"))
    ruling.tell(phase="Onboarding")
    ruling.tell(phase="Live")
    ruling.work()
    assert [row["name"] for row in ruling.made()] == ["Acme in Onboarding"]


def test_changes_from_before_a_rule_was_armed_do_not_count(connection: Connection) -> None:
    change = CompanyChangeFactory(company__connection=connection)
    rule(connection)
    assert firing.decide(connection, [change]) == 0
    assert firing.decide(connection, [CompanyChangeFactory(company=change.company)]) == 1


def test_a_rule_that_is_off_does_not_fire(connection: Connection) -> None:
    firing.disarm(rule(connection))
    turn(connection, phase="Onboarding")
    assert states() == []


def test_a_first_look_fires_nothing_and_a_company_that_is_new_later_does(connection: Connection) -> None:
    rule(connection)
    take(connection, [Told("old", "Old", values={"phase": "Onboarding"})], quiet=True)
    assert states() == []
    turn(connection, phase="Onboarding")
    assert states() == ["held"]


def test_rules_of_another_workspace_do_not_fire(connection: Connection) -> None:
    other = rule(KnowingConnectionFactory())
    assert firing.decide(connection, [CompanyChangeFactory(company__connection=connection)]) == 0
    assert firing.decide(other.connection, [CompanyChangeFactory(company__connection=connection)]) == 0


def test_a_rule_that_cannot_be_read_does_not_stop_others(connection: Connection) -> None:
    CompanyRuleFactory(connection=connection, then=[{"do": "dance"}])
    rule(connection)
    turn(connection, phase="Onboarding")
    assert states() == ["held"]


def test_what_is_held_is_let_go_and_a_worker_is_asked_for(connection: Connection) -> None:
    rule(connection)
    turn(connection, phase="Onboarding")
    assert firing.release(connection) == 1 and states() == ["waiting"]
    assert Errand.objects.get().kind == "fire"
    assert firing.release(connection) == 0


def test_nothing_is_let_go_while_a_whole_look_is_under_way_unless_it_takes_long(book: Book) -> None:
    rule(book.connection)
    turn(book.connection, phase="Onboarding")
    Book.objects.update(begun_at=timezone.now() - timedelta(minutes=5))
    assert firing.release(book.connection) == 0
    Book.objects.update(begun_at=timezone.now() - timedelta(minutes=16))
    assert firing.release(book.connection) == 1


def test_a_mass_change_is_held_with_numbers_until_a_person_allows_it(connection: Connection) -> None:
    mass, other = rule(connection), rule(connection, when={"test": "becomes", "field": "status", "value": "won"})
    turn(connection, 26, phase="Onboarding")
    turn(connection, 1, start=50, status="Won")
    assert firing.release(connection) == 1
    assert set(states(rule=mass)) == {"held"} and states(rule=other) == ["waiting"]
    assert firing.release(connection) == 0
    line = TimelineEntry.objects.get()
    assert "26 changes (27 companies are known)" in line.text and line.data["held"] == 26
    assert firing.allow(mass) == 26 and set(states(rule=mass)) == {"waiting"}
    turn(connection, 1, start=60, phase="Onboarding")
    assert firing.release(connection) == 1


def test_a_mass_change_that_is_told_bit_by_bit_is_held_as_well(connection: Connection) -> None:
    rule(connection)
    for begin in range(0, 30, 10):
        turn(connection, 10, start=begin, phase="Onboarding")
        firing.release(connection)
    assert states().count("waiting") == 20 and states().count("held") == 10
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert firing.release(connection) == 10


def test_two_percent_of_many_companies_are_usual(connection: Connection) -> None:
    CompanyFactory.create_batch(1, connection=connection)
    rows = [
        Company(connection=connection, remote_id=f"x{number}", name="X", folded="x", fingerprint="0")
        for number in range(1500)
    ]
    Company.objects.bulk_create(rows)
    rule(connection)
    turn(connection, 30, phase="Onboarding")
    assert firing.release(connection) == 30


def test_what_is_held_can_be_dropped(connection: Connection) -> None:
    mass = rule(connection)
    turn(connection, 26, phase="Onboarding")
    assert firing.drop(mass) == 26 and set(states()) == {"dropped"}
    assert firing.release(connection) == 0 and firing.allow(mass) == 0


def test_switching_a_rule_off_drops_what_it_has_not_done(connection: Connection) -> None:
    armed = rule(connection)
    turn(connection, phase="Onboarding")
    FiringFactory(rule=armed, state=Firing.State.DONE)
    firing.disarm(armed)
    assert sorted(states()) == ["done", "dropped"]


def test_firings_of_a_rule_that_is_off_are_not_worked_off(connection: Connection) -> None:
    fired = FiringFactory(rule__connection=connection, rule__enabled=False)
    firing.work(connection)
    assert states(pk=fired.pk) == ["waiting"]


def test_only_what_failed_is_tried_again(connection: Connection) -> None:
    failed = FiringFactory(rule__connection=connection, state=Firing.State.FAILED, attempts=20, detail="No.")
    done = FiringFactory(rule__connection=connection, state=Firing.State.DONE)
    for fired in (failed, done):
        firing.retry(fired)
        fired.refresh_from_db()
    assert (failed.state, failed.attempts, failed.detail, done.state) == ("waiting", 0, "", "done")


def test_a_firing_that_breaks_again_and_again_fails_in_the_end(ruling: Ruling) -> None:
    ruling.rule(ruling.create())
    ruling.tell(phase="Onboarding")
    Firing.objects.update(attempts=19)
    ruling.sandbox.fault(method="POST", path="/work-items/$", status=503, times=9)
    ruling.work()
    failed = Firing.objects.get()
    assert failed.state == "failed" and failed.detail and failed.finished_at


@pytest.fixture
def monday(connection: Connection) -> Any:
    with time_machine.travel("2026-11-23 10:00Z", tick=False) as clock:
        yield clock


def renewing(connection: Connection, day: str, remote_id: str = "acme", **values: Any) -> None:
    take(connection, [Told(remote_id, remote_id, values={"renewal": day, **values})])


def test_companies_whose_renewal_is_near_when_a_rule_is_armed_are_known(connection: Connection, monday: Any) -> None:
    renewing(connection, "2026-12-01")
    rule(connection, when=NEAR)
    monday.shift(60)
    firing.calendar(connection)
    assert states() == ["known"] and Firing.objects.get().plan == []


def test_a_renewal_that_comes_near_fires_once(connection: Connection, monday: Any) -> None:
    renewing(connection, "2026-12-25")
    rule(connection, when=NEAR)
    found = []
    for _ in range(4):
        firing.calendar(connection)
        found.append(states())
        monday.shift(timedelta(days=1))
    assert found == [[], [], ["waiting"], ["waiting"]]
    assert Firing.objects.get().occasion == "renewal:2026-12-25"


def test_a_renewal_that_is_moved_near_fires_at_once_and_the_calendar_does_not_repeat_it(
    connection: Connection, monday: Any
) -> None:
    renewing(connection, "2027-12-25")
    rule(connection, when=NEAR)
    monday.shift(60)
    renewing(connection, "2026-12-01")
    firing.calendar(connection)
    assert states() == ["waiting"]


def test_a_condition_that_comes_true_while_the_renewal_is_near_fires(connection: Connection, monday: Any) -> None:
    renewing(connection, "2026-12-01", health=8.0)
    rule(connection, when=NEAR, only=[{"test": "below", "field": "health", "value": 5}])
    firing.calendar(connection)
    assert states() == []
    renewing(connection, "2026-12-01", health=3.0)
    firing.calendar(connection)
    assert states() == ["waiting"]


def test_arming_again_does_not_pass_over_what_came_near_today(connection: Connection, monday: Any) -> None:
    renewing(connection, "2026-12-24")
    armed = rule(connection, when=NEAR)
    monday.shift(timedelta(days=1))
    firing.arm(armed)
    firing.calendar(connection)
    assert states() == ["waiting"]


def test_renewals_that_the_first_look_finds_near_are_known_too(book: Book, monday: Any) -> None:
    Book.objects.update(number=0)
    rule(book.connection, when=NEAR)
    monday.shift(60)
    take(book.connection, [Told("acme", "Acme", values={"renewal": "2026-12-01"})], quiet=True)
    firing.calendar(book.connection)
    assert states() == []
    Book.objects.update(number=1)
    firing.calendar(book.connection)
    assert states() == ["known"]


def test_the_day_is_that_of_the_workspace(monday: Any) -> None:
    installation = InstallationFactory(zone="Pacific/Kiritimati")  # fourteen hours ahead
    connection = BookFactory(connection__installation=installation).connection
    renewing(connection, "2026-12-24")
    rule(connection, when=NEAR)
    assert states() == ["known"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_do_each_firing_once(ruling: Ruling) -> None:
    ruling.rule(ruling.create())
    ruling.tell(phase="Onboarding")
    firing.release(ruling.connection)

    def worker() -> None:
        try:
            firing.work(ruling.connection)
        finally:
            database.close()

    workers = [threading.Thread(target=worker) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert ruling.states() == ["done"] and len(ruling.made()) == 1
    assert len(ruling.sandbox.requests("POST", "/work-items/")) == 1
