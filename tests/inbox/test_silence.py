"""Webhooks that should speak and do not: who notices, who is told, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.inbox.silence import GRACE, SLACK
from planeapp.inbox.tasks import listen
from planeapp.installations.connecting import WEBHOOK
from planeapp.installations.models import Connection, Membership, Silence
from planeapp.providers import PROVIDERS
from tests.factories import ConnectionFactory, CredentialFactory, DeliveryFactory, MembershipFactory, SilenceFactory
from tests.inbox.sending import push_planner
from tests.sweeping import Sweeps
from tests.telling import told

pytestmark = pytest.mark.django_db
BEFORE = timedelta(minutes=30) + SLACK


@pytest.fixture
def judge() -> Callable[[], list[Any]]:
    """Judges every suspicion; gives the mails of all judgements so far."""

    def do() -> list[Any]:
        listen()
        return told()

    return do


def notice(client: Client, sweeps: Sweeps, name: str = "ada") -> str:
    """The overview's text, as somebody sees it."""
    member = sweeps.team.members[name]
    Membership.objects.filter(pk=member.pk).update(checked_at=timezone.now())
    client.force_login(member.user)
    return " ".join(client.get(sweeps.team.base).content.decode().split())


# A webhook that Plane switched off


@pytest.fixture
def disabled(sweeps: Sweeps, judge: Any) -> Sweeps:
    """Plane's webhook is off, and somebody has changed a work item since; the sweep has seen it."""
    row = sweeps.team.vendors.row("installation", workspace=str(sweeps.team.installation.workspace_id))
    sweeps.team.vendors.rows.store.put("installation", row["id"], row | {"webhook_active": False})
    sweeps.edit(name="Nobody told", delivered=True)
    sweeps.sweep()
    return sweeps


def test_nobody_is_told_before_a_late_delivery_had_its_time(disabled: Sweeps, judge: Any) -> None:
    disabled.pass_(9)
    assert judge() == []
    disabled.pass_(2)
    assert len(judge()) == 1


def test_admins_are_told_once_however_many_sweeps_find_more(disabled: Sweeps, judge: Any) -> None:
    for number in range(3):
        disabled.pass_(11)
        disabled.edit(name=f"Change {number}")
        disabled.sweep()
        judge()
    assert [(one.to, one.subject) for one in judge()] == [
        ([disabled.team.members["ada"].user.email], "[Groundcrew] Plane may have disabled the webhook (Sandbox Air)")
    ]


def test_the_overview_says_what_happened_and_how_to_switch_it_on(
    disabled: Sweeps, judge: Any, client: Client
) -> None:  # fmt: skip
    assert "disabled the webhook" not in notice(client, disabled)
    disabled.pass_(11)
    judge()
    page = notice(client, disabled)
    assert "Plane may have disabled the webhook" in page
    assert "/webhooks/plane/</code> and enable it" in page
    assert "Its webhook seems to be off." in page
    assert "Install again" not in notice(client, disabled, "milo")


def test_a_delivery_ends_the_notice(disabled: Sweeps, judge: Any, client: Client) -> None:
    disabled.pass_(11)
    judge()
    row = disabled.team.vendors.row("installation", workspace=str(disabled.team.installation.workspace_id))
    disabled.team.vendors.rows.store.put("installation", row["id"], row | {"webhook_active": True})
    disabled.edit(name="Told again", delivered=True)
    judge()
    assert not Silence.objects.exists()
    assert "disabled the webhook" not in notice(client, disabled)
    assert len(mail.outbox) == 1


# Which deliveries count


@pytest.mark.parametrize(
    ("delivery", "goes_on"),
    [
        ({}, False),
        ({"state": Delivery.State.IGNORED}, False),
        ({"received_at": timedelta(minutes=34)}, False),
        ({"received_at": BEFORE + timedelta(minutes=1)}, True),
        ({"source": Delivery.Source.PROVIDER}, True),
    ],
)
def test_a_delivery_of_plane_since_the_change_ends_a_suspicion(delivery: dict[str, Any], goes_on: bool) -> None:
    row = SilenceFactory()
    ago = {name: timezone.now() - value for name, value in delivery.items() if isinstance(value, timedelta)}
    DeliveryFactory(installation=row.installation, **delivery | ago)
    DeliveryFactory(
        installation=SilenceFactory(found_at=timezone.now()).installation, received_at=row.missed_at - GRACE
    )
    listen()
    assert Silence.objects.filter(pk=row.pk).exists() is goes_on


