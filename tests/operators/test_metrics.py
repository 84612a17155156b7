from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.installations import budgets
from planeapp.installations.models import CallCount, Connection, Installation
from planeapp.lib.budget import Allowance
from planeapp.operators import signs
from planeapp.sync.models import SyncRun
from tests.factories import (
    ConflictFactory,
    ConnectionFactory,
    CredentialFactory,
    DeliveryFactory,
    DueFactory,
    InstallationFactory,
    JobFactory,
    SilenceFactory,
    SyncRunFactory,
    TurnFactory,
)

pytestmark = pytest.mark.django_db
TOKEN = "a-long-token-for-prometheus"


@pytest.fixture(autouse=True)
def _open(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def ask(client: Client, **headers: str) -> Any:
    return client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", **headers})


def figures(client: Client) -> dict[str, float]:
    """What the page says: name with labels → value."""
    lines = ask(client).content.decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


# The door


def test_without_a_token_in_the_settings_there_is_no_such_page(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert ask(client, Authorization="Bearer ").status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer é"])
def test_whoever_does_not_bring_the_token_is_turned_away(client: Client, given: str) -> None:
    answer = ask(client, Authorization=given)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"groundcrew_" not in answer.content


def test_with_the_token_figures_come_in_prometheus_own_format(client: Client) -> None:
    answer = ask(client)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "no-store" in answer["Cache-Control"]


def test_a_database_that_is_away_is_said_without_a_page_of_ours(client: Client) -> None:
    def down(*_: Any) -> None:
        raise OperationalError("gone")

    with connection.execute_wrapper(down):
        assert ask(client).status_code == 503


# The figures


def test_rows_that_wait_are_counted_by_queue_with_the_age_of_the_oldest(client: Client) -> None:
    late = timezone.now() - timedelta(minutes=10)
    DeliveryFactory(due_at=late)
    DeliveryFactory(state=Delivery.State.HANDLED)
    DueFactory(due_at=late)
    DueFactory(item_id="")
    JobFactory(due_at=timezone.now() + timedelta(hours=1))
    TurnFactory()
    found = figures(client)
    lengths = {"deliveries": 1, "items": 1, "pairs": 1, "jobs": 1, "turns": 1, "errands": 0, "firings": 0}
    queues = {"deliveries": "inbox", "items": "live", "turns": "bot"}
    for work, number in lengths.items():
        assert found[f'groundcrew_queue_length{{queue="{queues.get(work, "bulk")}",work="{work}"}}'] == number
    assert 600 <= found['groundcrew_queue_age_seconds{queue="inbox",work="deliveries"}'] < 660
    assert found['groundcrew_queue_age_seconds{queue="bulk",work="jobs"}'] == 0


def test_work_of_a_connection_that_is_paused_is_nobodys_backlog(client: Client) -> None:
    paused = ConnectionFactory(paused_until=timezone.now() + timedelta(hours=1))
    DueFactory(pair__connection=paused)
    assert figures(client)['groundcrew_queue_length{queue="live",work="items"}'] == 0


def test_what_came_of_late_is_counted_by_source_and_outcome(client: Client) -> None:
    DeliveryFactory.create_batch(2, state=Delivery.State.HANDLED)
    DeliveryFactory(source="provider", connection=ConnectionFactory(), state=Delivery.State.IGNORED)
    DeliveryFactory(state=Delivery.State.DEAD, received_at=timezone.now() - timedelta(hours=1))
    found = figures(client)
    recent = {name: value for name, value in found.items() if name.startswith("groundcrew_deliveries_recent")}
    assert recent == {
        'groundcrew_deliveries_recent{source="plane",outcome="handled"}': 2,
        'groundcrew_deliveries_recent{source="planner",outcome="ignored"}': 1,
    }


def test_dead_letters_of_every_workspace_are_counted_however_old(client: Client) -> None:
    old = timezone.now() - timedelta(days=20)
    for _ in range(2):
        DeliveryFactory(installation=InstallationFactory(), state=Delivery.State.DEAD, received_at=old)
    InstallationFactory()
    assert figures(client)["groundcrew_dead_letters"] == 2


def test_calls_of_this_hour_are_counted_by_vendor_and_purpose(client: Client) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    row = ConnectionFactory(provider="planhat")
    of = {"installation": row.installation, "purpose": "live"}
    CallCount.objects.create(**of, connection=row, key=f"{row.pk}:main", hour=hour, calls=7, refused=1)
    CallCount.objects.create(**of, key=f"{row.installation_id}:bot", hour=hour, calls=3)
    CallCount.objects.create(**of, key="old", hour=hour - timedelta(hours=1), calls=100)
    found = figures(client)
    assert found['groundcrew_vendor_calls_total{vendor="planhat",purpose="live"}'] == 7
    assert found['groundcrew_vendor_calls_refused_total{vendor="planhat",purpose="live"}'] == 1
    assert found['groundcrew_vendor_calls_total{vendor="plane",purpose="live"}'] == 3
    assert found['groundcrew_vendor_tokens{vendor="plane"}'] == 2


def test_the_fullest_budget_and_the_paused_tokens_of_a_vendor_are_told(client: Client) -> None:
    row = ConnectionFactory(provider="planhat")
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for slot, told in (("main", Allowance(remaining=49, limit=100)), ("calls", Allowance(refused=True, resets_in=30))):
        with budgets.of_connection(row)(slot).call() as call:
            call.tell(told)
        key = f"{row.pk}:{slot}"
        CallCount.objects.create(
            installation=row.installation, connection=row, key=key, purpose="live", hour=hour, calls=1
        )
    found = figures(client)
    assert found['groundcrew_vendor_budget_used_ratio{vendor="planhat"}'] == pytest.approx(0.51)
    assert found['groundcrew_vendor_tokens_paused{vendor="planhat"}'] == 1
    assert found['groundcrew_vendor_tokens_paused{vendor="planner"}'] == 0


def test_credentials_and_those_renewed_of_late_are_counted(client: Client) -> None:
    CredentialFactory.create_batch(2)
    CredentialFactory(state="reconnect", refreshed_at=timezone.now() - timedelta(days=2))
    found = figures(client)
    assert found['groundcrew_credentials{slot="main",state="active"}'] == 2
    assert found['groundcrew_credentials{slot="main",state="reconnect"}'] == 1
    assert found['groundcrew_token_refreshes_recent{slot="main"}'] == 2


def test_runs_conflicts_silences_and_connections_are_counted(client: Client) -> None:
    SyncRunFactory(state=SyncRun.State.STOPPED)
    SyncRun.objects.filter(pk=SyncRunFactory().pk).update(started_at=timezone.now() - timedelta(hours=2))
    ConflictFactory()
    ConflictFactory(closed_at=timezone.now())
    SilenceFactory()
    SilenceFactory(told_at=timezone.now())
    ConnectionFactory(provider="planhat", status=Connection.Status.RECONNECT)
    found = figures(client)
    assert found['groundcrew_runs_recent{kind="sync",state="stopped"}'] == 1
    assert 'groundcrew_runs_recent{kind="sync",state="done"}' not in found
    assert (found["groundcrew_conflicts_open"], found["groundcrew_silences"]) == (1, 1)
    assert found['groundcrew_connections{vendor="planhat",status="reconnect"}'] == 1
    assert found['groundcrew_connections{vendor="plane",status="active"}'] == Installation.objects.count()


def test_workers_that_gave_a_sign_of_life_are_counted_and_missing_ones_are_zero(client: Client) -> None:
    signs.write("live@one", ["live"])
    signs.write("live@two", ["live"])
    found = figures(client)
    assert found['groundcrew_workers{queue="live"}'] == 2
    assert found['groundcrew_workers{queue="beat"}'] == 0


def test_a_look_takes_ten_queries_at_most(client: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert ask(client).status_code == 200
    assert len(asked) <= 10, [one["sql"][:80] for one in asked]


def test_no_label_tells_whose_it_is(client: Client) -> None:
    row = ConnectionFactory(installation__slug="acme-air", installation__name="Acme Air")
    DeliveryFactory(installation=row.installation, connection=row, source="provider", lane="acme-air")
    page = ask(client).content.decode().lower()
    assert "acme" not in page
    assert str(row.pk) not in page and str(row.installation_id) not in page
