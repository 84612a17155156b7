from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import ClassVar

import pytest
from django.utils import timezone

from planeapp.installations import connecting
from planeapp.installations.connecting import Offer, connect, probe, subscribe
from planeapp.installations.models import Connection, Credential
from planeapp.lib.errors import FixSettings, ReconnectNeeded
from planeapp.providers import PROVIDERS
from planeapp.providers.base import Place, Report
from tests.factories import ConnectionFactory, CredentialFactory, InstallationFactory, ProjectPairFactory
from tests.providers.memory import Memory

pytestmark = pytest.mark.django_db


class Choosy(Memory):
    """Takes one token; pushes when asked to, and remembers where to."""

    key: ClassVar[str] = "choosy"
    addresses: ClassVar[list[str]] = []
    refusal: ClassVar[Exception | None] = None

    def probe(self) -> Report:
        """ReconnectNeeded for any token but the good ones."""
        if self.access.token() not in ("good", "better"):
            self.access.token(refused=self.access.token())
        return Report((), frozenset({"list", "subscribe"}), {"zone": self.access.zone}, account="ada")

    def places(self) -> Sequence[Place]:
        """None."""
        return ()

    def subscribe(self, address: str) -> str:
        """Give a secret."""
        if self.refusal:
            raise self.refusal
        self.addresses.append(address)
        return "shared-secret"


@pytest.fixture(autouse=True)
def choosy(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Choosy]]:
    monkeypatch.setitem(PROVIDERS, "choosy", f"{__name__}.Choosy")
    monkeypatch.setattr(Choosy, "addresses", [])
    yield Choosy


def offer(token: str = "good", **settings: str) -> Offer:
    return Offer({"main": token}, settings, "https://vendor.example")


def test_a_good_token_is_stored_encrypted_with_the_probes_report() -> None:
    made = connect(InstallationFactory(zone="Asia/Tokyo"), "choosy", offer(region="eu"))
    found = Connection.objects.get()
    assert found == made
    assert (found.settings, found.base_url, found.status) == ({"region": "eu"}, "https://vendor.example", "active")
    assert (found.can("list"), found.report["account"], found.report["facts"]) == (True, "ada", {"zone": "Asia/Tokyo"})
    assert found.credentials.get(slot="main").access == "good"
    assert found.probed_at is not None


def test_a_token_that_the_vendor_refuses_is_not_stored() -> None:
    with pytest.raises(ReconnectNeeded):
        connect(InstallationFactory(), "choosy", offer("bad"))
    assert (Connection.objects.count(), Credential.objects.count()) == (0, 0)


def test_a_refused_replacement_leaves_the_old_connection_as_it_was() -> None:
    made = connect(InstallationFactory(), "choosy", offer())
    with pytest.raises(ReconnectNeeded):
        connect(made.installation, "choosy", offer("bad"))
    assert made.credentials.get(slot="main").access == "good"
    assert Connection.objects.get().status == Connection.Status.ACTIVE


def test_connecting_again_mends_the_connection_and_keeps_its_pairs() -> None:
    made = connect(InstallationFactory(), "choosy", offer())
    pair, address = ProjectPairFactory(connection=made), made.opaque_id
    made.status, made.status_detail, made.paused_until = "reconnect", "refused", timezone.now()
    made.save()
    Credential.objects.filter(slot="main").update(state="reconnect", failure="refused")
    again = connect(made.installation, "choosy", offer("better"))
    assert (again.pk, again.usable, again.status_detail, again.opaque_id) == (made.pk, True, "", address)
    assert (again.credentials.get(slot="main").access, again.credentials.get(slot="main").state) == ("better", "active")
    assert list(again.pairs.all()) == [pair]


def test_a_vendor_that_can_push_is_asked_to_once(choosy: type[Choosy]) -> None:
    made = connect(InstallationFactory(), "choosy", offer())
    connect(made.installation, "choosy", offer())
    assert choosy.addresses == [f"http://testserver/webhooks/choosy/{made.opaque_id}/"]
    assert made.credentials.get(slot="webhook").access == "shared-secret"


def test_a_vendor_that_will_not_push_is_connected_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Choosy, "refusal", FixSettings("403"))
    with caplog.at_level(logging.WARNING):
        made = connect(InstallationFactory(), "choosy", offer())
    assert made.usable
    assert not made.credentials.filter(slot="webhook").exists()
    assert "no webhook subscription" in caplog.text


def test_a_vendor_that_cannot_push_is_not_asked_to(choosy: type[Choosy]) -> None:
    subscribe(ConnectionFactory(provider="choosy", report={"abilities": ["list"]}))
    assert choosy.addresses == []


def test_a_later_probe_is_remembered() -> None:
    made = ConnectionFactory(provider="choosy", report={})
    CredentialFactory(connection=made, access="good")
    report = probe(made)
    made.refresh_from_db()
    assert made.report == report.as_data()
    assert made.can("subscribe")


def test_a_probe_that_is_refused_marks_the_connection() -> None:
    made = ConnectionFactory(provider="choosy", report={"abilities": ["list"]})
    CredentialFactory(connection=made, access="revoked")
    with pytest.raises(ReconnectNeeded):
        probe(made)
    made.refresh_from_db()
    assert (made.status, made.can("list")) == (Connection.Status.RECONNECT, True)


def test_trying_out_stores_nothing() -> None:
    assert connecting.try_out("choosy", offer(), "UTC").account == "ada"
    assert not Connection.objects.exists()