def test_a_delivery_that_waits_to_be_worked_on_counts() -> None:
    row = SilenceFactory()
    DeliveryFactory(lane=str(row.installation.workspace_id))
    assert listen() == 0


def test_a_workspace_that_is_uninstalled_is_not_told(judge: Any) -> None:
    SilenceFactory(installation__status="uninstalled")
    assert judge() == []


# A provider that pushes


@pytest.fixture
def pushing(sweeps: Sweeps) -> Sweeps:
    """Planner took our subscription, and a block was moved over there that no push told of."""
    sweeps.team.vendors.planner.control.requests.clear()
    return sweeps


def move(sweeps: Sweeps, month: int) -> None:
    """Somebody moves the block to another month, and neither a push nor the feed tells."""
    block, planner = sweeps.block(), sweeps.team.vendors.planner
    moved = {name: re.sub(r"2026-\d\d", f"2026-{month:02d}", str(block[name])) for name in ("start", "end")}
    planner.store.put("blocks", block["id"], block | moved)


def renewals(sweeps: Sweeps) -> int:
    """How often we have subscribed."""
    return len(sweeps.team.vendors.planner.asked("POST", "/subscriptions"))


def test_a_silent_provider_is_asked_to_push_anew_once_and_then_the_admins_are_told(pushing: Sweeps, judge: Any) -> None:
    for month in (12, 10, 9):
        move(pushing, month)
        pushing.sweep()
        pushing.pass_(11)
        judge()
        pushing.pass_(5)
    assert renewals(pushing) == 1
    assert [one.subject for one in mail.outbox] == [
        "[Groundcrew] Planner may no longer push changes to us (Sandbox Air)"
    ]


def test_what_was_moved_in_silence_reaches_plane(pushing: Sweeps) -> None:
    move(pushing, 12)
    pushing.sweep()
    assert str(pushing.team.item()["target_date"]) == "2026-12-25"


def test_a_push_ends_a_provider_s_silence(pushing: Sweeps, judge: Any) -> None:
    move(pushing, 12)
    pushing.sweep()
    secret = pushing.connection.credentials.get(slot=WEBHOOK).access
    assert push_planner(f"/webhooks/planner/{pushing.connection.opaque_id}/", b"{}", secret).status_code == 200
    judge()
    assert not Silence.objects.exists()


def test_a_provider_without_a_subscription_is_not_expected_to_push(pushing: Sweeps) -> None:
    pushing.connection.credentials.filter(slot=WEBHOOK).delete()
    move(pushing, 12)
    pushing.sweep()
    assert not Silence.objects.exists()


# A feed that is faster than the pushes


def fed(**more: Any) -> Connection:
    """A connection that pushes and has a feed, which told something just now."""
    made: Connection = ConnectionFactory(provider="vendor", report={"abilities": ["subscribe", "feed"]})
    CredentialFactory(connection=made, slot=WEBHOOK)
    told = {"headers": {"feed": "polled"}, "state": Delivery.State.HANDLED, **more}
    DeliveryFactory(connection=made, source=Delivery.Source.PROVIDER, **told)
    return made


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVIDERS, "vendor", "tests.inbox.vendor.provider.Vendor")


@pytest.mark.parametrize(
    ("told", "suspected"),
    [
        ({}, True),
        ({"state": Delivery.State.IGNORED}, False),
        ({"received_at": timezone.now() - timedelta(hours=2)}, False),
        ({"headers": {}}, False),
    ],
)
def test_news_that_only_the_feed_told_raise_a_suspicion(vendor: None, told: dict[str, Any], suspected: bool) -> None:
    made = fed(**told)
    listen()
    assert Silence.objects.filter(connection=made).exists() is suspected


def test_news_that_were_pushed_too_raise_none(vendor: None) -> None:
    made = fed()
    DeliveryFactory(connection=made, source=Delivery.Source.PROVIDER, headers={"x-signature": "…"})
    assert (listen(), Silence.objects.count()) == (0, 0)


def test_a_suspicion_is_raised_once(vendor: None) -> None:
    fed()
    MembershipFactory()
    assert [listen() for _ in range(3)] == [1, 1, 1]
    assert Silence.objects.count() == 1
