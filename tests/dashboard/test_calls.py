from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from planeapp.dashboard import calls
from planeapp.installations import budgets
from planeapp.installations.models import CallCount, Connection
from planeapp.lib.budget import calling_for
from tests.dashboard.forms import page_of
from tests.factories import ConnectionFactory, MembershipFactory


@pytest.fixture
def connection(db: None) -> Connection:
    """A connected Planner."""
    made: Connection = ConnectionFactory()
    return made


def count(
    connection: Connection, purpose: str, number: int, refused: int = 0, *, plane: bool = False, slot: str = "api"
) -> None:
    """Calls of yesterday."""
    owner = connection.installation_id if plane else connection.pk
    CallCount.objects.create(
        installation=connection.installation, connection=None if plane else connection,
        key=f"{owner}:{'bot' if plane else slot}", purpose=purpose, calls=number, refused=refused,
        hour=timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=5),
    )  # fmt: skip


def spent(connection: Connection) -> list[tuple[str, str, int, int]]:
    """The lower table."""
    return [(one.name, one.purpose, one.calls, one.refused) for one in calls.told(connection)["spent"]]


def test_calls_are_told_by_purpose_in_plain_words(connection: Connection) -> None:
    count(connection, "sweep", 40, 2)
    count(connection, "live", 7)
    count(connection, "preview", 3, plane=True)
    count(connection, "something_new", 1)
    assert spent(connection) == [
        ("Plane", "Checks of rules", 3, 0), ("Planner", "Looks at whole projects", 40, 2),
        ("Planner", "Changes, as they happen", 7, 0), ("Planner", "Something new", 1, 0),
    ]  # fmt: skip


def test_another_connections_calls_are_left_out(connection: Connection) -> None:
    other = ConnectionFactory(installation=connection.installation, provider="planhat")
    count(other, "live", 7)
    count(ConnectionFactory(), "live", 9)
    assert spent(connection) == []
    assert [one.name for one in calls.told(connection)["limits"]] == ["Plane"]


def test_the_limit_tells_what_is_used_and_left(connection: Connection) -> None:
    with calling_for("bot"), budgets.of_installation(connection.installation).call():
        [plane] = calls.told(connection)["limits"]  # a call counts from its beginning
    assert (plane.name, plane.limit, plane.every, plane.used, plane.left) == (
        "Plane",
        60,
        "a minute",
        1,
        plane.limit - 1,
    )
    assert plane.paused_until is None


def test_tokens_of_one_connection_are_told_apart(connection: Connection) -> None:
    for slot in ("api", "oauth"):
        count(connection, "live", 1, slot=slot)
    names = [one.name for one in calls.told(connection)["limits"]]
    assert names == ["Plane", "Planner (api)", "Planner (oauth)"]


@pytest.mark.parametrize("purposes", [1, 8])
def test_the_number_of_questions_to_the_database_does_not_grow_with_what_was_done(
    connection: Connection, django_assert_max_num_queries: DjangoAssertNumQueries, purposes: int
) -> None:
    for number in range(purposes):
        count(connection, f"purpose {number}", 5)
    with django_assert_max_num_queries(3 + 2):  # and, without Redis, one for the window of each of the two tokens
        calls.told(connection)


def test_the_connections_page_shows_them(connection: Connection) -> None:
    count(connection, "feed", 1234, 5)
    browser = Client()
    browser.force_login(MembershipFactory(installation=connection.installation).user)
    page = page_of(browser.get(f"/w/{connection.installation.slug}/connect/planner/"))
    card = page.css_first('[aria-labelledby="calls"]')
    assert card is not None
    words = " ".join(page.css_first("main").text(separator=" ").split())
    assert "Reading what is new Planner 1234 5" in words
    assert "60 in a minute" in words
