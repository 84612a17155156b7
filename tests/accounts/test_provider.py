from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import RequestFactory

from planeapp.accounts.models import User
from planeapp.accounts.provider import PlaneAccount
from tests.accounts.browser import Browser
from tests.vendors import Vendors

ME = {"id": "5f0f0f0f-0000-4000-8000-000000000001", "email": "ada@sandbox.test", "first_name": "Ada", "last_name": "Admin",
      "display_name": "ada", "avatar_url": "http://x", "token": "not for keeping"}  # fmt: skip


@pytest.fixture
def provider(db: None) -> Any:
    """allauth's side of Plane."""
    return get_adapter().get_provider(RequestFactory().get("/"), "plane")


def test_a_person_is_known_by_planes_id(provider: Any) -> None:
    assert provider.extract_uid(ME) == ME["id"]
    assert provider.extract_common_fields(ME)["username"] == ME["id"]


def test_what_plane_leaves_out_is_empty(provider: Any) -> None:
    found = provider.extract_common_fields({"id": "x", "email": None})
    assert found == {"username": "x", "email": "", "first_name": "", "last_name": ""}


def test_allauth_keeps_who_the_person_is_and_nothing_more(provider: Any) -> None:
    assert provider.extract_extra_data(ME) == {name: ME[name] for name in ("id", "email", "display_name")}


@pytest.mark.parametrize(
    ("data", "shown"), [(ME, "ada"), ({"email": "ada@sandbox.test"}, "ada@sandbox.test"), ({}, "Plane")]
)
def test_an_account_shows_the_best_name_that_it_has(data: dict[str, str], shown: str, provider: Any) -> None:
    account = PlaneAccount(SocialAccount(provider="plane", uid="1", extra_data=data))
    assert shown in account.to_str()


@pytest.mark.django_db
def test_tokens_never_reach_allauth(vendors: Vendors) -> None:
    Browser(vendors).enter()
    assert (SocialAccount.objects.count(), SocialToken.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("user", "name"), [
        (User(username="1", display_name="ada", email="a@b.c"), "ada"), (User(username="1", email="a@b.c"), "a@b.c"),
        (User(username="1"), "1"),
    ],
)  # fmt: skip
def test_a_person_is_called_by_the_best_name_that_we_know(user: User, name: str) -> None:
    assert str(user) == name


@pytest.mark.django_db
def test_a_person_has_no_password_of_ours(vendors: Vendors) -> None:
    browser = Browser(vendors)
    browser.enter()
    assert browser.user is not None and not browser.user.has_usable_password()
    assert str(browser.user.plane_id) == browser.user.username == vendors.person("ada")["id"]
