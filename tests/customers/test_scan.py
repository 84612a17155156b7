from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from planeapp.customers import scan
from planeapp.customers.book import book_of
from planeapp.customers.models import Book, Company, Errand
from planeapp.installations.models import Connection
from planeapp.lib.errors import RetryLater
from planeapp.sync.models import Due, Tie, TimelineEntry
from tests.customers.shelf import connection, names, read_before, shelf, told
from tests.factories import ProjectPairFactory
from tests.providers.memory_companies import Companies

__all__ = ["connection", "shelf"]
pytestmark = pytest.mark.django_db


def several(shelf: Companies, number: int = 5) -> None:
    for count in range(number):
        shelf.put(f"c{count:03}", f"Company {count:03}", phase="live")


def test_a_first_look_keeps_every_company_and_tells_no_change(connection: Connection, shelf: Companies) -> None:
    several(shelf)
    scan.whole(connection)
    assert len(names(connection)) == 5 and told(connection) == []
    assert book_of(connection).number == 1 and book_of(connection).newest == "5"


def test_a_look_that_was_stopped_goes_on_at_its_page(connection: Connection, shelf: Companies) -> None:
    several(shelf)
    shelf.fail("companies")
    scan.whole(connection)
    pages = shelf.reads().count("companies")
    shelf.calls.clear()
    shelf.meanwhile("companies", lambda: shelf.fail("companies", RetryLater("down")))
    with pytest.raises(RetryLater):
        scan.whole(connection)
    scan.whole(connection)
    asked = [call[1] for call in shelf.calls if call[0] == "companies"]
    assert pages == 3 and asked == ["", "c001", "c001", "c003"]  # the page that failed once more, no other


def test_a_second_look_tells_what_changed_once(connection: Connection, shelf: Companies) -> None:
    several(shelf, 2)
    scan.whole(connection)
    shelf.put("c000", phase="onboarding")
    scan.whole(connection)
    scan.whole(connection)
    assert told(connection) == [("phase", "live", "onboarding")]


def test_what_changed_lately_is_read_without_the_rest(connection: Connection, shelf: Companies) -> None:
    several(shelf, 3)
    scan.whole(connection)
    shelf.calls.clear()
    shelf.put("c001", name="Renamed")
    scan.recent(connection)
    assert "Renamed" in names(connection) and shelf.reads() == ["recent_companies"]
    scan.recent(connection)
    assert told(connection) == [("name", "Company 001", "Renamed")]


def test_a_change_during_a_whole_look_is_found_by_the_next_recent_one(connection: Connection, shelf: Companies) -> None:
    several(shelf, 3)
    shelf.between = lambda: shelf.put("c000", phase="changed meanwhile")
    scan.whole(connection)
    shelf.between = lambda: None
    scan.recent(connection)
    assert ("phase", "live", "changed meanwhile") in told(connection)


def test_a_vendor_that_cannot_tell_what_changed_is_read_whole_now_and_then(
    connection: Connection, shelf: Companies, time_machine: Any
) -> None:
    several(shelf, 1)
    shelf.ordered = False
    scan.whole(connection)
    Errand.objects.all().delete()
    scan.recent(connection)
    assert not Errand.objects.filter(kind="scan").exists()
    time_machine.move_to(timezone.now() + timedelta(hours=1, minutes=1))
    scan.recent(connection)
    assert Errand.objects.filter(kind="scan").exists()


def test_a_company_that_is_listed_no_more_is_looked_at_before_it_is_gone(
    connection: Connection, shelf: Companies
) -> None:
    several(shelf, 4)
    scan.whole(connection)
    shelf.remove("c001")
    shelf.hidden = {"c002"}  # left out of the list, and still there
    scan.whole(connection)
    assert names(connection) == ["Company 000", "Company 002", "Company 003"]


def test_a_list_that_moved_while_it_was_read_says_nothing_about_who_is_gone(
    connection: Connection, shelf: Companies
) -> None:
    several(shelf, 3)
    scan.whole(connection)
    shelf.remove("c001")
    shelf.steady = False
    scan.whole(connection)
    assert len(names(connection)) == 3


def test_far_more_gone_than_usual_stops_with_numbers_until_a_person_agrees(
    connection: Connection, shelf: Companies
) -> None:
    several(shelf, 40)
    scan.whole(connection)
    for number in range(20, 40):
        shelf.remove(f"c{number:03}")
    scan.whole(connection)
    scan.whole(connection)
    assert len(names(connection)) == 40 and "20 of 40" in book_of(connection).stopped
    assert TimelineEntry.objects.filter(code="guard").count() == 1
    scan.agree(connection)
    scan.whole(connection)
    assert len(names(connection)) == 20 and book_of(connection).stopped == ""
    assert not Book.objects.get(connection=connection).allow_once


def test_items_of_a_company_that_is_gone_are_told_and_looked_at_and_come_back_with_it(
    connection: Connection, shelf: Companies
) -> None:
    several(shelf, 2)
    scan.whole(connection)
    pair = ProjectPairFactory(connection=connection)
    tie = Tie.objects.create(
        connection=connection, project_id=pair.project_id, item_id=pair.project_id, party_id="c001", party_name="Company 001"
    )  # fmt: skip
    company = shelf.rows["c001"]
    shelf.remove("c001")
    scan.one(connection, "c001")
    tie.refresh_from_db()
    assert tie.state == Tie.State.GONE and Due.objects.filter(pair=pair, item_id=str(tie.item_id)).exists()
    assert "Choose another company" in TimelineEntry.objects.get(item_id=tie.item_id).text
    shelf.rows["c001"], shelf.stamps["c001"] = company, 99
    scan.one(connection, "c001")
    tie.refresh_from_db()
    assert tie.state == Tie.State.ACTIVE and Company.objects.get(remote_id="c001").gone_at is None


def test_a_company_that_a_webhook_names_before_the_first_look_waits_for_it(
    connection: Connection, shelf: Companies
) -> None:
    several(shelf, 1)
    scan.one(connection, "c000")
    assert names(connection) == [] and shelf.calls == []


def test_a_company_that_a_webhook_names_is_read_alone(connection: Connection, shelf: Companies) -> None:
    read_before(connection)
    shelf.put("new", "Newcomer", phase="onboarding")
    scan.one(connection, "new")
    assert told(connection) == [("created", None, "Newcomer"), ("phase", None, "onboarding")]
