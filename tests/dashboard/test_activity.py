"""The activity log: what a filter finds, and what a file holds. Paging itself is in test_long_lists."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser

from planeapp.installations.models import Installation
from planeapp.sync.models import TimelineEntry
from tests.factories import (
    ConnectionFactory,
    InstallationFactory,
    ItemLinkFactory,
    MembershipFactory,
    SyncRunFactory,
    TimelineEntryFactory,
)

pytestmark = pytest.mark.django_db
ITEM = uuid.uuid4()


@pytest.fixture
def installation(client: Client) -> Installation:
    """A workspace that Milo may look at, with four lines; another workspace has one."""
    made: Installation = InstallationFactory(slug="air", zone="Asia/Kolkata")
    client.force_login(MembershipFactory(installation=made, plain=True).user)
    planner, planhat = (ConnectionFactory(installation=made, provider=key) for key in ("planner", "planhat"))
    for text, code, key, connection in (
        ("first", "created", "CUST-1", planner), ("second, 100%", "no_dates", "CUST-2", planner),
        ("third", "rule", "CUST-2", planhat), ("fourth", "brand_new_code", "", None),
    ):  # fmt: skip
        TimelineEntryFactory(installation=made, text=text, code=code, item_key=key, connection=connection, item_id=ITEM)
    TimelineEntryFactory(text="foreign first", code="created", item_key="CUST-1")
    return made


def found(client: Client, query: str) -> list[str]:
    """The texts of the lines that a page shows."""
    return [row.text for row in client.get(f"/w/air/activity/?{query}").context["page"].rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["fourth", "third", "second, 100%", "first"]),
        ("text=FIRST", ["first"]),
        ("text=100%25", ["second, 100%"]),
        ("text=cust-2", ["third", "second, 100%"]),
        ("code=created", ["first"]),
        ("code=brand_new_code", ["fourth"]),
        ("system=planhat", ["third"]),
        ("system=plane", ["fourth"]),
        ("item=cust-2&system=planner", ["second, 100%"]),
        ("text=nowhere", []),
        ("since=soon", []),
        ("system=salesforce", []),
    ],
)
def test_a_filter_finds_what_it_says_here_alone(
    client: Client, installation: Installation, query: str, expected: list[str]
) -> None:
    assert found(client, query) == expected


def test_an_item_that_our_rows_know_is_found_with_lines_that_do_not_name_it(
    client: Client, installation: Installation
) -> None:
    ItemLinkFactory(pair__connection=installation.connections.get(provider="planner"), item_id=ITEM, item_key="CUST-9")
    assert len(found(client, "item=cust-9")) == 4


def test_times_are_those_of_the_workspace(client: Client, installation: Installation) -> None:
    TimelineEntry.objects.filter(text="first").update(at="2026-03-04T20:00:00Z")
    assert found(client, "until=2026-03-05T01:31") == ["first"]
    assert found(client, "since=2026-03-05T01:31&until=2026-03-06T00:00") == []


def test_a_line_leads_to_its_item_its_run_and_its_like(client: Client, installation: Installation) -> None:
    pair = ItemLinkFactory(pair__connection=installation.connections.get(provider="planner")).pair
    run = SyncRunFactory(pair=pair)
    TimelineEntry.objects.filter(text="first").update(run=run)
    page = LexborHTMLParser(client.get("/w/air/activity/?code=created").content.decode())
    links = {str(link.attributes["href"]) for link in page.css("#found a")}
    assert {f"/w/air/items/{ITEM}/", f"/w/air/runs/{run.pk}/", "/w/air/activity/?code=created"} <= links


def test_a_filter_that_finds_nothing_says_what_to_do(client: Client, installation: Installation) -> None:
    assert "No line fits" in client.get("/w/air/activity/?text=nowhere").content.decode()
    assert "do not understand this filter" in client.get("/w/air/activity/?since=soon").content.decode()


def test_the_file_holds_what_the_filter_finds_and_no_formula(client: Client, installation: Installation) -> None:
    TimelineEntryFactory(installation=installation, text="=1+1", code="created", item_key="@CUST-1", connection=None)
    answer = client.get("/w/air/activity/csv/?code=created")
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert rows[0] == ["When", "System", "Work item", "Code", "What"]
    assert [row[1:] for row in rows[1:]] == [
        ["", "'@CUST-1", "created", "'=1+1"], ["Planner", "CUST-1", "created", "first"],
    ]  # fmt: skip
    assert rows[1][0].endswith("+05:30")


@pytest.mark.parametrize("query", ["", "text=x", "item=CUST-1", "code=created&system=planner"])
def test_a_page_takes_few_questions(
    client: Client, installation: Installation, query: str, django_assert_max_num_queries: Any
) -> None:
    run = SyncRunFactory(pair=ItemLinkFactory(pair__connection=installation.connections.first()).pair)
    TimelineEntryFactory.create_batch(60, installation=installation, text="x", run=run)
    before = timezone.now() + timedelta(days=1)
    with django_assert_max_num_queries(10):
        client.get(f"/w/air/activity/?{query}&until={before:%Y-%m-%dT%H:%M}")
