from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import InstallationFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_the_landing_page_offers_install_and_sign_in(client: Client) -> None:
    text = client.get("/").content.decode()
    assert 'href="/setup/"' in text and "/signin/" in text


def test_the_list_of_workspaces_wants_a_person(client: Client) -> None:
    assert client.get("/workspaces/").headers["location"] == "/signin/?next=/workspaces/"


def test_a_person_with_one_workspace_goes_straight_there(client: Client) -> None:
    membership = MembershipFactory()
    client.force_login(membership.user)
    assert client.get("/workspaces/").headers["location"] == f"/w/{membership.installation.slug}/"


def test_a_person_with_several_sees_theirs_by_name_and_no_others(client: Client) -> None:
    user = UserFactory()
    for name in ("Zulu Air", "Alpha Air"):
        MembershipFactory(user=user, installation__name=name)
    InstallationFactory(name="Not yours")
    client.force_login(user)
    text = client.get("/workspaces/").content.decode()
    assert text.index("Alpha Air") < text.index("Zulu Air")
    assert "Not yours" not in text


def test_a_person_without_any_is_told_what_to_do(client: Client) -> None:
    client.force_login(UserFactory())
    answer = client.get("/workspaces/")
    assert answer.status_code == 200
    assert 'href="/setup/"' in answer.content.decode()


@pytest.mark.parametrize("path", ["/nothing/here/", "/w/no-such-space/", "/w/"])
def test_a_page_that_does_not_exist_says_so_and_names_nobody(client: Client, path: str) -> None:
    InstallationFactory(slug="secret-space")
    client.force_login(UserFactory())
    answer = client.get(path)
    assert (answer.status_code, "secret-space" in answer.content.decode()) == (404, False)
    assert "This page does not exist" in answer.content.decode()
