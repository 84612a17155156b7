"""What becomes an alert, and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import models
from django.test import Client
from django.utils import timezone

from planeapp.customers.models import Firing
from planeapp.installations.models import Alert, Installation
from planeapp.operators.troubles import DEAD_FOR, watch
from tests.customers.factories import BookFactory, FiringFactory
from tests.factories import (
    ConnectionFactory,
    DeliveryFactory,
    InstallationFactory,
    MembershipFactory,
    ProjectPairFactory,
    SilenceFactory,
    SyncRunFactory,
)

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(hours=2)


def _broken() -> Any:
    return ConnectionFactory(status="reconnect")


def _silent() -> Any:
    return SilenceFactory(told_at=timezone.now())


def _stopped() -> Any:
    return SyncRunFactory(state="stopped", whole=True, detail="It would end 300 of 310 links.").pair


def _companies() -> Any:
    return BookFactory(stopped="90 of 100 companies were not listed any more.")


def _held() -> Any:
    book = BookFactory()
    firing = FiringFactory(rule__connection=book.connection, state=Firing.State.HELD)
    Firing.objects.update(created_at=timezone.now() - LONG_AGO)
    return firing


def _dead() -> Any:
    return DeliveryFactory(installation=InstallationFactory(), state="dead")


def _uninstalled() -> Any:
    return InstallationFactory(status="uninstalled")


def change(**values: Any) -> Callable[[models.Model], None]:
    """A mend: the row has these values."""
    return lambda row: type(row)._default_manager.filter(pk=row.pk).update(**values) and None


def ran_well(pair: Any) -> None:
    SyncRunFactory(pair=pair, state="done", whole=True)


CASES: dict[str, tuple[Callable[[], Any], str, str, Callable[[Any], None]]] = {
    "a refused connection": (_broken, "broken", "/connect/planner/", change(status="active")),
    "a silent webhook": (_silent, "silent", "#silence-plane", lambda row: row.delete() and None),
    "a stopped run": (_stopped, "stopped", "/pairs/planner/", change(allow_once=True)),
    "a stopped run that ran since": (_stopped, "stopped", "/pairs/planner/", ran_well),
    "a pair that was switched off": (_stopped, "stopped", "/pairs/planner/", change(enabled=False)),
    "companies that vanished": (_companies, "stopped", "/companies/planhat/", change(stopped="", allow_once=True)),
    "a held rule": (_held, "held", "/companies/planhat/rules/", change(state="dropped")),
    "dead messages": (_dead, "dead", "/deliveries/?state=dead", change(state="handled")),
    "dead messages of yesterday": (_dead, "dead", "/deliveries/", change(received_at=timezone.now() - DEAD_FOR)),
    "the app taken out": (_uninstalled, "uninstalled", "/setup/", change(status="active")),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_an_alert_with_a_page_that_is_there_until_it_is_mended(case: str, client: Client) -> None:
    make, kind, page, mend = CASES[case]
    row = make()
    assert (watch(), watch()) == (1, 1)
    alert = Alert.objects.get()
    assert (alert.kind, alert.closed_at) == (kind, None) and page in alert.page
    client.force_login(MembershipFactory(installation=alert.installation).user)
    assert client.get(alert.page).status_code in (200, 302)
    mend(row)
    assert watch() == 0
    assert Alert.objects.get().closed_at is not None


@pytest.mark.parametrize("make", [_broken, _silent, _stopped, _companies, _held, _dead])
def test_a_workspace_that_took_the_app_out_has_no_other_trouble(make: Callable[[], Any]) -> None:
    make()
    Installation.objects.update(status="uninstalled")
    assert watch() == 1
    assert Alert.objects.get().kind == "uninstalled"


def test_what_is_no_trouble_yet_is_not_told() -> None:
    SilenceFactory()
    SyncRunFactory(state="stopped", whole=False), ProjectPairFactory()
    FiringFactory(rule__connection=BookFactory().connection, state="held")  # for a moment
    FiringFactory(rule__connection=BookFactory(begun_at=timezone.now()).connection, state="held")
    Firing.objects.filter(rule__connection__book__begun_at__isnull=False).update(created_at=timezone.now() - LONG_AGO)
    DeliveryFactory(installation=InstallationFactory(), state="failed"), DeliveryFactory(state="dead")
    assert (watch(), Alert.objects.count()) == (0, 0)


def test_an_alert_has_the_numbers_and_those_of_the_workspace_alone() -> None:
    installation = InstallationFactory()
    DeliveryFactory.create_batch(3, installation=installation, state="dead"), _dead(), _stopped()
    watch()
    assert Alert.objects.get(installation=installation).title == "3 messages were given up"
    assert "300 of 310" in Alert.objects.get(kind="stopped").text


def test_a_further_dead_message_is_something_more() -> None:
    first = _dead()
    watch()
    Alert.objects.update(seen_at=timezone.now())
    watch()
    assert Alert.objects.get().seen_at is not None
    DeliveryFactory(installation=first.installation, state="dead", received_at=timezone.now() + timedelta(seconds=1))
    watch()
    assert Alert.objects.get().seen_at is None


def test_a_look_takes_no_more_questions_for_many_workspaces(django_assert_max_num_queries: Any) -> None:
    ConnectionFactory.create_batch(5, status="reconnect")
    ProjectPairFactory.create_batch(5)
    watch()
    with django_assert_max_num_queries(20):
        watch()
