from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from planeapp.installations import tokens
from planeapp.installations.models import Connection, Credential, Installation
from planeapp.installations.tokens import connection_secret, store_grant, valid_token
from planeapp.lib.errors import FixSettings, ReconnectNeeded, RetryLater
from planeapp.plane.oauth import Grant
from tests.factories import ConnectionFactory, CredentialFactory

pytestmark = pytest.mark.django_db


class Vendor:
    """Hands out grants one after the other and counts; ``error`` is raised instead, ``slow`` is how long it thinks."""

    def __init__(
        self, error: BaseException | None = None, refresh: str | None = "refresh-two", slow: float = 0
    ) -> None:
        self.error, self.refresh, self.slow = error, refresh, slow
        self.asked: list[str] = []

    def __call__(self, credential: Credential) -> Grant:
        self.asked.append(str(credential.refresh))
        time.sleep(self.slow)
        if self.error:
            raise self.error
        return Grant(f"access-new-{len(self.asked)}", self.refresh, 3600, frozenset({"b", "a"}))


def again(credential: Credential) -> Credential:
    return Credential.objects.get(pk=credential.pk)


def test_a_good_token_is_handed_out_without_asking_anybody() -> None:
    vendor = Vendor()
    assert valid_token(CredentialFactory(), vendor) == "access-one"
    assert vendor.asked == []


def test_a_token_without_an_end_stays_good() -> None:
    assert valid_token(CredentialFactory(expires_at=None), None) == "access-one"


@pytest.mark.parametrize("left", [-1000, 0, 60, 299])
def test_a_token_is_refreshed_before_it_ends(left: float) -> None:
    credential = CredentialFactory(expires_at=timezone.now() + timedelta(seconds=left))
    assert valid_token(credential, Vendor()) == "access-new-1"


def test_the_new_grant_is_kept() -> None:
    credential = CredentialFactory(expired=True)
    valid_token(credential, Vendor())
    kept = again(credential)
    assert (kept.access, kept.refresh, kept.scopes) == ("access-new-1", "refresh-two", "a b")
    assert (kept.state, kept.refresh_claimed_at) == (Credential.State.ACTIVE, None)
    assert kept.fresh_until(timezone.now(), 3500)


def test_the_old_refresh_token_is_kept_when_no_new_one_comes() -> None:
    credential = CredentialFactory(expired=True)
    valid_token(credential, Vendor(refresh=None))
    assert again(credential).refresh == "refresh-one"


def test_a_token_that_was_never_asked_for_is_asked_for() -> None:
    credential = CredentialFactory(access="", refresh="", expires_at=None, refreshed_at=None)
    assert valid_token(credential, Vendor()) == "access-new-1"


def test_a_grant_without_an_end_has_none() -> None:
    credential = CredentialFactory()
    store_grant(credential, Grant("access-x", None, 0, frozenset()))
    assert again(credential).expires_at is None


# Refused tokens


def test_a_refused_token_is_refreshed_once() -> None:
    vendor, credential = Vendor(), CredentialFactory()
    assert valid_token(credential, vendor, refused="access-one") == "access-new-1"
    assert valid_token(again(credential), vendor, refused="access-one") == "access-new-1"
    assert len(vendor.asked) == 1


def test_a_refused_token_that_is_not_the_newest_leads_to_the_newest() -> None:
    vendor = Vendor()
    assert valid_token(CredentialFactory(access="newest"), vendor, refused="older") == "newest"
    assert vendor.asked == []


def test_a_refused_token_that_cannot_be_refreshed_needs_a_person() -> None:
    credential = CredentialFactory()
    with pytest.raises(ReconnectNeeded):
        valid_token(credential, None, refused="access-one")
    assert again(credential).state == Credential.State.RECONNECT


# What only a person can mend


def test_invalid_grant_is_written_on_the_credential_and_its_connection() -> None:
    credential = CredentialFactory(expired=True)
    with pytest.raises(ReconnectNeeded):
        valid_token(credential, Vendor(ReconnectNeeded("invalid_grant")))
    assert (again(credential).state, again(credential).failure) == (Credential.State.RECONNECT, "invalid_grant")
    owner = Connection.objects.get(pk=credential.connection_id)
    assert (owner.status, owner.status_detail) == (Connection.Status.RECONNECT, "invalid_grant")


def test_invalid_grant_is_written_on_the_installation_of_a_bot() -> None:
    credential = CredentialFactory(bot=True, expired=True)
    with pytest.raises(ReconnectNeeded):
        valid_token(credential, Vendor(ReconnectNeeded("unauthorized")))
    owner = Installation.objects.get(pk=credential.installation_id)
    assert (owner.active, owner.status_detail) == (False, "unauthorized")


def test_invalid_grant_of_a_person_touches_nobody_else() -> None:
    credential, bystander = CredentialFactory(person=True, expired=True), CredentialFactory(bot=True)
    with pytest.raises(ReconnectNeeded):
        valid_token(credential, Vendor(ReconnectNeeded("invalid_grant")))
    assert Installation.objects.get(pk=bystander.installation_id).active


def test_a_refused_credential_is_not_asked_for_again() -> None:
    vendor = Vendor()
    with pytest.raises(ReconnectNeeded):
        valid_token(CredentialFactory(expired=True, state=Credential.State.RECONNECT), vendor)
    assert vendor.asked == []


