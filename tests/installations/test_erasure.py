"""Who goes with a workspace, who stays, and what a reinstall or a lost key does to the erasing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from planeapp.installations import uninstall
from planeapp.installations.models import AuditEntry, Credential, Installation, Membership
from planeapp.installations.people import leave
from planeapp.installations.tasks import upkeep
from planeapp.installations.uninstall import erase_after_grace, offboard
from planeapp.lib.errors import Gone
from tests.factories import (
    ConnectionFactory,
    CredentialFactory,
    InstallationFactory,
    MembershipFactory,
    UserFactory,
)
from tests.installations.at_plane import own_token, signed_in
from tests.vendors import Team

pytestmark = pytest.mark.django_db
User = get_user_model()
LOST = "not possible: the stored secret does not open"
LONG_AGO = timedelta(days=99)


@pytest.fixture
def over() -> Installation:
    """A workspace that took the app out long ago, with a member."""
    found: Installation = MembershipFactory(
        installation__status="uninstalled", installation__uninstalled_at=timezone.now() - LONG_AGO
    ).installation
    return found


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> None:
    """Something happens after the workspace was chosen, while the vendors are asked to revoke."""
    real = uninstall._revoke

    def revoke(installation: Installation) -> dict[str, str]:
        happens()
        return real(installation)

    monkeypatch.setattr(uninstall, "_revoke", revoke)


def last_seen(user: Any, ago: timedelta) -> None:
    User.objects.filter(pk=user.pk).update(last_login=timezone.now() - ago)


# A reinstall wins


@pytest.mark.parametrize("back", [{"status": "active", "uninstalled_at": None}, {"uninstalled_at": timezone.now()}])
def test_a_workspace_that_comes_back_between_list_and_erasing_stays(
    over: Installation, monkeypatch: pytest.MonkeyPatch, back: dict[str, Any]
) -> None:
    meanwhile(monkeypatch, lambda: Installation.objects.update(**back))
    assert erase_after_grace() == 0
    assert (Installation.objects.get(), Membership.objects.count(), User.objects.count()) == (over, 1, 1)
    assert not AuditEntry.objects.exists()


def test_a_workspace_that_came_back_before_its_turn_is_not_revoked_either(
    over: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = InstallationFactory(status="uninstalled", uninstalled_at=over.uninstalled_at - timedelta(days=1))
    asked: list[Installation] = []

    def revoke(installation: Installation) -> dict[str, str]:
        asked.append(installation)
        Installation.objects.exclude(pk=installation.pk).update(status="active")
        return {}

    monkeypatch.setattr(uninstall, "_revoke", revoke)
    assert (erase_after_grace(), len(asked), Installation.objects.count()) == (1, 1, 1)
    assert first.pk != over.pk


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_erasing_waits_for_a_reinstall_that_holds_the_row_and_then_leaves_it(over: Installation) -> None:
    from django.db import transaction

    held, waits = threading.Event(), threading.Event()

    def reinstall() -> None:
        with transaction.atomic():
            row = Installation.objects.select_for_update().get(pk=over.pk)
            held.set()
            waits.wait(20)
            row.status, row.uninstalled_at = Installation.Status.ACTIVE, None
            row.save()
        connection.close()

    def erase() -> int:
        try:
            return erase_after_grace()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        coming = pool.submit(reinstall)
        held.wait(20)
        erasing = pool.submit(erase)
        while not _somebody_waits_for_a_row():
            assert not erasing.done(), "the erasing did not wait for the row"
        waits.set()
        coming.result()
        assert erasing.result() == 0
    assert Installation.objects.get().active


def _somebody_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def test_of_two_who_erase_at_once_one_gets_the_receipt(over: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: Installation.objects.all().delete())
    with pytest.raises(Gone):
        offboard(over, by="a test")
    assert not AuditEntry.objects.filter(action="offboarded").exists()


def test_the_page_of_who_comes_second_says_that_it_was_erased(
    team: Team, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(team.members["ada"].user)
    meanwhile(monkeypatch, lambda: Installation.objects.all().delete())
    answer = client.post("/w/sandbox/uninstall/", {"slug": "sandbox"}, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "This workspace was erased a moment ago." in answer.content.decode()


# People


def test_who_lost_the_membership_earlier_goes_with_the_workspace_and_is_counted() -> None:
    former, stays = MembershipFactory(), MembershipFactory()
    here, user = former.installation, former.user
    CredentialFactory(person=True, user=user)
    last_seen(user, timedelta(minutes=1))
    leave(former)
    receipt = offboard(here, by="a test")
    assert list(User.objects.all()) == [stays.user]
    assert (receipt["rows"]["accounts.User"], receipt["rows"]["installations.Credential"]) == (1, 1)


def test_who_is_a_member_elsewhere_stays_whatever_was_lost_here() -> None:
    former = MembershipFactory()
    elsewhere = MembershipFactory(user=former.user)
    leave(former)
    receipt = offboard(former.installation, by="a test")
    assert (User.objects.get(), Membership.objects.get()) == (elsewhere.user, elsewhere)
    assert "accounts.User" not in receipt["rows"]


def test_upkeep_erases_whom_no_workspace_is_left_and_notes_how_many(team: Team) -> None:
    stray, newcomer, staff = UserFactory(), UserFactory(), UserFactory(is_staff=True)
    CredentialFactory(person=True, user=stray, access="")
    last_seen(stray, LONG_AGO), last_seen(staff, LONG_AGO), last_seen(newcomer, timedelta(hours=1))
    upkeep()
    members = {found.user for found in team.members.values()}
    assert set(User.objects.all()) == members | {newcomer, staff}
    entry = AuditEntry.objects.get(action="erased_people")
    assert entry.detail["rows"] == {"accounts.User": 1, "installations.Credential": 1}
    assert str(stray.username) not in repr(entry.detail)


def test_upkeep_that_finds_nobody_to_erase_notes_nothing(team: Team) -> None:
    for found in team.members.values():
        last_seen(found.user, LONG_AGO)
    upkeep()
    assert not AuditEntry.objects.exists()


def test_the_token_of_a_stray_is_revoked_at_plane(team: Team) -> None:
    milo = signed_in(team, "milo")
    token = str(own_token(milo).access)
    last_seen(milo.user, LONG_AGO)
    leave(milo)
    upkeep()
    me = f"{team.vendors.plane.url}/api/v1/users/me/"
    assert httpx2.get(me, headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code == 401
    detail = AuditEntry.objects.get(action="erased_people").detail
    assert detail["revoked"] == {"people's plane tokens": "revoked"}


def test_the_sessions_of_who_is_erased_end_and_those_of_others_stay() -> None:
    goes, stays = MembershipFactory(), MembershipFactory()
    browsers = {one: Client() for one in (goes, stays)}
    for one, browser in browsers.items():
        browser.force_login(one.user)
    Client().get("/setup/")  # somebody who is not signed in has a session, too
    receipt = offboard(goes.installation, by="a test")
    assert receipt["rows"]["sessions.Session"] == 1
    assert (Session.objects.count(), browsers[stays].get("/workspaces/").status_code) == (2, 302)
    assert browsers[goes].get("/workspaces/").headers["location"].startswith("/signin/")


def test_who_joins_another_workspace_at_this_moment_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    goes, other = MembershipFactory(), InstallationFactory()
    meanwhile(monkeypatch, lambda: MembershipFactory(user=goes.user, installation=other))
    offboard(goes.installation, by="a test")
    assert (User.objects.get(), Membership.objects.get().installation) == (goes.user, other)


# A lost key


def test_what_cannot_be_decrypted_is_erased_all_the_same_and_the_receipt_says_why(team: Team, settings: Any) -> None:
    ConnectionFactory(installation=team.installation)
    CredentialFactory(connection=None, installation=team.installation, slot="bot", refresh="")
    signed_in(team)
    settings.ENCRYPTION_KEYS = [b"x" * 32]
    receipt = offboard(team.installation, by="a test")
    assert {what: told[: len(LOST)] for what, told in receipt["revoked"].items()} == {
        "plane bot token": LOST, "people's plane tokens": LOST,
    }  # fmt: skip
    assert (Installation.objects.count(), Credential.objects.count(), User.objects.count()) == (0, 0, 0)


def test_a_connection_whose_secrets_do_not_open_is_erased_and_told(team: Team, settings: Any) -> None:
    team.connect("planner")
    settings.ENCRYPTION_KEYS = [b"x" * 32]
    told = offboard(team.installation, by="a test")["revoked"]
    assert told["planner webhook"].startswith(LOST)
    assert not Installation.objects.exists()


def test_one_secret_that_does_not_open_does_not_keep_the_others_from_being_revoked(team: Team, settings: Any) -> None:
    ada, key = signed_in(team), settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [b"x" * 32]
    signed_in(team, "milo")
    settings.ENCRYPTION_KEYS = key
    token = str(own_token(ada).access)
    assert offboard(team.installation, by="a test")["revoked"]["people's plane tokens"].startswith(LOST)
    me = f"{team.vendors.plane.url}/api/v1/users/me/"
    assert httpx2.get(me, headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code == 401


def test_the_page_erases_with_a_lost_key_and_shows_the_reason(team: Team, client: Client, settings: Any) -> None:
    signed_in(team)
    client.force_login(team.members["ada"].user)
    settings.ENCRYPTION_KEYS = [b"x" * 32]
    assert client.post("/w/sandbox/uninstall/", {"slug": "sandbox"}).headers["location"] == "/receipt/"
    assert LOST in client.get("/receipt/").content.decode()


def test_upkeep_goes_on_past_a_workspace_whose_secret_does_not_open(team: Team) -> None:
    locked = InstallationFactory(workspace_id="00000000-0000-0000-0000-000000000001")
    mine = CredentialFactory(connection=None, installation=locked, slot="bot", refresh="")
    Credential.objects.filter(pk=mine.pk).update(id="00000000-0000-0000-0000-000000000002")  # so it does not open
    assert upkeep() == 2
    assert len(team.vendors.plane.asked("GET", "/auth/o/app-installation/")) == 1
