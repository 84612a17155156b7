"""An install with fewer scopes than asked for, over the sandbox's consent page."""

from __future__ import annotations

from typing import Any

import pytest

from planeapp.installations.gateways import plane_for, plane_off
from planeapp.installations.models import Credential, Installation, Membership
from planeapp.plane.scopes import MINIMUM_SCOPES
from tests.accounts.browser import Browser
from tests.fewer import all_but, allow
from tests.installations import at_plane
from tests.vendors import Vendors

own_counters = at_plane.own_counters
pytestmark = pytest.mark.django_db
DATES = "projects.work_items:write"


@pytest.fixture
def ada(vendors: Vendors) -> Browser:
    """Ada's browser, before anything was installed."""
    return Browser(vendors)


def install(ada: Browser, without: str, **decision: str) -> Any:
    """Ada takes the tick from one box of the consent page; gives our answer to the callback."""
    boxes: Any = {"boxes": "1", "allow": [scope for scope in MINIMUM_SCOPES if scope != without]}
    return ada.install(**boxes, **decision)


def overview(ada: Browser) -> str:
    return " ".join(ada.client.get("/w/sandbox/").content.decode().replace("&#x27;", "'").split())


def test_an_install_with_fewer_scopes_says_what_is_off_why_and_how_to_mend_it(ada: Browser) -> None:
    assert install(ada, DATES).headers["location"] == "/w/sandbox/"
    page = overview(ada)
    assert "Plane did not allow all that it asked for" in page  # said once, where the callback leads
    assert f"Plane did not allow {DATES}, so work items in Plane, such as their dates, are not changed." in page
    assert "Tick it in the app's Scopes &amp; Permissions in Plane, then install the app again." in page
    assert "did not allow all" not in overview(ada) and DATES in overview(ada)


def test_an_install_with_all_scopes_says_nothing_of_them(ada: Browser) -> None:
    install(ada, "")
    assert "did not allow" not in overview(ada)


def test_installing_again_with_all_scopes_brings_everything_back(ada: Browser) -> None:
    install(ada, DATES)
    assert [off.feature.name for off in plane_off(Installation.objects.get())] == ["write_items"]
    install(ada, "", reinstall="1")
    assert plane_off(Installation.objects.get()) == ()
    assert "features-off" not in overview(ada)


def test_what_is_allowed_later_is_noticed_at_the_next_sign_in(ada: Browser) -> None:
    install(ada, DATES)
    allow(ada.vendors.rows, Installation.objects.get(), all_but())
    ada.enter()
    assert plane_off(Installation.objects.get()) == ()


def test_a_plane_that_does_not_answer_that_question_keeps_nobody_out(ada: Browser) -> None:
    install(ada, DATES)
    ada.vendors.plane.fault("/auth/o/token/", contains="client_credentials", status=503, times=9)
    assert ada.enter().headers["location"] == "/w/sandbox/"
    assert plane_off(Installation.objects.get())
    assert Credential.objects.get(slot="bot").access


@pytest.mark.parametrize("scope", ["profile:read", "workspaces.members:read"])
def test_without_the_scopes_that_tell_who_comes_and_their_role_nobody_is_let_in_and_no_call_is_made(
    ada: Browser, scope: str
) -> None:
    answer = install(ada, scope)
    assert scope in ada.problem(answer)
    assert not ada.vendors.plane.asked("GET", "/api/v1/")
    assert (Installation.objects.count(), Membership.objects.count(), ada.user) == (0, 0, None)


def test_the_bot_asks_for_nothing_that_its_token_does_not_allow(ada: Browser) -> None:
    install(ada, "projects.labels:read")
    plane = plane_for(Installation.objects.get())
    assert (plane.offers("labels"), plane.offers("make_labels"), plane.offers("write_items")) == (False, False, True)
