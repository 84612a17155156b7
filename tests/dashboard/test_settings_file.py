"""The settings file's page. What a file may say is in tests/sync and tests/customers."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from planeapp.installations.models import AuditEntry, Installation
from planeapp.sync.models import ProjectPair
from planeapp.sync.settings_yaml import LARGEST
from tests.customers.factories import CompanyRuleFactory
from tests.dashboard.forms import filled
from tests.factories import MembershipFactory, ProjectPairFactory

pytestmark = pytest.mark.django_db
PAGE = "/w/air/settings-file/"


@pytest.fixture
def pair() -> ProjectPair:
    """A pair with Planner in a workspace that also has a company rule."""
    made: ProjectPair = ProjectPairFactory(connection__installation__slug="air", project_key="CUST", zone="UTC")
    CompanyRuleFactory(connection__installation=made.connection.installation, name="Kick-off")
    return made


@pytest.fixture
def ada(client: Client, pair: ProjectPair) -> Client:
    """An admin's browser."""
    client.force_login(MembershipFactory(installation=Installation.objects.get()).user)
    return client


def exported(browser: Client) -> str:
    return browser.get(f"{PAGE}download/").content.decode()


def upload(browser: Client, text: str, **more: Any) -> Any:
    return browser.post(PAGE, {"file": SimpleUploadedFile("air.yaml", text.encode()), **more})


def test_what_is_downloaded_changes_nothing_when_it_is_read_in(ada: Client) -> None:
    text = exported(ada)
    assert "project: CUST" in text and "Kick-off" in text
    shown = upload(ada, text).content.decode()
    assert "It would change nothing" in shown and "Change it so" not in shown


def test_a_change_is_shown_first_and_made_when_it_is_confirmed(ada: Client, pair: ProjectPair) -> None:
    text = exported(ada).replace("zone: UTC", "zone: Asia/Tokyo").replace("phase", "health")
    answer = upload(ada, text)
    shown = answer.content.decode()
    assert "zone: UTC → Asia/Tokyo" in shown and "company_rules[Kick-off]" in shown
    pair.refresh_from_db()
    assert pair.zone == "UTC"
    form = filled(answer, PAGE) | {"do": "yes"}
    assert "are now as the file says" in ada.post(PAGE, form, follow=True).content.decode()
    pair.refresh_from_db()
    assert pair.zone == "Asia/Tokyo"
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {
        "imported_settings",
        "imported_company_settings",
    }


def test_a_second_click_writes_nothing(ada: Client) -> None:
    form = filled(upload(ada, exported(ada).replace("zone: UTC", "zone: Asia/Tokyo")), PAGE) | {"do": "yes"}
    ada.post(PAGE, form)
    again = ada.post(PAGE, form).content.decode()
    assert "Nothing was written; please look once more" in again and "It would change nothing" in again
    assert AuditEntry.objects.count() == 1


def test_what_somebody_else_changed_meanwhile_is_shown_anew_instead_of_written(ada: Client, pair: ProjectPair) -> None:
    form = filled(upload(ada, exported(ada).replace("zone: UTC", "zone: Asia/Tokyo")), PAGE) | {"do": "yes"}
    ProjectPair.objects.update(enabled=False)
    shown = ada.post(PAGE, form).content.decode()
    assert "changed while you looked" in shown and "enabled: false → true" in shown
    assert ProjectPair.objects.get().zone == "UTC"


def test_what_the_file_does_not_name_goes_only_when_that_was_ticked(ada: Client) -> None:
    nothing = "version: 1\nconnections: {planner: {pairs: []}}\n"
    assert "left alone" in upload(ada, nothing).content.decode()
    answer = upload(ada, nothing, remove="on")
    assert "taken away" in answer.content.decode()
    ada.post(PAGE, filled(answer, PAGE) | {"do": "yes"})
    assert not ProjectPair.objects.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nspeed: fast\n", "line 2: speed: there is no such setting"),
        ("{", "this is not YAML"),
        ("", "the file is empty"),
        ("version: 2\n", "this file is of another version"),
        ("version: 1\nconnections: {salesforce: {}}\n", "connections.salesforce"),
        ("<script>alert(1)</script>", "names with values are expected here"),
        ("x" * (LARGEST + 1), "larger than 1024 KiB"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_changes_nothing(ada: Client, text: str, says: str) -> None:
    answer = upload(ada, text)
    assert answer.status_code == 422
    assert says in answer.content.decode() and b"<script>alert" not in answer.content


def test_a_text_can_be_pasted_and_one_of_the_two_is_needed(ada: Client) -> None:
    assert "It would change nothing" in ada.post(PAGE, {"text": "version: 1\n"}).content.decode()
    assert "Choose a file, or paste its text." in ada.post(PAGE, {"text": " "}).content.decode()
