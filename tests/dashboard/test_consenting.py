from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from planeapp.installations.models import AuditEntry, Connection, Credential, OAuthState
from tests.installations.at_plane import set_role
from tests.planner_signin import (
    METADATA,
    PAGE,
    TYPED,
    SignIn,
    connection,
    grant,
    line,
    lives_at,
    preregistered,
    read_only_at_first,
    scopes_asked,
    tool_calls,
)
from tests.vendors import Team


@pytest.fixture
def ada(team: Team, client: Client) -> SignIn:
    """An admin's browser; nothing is connected."""
    client.force_login(team.members["ada"].user)
    return SignIn(client, team.vendors)


def stored() -> tuple[int, int, int]:
    """What an attempt that must fail may not leave behind."""
    mine = Credential.objects.exclude(slot__in=["bot", "user"]).exclude(slot__startswith="client:")
    return Connection.objects.count(), mine.count(), OAuthState.objects.filter(used_at=None).count()


def told(page: Any) -> str:
    """The text of a page, with its quotes as they are read."""
    return str(page.content.decode()).replace("&#x27;", "'").replace("&quot;", '"')


# The way there


def test_a_link_leads_to_the_vendors_sign_in_and_says_to_which_host(ada: SignIn) -> None:
    page = ada.start()
    assert "127.0.0.1:" in told(page) and "no-store" in page.headers["cache-control"]
    assert ada.address().startswith(f"{ada.planner.url}/oauth/authorize?")


def test_the_content_policy_names_no_host_of_a_provider(ada: SignIn) -> None:
    policy = ada.start().headers["content-security-policy"]
    action = re.search(r"form-action ([^;]*)", policy)
    assert action and not {str(url) for url in django_settings.VENDOR_URLS.values()} & set(action[1].split())


def test_a_yes_connects_and_leaves_the_address_with_the_code(ada: SignIn) -> None:
    page = ada.connect()
    assert page.request["PATH_INFO"] == PAGE and "Planner is connected" in told(page)
    assert connection().usable and grant().refresh and "blocks:write" in grant().scopes
    entry = AuditEntry.objects.get(action="connected")
    assert (entry.installation, entry.detail) == (connection().installation, {"provider": "planner", "by": "sign-in"})


# Who we are there


def test_a_denied_sign_in_is_explained_and_registers_us_once(ada: SignIn) -> None:
    assert "You did not allow the access" in told(ada.deny())
    ada.deny()
    ada.connect()
    assert len(ada.planner.asked("POST", "/oauth/register")) == 1


def test_a_denied_sign_in_leaves_nothing_but_our_registration(ada: SignIn) -> None:
    ada.deny()
    assert stored() == (0, 0, 0)
    assert AuditEntry.objects.get(action="refused_callback").detail["reason"] == "consent_denied"


def test_a_registration_that_the_server_no_longer_knows_is_made_anew(ada: SignIn) -> None:
    path = ada.decide(ada.address())
    registered = next(row for row in ada.planner.store.all("clients") if row["client_id"] not in TYPED.values())
    ada.planner.store.delete("clients", registered["client_id"])
    assert "does not know this app any more" in told(ada.come(path))
    assert "Planner is connected" in told(ada.connect())
    assert len(ada.planner.asked("POST", "/oauth/register")) == 2


def test_when_an_attempt_never_came_back_we_register_anew(ada: SignIn) -> None:
    ada.address()
    OAuthState.objects.update(expires_at=timezone.now())
    ada.address()
    assert len(ada.planner.asked("POST", "/oauth/register")) == 2


def test_a_client_that_an_admin_typed_in_is_used_and_kept_once_it_worked(ada: SignIn) -> None:
    typed = preregistered(ada.planner)
    ada.deny(**typed | {"client_secret": "wrong"})
    ada.come(ada.decide(ada.address(**typed)))
    assert "client_id=planner-preregistered" in ada.address()
    assert ada.planner.asked("POST", "/oauth/register") == []


@pytest.mark.django_db(transaction=True)
def test_our_document_is_who_we_are_where_the_server_reads_it(ada: SignIn, live_server: Any, settings: Any) -> None:
    settings.APP_BASE_URL = "https://groundcrew.test"
    hosts = {"https://groundcrew.test": live_server.url}
    ada.planner.store.put("settings", "oauth", {"documents": True, "hosts": hosts})
    assert "Planner is connected" in told(ada.connect())
    assert ada.planner.store.all("grants")[0]["client_id"] == "https://groundcrew.test/oauth/planner/client.json"
    assert ada.planner.asked("POST", "/oauth/register") == []


@pytest.mark.parametrize(("base", "typed"), [("http://127.0.0.1:9", {}), ("https://groundcrew.test", TYPED)])
def test_without_https_or_with_a_typed_client_the_document_is_not_used(
    ada: SignIn, settings: Any, base: str, typed: dict[str, str]
) -> None:
    settings.APP_BASE_URL = base
    ada.planner.store.put("settings", "oauth", {"documents": True})
    assert "client.json" not in ada.address(**typed)


def test_the_document_is_public_and_only_there_for_who_has_a_sign_in(client: Client, settings: Any, db: None) -> None:
    settings.APP_BASE_URL = "https://groundcrew.test"
    document = client.get("/oauth/planner/client.json").json()
    assert document["client_id"] == "https://groundcrew.test/oauth/planner/client.json"
    assert document["redirect_uris"] == ["https://groundcrew.test/oauth/planner/callback/"]
    assert client.get("/oauth/planhat/client.json").status_code == 404


