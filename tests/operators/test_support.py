from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from planeapp.inbox.models import Delivery
from planeapp.installations.models import AuditEntry, Credential
from planeapp.operators.support import site
from tests.factories import (
    ConnectionFactory,
    CredentialFactory,
    DeliveryFactory,
    InstallationFactory,
    MembershipFactory,
    SyncRunFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
AT = "/support-x7k2/"
LISTS = [f"{AT}{model._meta.app_label}/{model._meta.model_name}/" for model in site._registry]


@pytest.fixture(autouse=True)
def _open(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.operators.support_urls"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True))
    return client


def test_without_a_path_in_the_settings_there_are_no_such_pages(client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = "planeapp.urls"
    assert client.get(AT).status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("support:index")


def test_strangers_are_sent_to_plane_and_come_back(client: Client) -> None:
    assert client.get(f"{AT}login/").headers["Location"] == "/signin/?next=%2Fsupport-x7k2%2F"


def test_an_admin_of_a_workspace_is_no_staff_and_finds_nothing(client: Client) -> None:
    client.force_login(MembershipFactory().user)
    for path in (AT, *LISTS):
        assert client.get(path, follow=True).status_code == 404


@pytest.mark.parametrize("path", [AT, *LISTS])
def test_staff_see_every_list(staff: Client, path: str) -> None:
    DeliveryFactory(installation=InstallationFactory())
    SyncRunFactory()
    assert staff.get(path).status_code == 200


def test_nothing_can_be_added_changed_or_deleted(staff: Client) -> None:
    row = ConnectionFactory()
    own = f"{AT}installations/connection/"
    for path in (f"{own}add/", f"{own}{row.pk}/delete/"):
        assert staff.post(path, {"post": "yes"}).status_code == 403
    assert staff.post(f"{own}{row.pk}/change/", {"provider": "planhat"}).status_code == 403
    row.refresh_from_db()
    assert row.provider == "planner"


def test_a_connection_shows_that_it_has_secrets_and_none_of_them(staff: Client) -> None:
    row = ConnectionFactory(settings={"tenant": "canary-tenant"})
    CredentialFactory(connection=row, access="canary-access", refresh="canary-refresh")
    page = staff.get(f"{AT}installations/connection/{row.pk}/change/").content.decode()
    assert "main: ●●●● (Active" in page
    assert "canary" not in page and row.opaque_id not in page


def test_a_delivery_shows_what_became_of_it_and_not_what_it_said(staff: Client) -> None:
    row = DeliveryFactory(
        body=b'{"name": "canary"}', headers={"x-canary": "canary"}, state="dead", reason="unreadable: x"
    )
    page = staff.get(f"{AT}inbox/delivery/{row.pk}/change/").content.decode()
    assert "unreadable: x" in page and "canary" not in page


def test_secrets_people_and_audit_entries_have_no_page() -> None:
    names = {model.__name__ for model in site._registry}
    assert names == {"Installation", "Connection", "Delivery", "SyncRun", "Firing"}
    assert Credential not in admin.site._registry


def test_deliveries_are_worked_on_again_and_the_audit_log_knows_by_whom(staff: Client) -> None:
    row = DeliveryFactory(state=Delivery.State.DEAD)
    given = {"action": "replay", "_selected_action": [str(row.pk)]}
    answer = staff.post(f"{AT}inbox/delivery/", given, follow=True)
    row.refresh_from_db()
    assert (row.state, "1 put back" in answer.content.decode()) == (Delivery.State.WAITING, True)
    entry = AuditEntry.objects.get(action="replayed")
    assert (entry.user.is_staff, entry.detail["by"]) == (True, "support")


def test_there_are_no_passwords(staff: Client) -> None:
    assert staff.post(f"{AT}password_change/").status_code == 404


def test_a_form_ends_the_session_and_a_link_does_not(staff: Client) -> None:
    staff.get(f"{AT}logout/")
    assert "_auth_user_id" in staff.session
    staff.post(f"{AT}logout/")
    assert "_auth_user_id" not in staff.session


def test_search_finds_a_workspace_by_its_id(staff: Client) -> None:
    found, other = InstallationFactory(name="Alpha"), InstallationFactory(name="Omega")
    page = staff.get(f"{AT}installations/installation/?q={found.workspace_id}").content.decode()
    assert found.name in page and other.name not in page
