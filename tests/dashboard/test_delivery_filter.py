from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from planeapp.dashboard import delivery_filter
from planeapp.dashboard.delivery_filter import KINDS, OTHER, DeliveryFilter, Page, by_state, page_of
from planeapp.inbox.models import Delivery
from planeapp.inbox.routes import ROUTES
from tests.factories import ConnectionFactory, DeliveryFactory, InstallationFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def fitting(zone: str = "UTC", **query: str) -> list[str]:
    """Reasons of the deliveries that fit, oldest first."""
    rows = DeliveryFilter(query, zone).narrow(Delivery.objects.all())
    return list(rows.order_by("received_at").values_list("reason", flat=True))


def test_every_kind_that_we_work_on_has_a_name() -> None:
    assert set(KINDS) == {*ROUTES, OTHER}


def test_nothing_chosen_shows_everything() -> None:
    DeliveryFactory(reason="one")
    assert fitting() == fitting(state="", text="", source="", kind="", since="", until="") == ["one"]


def test_it_narrows_by_end_source_and_kind() -> None:
    DeliveryFactory(reason="a", state="dead", kind="item.changed")
    DeliveryFactory(reason="b", state="handled", kind="cycle.updated")
    DeliveryFactory(
        reason="c", source="provider", connection=ConnectionFactory(), kind="remote.changed, remote.deleted"
    )
    assert (fitting(state="dead"), fitting(source="plane"), fitting(source="planner")) == (["a"], ["a", "b"], ["c"])
    assert (fitting(kind="item.changed"), fitting(kind="remote.deleted")) == (["a"], ["c"])
    assert "b" in fitting(kind="other") and "a" not in fitting(kind="other")
    assert fitting(source="planhat") == fitting(state="dead", kind="comment.written") == []


def test_it_searches_in_subject_and_reason() -> None:
    DeliveryFactory(reason="the Project is not paired", subject="item-7")
    DeliveryFactory(reason="100 % sure", subject="other")
    assert fitting(text="PROJECT") == fitting(text="item-7") == ["the Project is not paired"]
    assert (fitting(text="%"), fitting(text="no such")) == (["100 % sure"], [])


def test_times_are_the_workspaces_unless_they_name_their_offset() -> None:
    for hours in range(3):
        DeliveryFactory(reason=str(hours), received_at=NOON + timedelta(hours=hours))
    assert fitting(since="2026-11-20T13:00") == fitting("Asia/Kolkata", since="2026-11-20T18:30") == ["1", "2"]
    assert fitting(until="2026-11-20T13:00") == ["0"]
    assert fitting("Asia/Kolkata", since="2026-11-20T13:00:00+00:00", until="2026-11-20T14:00:00Z") == ["1"]


@pytest.mark.parametrize("query", [
    {"state": "bogus"}, {"since": "soon"}, {"until": "2026-13-01T00:00"}, {"source": "salesforce"}, {"kind": "x"},
    {"text": "x" * 101}, {"text": "\x00"},
])  # fmt: skip
def test_nonsense_shows_nothing_rather_than_everything(query: dict[str, str]) -> None:
    DeliveryFactory()
    assert fitting(**query) == []
    assert DeliveryFilter(query, "UTC").told == {}


def test_it_says_in_words_what_it_shows() -> None:
    query = {
        "state": "dead",
        "source": "planner",
        "kind": "other",
        "text": "x",
        "since": "2026-11-20T13:00",
        "until": "",
    }
    assert DeliveryFilter(query, "Europe/Stockholm").told == {
        "state": "Given up", "source": "Planner", "kind": "Anything else", "text": "x",
        "since": "20 November 2026, 13:00 CET",
    }  # fmt: skip


def test_ends_are_counted_with_all_in_front() -> None:
    for state in ("dead", "dead", "handled"):
        DeliveryFactory(state=state)
    told = {state["key"]: (state["count"], state["current"]) for state in by_state(Delivery.objects.all(), "dead")}
    assert told == {
        "": (3, False), "waiting": (0, False), "handled": (1, False), "ignored": (0, False), "failed": (0, False),
        "dead": (2, True),
    }  # fmt: skip


# Pages


@pytest.fixture
def ten(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ten deliveries, several at the same moment, on pages of three; gives a page."""
    monkeypatch.setattr(delivery_filter, "PAGE", 3)
    installation = InstallationFactory()
    for number in range(10):
        DeliveryFactory(
            installation=installation, received_at=NOON + timedelta(seconds=number // 4), reason=str(number)
        )

    def page(**query: str) -> Page:
        return page_of(installation.deliveries.all(), query)

    return page


def told(page: Page) -> set[str]:
    return {row.reason for row in page.rows}


def test_older_leads_through_the_whole_list_and_newer_back(ten: Any) -> None:
    pages = [ten()]
    while pages[-1].older:
        pages.append(ten(before=pages[-1].older))
    assert [len(page.rows) for page in pages] == [3, 3, 3, 1]
    assert set.union(*map(told, pages)) == {str(number) for number in range(10)}
    back = [pages[-1]]
    while back[-1].newer:
        back.append(ten(after=back[-1].newer))
    assert [told(page) for page in back] == [told(page) for page in reversed(pages)]


def test_the_first_page_has_nothing_newer_and_the_last_nothing_older(ten: Any) -> None:
    first = ten()
    last = ten(before=ten(before=ten(before=first.older).older).older)
    assert (first.newer, last.older, bool(first.older), bool(last.newer)) == ("", "", True, True)


def test_what_arrives_meanwhile_does_not_move_a_page(ten: Any) -> None:
    mark = ten().older
    before = told(ten(before=mark))
    DeliveryFactory(installation=Delivery.objects.first().installation, received_at=NOON + timedelta(hours=1))  # type: ignore[union-attr]
    assert told(ten(before=mark)) == before


@pytest.mark.parametrize(
    "mark", ["x", "_", "2026-11-20T12:00:00_x", "2026-11-20T12:00:00+00:00_", "2026-99-99T12:00_x"]
)
def test_a_place_that_nobody_named_is_the_first_page(ten: Any, mark: str) -> None:
    assert told(ten(before=mark)) == told(ten(after=mark)) == told(ten())


def test_a_page_past_the_end_is_empty(ten: Any) -> None:
    last = ten(before=ten(before=ten(before=ten().older).older).older)
    assert ten(before=delivery_filter._mark(last.rows[-1])) == Page([])


@pytest.mark.parametrize(
    ("query", "searched"),
    [({}, None), ({"state": "handled"}, None), ({"text": "x"}, 3), ({"kind": "other"}, 3), ({"source": "plane"}, 3),
     ({"text": "x", "until": "2026-03-01T09:00"}, 6), ({"text": "x", "since": "2026-03-01T10:30"}, None)],
)  # fmt: skip
def test_a_search_looks_at_the_newest_and_further_back_when_told_until_when(
    query: dict[str, str], searched: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_filter, "REACH", 2)
    installation, noon = InstallationFactory(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    for hours in range(1, 8):
        DeliveryFactory(installation=installation, received_at=noon - timedelta(hours=hours))
    edge = DeliveryFilter(query, "UTC").edge(installation.deliveries.all())
    assert edge == (None if searched is None else noon - timedelta(hours=searched))
