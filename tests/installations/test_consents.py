"""A provider's grant in its later life: answers that are lost, late, or not the vendor's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from planeapp.installations import gateways, oauth_clients
from planeapp.installations.consents import revoke
from planeapp.installations.gateways import OAUTH, token_function
from planeapp.installations.models import Credential
from planeapp.lib.errors import ReconnectNeeded, RetryLater
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.consent import OAuthClient
from tests.factories import InstallationFactory
from tests.installations.at_plane import set_role
from tests.planner_signin import PAGE, SignIn, connection, grant
from tests.telling import told
from tests.vendors import Team

TOKEN = "/oauth/token"


@pytest.fixture
def ada(team: Team, client: Client) -> SignIn:
    """An admin who connected Planner by its own sign-in."""
    client.force_login(team.members["ada"].user)
    signed_in = SignIn(client, team.vendors)
    signed_in.connect()
    return signed_in


def renew() -> str:
    """A token after the present one was refused."""
    return token_function(connection())(OAUTH, refused=str(grant().access))


def state() -> tuple[str, str]:
    """How the grant and the connection stand."""
    return grant().state, connection().status


def test_a_refresh_turns_both_tokens_over(ada: SignIn) -> None:
    before = grant()
    assert renew() == grant().access != before.access
    assert grant().refresh != before.refresh


def lost_reply(ada: SignIn) -> None:
    ada.planner.fault(TOKEN, method="POST", after=True, drop=True)
    with pytest.raises(RetryLater):
        renew()


def test_a_lost_reply_alone_is_no_reason_to_reconnect(ada: SignIn) -> None:
    lost_reply(ada)
    assert state() == ("active", "active")


def test_a_vendor_that_takes_the_former_refresh_token_for_a_while_mends_a_lost_reply(ada: SignIn) -> None:
    ada.planner.store.put("settings", "oauth", {"grace_seconds": 60})
    lost_reply(ada)
    assert renew() == grant().access
    assert state() == ("active", "active")


def test_a_lost_reply_and_a_refused_token_ask_for_a_new_connection_and_tell_the_admins(ada: SignIn) -> None:
    lost_reply(ada)
    with pytest.raises(ReconnectNeeded):
        renew()
    assert state() == ("reconnect", "reconnect")
    mail = told()[0]
    assert "Planner has to be connected again" in mail.subject and PAGE in mail.body
    page = ada.browser.get(PAGE).content.decode()
    assert "no longer accepts our access" in page and "Sign in with Planner again below" in page


def test_another_admin_mends_it_in_place(ada: SignIn, team: Team) -> None:
    lost_reply(ada)
    with pytest.raises(ReconnectNeeded):
        renew()
    pair = team.pair(connection())
    set_role(team, "milo", 20)
    team.members["milo"].role = 20
    team.members["milo"].save()
    milo = Client()
    milo.force_login(team.members["milo"].user)
    SignIn(milo, team.vendors).connect()
    assert state() == ("active", "active")
    assert connection().pairs.get() == pair


@pytest.mark.parametrize("trouble", [
    {"status": 403, "body": "<html>Attention required</html>"},
    {"status": 502, "body": "<html>Bad gateway</html>"},
    {"status": 503, "body": ""},
    {"status": 429, "body": "{}", "headers": {"retry-after": "7"}},
])  # fmt: skip
def test_trouble_at_the_token_endpoint_keeps_the_grant(ada: SignIn, trouble: dict[str, Any]) -> None:
    ada.planner.fault(TOKEN, method="POST", **trouble)
    with pytest.raises(RetryLater):
        renew()
    assert state() == ("active", "active")
    assert renew() == grant().access


def test_an_answer_that_never_comes_keeps_the_grant(ada: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = Http(Guard(["127.0.0.1"]), seconds=0.1)
    monkeypatch.setattr(gateways, "http", lambda: hasty)
    ada.planner.fault(TOKEN, method="POST", delay=1.0)
    with pytest.raises(RetryLater, match="answer lost"):
        renew()
    assert (state(), grant().refresh_claimed_at) == (("active", "active"), None)
    hasty.close()


def test_a_registered_client_that_the_server_forgot_is_forgotten_by_us(ada: SignIn) -> None:
    for row in ada.planner.store.all("clients"):
        ada.planner.store.delete("clients", row["client_id"])
    with pytest.raises(ReconnectNeeded):
        renew()
    assert oauth_clients.known(connection().installation, "planner") is None


def test_ending_the_grant_ends_it_at_the_vendor(ada: SignIn) -> None:
    assert revoke(connection()) is True
    assert ada.planner.store.all("grants") == []


# Who we are


@pytest.mark.parametrize(("origin", "code", "stays"), [
    ("registered", "invalid_client", False), ("registered", "invalid_grant", True), ("given", "invalid_client", True),
])  # fmt: skip
def test_only_a_registered_client_that_is_refused_is_forgotten(db: None, origin: Any, code: str, stays: bool) -> None:
    installation = InstallationFactory()
    oauth_clients.keep(installation, "planner", OAuthClient("c1", "hush-hush", origin=origin))
    oauth_clients.forget(installation, "planner", ReconnectNeeded("no", code=code))
    assert (oauth_clients.known(installation, "planner") is not None) is stays


def test_a_kept_client_belongs_to_its_workspace_and_vendor_and_is_encrypted(db: None) -> None:
    mine, other = InstallationFactory(), InstallationFactory()
    oauth_clients.keep(mine, "planner", OAuthClient("c1", "hush-hush", "https://a.example", "registered"))
    assert oauth_clients.known(other, "planner") is None and oauth_clients.known(mine, "planhat") is None
    raw = Credential.objects.extra(select={"raw": "access"}).values_list("raw", flat=True).get()
    assert "hush-hush" not in str(raw)
