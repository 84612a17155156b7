from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import QueryDict

from planeapp.providers import settings_form_of
from planeapp.providers.planner.forms import ConnectForm, SettingsForm
from planeapp.providers.planner.provider import Planner
from planeapp.providers.planner.template import DEFAULT


def test_a_token_goes_into_the_api_slot() -> None:
    form = ConnectForm({"token": " plr_pat_pat_abc.secret "})
    assert form.is_valid() and form.warnings == []
    assert form.credentials() == {"api": "plr_pat_pat_abc.secret"}
    assert form.settings() == {"slots": ["api"], "rest_create": False, "confirm_writes": True}


def test_an_odd_token_is_warned_about_and_taken() -> None:
    form = ConnectForm({"token": "Bearer sa-something", "rest_create": "on"})
    assert form.is_valid() and len(form.warnings) == 1
    assert form.credentials() == {"api": "sa-something"} and form.settings()["rest_create"] is True


@pytest.mark.parametrize("token", ["", "   ", "plr_pat_a.b c", "plr_pat_ä.b"])
def test_what_cannot_be_a_header_is_refused(token: str) -> None:
    assert "token" in ConnectForm({"token": token}).errors


def test_the_token_is_not_shown_again() -> None:
    assert "plr_pat_pat_abc" not in str(ConnectForm({"token": "plr_pat_pat_abc.secret"}))


def test_tools_may_write_unless_an_admin_says_no() -> None:
    form = ConnectForm({"token": "plr_pat_a.b", "write_tools": "false"})
    assert form.is_valid() and form.settings()["confirm_writes"] is False
    both = QueryDict("token=plr_pat_a.b&write_tools=false&write_tools=on")
    ticked = ConnectForm(both)
    assert ticked.is_valid() and ticked.settings()["confirm_writes"] is True


def test_the_box_for_writing_is_ticked_at_first_and_tells_when_it_is_not() -> None:
    shown = str(ConnectForm()["write_tools"])
    assert 'type="hidden" name="write_tools" value="false"' in shown and "checked" in shown
    assert "checked" not in str(ConnectForm({"write_tools": "false"})["write_tools"])


def sent(**more: str) -> dict[str, str]:
    return {"template": json.dumps(DEFAULT), "end_inclusive": "auto", "states": "", **more}


def settings_form(old: dict[str, Any] | None = None, **more: str) -> SettingsForm:
    return SettingsForm(sent(**more), initial=SettingsForm.initial_from(old or {}))


def test_every_vendor_s_settings_form_is_found_by_its_key() -> None:
    assert settings_form_of("planner") is SettingsForm
    other = settings_form_of("planhat")
    assert other is not None and other is not SettingsForm


def test_what_is_shown_can_be_sent_back_unchanged() -> None:
    old = {
        "slots": ["api"], "rest_create": True, "template": {"name": "{{title}}", "memo": "{{notes}}"},
        "states": {"started": "CONFIRMED"}, "end_inclusive": False, "subscriptions_prefix": "v1", "mcp_path": "/mcp",
    }  # fmt: skip
    shown = SettingsForm.initial_from(old)
    form = SettingsForm({name: value for name, value in shown.items() if name != "proven"}, initial=shown)
    assert form.is_valid(), form.errors
    assert {**form.settings(old), "template_proven": None} == {**old, "template_proven": None}


def test_rest_stays_off_until_a_test_block_was_made_or_the_template_is_confirmed() -> None:
    assert "Make a test block" in str(settings_form(rest_create="on").errors["rest_create"])
    confirmed = settings_form(rest_create="on", template_confirmed="on")
    assert confirmed.is_valid() and confirmed.settings({})["rest_create"] is True
    tried = Planner.tried_out({"slots": ["api"]})
    assert tried["rest_create"] is True and settings_form(dict(tried), rest_create="on").is_valid()
    other = settings_form(dict(tried), rest_create="on", template='{"name": "{{title}} {{notes}}"}')
    assert "rest_create" in other.errors


def test_a_pasted_example_becomes_the_template() -> None:
    form = settings_form(
        example='curl -d \'{"name": "Shift", "startDate": "2026-11-23"}\' https://x', template="{broken"
    )
    assert form.is_valid() and form.settings({})["template"] == {
        "name": "{{title|truncate:255}}", "startDate": "{{start|date}}",
    }  # fmt: skip
    assert "cannot be found again" in form.warnings[0]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("template", '{"a": "{{colour}}"}', "colour"),
        ("example", "no json here", "no JSON object"),
        ("states", "started CONFIRMED", "is not understood"),
        ("states", "busy = CONFIRMED", "not one of our states"),
        ("mcp_path", "https://evil.example/mcp", "path alone"),
        ("subscriptions_prefix", "//evil.example", "beginning of the path"),
        ("end_inclusive", "perhaps", "not one of the available choices"),
    ],
)
def test_what_cannot_work_is_refused_beside_its_field(name: str, value: str, said: str) -> None:
    assert said in str(settings_form(**{name: value}).errors[name])


def test_states_are_read_line_by_line_and_other_settings_stay() -> None:
    form = settings_form(states="started = CONFIRMED\n\n completed=DONE ", end_inclusive="no")
    assert form.is_valid()
    found = form.settings({"slots": ["api"], "withheld": ["delete_block"], "end_inclusive": True})
    assert found["states"] == {"started": "CONFIRMED", "completed": "DONE"} and found["end_inclusive"] is False
    assert (found["slots"], found["withheld"]) == (["api"], ["delete_block"])