def test_a_new_grant_makes_a_refused_credential_good_again() -> None:
    credential = CredentialFactory(state=Credential.State.RECONNECT, failure="invalid_grant")
    store_grant(credential, Grant("access-x", "refresh-x", 3600, frozenset()))
    assert valid_token(again(credential), None) == "access-x"
    assert again(credential).failure == ""


def test_a_long_reason_is_cut_to_fit() -> None:
    with pytest.raises(ReconnectNeeded):
        valid_token(CredentialFactory(expired=True), Vendor(ReconnectNeeded("x" * 5000)))


# What passes by itself


@pytest.mark.parametrize("error", [RetryLater("timeout"), ValueError("bug"), KeyboardInterrupt()])
def test_a_refresh_that_broke_off_keeps_tokens_and_state(error: BaseException) -> None:
    credential = CredentialFactory(expired=True)
    with pytest.raises(type(error)):
        valid_token(credential, Vendor(error))
    kept = again(credential)
    assert (kept.access, kept.refresh, kept.state) == ("access-one", "refresh-one", Credential.State.ACTIVE)
    assert kept.refresh_claimed_at is None
    assert Connection.objects.get(pk=kept.connection_id).status == Connection.Status.ACTIVE


def test_after_a_refresh_that_broke_off_the_next_one_works() -> None:
    credential = CredentialFactory(expired=True)
    with pytest.raises(RetryLater):
        valid_token(credential, Vendor(RetryLater("timeout")))
    assert valid_token(again(credential), Vendor()) == "access-new-1"


# One at a time


def held(seconds: float, **more: object) -> Credential:
    """A credential whose refresh another worker began some seconds ago."""
    begun = timezone.now() - timedelta(seconds=seconds)
    return CredentialFactory(state=Credential.State.REFRESHING, refresh_claimed_at=begun, **more)


def test_a_dead_holder_is_taken_over() -> None:
    vendor = Vendor()
    assert valid_token(held(tokens.LEASE_SECONDS + 1, expired=True), vendor) == "access-new-1"
    assert len(vendor.asked) == 1


def test_while_another_worker_refreshes_the_old_token_will_do_if_it_is_still_good() -> None:
    vendor = Vendor()
    soon = timezone.now() + timedelta(seconds=60)
    assert valid_token(held(1, expires_at=soon), vendor) == "access-one"
    assert vendor.asked == []


def test_who_waits_too_long_for_another_worker_tries_later(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = held(1, expired=True)
    monkeypatch.setattr(tokens, "LEASE_SECONDS", 0.1)
    monkeypatch.setattr(tokens, "_claim", lambda credential: False)
    with pytest.raises(RetryLater):
        valid_token(credential, Vendor())


def test_a_worker_with_an_old_row_in_hand_does_not_refresh_again() -> None:
    vendor, mine = Vendor(), CredentialFactory(expired=True)
    their = again(mine)
    assert valid_token(mine, vendor) == valid_token(their, vendor) == "access-new-1"
    assert len(vendor.asked) == 1


def test_a_rotated_refresh_token_is_never_used_again() -> None:
    vendor, old = Vendor(), CredentialFactory(expired=True)
    stale = [again(old) for _ in range(3)]
    valid_token(old, vendor)
    for copy in stale:
        valid_token(copy, vendor, refused="access-one")
    assert vendor.asked == ["refresh-one"]


def at_once(count: int, work: Callable[[], str]) -> list[str]:
    gate = threading.Barrier(count)

    def one() -> str:
        gate.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(one) for _ in range(count)]]


@pytest.mark.django_db(transaction=True)
def test_twenty_workers_with_an_expired_token_ask_once() -> None:
    vendor, pk = Vendor(slow=0.05), CredentialFactory(expired=True).pk
    got = at_once(20, lambda: valid_token(Credential.objects.get(pk=pk), vendor))
    assert set(got) == {"access-new-1"}
    assert vendor.asked == ["refresh-one"]


@pytest.mark.django_db(transaction=True)
def test_twenty_workers_with_a_refused_token_ask_once() -> None:
    vendor, pk = Vendor(slow=0.05), CredentialFactory().pk
    got = at_once(20, lambda: valid_token(Credential.objects.get(pk=pk), vendor, refused="access-one"))
    assert set(got) == {"access-new-1"}
    assert len(vendor.asked) == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_workers_behind_a_dead_holder_ask_once() -> None:
    vendor, pk = Vendor(slow=0.02), held(tokens.LEASE_SECONDS + 1, expired=True).pk
    got = at_once(20, lambda: valid_token(Credential.objects.get(pk=pk), vendor))
    assert set(got) == {"access-new-1"}
    assert len(vendor.asked) == 1


def test_the_lease_outlasts_the_longest_wait_for_an_answer() -> None:
    from planeapp.lib import http

    assert tokens.LEASE_SECONDS > http.CONNECT_SECONDS + 2 * http.READ_SECONDS


# Secrets of a connection


def test_a_secret_is_found_by_its_slot() -> None:
    credential = CredentialFactory(slot="webhook", access="shared")
    assert connection_secret(credential.connection, "webhook").access == "shared"


def test_a_slot_that_is_empty_asks_for_connecting_again() -> None:
    with pytest.raises(FixSettings) as caught:
        connection_secret(ConnectionFactory(), "main")
    assert "Connect it again" in caught.value.person
