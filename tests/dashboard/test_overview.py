"""The overview's health cards, charts and what it costs. Its checklist and lists are in ``test_views.py``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser

from planeapp.dashboard import trends
from planeapp.dashboard.figures import Figures
from planeapp.installations import budgets
from planeapp.installations.budgets import Standing
from planeapp.installations.models import CallCount, Connection, Membership
from tests.customers.factories import BookFactory
from tests.dashboard.forms import page_of
from tests.factories import (
    ConflictFactory,
    ConnectionFactory,
    CredentialFactory,
    DeliveryFactory,
    DueFactory,
    ItemLinkFactory,
    MembershipFactory,
    ProjectPairFactory,
    TimelineEntryFactory,
    TurnFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Membership:
    """An admin of the workspace *air*."""
    cache.clear()
    made: Membership = MembershipFactory(installation__slug="air")
    return made


@pytest.fixture
def browser(client: Client, admin: Membership) -> Client:
    """Theirs."""
    client.force_login(admin.user)
    return client


def cards(browser: Client) -> list[str]:
    """The text of each health card."""
    return [" ".join(card.text(separator=" ").split()) for card in page_of(browser.get("/w/air/")).css(".health")]


def busy(admin: Membership) -> Connection:
    """A connection with something of everything."""
    connection: Connection = ConnectionFactory(installation=admin.installation)
    pair = ProjectPairFactory(connection=connection, reconciled_at=timezone.now() - timedelta(minutes=3))
    DueFactory.create_batch(2, pair=pair)
    ConflictFactory(link__pair=pair)
    TimelineEntryFactory(installation=admin.installation, connection=connection)
    DeliveryFactory(installation=admin.installation, state="handled", finished_at=timezone.now())
    CredentialFactory(bot=True, installation=admin.installation)
    TurnFactory(installation=admin.installation, state="answered")
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    CallCount.objects.create(
        installation=admin.installation, connection=connection, key=f"{connection.pk}:main", purpose="live", hour=hour, calls=9,
    )  # fmt: skip
    return connection


# Health


def test_a_card_says_when_a_system_was_reached_last_and_what_waits_there(browser: Client, admin: Membership) -> None:
    busy(admin)
    plane, planner, planhat = cards(browser)
    assert "Last message just now" in plane and "Waiting Nothing" in plane
    assert "Last success 3 minutes ago" in planner and "Waiting 2 work items" in planner
    assert "Not connected yet" in planhat and "Waiting" not in planhat


def test_messages_that_wait_stand_on_planes_card(browser: Client, admin: Membership) -> None:
    for state in ("waiting", "failed", "handled"):
        DeliveryFactory(installation=admin.installation, state=state)
    DeliveryFactory(state="waiting")  # elsewhere
    assert "Waiting 2 messages" in cards(browser)[0]


def test_reading_companies_counts_as_a_success(browser: Client, admin: Membership) -> None:
    connection = ConnectionFactory(installation=admin.installation, provider="planhat")
    assert "Last success Not yet" in cards(browser)[2]
    BookFactory(connection=connection, finished_at=timezone.now() - timedelta(hours=2))
    assert "Last success 2 hours ago" in cards(browser)[2]


def test_calls_stand_against_the_limit_where_one_is_known(browser: Client, admin: Membership) -> None:
    busy(admin)
    plane, planner, _ = cards(browser)
    limit = budgets.now(admin.installation)[0].limit
    assert f"Calls 0 of {limit}" in plane
    assert "Calls 0, limit not known" in planner


# Live part


def test_the_live_part_asks_for_itself_alone_and_costs_little(
    browser: Client, admin: Membership, django_assert_max_num_queries: Any
) -> None:
    busy(admin)
    with django_assert_max_num_queries(5):
        answer = browser.get("/w/air/", headers={"HX-Request": "true", "HX-Target": "live"})
    part = LexborHTMLParser(answer.content.decode())
    assert part.css_first("#live") is not None and part.css_first("h1") is None
    assert "HX-Target" in answer.headers["vary"]


# Charts


def test_four_charts_tell_the_last_days_each_with_its_figures_as_a_table(browser: Client, admin: Membership) -> None:
    busy(admin)
    page = page_of(browser.get("/w/air/"))
    names = [" ".join(chart.css_first("h3").text().split()) for chart in page.css("figure.chart")]
    assert names == [
        "Changes carried over", "What went wrong", "How soon messages were worked on", "Calls against the limit",
    ]  # fmt: skip
    table = page.css_first('[aria-labelledby="chart-changes-name"] table')
    assert table is not None and len(table.css("tbody tr")) == 14
    assert [cell.text() for cell in table.css("tbody tr")[0].css("td")] == ["1"]


def test_a_workspace_in_which_nothing_happened_is_told_what_to_do(browser: Client, admin: Membership) -> None:
    def told() -> str:
        section = page_of(browser.get("/w/air/")).css_first('[aria-labelledby="trends"]')
        return "" if section is None else section.text()

    assert "Connect a system first." in told()
    ConnectionFactory(installation=admin.installation)
    assert "Pair a project." in told()


def standing(connection: Connection | None, limit: int | None, slot: str = "main") -> Standing:
    """A limit of so many calls a minute."""
    return Standing(connection, slot, limit, 60, 0, 0, limit, None, None, None, None)


@pytest.mark.parametrize(
    ("limits", "share", "name"),
    [([60], 50.0, "Planner"), ([60, 60], 25.0, "Planner"), ([60, None], None, "Planner (limit not known)"),
     ([], None, "Planner (limit not known)")],
)  # fmt: skip
def test_the_busiest_hour_is_told_against_what_the_limits_allow(
    admin: Membership, limits: list[int | None], share: float | None, name: str
) -> None:
    connection = ConnectionFactory(installation=admin.installation)
    day = {f"busiest|{connection.pk}": 1_800, f"calls|{connection.pk}": 2_000}
    figures = Figures({timezone.now().date(): day}, frozenset())
    known = [standing(None, 60), *(standing(connection, limit, f"s{limit}") for limit in limits)]
    planner = trends.charts(figures, [connection], known)[3].series[1]
    assert (planner.name, planner.values) == (name, (share,))
    assert planner.words[0].startswith("2,000 calls")


# Cost


BESIDE = 0 if settings.REDIS_URL else 3
"""Without Redis, the cache and the windows of the limits are in the database as well."""


@pytest.mark.parametrize("pairs", [1, 4])
def test_the_page_asks_the_database_ten_times_at_most_however_much_there_is(
    browser: Client, admin: Membership, django_assert_max_num_queries: Any, pairs: int
) -> None:
    connection = busy(admin)
    for _ in range(pairs):
        ItemLinkFactory(pair__connection=connection)
    browser.get("/w/air/")
    with django_assert_max_num_queries(10 + BESIDE):
        assert browser.get("/w/air/").context["links"] == pairs + 1
