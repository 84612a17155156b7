from __future__ import annotations

import pytest

from planeapp.dashboard.consent_form import ConsentForm
from planeapp.installations.consents import Wish
from planeapp.providers.consent import OAuthClient


def test_an_empty_form_wishes_for_nothing_in_particular() -> None:
    form = ConsentForm({})
    assert form.is_valid() and form.wish() == Wish()


def test_a_typed_client_is_taken_without_the_spaces_around_it() -> None:
    form = ConsentForm({"client_id": " c1 ", "client_secret": " s1 "})
    assert form.is_valid() and form.wish().client == OAuthClient("c1", "s1")


@pytest.mark.parametrize(("typed", "hosts"), [
    ("login.example.com", ("login.example.com",)),
    ("https://Login.Example.com/", ("login.example.com",)),
    ("https://login.example.com/tenant/7", ("login.example.com",)),
    ("login.example.com:8443, login.example.com:443", ("login.example.com:8443", "login.example.com")),
    ("a.example b.example\na.example", ("a.example", "b.example")),
    ("", ()),
])  # fmt: skip
def test_sign_in_addresses_become_hosts(typed: str, hosts: tuple[str, ...]) -> None:
    form = ConsentForm({"issuers": typed})
    assert form.is_valid() and form.wish().issuers == hosts


@pytest.mark.parametrize("typed", [
    "http://login.example.com", "javascript:alert(1)", "*.example.com", "login.example.com/x", "me@login.example.com",
    "https://login.example.com:pass@evil.example", "-login.example", "lögin.example", "https://", "[::1]", "https://[",
    "a.example b.example c.example d.example e.example f.example",
])  # fmt: skip
def test_what_is_no_https_host_is_refused_in_words(typed: str) -> None:
    form = ConsentForm({"issuers": typed})
    assert not form.is_valid()
    assert "Allowed sign-in addresses:" in form.complaint()


def test_the_secret_is_not_shown_again() -> None:
    assert "s1-hush" not in str(ConsentForm({"client_id": "c1", "client_secret": "s1-hush"}))
