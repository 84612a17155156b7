from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from selectolax.lexbor import LexborHTMLParser

from planeapp.installations.models import AuditEntry, Connection, Credential
from planeapp.sync.models import Due
from tests.factories import ConnectionFactory, ProjectPairFactory
from tests.vendors import NOBODY, TOKENS, Team


@pytest.fixture
def ada(team: Team, client: Client) -> Client:
    """An admin's browser."""
    client.force_login(team.members["ada"].user)
    return client


def offer(ada: Client, provider: str, token: str = "", **more: str) -> Any:
    """Fill in the connect form."""
    return ada.post(f"/w/sandbox/connect/{provider}/", {"token": token or TOKENS[provider], **more})


def errors(answer: Any) -> str:
    """What the form complains about."""
    return str(answer.context["form"].errors)


@pytest.mark.parametrize(("provider", "next_page"), [
    ("planner", "/w/sandbox/pairs/planner/"), ("planhat", "/w/sandbox/connect/planhat/"),
])  # fmt: skip
def test_a_good_token_connects_and_leads_to_the_next_step(
    ada: Client, team: Team, provider: str, next_page: str
) -> None:
    answer = offer(ada, provider)
    assert (answer.status_code, answer.headers["location"]) == (302, next_page)
    connection = Connection.objects.get()
    assert (connection.provider, connection.status, connection.installation) == (provider, "active", team.installation)
    assert connection.report["lines"]
    assert Credential.objects.get(connection=connection, slot="api").access == TOKENS[provider]
    entry = AuditEntry.objects.get(action="connected")
    assert (entry.who, entry.detail, TOKENS[provider] in str(entry.detail)) == ("ada", {"provider": provider}, False)


def test_the_report_is_shown_and_the_token_never(ada: Client) -> None:
    offer(ada, "planner")
    text = ada.get("/w/sandbox/connect/planner/").content.decode()
    assert "What this connection can do" in text and "Events feed" in text
    assert TOKENS["planner"] not in text


@pytest.mark.parametrize(("provider", "token"), [("planner", "plr_pat_pat_wrong.secret"), ("planhat", "wrong-token")])
def test_a_refused_token_keeps_the_form_and_stores_nothing(ada: Client, provider: str, token: str) -> None:
    more = {"rest_create": "on"} if provider == "planner" else {"tenant_slug": "my-company"}
    answer = offer(ada, provider, token, **more)
    assert answer.status_code == 422
    assert "does not accept this token. Check that you copied all of it." in errors(answer)
    assert (Connection.objects.count(), Credential.objects.filter(connection__isnull=False).count()) == (0, 0)
    text = answer.content.decode()
    kept = LexborHTMLParser(text).css_first(f"[name={next(iter(more))}]")
    assert kept is not None
    assert "checked" in kept.attributes or kept.attributes["value"] == "my-company"
    assert token not in text


@pytest.mark.parametrize("token", ["", "   ", "two words", "bad\ntoken"])
def test_what_cannot_be_a_token_is_refused_before_anybody_is_asked(ada: Client, team: Team, token: str) -> None:
    answer = ada.post("/w/sandbox/connect/planhat/", {"token": token})
    assert answer.status_code == 422
    assert answer.context["form"].errors["token"]
    assert list(team.vendors.planhat.control.requests) == []


def test_a_vendor_that_is_down_is_told_and_nothing_is_stored(ada: Client, settings: Any) -> None:
    settings.VENDOR_URLS = dict.fromkeys(settings.VENDOR_URLS, NOBODY)
    answer = offer(ada, "planner")
    assert (answer.status_code, Connection.objects.count()) == (422, 0)
    assert "did not answer" in errors(answer)


def test_a_refused_new_token_leaves_the_connection_as_it_is(ada: Client) -> None:
    offer(ada, "planner")
    before = Connection.objects.get().updated_at
    assert offer(ada, "planner", "plr_pat_pat_wrong.secret").status_code == 422
    assert Connection.objects.get().updated_at == before
    assert Credential.objects.get(slot="api").access == TOKENS["planner"]


def test_connecting_again_keeps_the_pairs_and_looks_at_them_anew(ada: Client, team: Team) -> None:
    connection = ConnectionFactory(installation=team.installation, status=Connection.Status.RECONNECT)
    pair = ProjectPairFactory(connection=connection)
    assert offer(ada, "planner").headers["location"] == "/w/sandbox/connect/planner/"
    connection.refresh_from_db()
    assert (connection.status, connection.pairs.get()) == ("active", pair)
    assert Due.objects.get().pair == pair


def test_a_connection_that_is_refused_says_so_on_its_page(ada: Client, team: Team) -> None:
    ConnectionFactory(installation=team.installation, status=Connection.Status.RECONNECT)
    assert "no longer accepts the token" in ada.get("/w/sandbox/connect/planner/").content.decode()


# Looking again


def test_looking_again_brings_the_report_up_to_date(ada: Client) -> None:
    offer(ada, "planner")
    Connection.objects.update(report={"lines": []}, probed_at=None)
    answer = ada.post("/w/sandbox/connect/planner/probe/", follow=True)
    assert "Looked again" in answer.content.decode()
    assert Connection.objects.get().report["lines"] and Connection.objects.get().probed_at


def test_looking_again_at_a_refused_token_says_so(ada: Client, team: Team) -> None:
    offer(ada, "planner")
    team.vendors.planner.store.delete("tokens", TOKENS["planner"])
    answer = ada.post("/w/sandbox/connect/planner/probe/", follow=True)
    assert "connect" in str(list(answer.context["messages"])[0]).lower()
    assert Connection.objects.get().status == Connection.Status.RECONNECT


def test_there_is_nothing_to_look_at_before_the_connection(ada: Client) -> None:
    assert ada.post("/w/sandbox/connect/planner/probe/").status_code == 404


def test_a_members_try_is_written_down_and_asks_nobody(client: Client, team: Team) -> None:
    client.force_login(team.members["milo"].user)
    assert offer(client, "planner").status_code == 403
    assert AuditEntry.objects.get().action == "refused_role"
    assert list(team.vendors.planner.control.requests) == []
