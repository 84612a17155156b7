from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from planeapp.inbox import feeds
from planeapp.inbox.models import Delivery
from planeapp.inbox.tasks import read_feeds, work_inbox
from planeapp.installations.models import Connection
from planeapp.lib.errors import RetryLater
from planeapp.providers import PROVIDERS
from planeapp.sync.models import Due, TimelineEntry
from tests.factories import ConnectionFactory, ItemLinkFactory, ProjectPairFactory
from tests.inbox.vendor.provider import Vendor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Vendor]]:
    monkeypatch.setitem(PROVIDERS, "vendor", "tests.inbox.vendor.provider.Vendor")
    monkeypatch.setattr(Vendor, "told", [])
    yield Vendor


def fed(**more: object) -> Connection:
    """A connection whose feed was looked at before."""
    told = {"provider": "vendor", "report": {"abilities": ["feed"]}, "feed_read_at": timezone.now(), **more}
    return ConnectionFactory(**told)


def entry(name: str, row: str = "row-1") -> bytes:
    return json.dumps({"id": name, "row": row}).encode()


def test_the_first_look_is_a_baseline_and_asks_for_no_work(vendor: type[Vendor]) -> None:
    made = fed(feed_read_at=None)
    vendor.told = [entry("e-2"), entry("e-1")]
    assert (read_feeds(), Delivery.objects.count()) == (0, 0)
    vendor.told.insert(0, entry("e-3"))
    assert read_feeds() == 1
    assert bytes(Delivery.objects.get().body) == entry("e-3")
    made.refresh_from_db()
    assert made.feed_seen == {"ids": ["e-3", "e-2", "e-1"], "page": 3}


def test_what_was_seen_is_not_stored_again(vendor: type[Vendor]) -> None:
    fed()
    vendor.told = [entry("e-1")]
    assert [read_feeds() for _ in range(3)] == [1, 0, 0]


def test_news_is_worked_on_oldest_first(vendor: type[Vendor]) -> None:
    fed()
    vendor.told = [entry("e-2"), entry("e-1")]
    read_feeds()
    rows = sorted(Delivery.objects.all(), key=lambda row: row.pk != Delivery.objects.order_by("due_at").first().pk)
    assert {json.loads(bytes(row.body))["id"] for row in rows} == {"e-1", "e-2"}


def test_news_of_a_linked_row_makes_its_item_due(vendor: type[Vendor]) -> None:
    link = ItemLinkFactory(pair__connection=fed(), remote_id="row-1")
    vendor.told = [entry("e-1")]
    read_feeds()
    work_inbox()
    assert Delivery.objects.get().state == "handled"
    assert Due.objects.get().item_id == str(link.item_id)


@pytest.mark.parametrize(
    "state",
    [
        {"report": {"abilities": []}},
        {"status": "reconnect"},
        {"installation__status": "uninstalled"},
        {"paused_until": timezone.now() + timedelta(days=1)},
    ],
)
def test_a_feed_is_not_read_where_there_is_none_or_it_may_not_be(
    vendor: type[Vendor], state: dict[str, object]
) -> None:
    fed(**state)
    vendor.told = [entry("e-1")]
    assert (read_feeds(), Delivery.objects.count()) == (0, 0)


def test_a_feed_that_does_not_answer_leaves_the_others_alone(
    vendor: type[Vendor], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = fed()
    monkeypatch.setattr(vendor, "broken", RetryLater("down"))
    assert read_feeds() == 0
    assert "feed not read" in caplog.text
    made.refresh_from_db()
    assert made.feed_seen == {}


def test_an_entry_that_cannot_be_read_is_stored_once(vendor: type[Vendor]) -> None:
    fed()
    vendor.told = [b"no json"]
    assert [read_feeds(), read_feeds()] == [1, 0]


def test_the_memory_of_a_feed_is_limited(vendor: type[Vendor]) -> None:
    made = fed(feed_seen={"ids": [f"old-{number}" for number in range(feeds.REMEMBERED)]})
    vendor.told = [entry("e-1")]
    read_feeds()
    made.refresh_from_db()
    assert len(made.feed_seen["ids"]) == feeds.REMEMBERED
    assert made.feed_seen["ids"][0] == "e-1"


def entries(first: int, last: int) -> list[bytes]:
    """Entries from the newest (``last``) to the oldest."""
    return [entry(f"e-{number}") for number in range(last, first - 1, -1)]


def paged(vendor: type[Vendor], monkeypatch: pytest.MonkeyPatch, page: int, longest: int) -> Connection:
    """A connection with a pair whose feed shows so many entries; the first look is done."""
    monkeypatch.setattr(vendor, "page", page)
    monkeypatch.setattr(vendor, "longest", longest)
    made = fed(feed_read_at=None)
    ProjectPairFactory(connection=made)
    vendor.told = entries(1, page)
    read_feeds()
    return made


def test_a_full_page_of_news_is_read_further_until_it_meets_what_is_known(
    vendor: type[Vendor], monkeypatch: pytest.MonkeyPatch
) -> None:
    paged(vendor, monkeypatch, page=3, longest=9)
    vendor.told = entries(1, 8)
    assert read_feeds() == 5
    assert (Due.objects.count(), TimelineEntry.objects.count()) == (0, 0)


def test_a_feed_that_does_not_reach_back_has_everything_looked_at(
    vendor: type[Vendor], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = paged(vendor, monkeypatch, page=3, longest=5)
    off = ProjectPairFactory(connection=made, enabled=False)
    vendor.told = entries(1, 20)
    assert read_feeds() == 5
    row, told = Due.objects.get(), TimelineEntry.objects.get()
    assert (row.item_id, row.pair_id != off.pk, told.code) == ("", True, "feed_gap")
    assert read_feeds() == 0 and TimelineEntry.objects.count() == 1


def test_news_that_do_not_fill_a_page_leave_no_gap(vendor: type[Vendor], monkeypatch: pytest.MonkeyPatch) -> None:
    paged(vendor, monkeypatch, page=3, longest=3)
    vendor.told = entries(7, 8)  # the vendor forgot the older ones
    assert (read_feeds(), Due.objects.count()) == (2, 0)


def test_a_first_look_and_a_feed_that_was_empty_are_no_gap(vendor: type[Vendor]) -> None:
    made = fed(feed_read_at=None)
    ProjectPairFactory(connection=made)
    assert read_feeds() == 0
    vendor.told = entries(1, 4)
    assert (read_feeds(), Due.objects.count()) == (4, 0)
