from __future__ import annotations

import base64
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from planeapp.installations import states
from planeapp.installations.models import OAuthState
from planeapp.lib.errors import Refused
from tests.factories import OAuthStateFactory

pytestmark = pytest.mark.django_db
Session = import_module(settings.SESSION_ENGINE).SessionStore


def browser(session: object = None) -> HttpRequest:
    """A request of a browser, with a session of its own."""
    request = RequestFactory().get("/setup/")
    request.session = session or Session()  # type: ignore[assignment]
    return request


def begin(request: HttpRequest, next_page: str = "") -> states.Begun:
    return states.begin(request, OAuthState.Purpose.INSTALL, "http://plane.invalid", next_page)


def refusal(request: HttpRequest, state: str) -> str:
    with pytest.raises(Refused) as caught:
        states.spend(request, state)
    assert "Please start again" in caught.value.person
    return caught.value.code


def test_who_comes_back_in_time_with_the_same_browser_is_known_again() -> None:
    request = browser()
    found = states.spend(request, begin(request, "/w/acme/").state)
    assert (found.purpose, found.issuer, found.next_page) == ("install", "http://plane.invalid", "/w/acme/")


def test_the_challenge_belongs_to_the_verifier_that_was_kept() -> None:
    request = browser()
    begun = begin(request)
    digest = hashlib.sha256(str(states.spend(request, begun.state).verifier).encode()).digest()
    assert begun.challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_neither_the_state_nor_the_browser_stands_in_the_database() -> None:
    request = browser()
    begun = begin(request)
    row = repr(OAuthState.objects.values().get())
    assert begun.state not in row
    assert request.session["browser"] not in row


def test_a_state_works_once() -> None:
    request = browser()
    state = begin(request).state
    states.spend(request, state)
    assert refusal(request, state) == "used_state"


def test_a_state_of_another_browser_is_refused_and_stays_good_for_its_own() -> None:
    mine, their = browser(), browser()
    state = begin(mine).state
    assert refusal(their, state) == "other_browser"
    assert states.spend(mine, state)


@pytest.mark.parametrize("state", ["", "unknown", "x" * 5000, "\x00", "é"])
def test_a_state_that_we_did_not_make_is_refused(state: str) -> None:
    assert refusal(browser(), state) == "unknown_state"


def test_a_state_ends_after_ten_minutes() -> None:
    request = browser()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        state = begin(request).state
        clock.shift(timedelta(minutes=10, seconds=1))
        assert refusal(request, state) == "expired_state"


def test_a_state_is_good_until_its_ten_minutes_are_over() -> None:
    request = browser()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        state = begin(request).state
        clock.shift(timedelta(minutes=9, seconds=59))
        assert states.spend(request, state)


ELSEWHERE = [
    "https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example", "http:///evil.example",
    "javascript:alert(1)", "data:text/html,x", " https://evil.example/", "https:evil.example", "\t//evil.example",
    "/w/\x00acme/", "/w/\nacme/", "/" + "x" * 600,
]  # fmt: skip


@pytest.mark.parametrize("page", ELSEWHERE, ids=range(len(ELSEWHERE)))
def test_a_next_page_that_leads_elsewhere_or_cannot_be_kept_is_dropped(page: str) -> None:
    request = browser()
    assert states.spend(request, begin(request, page).state).next_page == ""


@pytest.mark.parametrize("page", ["/", "/w/acme/activity/?state=dead", "/w/acme/#top"])
def test_a_next_page_of_ours_is_kept(page: str) -> None:
    request = browser()
    assert states.spend(request, begin(request, page).state).next_page == page


def test_two_attempts_of_one_browser_do_not_disturb_each_other() -> None:
    request = browser()
    first, second = begin(request), begin(request)
    assert states.spend(request, second.state) != states.spend(request, first.state)


@pytest.mark.django_db(transaction=True)
def test_of_ten_callbacks_at_once_one_gets_the_state() -> None:
    request = browser()
    state = begin(request).state
    request.session.save()
    gate = threading.Barrier(10)

    def spend() -> str:
        gate.wait()
        try:
            states.spend(browser(Session(request.session.session_key)), state)
        except Refused as error:
            return error.code
        finally:
            connection.close()
        return "spent"

    with ThreadPoolExecutor(10) as pool:
        got = [future.result() for future in [pool.submit(spend) for _ in range(10)]]
    assert sorted(got) == ["spent"] + ["used_state"] * 9


def test_what_ended_more_than_a_day_ago_is_forgotten() -> None:
    now = timezone.now()
    kept = [
        OAuthStateFactory(expires_at=now + timedelta(minutes=5)),
        OAuthStateFactory(expires_at=now - timedelta(hours=23)),
    ]
    OAuthStateFactory(expires_at=now - timedelta(hours=25))
    assert states.forget_old() == 1
    assert set(OAuthState.objects.all()) == set(kept)
