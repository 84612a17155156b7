from __future__ import annotations

import pytest

from planeapp.providers.planner.forms import ConnectForm


def test_a_token_goes_into_the_api_slot() -> None:
    form = ConnectForm({"token": " plr_pat_pat_abc.secret "})
    assert form.is_valid() and form.warnings == []
    assert form.credentials() == {"api": "plr_pat_pat_abc.secret"}
    assert form.settings() == {"slots": ["api"], "rest_create": False}


def test_an_odd_token_is_warned_about_and_taken() -> None:
    form = ConnectForm({"token": "Bearer sa-something", "rest_create": "on"})
    assert form.is_valid() and len(form.warnings) == 1
    assert form.credentials() == {"api": "sa-something"} and form.settings()["rest_create"] is True


@pytest.mark.parametrize("token", ["", "   ", "plr_pat_a.b c", "plr_pat_ä.b"])
def test_what_cannot_be_a_header_is_refused(token: str) -> None:
    assert "token" in ConnectForm({"token": token}).errors


def test_the_token_is_not_shown_again() -> None:
    assert "plr_pat_pat_abc" not in str(ConnectForm({"token": "plr_pat_pat_abc.secret"}))
