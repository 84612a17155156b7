"""What an admin fills in becomes credentials and settings."""

from __future__ import annotations

import pytest

from planeapp.providers.planhat import regions
from planeapp.providers.planhat.forms import ConnectForm, SettingsForm

TENANT = "199627f7-0d65-52cd-89b9-45b5ff561bem"


def filled(**data: str) -> ConnectForm:
    return ConnectForm({"token": "abc", **data})


def test_a_token_is_enough() -> None:
    form = filled()
    assert form.is_valid(), form.errors
    assert form.credentials() == {"api": "abc"}
    assert form.settings() == {"region": "", "auth": "bearer", "tenant_slug": ""}


def test_everything_filled_in_is_told_apart_into_secrets_and_settings() -> None:
    form = filled(region="eu2", auth="basic", tenant=f" {TENANT} ", tenant_slug="https://ws.planhat.com/acme/home")
    assert form.is_valid(), form.errors
    assert form.credentials() == {"api": "abc", "tenant": TENANT}
    assert form.settings() == {"region": "eu2", "auth": "basic", "tenant_slug": "acme"}


def test_secrets_are_never_written_back_into_the_page() -> None:
    html = filled(token="very-secret", tenant=TENANT).as_p()
    assert "very-secret" not in html and TENANT not in html
    assert html.count('type="password"') == 2


def test_another_region_can_be_typed() -> None:
    form = filled(region="other", other_region="api-us7.planhat.com")
    assert form.is_valid(), form.errors
    assert regions.base_url(form.settings()["region"]) == "https://api-us7.planhat.com"


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("token", {"token": ""}),
        ("token", {"token": "two words"}),
        ("token", {"token": "tökén"}),
        ("region", {"region": "mars"}),
        ("other_region", {"region": "other"}),
        ("other_region", {"region": "other", "other_region": "evil.example"}),
        ("auth", {"auth": "digest"}),
        ("tenant", {"tenant": "../etc"}),
        ("tenant_slug", {"tenant_slug": "a b"}),
    ],
)
def test_what_cannot_be_right_is_refused_at_its_field(field: str, data: dict[str, str]) -> None:
    form = filled(**data)
    assert not form.is_valid()
    assert field in form.errors


@pytest.mark.parametrize("chosen", ["arr", "mrr", "custom:Net ARR"])
def test_the_revenue_field_is_shown_and_saved_as_it_is(chosen: str) -> None:
    shown = SettingsForm.initial_from({"revenue": chosen, "call_names": "later", "fields_by_hand": True})
    form = SettingsForm(shown, initial=shown)
    assert form.is_valid(), form.errors
    saved = form.settings({"region": "us4"})
    assert saved == {"region": "us4", "revenue": chosen, "call_names": "later", "fields_by_hand": True}


def test_a_connection_without_settings_shows_the_usual_ones() -> None:
    shown = {"revenue": "arr", "revenue_field": "", "fields_by_hand": False, "call_names": "first"}
    assert SettingsForm.initial_from({}) == SettingsForm.initial_from({"revenue": "nonsense"}) == shown


def test_a_custom_field_as_revenue_needs_its_name() -> None:
    form = SettingsForm({"revenue": "custom", "revenue_field": " "})
    assert not form.is_valid() and "revenue_field" in form.errors
