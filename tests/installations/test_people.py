from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from planeapp.installations.models import MEMBER, AuditEntry, Connection, Credential, Installation, Membership
from planeapp.installations.people import confirmed, user_token
from planeapp.lib.errors import ReconnectNeeded, RetryLater
from tests.factories import UserFactory
from tests.installations.at_plane import own_token, set_role, signed_in, token_calls
from tests.vendors import NOBODY, TOKENS, Team

pytestmark = pytest.mark.django_db
MEMBERS = "/members/"


def seen_before(membership: Membership, seconds: float) -> Membership:
    """The membership, last confirmed so long ago."""
    Membership.objects.filter(pk=membership.pk).update(checked_at=timezone.now() - timedelta(seconds=seconds))
    membership.refresh_from_db()
    return membership


@pytest.fixture
def ada(team: Team, client: Client) -> Membership:
    """Ada, signed in at both sides; nothing was asked of Plane yet."""
    membership = signed_in(team)
    client.force_login(membership.user)
    team.vendors.plane.control.requests.clear()
    return membership


def change(client: Client) -> Any:
    """A change of settings: connect Planner."""
    return client.post("/w/sandbox/connect/planner/", {"token": TOKENS["planner"]})


# When Plane is asked


@pytest.mark.parametrize(("age", "changes"), [(0, True), (55, True), (0, False), (590, False)])
def test_a_role_that_was_seen_lately_is_not_asked_for_again(
    ada: Membership, team: Team, age: float, changes: bool
) -> None:
    assert confirmed(seen_before(ada, age), changes=changes) == ada
    assert not team.vendors.plane.asked("GET", MEMBERS)


@pytest.mark.parametrize(("age", "changes"), [(61, True), (601, False)])
def test_a_role_that_was_seen_too_long_ago_is_asked_for_once(
    ada: Membership, team: Team, age: float, changes: bool
) -> None:
    for _ in range(3):
        assert confirmed(seen_before(ada, age) if _ == 0 else Membership.objects.get(pk=ada.pk), changes=changes)
    assert len(team.vendors.plane.asked("GET", MEMBERS)) == 1


def test_a_page_that_only_looks_is_shown_with_a_role_that_is_too_old_for_a_change(
    ada: Membership, team: Team, client: Client
) -> None:
    seen_before(ada, 120)
    assert client.get("/w/sandbox/").status_code == 200
    assert not team.vendors.plane.asked("GET", MEMBERS)
    assert change(client).status_code == 302
    assert len(team.vendors.plane.asked("GET", MEMBERS)) == 1


# What Plane says


def test_a_person_who_was_taken_out_in_plane_finds_nothing_any_more(
    ada: Membership, team: Team, client: Client
) -> None:
    set_role(team, "ada", None)
    seen_before(ada, 61)
    assert change(client).status_code == 404
    assert not Connection.objects.exists()
    assert not Membership.objects.filter(pk=ada.pk).exists()
    assert AuditEntry.objects.values_list("action", "user", "installation").get() == (
        "left", ada.user_id, team.installation.pk,
    )  # fmt: skip


def test_an_admin_who_became_a_member_may_look_and_not_change(ada: Membership, team: Team, client: Client) -> None:
    set_role(team, "ada", MEMBER)
    seen_before(ada, 61)
    assert change(client).status_code == 403
    assert not Connection.objects.exists()
    assert Membership.objects.get(pk=ada.pk).role == MEMBER
    assert client.get("/w/sandbox/").status_code == 200
    assert AuditEntry.objects.filter(action="refused_role", user=ada.user).exists()


def test_a_member_who_became_an_admin_may_change(team: Team, client: Client) -> None:
    milo = signed_in(team, "milo")
    client.force_login(milo.user)
    set_role(team, "milo", 20)
    seen_before(milo, 61)
    assert change(client).status_code == 302


# When Plane does not say


DOWN = [
    {"status": 503}, {"status": 502, "body": "<h1>Bad gateway</h1>"}, {"status": 429, "body": "{}"},
    {"status": 403, "body": "<html>Just a moment</html>"}, {"drop": True}, {"status": 301, "body": "{}"},
]  # fmt: skip


@pytest.mark.parametrize("fault", DOWN, ids=range(len(DOWN)))
def test_while_plane_does_not_answer_looking_works_and_a_change_is_refused_with_503(
    ada: Membership, team: Team, client: Client, fault: dict[str, Any]
) -> None:
    team.vendors.plane.fault(MEMBERS, times=9, **fault)
    seen_before(ada, 3600)
    assert client.get("/w/sandbox/").status_code == 200
    answer = change(client)
    assert (answer.status_code, b"nothing was changed" in answer.content) == (503, True)
    assert not Connection.objects.exists()
    assert Membership.objects.get(pk=ada.pk).role == 20


def test_a_plane_that_is_not_there_refuses_changes_and_not_looking(
    ada: Membership, team: Team, client: Client, settings: Any
) -> None:
    settings.PLANE_BASE_URL = NOBODY
    seen_before(ada, 3600)
    assert (client.get("/w/sandbox/").status_code, change(client).status_code) == (200, 503)


@pytest.mark.parametrize("setting", ["PLANE_CLIENT_SECRET", "PLANE_CLIENT_ID"])
def test_a_registration_of_ours_that_plane_refuses_takes_nobodys_membership_or_token(
    ada: Membership, team: Team, settings: Any, setting: str
) -> None:
    Credential.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    setattr(settings, setting, "wrong")
    assert confirmed(seen_before(ada, 3600), changes=False) == ada
    with pytest.raises(RetryLater):
        confirmed(ada, changes=True)
    assert own_token(ada).state == Credential.State.ACTIVE
    assert Membership.objects.filter(pk=ada.pk).exists()


# The person's own token


def test_a_persons_token_is_refreshed_with_the_refresh_token_that_came_last(ada: Membership, team: Team) -> None:
    tokens = [user_token(ada.user)]
    for _ in range(2):
        Credential.objects.update(expires_at=timezone.now())
        tokens.append(user_token(ada.user))
    assert len(set(tokens)) == 3
    assert len(token_calls(team.vendors, "refresh_token")) == 2


def test_an_expired_token_is_refreshed_on_the_way_to_the_role(ada: Membership, team: Team) -> None:
    Credential.objects.update(expires_at=timezone.now())
    assert confirmed(seen_before(ada, 61), changes=True) == ada
    assert [len(token_calls(team.vendors, "refresh_token")), own_token(ada).state] == [1, "active"]


def test_a_person_without_a_token_has_to_sign_in_again(team: Team) -> None:
    with pytest.raises(ReconnectNeeded):
        user_token(UserFactory())


def test_a_person_whose_token_plane_ended_is_told_so_at_the_sign_in(
    ada: Membership, team: Team, client: Client
) -> None:
    Credential.objects.update(state=Credential.State.RECONNECT)
    seen_before(ada, 3600)
    answer = client.get("/w/sandbox/", follow=True)
    assert answer.redirect_chain == [("/signin/?next=/w/sandbox/", 302)]
    assert "Plane ended your sign-in." in answer.content.decode()


def test_a_refused_refresh_token_of_a_person_touches_no_workspace(ada: Membership, team: Team) -> None:
    for row in team.vendors.rows.store.all("refresh"):
        team.vendors.rows.store.put("refresh", row["id"], row | {"used": True})
    Credential.objects.update(expires_at=timezone.now())
    with pytest.raises(ReconnectNeeded):
        confirmed(seen_before(ada, 61), changes=True)
    assert own_token(ada).state == Credential.State.RECONNECT
    assert Installation.objects.get().active
