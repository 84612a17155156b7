"""The vendor did its part and we never heard of it, or we waited in vain: what that does to a token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone

from planeapp.installations import gateways
from planeapp.installations.gateways import bot_credential, plane_access
from planeapp.installations.models import Credential, Installation, Membership
from planeapp.installations.people import user_token
from planeapp.lib.errors import ReconnectNeeded, RetryLater
from planeapp.lib.http import Http
from tests.accounts.browser import Browser
from tests.installations.at_plane import own_token, signed_in, token_calls
from tests.vendors import Team

pytestmark = pytest.mark.django_db
TOKEN = "/auth/o/token/"
LOST: dict[str, Any] = {"after": True, "drop": True}


class Hasty(Http):
    """Waits less than a second for every answer."""

    def send(self, *arguments: Any, **options: Any) -> Any:
        """As the real one, in a hurry."""
        return super().send(*arguments, **options | {"seconds": 0.3})


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with closing(Hasty(gateways.http().guard)) as impatient:
        monkeypatch.setattr(gateways, "http", lambda: impatient)
        yield


@pytest.fixture
def ada(team: Team) -> Membership:
    """Ada's own token has ended."""
    membership = signed_in(team)
    expire()
    team.vendors.plane.control.requests.clear()
    return membership


def expire() -> None:
    Credential.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def lose_the_answer(ada: Membership, team: Team) -> None:
    """Plane rotates the refresh token and its answer is lost."""
    team.vendors.plane.fault(TOKEN, contains="refresh_token", **LOST)
    with pytest.raises(RetryLater):
        user_token(ada.user)


def test_a_lost_refresh_answer_leaves_the_token_active_and_the_next_try_learns_that_it_was_rotated(
    ada: Membership, team: Team
) -> None:
    lose_the_answer(ada, team)
    assert (own_token(ada).state, own_token(ada).refresh_claimed_at) == (Credential.State.ACTIVE, None)
    with pytest.raises(ReconnectNeeded):
        user_token(ada.user)
    assert own_token(ada).state == Credential.State.RECONNECT
    assert Installation.objects.get().active


def test_after_a_lost_refresh_answer_nobody_asks_with_the_old_token_again(ada: Membership, team: Team) -> None:
    lose_the_answer(ada, team)
    for _ in range(3):
        with pytest.raises(ReconnectNeeded):
            user_token(ada.user)
    assert len(token_calls(team.vendors, "refresh_token")) == 2


def test_the_person_is_told_to_sign_in_and_that_puts_the_same_token_row_back_to_active(
    ada: Membership, team: Team, client: Client
) -> None:
    lose_the_answer(ada, team)
    row = own_token(ada).pk
    Membership.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    browser = Browser(team.vendors)
    browser.client.force_login(ada.user)
    SocialAccount.objects.create(user=ada.user, provider="plane", uid=ada.user.username)
    told = browser.client.get("/w/sandbox/", follow=True)
    assert (told.redirect_chain[0][0], b"Plane ended your sign-in." in told.content) == (
        "/signin/?next=/w/sandbox/", True,
    )  # fmt: skip
    assert browser.enter("/w/sandbox/").headers["location"] == "/w/sandbox/"
    assert (own_token(ada).pk, own_token(ada).state, own_token(ada).failure) == (row, Credential.State.ACTIVE, "")
    assert user_token(ada.user) == own_token(ada).access


def test_a_lost_answer_for_a_bot_token_is_just_asked_for_again(team: Team) -> None:
    team.vendors.plane.fault(TOKEN, contains="client_credentials", **LOST)
    with pytest.raises(RetryLater):
        plane_access(team.installation).token()
    assert plane_access(team.installation).token() == bot_credential(team.installation).access
    assert len(token_calls(team.vendors, "client_credentials")) == 2
    assert Installation.objects.get().active


NO_WORD: list[dict[str, Any]] = [
    {"delay": 1.0}, {"status": 403, "body": "<html>Attention Required!</html>"}, {"status": 503}, {"drop": True},
]  # fmt: skip


@pytest.mark.parametrize("fault", NO_WORD, ids=["timeout", "HTML 403", "503", "broken off"])
def test_an_answer_that_never_comes_leaves_a_persons_token_active(
    ada: Membership, team: Team, hasty: None, fault: dict[str, Any]
) -> None:
    team.vendors.plane.fault(TOKEN, contains="refresh_token", **fault)
    before = own_token(ada).refresh
    with pytest.raises(RetryLater):
        user_token(ada.user)
    kept = own_token(ada)
    assert (kept.state, kept.refresh, kept.refresh_claimed_at) == (Credential.State.ACTIVE, before, None)


@pytest.mark.parametrize("fault", NO_WORD, ids=["timeout", "HTML 403", "503", "broken off"])
def test_an_answer_that_never_comes_leaves_the_bot_and_the_workspace_active(
    team: Team, hasty: None, fault: dict[str, Any]
) -> None:
    team.vendors.plane.fault(TOKEN, contains="client_credentials", **fault)
    with pytest.raises(RetryLater):
        plane_access(team.installation).token()
    assert (bot_credential(team.installation).state, Installation.objects.get().active) == ("active", True)


def test_after_a_timeout_before_plane_did_anything_the_next_refresh_works(
    ada: Membership, team: Team, hasty: None
) -> None:
    team.vendors.plane.fault(TOKEN, contains="refresh_token", delay=1.0)
    with pytest.raises(RetryLater):
        user_token(ada.user)
    assert user_token(ada.user) == own_token(ada).access
    assert own_token(ada).state == Credential.State.ACTIVE
