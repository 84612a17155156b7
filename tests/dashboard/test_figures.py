from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.core.cache import cache

from planeapp.dashboard import figures
from planeapp.inbox.models import Delivery
from planeapp.installations.models import CallCount, Connection, Installation
from planeapp.sync.models import TimelineEntry
from tests.factories import ConnectionFactory, DeliveryFactory, TimelineEntryFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    """Saturday noon, and nothing remembered."""
    cache.clear()
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def connection() -> Connection:
    """A connected Planner."""
    made: Connection = ConnectionFactory()
    return made


def happened(connection: Connection, code: str, at: datetime) -> None:
    entry = TimelineEntryFactory(installation=connection.installation, connection=connection, code=code)
    TimelineEntry.objects.filter(pk=entry.pk).update(at=at)


def called(connection: Connection, hour: datetime, calls: int, purpose: str = "live", *, plane: bool = False) -> None:
    CallCount.objects.create(
        installation=connection.installation, connection=None if plane else connection, key=f"{connection.pk}:api",
        purpose=purpose, hour=hour, calls=calls,
    )  # fmt: skip


def last(installation: Installation, kind: str, owner: UUID | str = "", days: int = 2) -> tuple[int, ...]:
    return figures.of(installation).values(kind, owner)[-days:]


def test_what_happened_to_items_is_counted_by_day_connection_and_what_it_means(connection: Connection) -> None:
    codes = ("created", "updated", "error", "retry_later", "no_dates")
    for code in codes:
        happened(connection, code, NOON - timedelta(hours=1))
    happened(connection, "linked", NOON - timedelta(days=1))
    happened(ConnectionFactory(), "created", NOON)  # elsewhere
    told = {kind: last(connection.installation, kind, connection.pk) for kind in ("done", "failed", "later")}
    assert told == {"done": (1, 2), "failed": (0, 1), "later": (0, 1)}


@pytest.mark.parametrize(
    ("waited", "kind"), [(1, "lag0"), (5, "lag0"), (6, "lag1"), (60, "lag1"), (599, "lag2"), (601, "lag3")]
)
def test_messages_are_counted_by_how_long_they_waited(connection: Connection, waited: int, kind: str) -> None:
    DeliveryFactory(
        installation=connection.installation, state="handled", received_at=NOON - timedelta(hours=1),
        finished_at=NOON - timedelta(hours=1) + timedelta(seconds=waited),
    )  # fmt: skip
    assert last(connection.installation, kind, days=1) == (1,)


def test_messages_that_were_given_up_or_wait_did_not_wait_for_anything(connection: Connection) -> None:
    for state, ended in ((Delivery.State.DEAD, NOON), (Delivery.State.WAITING, None), (Delivery.State.FAILED, NOON)):
        DeliveryFactory(installation=connection.installation, state=state, finished_at=ended)
    kinds = ("dead", "lag0", "lag1", "lag2", "lag3")
    assert [last(connection.installation, kind, days=1) for kind in kinds] == [(1,), (0,), (0,), (0,), (0,)]


def test_calls_are_summed_by_day_and_the_busiest_hour_is_known(connection: Connection) -> None:
    morning = NOON.replace(hour=8)
    for hour, calls, purpose in (
        (morning, 30, "live"),
        (morning, 20, "sweep"),
        (morning + timedelta(hours=1), 40, "live"),
    ):
        called(connection, hour, calls, purpose)
    called(connection, morning - timedelta(hours=1), 7, plane=True)
    here = connection.installation
    assert (last(here, "calls", connection.pk, 1), last(here, "busiest", connection.pk, 1)) == ((90,), (50,))
    assert (last(here, "calls", days=1), figures.of(here).keys) == ((7,), {f"{connection.pk}:api"})


def test_days_begin_and_end_in_the_workspaces_zone(connection: Connection) -> None:
    Installation.objects.update(zone="Asia/Kolkata")
    connection.refresh_from_db()
    late, night = datetime(2026, 11, 20, 18, 29, tzinfo=UTC), datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
    for at in (late, night, night):
        happened(connection, "created", at)
    called(connection, night.replace(minute=0), 4)
    here = Installation.objects.get()
    assert last(here, "done", connection.pk) == (1, 2)
    assert sum(last(here, "calls", connection.pk)) == 4


def test_days_that_are_over_are_counted_once_and_today_each_time(
    connection: Connection, django_assert_max_num_queries: Any
) -> None:
    happened(connection, "created", NOON - timedelta(days=3))
    happened(connection, "created", NOON)
    assert sum(figures.of(connection.installation).values("done", connection.pk)) == 2
    happened(connection, "created", NOON - timedelta(days=3))  # cannot be: the past stays as it is
    happened(connection, "created", NOON)
    with django_assert_max_num_queries(2):  # without Redis, one of them asks the cache
        found = figures.of(connection.installation).values("done", connection.pk)
    assert (found[-4], found[-1]) == (1, 2)


def test_a_new_day_pushes_the_oldest_out(connection: Connection, clock: Any) -> None:
    happened(connection, "created", NOON - timedelta(days=13))
    first = figures.of(connection.installation)
    assert (len(first.days), first.values("done", connection.pk)[0]) == (14, 1)
    clock.move_to(NOON + timedelta(days=1))
    later = figures.of(connection.installation)
    assert (len(later.days), min(later.days), sum(later.values("done", connection.pk))) == (14, date(2026, 11, 9), 0)
