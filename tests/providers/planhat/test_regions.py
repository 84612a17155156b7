"""Only Planhat's own hosts are talked to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.lib.errors import FixSettings
from planeapp.providers.planhat import regions


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("", "api.planhat.com"),
        ("us4", "api-us4.planhat.com"),
        (" EU ", "api-eu.planhat.com"),
        ("demo", "api.planhatdemo.com"),
        ("https://api-eu3.planhat.com/companies", "api-eu3.planhat.com"),
        ("https://app-us1.planhat.com/", "api-us1.planhat.com"),
        ("ws.planhat.com", "api.planhat.com"),
    ],
)
def test_a_region_is_understood_in_the_forms_people_copy(typed: str, host: str) -> None:
    assert regions.host(typed) == host
    assert regions.base_url(typed) == f"https://{host}"


@pytest.mark.parametrize(
    "typed",
    [
        "http://api.planhat.com",
        "api.planhat.com.evil.example",
        "evil.example",
        "api.planhat.com:8080",
        "user@api.planhat.com",
        "169.254.169.254",
        "api-eu_2.planhat.com",
        "api.planhat.com\n",
        "us4/../evil",
    ],
)
def test_anything_else_is_refused_or_stays_at_planhat(typed: str) -> None:
    try:
        found = regions.host(typed)
    except FixSettings as refused:
        assert "api-us4.planhat.com" in refused.person
    else:
        assert regions.HOST.fullmatch(found)


@given(st.text(max_size=60))
def test_no_text_leads_anywhere_but_to_planhat(typed: str) -> None:
    try:
        host = regions.host(typed)
    except FixSettings:
        host = "api.planhat.com"
    assert host.endswith((".planhat.com", ".planhatdemo.com")) and regions.HOST.fullmatch(host)


def test_every_known_region_has_a_label_with_its_host() -> None:
    assert all(regions.host(region) in regions.label(region) for region in regions.KNOWN)
