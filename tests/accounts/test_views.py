from __future__ import annotations

import hashlib
import io
import logging
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.conf import settings as live
from django.db import connection
from django.test import Client
from django.utils import timezone

from planeapp.accounts.models import User
from planeapp.installations.models import AuditEntry, Credential, Installation, Membership, OAuthState
from planeapp.plane.oauth import MINIMUM_SCOPES
from planeapp.sandbox.plane import oauth as plane_oauth
from tests.accounts.browser import CALLBACK, Browser, asked
from tests.vendors import NOBODY, Vendors

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(vendors: Vendors) -> Browser:
    """An admin of workspace ``sandbox``, at her browser."""
    return Browser(vendors)


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    """Everything that is logged, as it is printed."""
    root, stream = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(next(one.formatter for one in root.handlers if "Processor" in type(one.formatter).__name__))
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def exchanges(browser: Browser) -> int:
    """How often we asked Plane for tokens."""
    return len(browser.vendors.plane.asked("POST", "/auth/o/token/"))


def audited() -> list[str]:
    """Actions in the audit log, oldest first."""
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


# Leaving for Plane


def test_the_setup_url_leads_to_planes_consent_page_with_our_scopes_state_and_pkce(ada: Browser) -> None:
    answer = ada.setup()
    query = asked(answer)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{ada.vendors.plane.url}/auth/o/authorize-app/?")
    assert query["scope"].split() == list(MINIMUM_SCOPES)
    assert "write" not in query["scope"].split()  # the SDK's default would ask for everything
    assert (query["response_type"], query["client_id"]) == ("code", live.PLANE_CLIENT_ID)
    assert query["redirect_uri"] == "http://testserver/oauth/plane/callback/"
    assert (query["code_challenge_method"], len(query["state"]) >= 32) == ("S256", True)


