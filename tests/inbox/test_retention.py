from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from planeapp.inbox import retention
from planeapp.inbox.models import Delivery, DeliveryCount, Happening
from planeapp.inbox.replay import Outcome, replay
from planeapp.inbox.tasks import retain
from tests.factories import ConnectionFactory, DeliveryFactory, HappeningFactory, InstallationFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def old(days: float = 31, **more: Any) -> Delivery:
    """A delivery that came so many days ago; handled unless told otherwise."""
    made: Delivery = DeliveryFactory(received_at=NOW - timedelta(days=days), **{"state": "handled", **more})
    return made


def counts() -> list[tuple[Any, ...]]:
    """The counts: day, workspace, source, provider, state, kind, how many."""
    told = ("day", "installation", "source", "provider", "state", "kind", "count")
    return sorted(DeliveryCount.objects.values_list(*told), key=str)


@pytest.mark.parametrize("state", ["handled", "ignored", "dead"])
def test_what_came_to_an_end_long_ago_becomes_a_count(state: str) -> None:
    row = old(state=state, installation=InstallationFactory(), kind="item.changed")
    assert retain() == 1
    assert not Delivery.objects.exists()
    assert counts() == [(date(2026, 10, 21), row.installation_id, "plane", "", state, "item.changed", 1)]


@pytest.mark.parametrize("days", [0, 1, 29.99])
def test_what_is_younger_stays(days: float) -> None:
    old(days, installation=InstallationFactory())
    assert (retain(), Delivery.objects.count(), counts()) == (0, 1, [])


@pytest.mark.parametrize("state", ["waiting", "failed"])
def test_what_is_not_done_is_never_dropped(state: str) -> None:
    old(400, state=state)
    assert (retain(), Delivery.objects.count()) == (0, 1)


def test_how_long_is_a_setting(settings: Any) -> None:
    settings.DELIVERY_DAYS = 3
    ours = InstallationFactory()
    old(4, installation=ours), old(2, installation=ours)
    assert (retain(), Delivery.objects.count()) == (1, 1)


def test_counts_are_kept_apart_by_day_workspace_source_end_and_kind() -> None:
    connection_ = ConnectionFactory()
    installation = connection_.installation
    old(installation=installation), old(installation=installation), old(32, installation=installation)
    old(installation=installation, kind="comment.written")
    old(installation=installation, connection=connection_, source="provider")
    old(), old(state="ignored")
    retain()
    first, second = date(2026, 10, 21), date(2026, 10, 20)
    assert counts() == sorted([
        (first, installation.pk, "plane", "", "handled", "", 2), (second, installation.pk, "plane", "", "handled", "", 1),
        (first, installation.pk, "plane", "", "handled", "comment.written", 1),
        (first, installation.pk, "provider", "planner", "handled", "", 1),
        (first, None, "plane", "", "handled", "", 1), (first, None, "plane", "", "ignored", "", 1),
    ], key=str)  # fmt: skip


def test_it_may_run_twice_and_adds_to_what_was_counted() -> None:
    old()
    assert [retain(), retain()] == [1, 0]
    old()
    retain()
    assert [row[-1] for row in counts()] == [2]


def test_many_are_done_in_chunks_and_a_run_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr(retention, "MOST_CHUNKS", 2)
    for _ in range(5):
        old()
    assert [retain(), retain()] == [4, 1]
    assert [row[-1] for row in counts()] == [5]


def test_a_run_that_breaks_between_counting_and_deleting_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    old(kind="a"), old(kind="b")

    def broken(key: retention.Key, count: int) -> None:
        add(key, count)
        if key.kind == "b":
            raise LookupError

    add = retention._add
    with monkeypatch.context() as patch, pytest.raises(LookupError):
        patch.setattr(retention, "_add", broken)
        retain()
    assert (Delivery.objects.count(), counts()) == (2, [])
    assert retain() == 2


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_count_each_delivery_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    installation = InstallationFactory()
    for number in range(30):
        old(installation=installation, kind=f"kind {number % 4}")

    def run() -> None:
        try:
            retain()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(run) for _ in range(2)]:
            future.result()
    retain()
    assert (sum(row[-1] for row in counts()), Delivery.objects.count()) == (30, 0)


def test_a_deleted_delivery_cannot_be_replayed() -> None:
    row = old(installation=InstallationFactory())
    retain()
    assert replay(row.installation.deliveries.filter(pk=row.pk), row.installation) == Outcome(0, 0)


# Remembered events


def test_events_are_forgotten_with_their_deliveries_and_younger_ones_are_known() -> None:
    row = old()
    for days in (31, 29):
        made = HappeningFactory(delivery=row)
        Happening.objects.filter(pk=made.pk).update(at=NOW - timedelta(days=days))
    retain()
    left = Happening.objects.get()
    assert (left.at, left.delivery) == (NOW - timedelta(days=29), None)


@pytest.mark.parametrize(("hours", "left"), [(47, 1), (49, 0)])
def test_however_short_bodies_are_kept_repetitions_are_known_for_two_days(settings: Any, hours: int, left: int) -> None:
    settings.DELIVERY_DAYS = 0
    made = HappeningFactory()
    Happening.objects.filter(pk=made.pk).update(at=timezone.now() - timedelta(hours=hours))
    retain()
    assert Happening.objects.count() == left


def test_what_belongs_to_no_workspace_of_ours_is_counted_and_erased_after_a_day() -> None:
    now = timezone.now()
    for hours in (23, 25):
        DeliveryFactory(state="ignored", installation=None, received_at=now - timedelta(hours=hours))
    DeliveryFactory(state="ignored", installation=InstallationFactory(), received_at=now - timedelta(hours=25))
    assert retain() == 1
    assert Delivery.objects.filter(installation=None).count() == 1
    assert DeliveryCount.objects.get(installation=None).count == 1
