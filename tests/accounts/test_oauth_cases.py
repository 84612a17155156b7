"""Every row of OAuth cases, over the real consent page of the sandbox Plane."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from planeapp.installations.gateways import plane_access, plane_for, plane_oauth
from planeapp.installations.models import AuditEntry, Credential, Installation, Membership, OAuthState
from planeapp.lib.errors import FixSettings
from planeapp.sync.models import ItemLink, ProjectPair, TimelineEntry
from tests.accounts.browser import CALLBACK, Browser
from tests.factories import ItemLinkFactory, ProjectPairFactory, TimelineEntryFactory
from tests.installations import at_plane
from tests.installations.at_plane import code_of, take_out, token_calls
from tests.vendors import Team, Vendors

own_counters = at_plane.own_counters
pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(vendors: Vendors) -> Browser:
    """Ada's browser, before anything was installed."""
    return Browser(vendors)


def changed(address: str, **query: str) -> str:
    """The callback's address with other parameters; an empty one is left out."""
    found = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()} | query
    return f"{CALLBACK}?{urlencode({name: value for name, value in found.items() if value})}"


def rows() -> tuple[int, ...]:
    """What an attempt may leave behind: installations, memberships, secrets."""
    return tuple(model.objects.count() for model in (Installation, Membership, Credential))


# The table


@dataclass
class Case:
    """An attempt that must fail: what comes back, which words the person reads, which reason the audit log has."""

    come: Callable[[Browser], HttpResponse]
    says: str
    noted: str
    exchanges: int = 0


def denied(ada: Browser) -> HttpResponse:
    return ada.come(ada.decide(ada.setup(), decision="deny"))


def expired(ada: Browser) -> HttpResponse:
    address = ada.decide(ada.setup())
    OAuthState.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return ada.come(address)


def other_browser(ada: Browser) -> HttpResponse:
    address, ada.client = ada.decide(ada.setup()), Client()
    return ada.come(address)


def wrong_state(ada: Browser) -> HttpResponse:
    return ada.come(changed(ada.decide(ada.setup()), state="x" * 43))


def foreign_state(ada: Browser) -> HttpResponse:
    mallory = Browser(ada.vendors, "olga")
    theirs = parse_qs(urlsplit(mallory.decide(mallory.setup(), workspace="other")).query)["state"][0]
    return ada.come(changed(ada.decide(ada.setup()), state=theirs))


def wrong_issuer(ada: Browser) -> HttpResponse:
    return ada.come(changed(ada.decide(ada.setup()), iss="https://plane.evil.example"))


def moved_issuer(ada: Browser) -> HttpResponse:
    """The attempt began at another Plane than the one that the settings name now."""
    address = ada.decide(ada.setup())
    OAuthState.objects.update(issuer="https://other-plane.example")
    return ada.come(address)


def no_code(ada: Browser) -> HttpResponse:
    return ada.come(changed(ada.decide(ada.setup()), code=""))


def foreign_code(ada: Browser) -> HttpResponse:
    mallory = Browser(ada.vendors, "olga")
    theirs = parse_qs(urlsplit(mallory.decide(mallory.setup(), workspace="other")).query)["code"][0]
    return ada.come(changed(ada.decide(ada.setup()), code=theirs))


CASES = {
    "denied consent": Case(denied, "nothing was changed", "consent_denied"),
    "expired state": Case(expired, "ten minutes", "expired_state"),
    "other browser": Case(other_browser, "another browser", "other_browser"),
    "wrong state": Case(wrong_state, "did not start this", "unknown_state"),
    "foreign state": Case(foreign_state, "another browser", "other_browser"),
    "wrong issuer": Case(wrong_issuer, "another Plane", "wrong_issuer"),
    "moved issuer": Case(moved_issuer, "another Plane", "wrong_issuer"),
    "no code": Case(no_code, "no code", "no_code"),
    "foreign code": Case(foreign_code, "start again", "", exchanges=1),
}


@pytest.mark.parametrize("name", CASES)
def test_an_attempt_that_must_fail_leaves_nothing_and_says_what_to_do(ada: Browser, name: str) -> None:
    case = CASES[name]
    answer = case.come(ada)
    assert case.says in ada.problem(answer).replace("&#x27;", "'")
    assert rows() == (0, 0, 0)
    assert ada.user is None
    assert len(token_calls(ada.vendors, "authorization_code")) == case.exchanges


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.noted])
def test_an_attempt_that_must_fail_is_noted_without_code_or_state(ada: Browser, name: str) -> None:
    CASES[name].come(ada)
    entry = AuditEntry.objects.latest("id")
    assert CASES[name].noted in (entry.action, entry.detail.get("reason"))
    assert not {"code", "state"} & set(entry.detail)


def test_a_used_state_with_a_fresh_code_exchanges_nothing_and_is_noted(ada: Browser) -> None:
    address = ada.decide(ada.setup(), decision="deny")
    ada.come(address)
    again = ada.come(changed(address, error="", code=code_of(ada.vendors, "ada")))
    assert "used before" in ada.already_done(again)
    assert (rows(), ada.user, token_calls(ada.vendors, "authorization_code")) == ((0, 0, 0), None, [])
    assert AuditEntry.objects.latest("id").detail == {"reason": "used_state"}


@pytest.mark.parametrize("named", ["{plane}", "{plane}/"])
def test_an_answer_that_names_the_right_issuer_is_taken(ada: Browser, named: str) -> None:
    address = changed(ada.decide(ada.setup()), iss=named.format(plane=ada.vendors.plane.url))
    assert ada.come(address).headers["location"] == "/w/sandbox/"


# Proof of an installation