def test_the_challenge_is_that_of_the_kept_verifier_and_the_state_is_kept_as_a_hash(ada: Browser) -> None:
    query, attempt = asked(ada.setup()), OAuthState.objects.get()
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    assert query["code_challenge"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert attempt.state_hash == hashlib.sha256(query["state"].encode()).hexdigest()


def test_two_attempts_have_nothing_in_common(ada: Browser) -> None:
    first, second = asked(ada.setup()), asked(ada.setup())
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


def test_parameters_that_we_do_not_know_are_tolerated(ada: Browser) -> None:
    assert ada.come("/setup/?workspace=x&utm_source=marketplace&code=").status_code == 302


@pytest.mark.parametrize("path", ["/setup/", "/signin/", CALLBACK, "/confirm/", "/problem/", "/done/"])
def test_no_step_is_kept_by_a_cache(ada: Browser, path: str) -> None:
    assert "no-store" in ada.come(path).headers["cache-control"]


def test_the_sign_in_form_needs_our_own_page(door: Client, vendors: Vendors) -> None:
    assert door.post("/signin/").status_code == 403
    token = door.get("/signin/").cookies["csrftoken"].value
    assert door.post("/signin/", {"csrfmiddlewaretoken": token}).status_code == 302


# Coming back


def test_an_install_leads_to_the_workspaces_overview(ada: Browser) -> None:
    answer = ada.install()
    assert (answer.status_code, answer.headers["location"]) == (302, "/w/sandbox/")
    assert ada.come("/w/sandbox/").status_code == 200
    installation, row = Installation.objects.get(), ada.vendors.row("installation")
    assert (str(installation.app_installation_id), str(installation.app_bot)) == (row["id"], row["app_bot"])
    assert (installation.slug, installation.name, installation.status) == ("sandbox", "Sandbox Air", "active")
    assert (Membership.objects.get().role, audited()) == (20, ["installed"])


def test_the_tokens_of_an_install_are_stored_and_no_table_shows_them(ada: Browser) -> None:
    ada.install()
    stored = {row.slot: row.access for row in Credential.objects.all()}
    assert set(stored) == {"bot", "user"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM installations_credential")
        assert not any(token in str(cursor.fetchall()) for token in stored.values())


def test_signing_in_leads_to_the_one_workspace(ada: Browser) -> None:
    ada.vendors.install()
    assert ada.enter().headers["location"] == "/w/sandbox/"
    assert str(ada.user) == "ada"


def test_nobody_is_greeted_by_an_id(ada: Browser) -> None:
    ada.install()
    shown = ada.come("/w/sandbox/").content.decode()
    assert str(ada.vendors.person("ada")["id"]) not in shown
    assert "Successfully signed in" not in shown


def test_signing_in_without_any_workspace_leads_to_the_list_of_none(ada: Browser) -> None:
    ada.vendors.install()
    ada.vendors.plane.fault("/app-installation/", status=200, body="[]")
    assert ada.enter().headers["location"] == "/workspaces/"
    assert ada.come("/workspaces/").status_code == 200
    assert Installation.objects.count() == 0


def test_signing_in_twice_is_one_person(ada: Browser) -> None:
    ada.enter()
    ada.vendors.person("ada").update(display_name="ada", email="new@sandbox.test")
    again = Browser(ada.vendors)
    again.enter()
    assert User.objects.get().email == "new@sandbox.test"
    assert ada.user == again.user


def test_the_session_gets_a_new_key_at_the_sign_in(ada: Browser) -> None:
    ada.signin()
    before = ada.client.session.session_key
    ada.enter()
    assert ada.client.session.session_key != before


def test_the_browser_leaves_the_address_that_carried_the_code(ada: Browser) -> None:
    address = ada.decide(ada.setup())
    assert "code=" in address
    location = ada.come(address).headers["location"]
    assert "code=" not in location and "state=" not in location


def test_neither_code_nor_state_nor_tokens_stand_in_pages_or_logs(ada: Browser, printed: io.StringIO) -> None:
    addresses = [ada.decide(ada.setup()), ada.decide(ada.signin())]
    bodies = [ada.client.get(address, follow=True).content.decode() for address in [*addresses, addresses[0]]]
    secrets = [value for address in addresses for name, value in parts(address) if name in ("code", "state")]
    secrets += [row.access for row in Credential.objects.all()] + [row.verifier for row in OAuthState.objects.all()]
    assert len(secrets) >= 8
    assert "signed in" in printed.getvalue() and "callback came again" in printed.getvalue()
    assert [secret for secret in secrets for text in [*bodies, printed.getvalue()] if secret in text] == []


def parts(address: str) -> list[tuple[str, str]]:
    """What an address carries."""
    return parse_qsl(urlsplit(address).query)


# What is refused


def test_a_person_who_says_no_is_told_that_nothing_was_changed(ada: Browser) -> None:
    text = ada.problem(ada.install(decision="deny"))
    assert "You did not allow the app in Plane, so nothing was changed." in text
    assert (Installation.objects.count(), ada.user, exchanges(ada), audited()) == (0, None, 0, ["consent_denied"])


def test_without_a_state_the_person_confirms_once_more_and_nothing_is_exchanged(ada: Browser) -> None:
    row = ada.vendors.install()
    answer = ada.come(f"{CALLBACK}?code=abc&app_installation_id={row['id']}")
    assert answer.headers["location"] == "/confirm/"
    page = ada.come("/confirm/").content.decode()
    assert 'href="/setup/"' in page and "abc" not in page
    assert (exchanges(ada), Installation.objects.count(), audited()) == (0, 0, ["callback_without_state"])


def test_somebody_elses_installation_is_refused_and_nothing_of_it_is_stored(ada: Browser) -> None:
    foreign = ada.vendors.install("other", by="olga")
    address = ada.decide(ada.signin()) + f"&app_installation_id={foreign['id']}"
    assert "Plane does not show this installation to you." in ada.problem(ada.come(address))
    assert (Installation.objects.count(), Membership.objects.count()) == (0, 0)
    assert Credential.objects.filter(slot="bot").count() == 0
    assert audited() == ["refused_install", "refused_callback"]
    assert ada.come("/w/other/").status_code == 404


def test_a_state_works_once(ada: Browser) -> None:
    address = ada.decide(ada.setup())
    ada.come(address)
    before = exchanges(ada)
    assert "This link was used before" in ada.already_done(ada.come(address))
    assert (exchanges(ada), audited()[-1]) == (before, "refused_callback")


def test_a_second_click_leaves_what_the_first_one_did(ada: Browser) -> None:
    address = ada.decide(ada.setup())
    first, second = ada.come(address), ada.come(address)
    assert (first.headers["location"], second.headers["location"]) == ("/w/sandbox/", "/done/")
    assert ada.come("/w/sandbox/").status_code == 200
    assert (Installation.objects.get().status, Membership.objects.count()) == ("active", 1)


def test_a_state_is_good_for_ten_minutes(ada: Browser) -> None:
    address = ada.decide(ada.setup())
    with time_machine.travel(OAuthState.objects.get().expires_at + timedelta(seconds=1), tick=False):
        answer = ada.come(address)
    assert "This took longer than ten minutes." in ada.problem(answer)
    assert exchanges(ada) == 0


def test_a_state_works_in_the_browser_that_began_alone(ada: Browser) -> None:
    address, thief = ada.decide(ada.setup()), Browser(ada.vendors, "milo")
    assert "This was started in another browser." in thief.problem(thief.come(address))
    assert (exchanges(ada), thief.user) == (0, None)
    assert ada.come(address).headers["location"] == "/w/sandbox/"  # and is not used up by others


def test_a_made_up_state_is_refused(ada: Browser) -> None:
    ada.setup()
    assert "We did not start this." in ada.problem(ada.come(f"{CALLBACK}?code=a&state=made-up"))
    assert AuditEntry.objects.get().detail == {"reason": "unknown_state"}


def test_an_answer_without_code_is_refused(ada: Browser) -> None:
    state = asked(ada.setup())["state"]
    assert "Plane sent no code. Please start again." in ada.problem(ada.come(f"{CALLBACK}?state={state}"))


def test_a_code_of_another_attempt_does_not_pass_pkce(ada: Browser) -> None:
    stolen, state = dict(parts(ada.decide(ada.setup())))["code"], asked(ada.setup())["state"]
    text = ada.problem(ada.come(f"{CALLBACK}?state={state}&code={stolen}"))
    assert "Plane did not accept this attempt" in text
    assert ada.user is None


def test_a_code_that_was_used_is_refused_by_plane_and_told_kindly(ada: Browser) -> None:
    address = ada.decide(ada.setup())
    code = dict(parts(address))["code"]
    ada.vendors.rows.store.put("code", code, ada.vendors.rows.store.get("code", code) | {"used": True})
    assert "(the code may be used or too old)" in ada.problem(ada.come(address))
    assert (ada.user, Installation.objects.count()) == (None, 0)


@pytest.mark.parametrize("fault", [
    {"path": "/auth/o/token/", "status": 503}, {"path": "/auth/o/token/", "drop": True},
    {"path": "/auth/o/token/", "status": 403, "body": "<html>Cloudflare</html>"},
    {"path": "/users/me/", "status": 502, "body": "<html>bad gateway</html>"},
    {"path": "/app-installation/", "status": 500, "body": "oops"},
])  # fmt: skip
def test_a_plane_that_fails_on_the_way_is_told_kindly_and_leaves_nothing_half_done(ada: Browser, fault: Any) -> None:
    address = ada.decide(ada.setup())
    ada.vendors.plane.fault(**fault)
    assert "did not answer" in ada.problem(ada.come(address)) or fault["status"] == 403
    assert (Installation.objects.count(), Membership.objects.count()) == (0, 0)
    assert ada.install(reinstall="1").headers["location"] == "/w/sandbox/"


def test_a_plane_that_cannot_be_reached_is_told_kindly(ada: Browser, settings: Any) -> None:
    address = ada.decide(ada.setup())
    settings.PLANE_BASE_URL = NOBODY
    OAuthState.objects.update(issuer=NOBODY)
    assert "The other system did not answer just now." in ada.problem(ada.come(address))


def test_a_bot_token_that_plane_refuses_leaves_no_half_installation(ada: Browser) -> None:
    address = ada.decide(ada.setup())
    refusal = '{"error": "invalid_grant"}'
    ada.vendors.plane.fault("/auth/o/token/", contains="client_credentials", status=400, body=refusal)
    ada.problem(ada.come(address))
    assert (Installation.objects.count(), Credential.objects.filter(slot="bot").count()) == (0, 0)


# Where to go on


@pytest.mark.parametrize("page", ["/w/sandbox/activity/", "/w/sandbox/connect/planner/"])
def test_the_person_goes_on_where_they_wanted_to(ada: Browser, page: str) -> None:
    ada.vendors.install()
    assert ada.come(page).headers["location"] == f"/signin/?next={page}"
    assert ada.enter(page).headers["location"] == page


@pytest.mark.parametrize(
    "page", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example", "/\nx"]
)
def test_the_person_never_goes_on_to_another_site(ada: Browser, page: str) -> None:
    ada.vendors.install()
    assert ada.enter(page).headers["location"] == "/w/sandbox/"


def test_a_person_with_several_workspaces_chooses(ada: Browser) -> None:
    ada.vendors.install()
    ada.vendors.install("other", by="olga")
    other = ada.vendors.rows.workspace("other")
    assert other is not None
    other["members"][ada.vendors.person("ada")["id"]] = 15
    ada.enter()
    again = Browser(ada.vendors).enter()
    assert again.headers["location"] == "/workspaces/"
    assert {row.installation.slug: row.role for row in Membership.objects.all()} == {"sandbox": 20, "other": 15}


def test_a_problem_is_told_once_and_its_page_is_empty_for_others(ada: Browser) -> None:
    ada.problem(ada.install(decision="deny"))
    assert ada.come("/problem/").headers["location"] == "/"


def test_a_problem_offers_the_way_on(ada: Browser) -> None:
    text = ada.problem(ada.install(decision="deny"))
    assert 'href="/setup/"' in text and 'href="/signin/"' in text


# Signing out


def test_signing_out_ends_the_session(ada: Browser) -> None:
    ada.install()
    assert ada.client.post("/signout/").headers["location"] == "/"
    assert ada.come("/w/sandbox/").headers["location"].startswith("/signin/")


def test_a_link_cannot_sign_anybody_out(ada: Browser) -> None:
    ada.install()
    assert ada.come("/signout/").status_code == 405
    assert ada.user is not None


def test_signing_out_twice_does_no_harm(ada: Browser) -> None:
    ada.install()
    assert [ada.client.post("/signout/").status_code for _ in range(2)] == [302, 302]


@pytest.mark.parametrize("path", ["/setup/", CALLBACK, "/confirm/", "/problem/", "/done/"])
def test_steps_that_only_look_take_no_post(ada: Browser, path: str) -> None:
    assert ada.client.post(path).status_code == 405


def test_one_address_that_knocks_all_the_time_is_asked_to_wait(ada: Browser) -> None:
    with time_machine.travel(timezone.now(), tick=False):  # within one window
        statuses = [ada.come(CALLBACK).status_code for _ in range(70)]
    assert (statuses[0], statuses[-1]) == (302, 429)


def test_the_code_is_issued_for_our_redirect_address_alone(ada: Browser) -> None:
    address = ada.decide(ada.setup())
    person = ada.vendors.person("ada")
    other = plane_oauth.issue_code(ada.vendors.rows, person, "openid", "http://other.example/")
    state = dict(parts(address))["state"]
    assert "Plane did not accept this attempt" in ada.problem(ada.come(f"{CALLBACK}?state={state}&code={other}"))
