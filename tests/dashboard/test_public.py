from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from planeapp.bot.commands import COMMANDS
from planeapp.dashboard import listing, public
from planeapp.plane.scopes import MINIMUM_SCOPES, OPTIONAL_SCOPES
from tests.dashboard.forms import page_of

KIT = Path(settings.BASE_DIR) / "docs/marketplace/listing.md"
PAGES = ("privacy", "support", "terms")


def text(path: str) -> str:
    """What a page says."""
    main = page_of(Client().get(path)).css_first("main")
    assert main is not None
    return " ".join(main.text(separator=" ").split())


@pytest.mark.django_db
@pytest.mark.parametrize("name", PAGES)
def test_every_page_leads_to_the_pages_for_everybody(name: str) -> None:
    footer = page_of(Client().get("/")).css_first("footer")
    assert footer is not None and footer.css_first(f'a[href="{reverse(name)}"]') is not None
    assert Client().get(reverse(name)).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["home", *PAGES])
def test_headings_go_down_one_step_at_a_time_from_a_single_first_one(name: str) -> None:
    levels = [int(str(one.tag)[1]) for one in page_of(Client().get(reverse(name))).css("h1, h2, h3, h4")]
    assert levels.count(1) == 1 == levels[0]
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:], strict=False))


# Privacy


@pytest.mark.django_db
def test_the_privacy_page_tells_the_retention_that_the_settings_have(settings: Any) -> None:
    settings.DELIVERY_DAYS, settings.GRACE_DAYS, settings.SESSION_COOKIE_AGE = 11, 13, 9 * 24 * 3600
    told = text("/privacy/")
    assert "11 days; from workspaces that we do not know at most one day" in told
    assert "erased after 13 days" in told and "signed in for 9 days" in told


@pytest.mark.django_db
def test_the_privacy_page_tells_the_retention_that_the_code_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, days in (("KEPT", 77), ("QUIET", 7), ("LINES", 333), ("COUNTS_KEPT", 55), ("NEWCOMER", 2)):
        monkeypatch.setattr(public, name, timedelta(days=days))
    told = text("/privacy/")
    assert all(
        part in told for part in ("77 days; runs that changed nothing 7 days", "333 days", "55 days", "at most 2 days")
    )


@pytest.mark.django_db
def test_the_privacy_page_names_every_permission_with_its_reason() -> None:
    told = text("/privacy/")
    for scope, reason in (MINIMUM_SCOPES | OPTIONAL_SCOPES).items():
        assert f"{scope} " in told and reason in told


@pytest.mark.django_db
@pytest.mark.parametrize("name", PAGES)
def test_people_can_write_to_the_address_that_mails_come_from(settings: Any, name: str) -> None:
    settings.DEFAULT_FROM_EMAIL = "Ground Crew <crew@air.example>"
    page = page_of(Client().get(reverse(name)))
    assert page.css_first('main a[href="mailto:crew@air.example"]') is not None


# Marketplace


def test_the_listing_in_the_docs_is_the_one_that_is_made_of_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("listing", "--example")
    assert KIT.read_text() == capsys.readouterr().out, (
        "run: python manage.py listing --example > docs/marketplace/listing.md"
    )


def test_the_listing_of_an_installation_has_its_own_addresses(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.APP_BASE_URL, settings.APP_NAME = "https://crew.air.example", "Air Crew"
    settings.DEFAULT_FROM_EMAIL = "crew@air.example"
    call_command("listing")
    told = capsys.readouterr().out
    for value in ("Air Crew", "crew@air.example", "https://crew.air.example/setup/",
                  "https://crew.air.example/oauth/plane/callback/", "https://crew.air.example/webhooks/plane/"):  # fmt: skip
        assert f"| {value} |" in told
    assert "groundcrew.example" not in told


def test_the_listing_names_every_scope_with_its_reason_and_counts_the_commands() -> None:
    told = KIT.read_text()
    rows = dict(re.findall(r"^\| `([a-z_.]+:[a-z]+)` \| to (.+) \|$", told, re.MULTILINE))
    assert rows == MINIMUM_SCOPES | OPTIONAL_SCOPES
    assert f"{len(COMMANDS)} commands" in told


def test_texts_are_short_enough_for_a_card() -> None:
    assert len(listing.TAGLINE) <= 80 and len(listing.SHORT) <= 240


def test_the_listings_pictures_are_taken_by_the_browser_tests_and_the_logo_is_there() -> None:
    rooms = (Path(settings.BASE_DIR) / "tests/browser").glob("test_*.py")
    named = set(re.findall(r'"([a-z_-]+)"', "".join(room.read_text() for room in rooms)))
    taken = named | {f"companies-{name.replace('_', '-')}" for name in named}
    assert {name.rsplit("-", 2)[0] for name in listing.SCREENSHOTS} <= taken
    assert (Path(settings.BASE_DIR) / "static/img/logo.svg").read_text().startswith("<svg")