# Sign-in hosts


def test_a_sign_in_host_that_nobody_allowed_is_asked_about(ada: SignIn) -> None:
    lives_at(ada.planner, "localhost")
    ada.start()
    assert "add it to the allowed sign-in addresses" in told(ada.browser.get(PAGE))
    assert (stored(), AuditEntry.objects.get().detail["reason"]) == ((0, 0, 0), "unknown_issuer")


def test_a_sign_in_host_that_an_admin_allowed_is_used_and_remembered(ada: SignIn) -> None:
    lives_at(ada.planner, "localhost")
    host = ada.planner.url.removeprefix("http://").replace("127.0.0.1", "localhost")
    address = ada.address(issuers=host)
    assert address.startswith(f"http://{host}/")
    path = ada.decide(address).replace("127.0.0.1", "localhost")  # the sandbox's iss is what it calls itself
    ada.come(path)
    assert connection().settings["issuers"] == [host]
    assert f'value="{host}"' in told(ada.browser.get(PAGE))


# Answers that must not count


def changed_issuer(path: str) -> str:
    return re.sub(r"iss=[^&]*", "iss=https%3A%2F%2Fevil.example", path)


def test_an_answer_of_another_issuer_is_refused_audited_and_stores_nothing(ada: SignIn) -> None:
    page = ada.come(changed_issuer(ada.decide(ada.address())))
    assert "did not come from Planner's own sign-in" in told(page) and "evil.example" not in told(page)
    assert (stored(), ada.planner.asked("POST", "/oauth/token")) == ((0, 0, 0), [])
    entry = AuditEntry.objects.get(action="refused_callback")
    assert (entry.installation.slug, entry.detail["reason"]) == ("sandbox", "wrong_issuer")  # type: ignore[union-attr]


def test_a_server_that_calls_itself_another_is_refused_audited_and_stores_nothing(ada: SignIn) -> None:
    ada.planner.fault(METADATA, status=200, body=json.dumps({
        "issuer": "https://evil.example/x", "authorization_endpoint": "https://evil.example/a",
        "token_endpoint": "https://evil.example/t", "response_types_supported": ["code"],
    }))  # fmt: skip
    ada.start()
    assert "We do not go on" in told(ada.browser.get(PAGE))
    assert (stored(), AuditEntry.objects.get().detail["reason"]) == ((0, 0, 0), "wrong_issuer")


def test_somebody_elses_answer_is_refused(ada: SignIn, team: Team) -> None:
    path = ada.decide(ada.address())
    milo = Client()
    milo.force_login(team.members["milo"].user)
    assert milo.get(path).headers["location"] == "/problem/"
    assert stored()[:2] == (0, 0)


def test_who_is_no_admin_any_more_when_the_answer_comes_connects_nothing(ada: SignIn, team: Team) -> None:
    path = ada.decide(ada.address())
    set_role(team, "ada", 15)
    team.members["ada"].role = 15
    team.members["ada"].save()
    answer = ada.browser.get(path)
    assert (answer.headers["location"], stored()) == (PAGE, (0, 0, 0))


def test_the_same_answer_twice_is_exchanged_once(ada: SignIn) -> None:
    path = ada.decide(ada.address())
    ada.come(path)
    assert ada.browser.get(path).status_code == 302
    assert len(ada.planner.asked("POST", "/oauth/token")) == 1


# Fewer scopes than needed


def test_what_was_not_granted_is_off_with_the_reason_and_the_rest_works(ada: SignIn) -> None:
    page = ada.connect(without=("blocks:write",))
    assert line("can_create_block")["state"] == line("can_delete_block")["state"] == "off"
    assert "did not grant the scope blocks:write" in line("can_create_block")["detail"]
    assert (line("projects")["state"], line("can_list_blocks")["state"]) == ("ok", "ok")
    assert "Missing: blocks:write" in told(page) and "Allow more" in told(page)


def test_nothing_is_tried_for_which_no_reading_was_granted(ada: SignIn) -> None:
    ada.connect(without=("projects:read", "blocks:read"))
    assert tool_calls(ada.planner, "listProjects") == 0
    assert line("projects")["state"] == "off"


def test_allowing_more_asks_for_what_is_held_and_what_is_missing(ada: SignIn) -> None:
    ada.connect(without=("blocks:write",))
    address = ada.address(more="on")
    assert scopes_asked(address) == ["blocks:read", "blocks:write", "projects:read"]
    page = ada.come(ada.decide(address))
    assert "Missing:" not in told(page) and line("can_create_block")["state"] == "ok"


def test_a_step_up_asks_for_the_union_and_turns_on_what_was_off(ada: SignIn, team: Team) -> None:
    read_only_at_first(ada.planner)
    ada.connect()
    assert (grant().scopes, line("can_create_block")["state"]) == ("blocks:read projects:read", "ok")
    challenge = 'Bearer error="insufficient_scope", scope="blocks:write"'
    Connection.objects.update(
        settings=connection().settings | {"missing_scopes": ["blocks:write"], "challenge": challenge}
    )
    address = ada.address(more="on")
    assert scopes_asked(address) == ["blocks:read", "blocks:write", "projects:read"]
    ada.come(ada.decide(address))
    assert (connection().settings["missing_scopes"], connection().settings["challenge"]) == ([], "")