def test_another_workspaces_installation_id_in_my_callback_is_refused_audited_and_nothing_is_stored(
    ada: Browser,
) -> None:
    olga = Browser(ada.vendors, "olga")
    theirs = parse_qs(urlsplit(olga.decide(olga.setup(), workspace="other")).query)["app_installation_id"][0]
    milo = Browser(ada.vendors, "milo")
    ada.vendors.install()
    answer = milo.come(changed(milo.decide(milo.setup()), app_installation_id=theirs))
    assert "does not show this installation to you" in milo.problem(answer)
    assert (Installation.objects.count(), Membership.objects.count()) == (0, 0)
    assert not token_calls(ada.vendors, "client_credentials")
    assert AuditEntry.objects.filter(action="refused_install").count() == 1


@pytest.mark.parametrize("handed_in", ["nonsense", "00000000-0000-0000-0000-000000000000", "../../etc", "x" * 3000])
def test_an_installation_id_that_nobody_has_is_refused(ada: Browser, handed_in: str) -> None:
    answer = ada.come(changed(ada.decide(ada.setup()), app_installation_id=handed_in))
    assert "does not show this installation" in ada.problem(answer)
    assert (Installation.objects.count(), Membership.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_same_callback_ten_times_in_parallel_makes_one_exchange(ada: Browser) -> None:
    address, gate = ada.decide(ada.setup()), threading.Barrier(10)

    def come() -> tuple[str, bool]:
        browser = Client()
        browser.cookies = ada.client.cookies.copy()
        gate.wait()
        try:
            answer = browser.get(address)
            return str(answer.headers.get("location", answer.status_code)), "sessionid" in answer.cookies
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        got = [future.result() for future in [pool.submit(come) for _ in range(10)]]
    # One signs in and gives the browser its new session; the others say that it is done, and leave that session alone.
    assert sorted(got) == [("/done/", False)] * 9 + [("/w/sandbox/", True)]
    assert len(token_calls(ada.vendors, "authorization_code")) == 1
    assert len(token_calls(ada.vendors, "client_credentials")) == 1
    assert rows() == (1, 1, 2)


def test_who_clicked_twice_is_told_that_it_is_done_and_goes_on(ada: Browser) -> None:
    address = ada.decide(ada.setup())
    late = Client()
    late.cookies = ada.client.cookies.copy()
    ada.come(address)
    assert late.get(address).headers["location"] == "/done/"
    text = ada.come("/done/").content.decode()
    assert "Already done" in text and 'href="/workspaces/"' in text
    assert 'href="/setup/"' in Client().get("/done/").content.decode()


# Scopes


def without(scope: str) -> str:
    return " ".join(sorted(set(plane_oauth().scopes) - {scope}))


def test_fewer_scopes_than_asked_are_remembered(ada: Browser) -> None:
    ada.come(ada.decide(ada.setup(), scope=without("agents.runs:write")))
    kept = Credential.objects.get(slot="user").scopes.split()
    assert ("agents.runs:write" in kept, "profile:read" in kept) == (False, True)


def test_without_the_scope_that_tells_who_signs_in_the_person_is_told_which_one_is_missing(ada: Browser) -> None:
    answer = ada.come(ada.decide(ada.setup(), scope=without("profile:read")))
    assert "profile:read" in ada.problem(answer)
    assert rows() == (0, 0, 0)


def test_without_the_scope_that_tells_roles_nobody_becomes_a_member(ada: Browser) -> None:
    ada.come(ada.decide(ada.setup(), scope=without("workspaces.members:read")))
    assert not Membership.objects.exists()


def test_a_bot_without_a_scope_is_told_which_one_is_missing_and_stays_installed(ada: Browser, settings: Any) -> None:
    settings.PLANE_SCOPES = without("projects:read").split()
    ada.install()
    installation = Installation.objects.get()
    with pytest.raises(FixSettings) as caught:
        plane_for(installation).projects()
    assert "projects:read" in caught.value.person
    assert Installation.objects.get().active


# A workspace that changes


def lived_in(installation: Installation) -> tuple[ProjectPair, ItemLink, TimelineEntry]:
    pair = ProjectPairFactory(connection__installation=installation)
    return pair, ItemLinkFactory(pair=pair), TimelineEntryFactory(installation=installation)


def found() -> tuple[ProjectPair, ItemLink, TimelineEntry]:
    return ProjectPair.objects.get(), ItemLink.objects.get(), TimelineEntry.objects.get()


def test_a_reinstall_with_a_new_installation_id_keeps_settings_links_and_history(ada: Browser) -> None:
    ada.install()
    before = Installation.objects.get()
    Installation.objects.update(zone="Asia/Tokyo")
    kept = lived_in(before)
    ada.install(reinstall="1")
    after = Installation.objects.get()
    assert after.pk == before.pk and after.app_installation_id != before.app_installation_id
    assert (after.zone, found()) == ("Asia/Tokyo", kept)
    assert plane_access(after).token()


def test_a_renamed_slug_is_the_same_workspace_under_its_new_name(ada: Browser) -> None:
    ada.install()
    kept = lived_in(Installation.objects.get())
    row = ada.vendors.row("workspace", slug="sandbox")
    ada.vendors.rows.store.put("workspace", row["id"], row | {"slug": "renamed"})
    ada.enter(workspace="renamed")
    assert [one.slug for one in Installation.objects.all()] == ["renamed"]
    assert found() == kept
    assert [ada.client.get(f"/w/{slug}/").status_code for slug in ("renamed", "sandbox")] == [200, 404]


def test_who_signs_in_after_the_app_was_taken_out_is_let_in_nowhere_new(team: Team) -> None:
    take_out(team.vendors)
    olga = Browser(team.vendors, "olga")
    assert olga.come(changed(olga.decide(olga.signin(), workspace="other"))).status_code == 302
    assert {found.installation.slug for found in Membership.objects.filter(user=olga.user)} == {"other"}
