"""The page of members. Who may open it is in test_urls."""

from __future__ import annotations

import pytest
from django.test import Client

from planeapp.installations.models import Membership
from tests.dashboard.forms import page_of
from tests.factories import MembershipFactory
from tests.installations.at_plane import set_role, signed_in
from tests.vendors import Team

pytestmark = pytest.mark.django_db
PAGE = "/w/sandbox/members/"


@pytest.fixture
def ada(team: Team, client: Client) -> Client:
    """The admin's browser; Ada has a token of her own."""
    signed_in(team, "ada")
    client.force_login(team.members["ada"].user)
    return client


def text(browser: Client) -> str:
    main = page_of(browser.get(PAGE)).css_first("main")
    assert main is not None
    return " ".join(main.text(separator=" ").split())


def test_it_says_who_is_known_in_which_role(ada: Client, team: Team) -> None:
    MembershipFactory(user__display_name="Stranger")
    shown = text(ada)
    assert "3 people" in shown and "ada (you) ada@sandbox.test Admin" in shown and "gus gus@sandbox.test Guest" in shown
    assert "Stranger" not in shown


def test_members_see_no_mail_addresses(team: Team) -> None:
    browser = Client()
    browser.force_login(team.members["milo"].user)
    shown = text(browser)
    assert "ada Admin" in shown and "@" not in shown


def test_asking_plane_again_takes_over_every_role(ada: Client, team: Team) -> None:
    set_role(team, "milo", 20)
    gone = MembershipFactory(installation=team.installation)
    shown = ada.post(f"{PAGE}ask/", follow=True).content.decode()
    assert "1 changed, 1 left the workspace" in shown
    assert Membership.objects.get(pk=team.members["milo"].pk).role == 20
    assert not Membership.objects.filter(pk=gone.pk).exists()
    assert "nothing has changed" in ada.post(f"{PAGE}ask/", follow=True).content.decode()


def test_a_plane_that_does_not_answer_changes_nothing(ada: Client, team: Team) -> None:
    team.vendors.plane.fault(".*", times=20, status=503)
    assert "nothing was changed" in ada.post(f"{PAGE}ask/", follow=True).content.decode()
    assert team.installation.memberships.count() == 3
