from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from planeapp.installations import audit
from planeapp.installations.access import admin, member, membership_of
from planeapp.installations.models import MEMBER, AuditEntry, Membership
from tests.factories import InstallationFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def asked_by(user: object) -> HttpRequest:
    request = RequestFactory().get("/w/acme/settings/", REMOTE_ADDR="192.0.2.7")
    request.user, request.session = user, SessionStore()  # type: ignore[assignment]
    return request


@member
def look(request: HttpRequest, membership: Membership) -> HttpResponse:
    return HttpResponse(membership.installation.slug)


@admin
def change(request: HttpRequest, membership: Membership, what: str) -> HttpResponse:
    return HttpResponse(what)


def test_a_member_may_look() -> None:
    mine = MembershipFactory(plain=True)
    assert look(asked_by(mine.user), mine.installation.slug).content.decode() == mine.installation.slug


@pytest.mark.parametrize("view", [look, change])
def test_somebody_elses_workspace_does_not_exist(view: object) -> None:
    other, stranger = InstallationFactory(), MembershipFactory().user
    with pytest.raises(Http404):
        view(asked_by(stranger), other.slug, what="x") if view is change else view(asked_by(stranger), other.slug)  # type: ignore[operator]


def test_a_workspace_that_is_not_there_looks_like_somebody_elses() -> None:
    with pytest.raises(Http404, match="no such workspace for this person"):
        membership_of(asked_by(UserFactory()), "nowhere")


@pytest.mark.parametrize("view", [look, change])
def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(view: object) -> None:
    answer = view(asked_by(AnonymousUser()), "acme")  # type: ignore[operator]
    assert (answer.status_code, answer.url) == (302, "/signin/?next=/w/acme/settings/")


def test_an_admin_may_change() -> None:
    mine = MembershipFactory()
    assert change(asked_by(mine.user), mine.installation.slug, what="rules").content == b"rules"


def test_a_member_who_wants_to_change_is_told_who_can_help_and_it_is_noted() -> None:
    mine = MembershipFactory(role=MEMBER)
    answer = change(asked_by(mine.user), mine.installation.slug, what="rules")
    entry = AuditEntry.objects.get()
    assert answer.status_code == 403
    assert (entry.action, entry.installation, entry.user) == ("refused_role", mine.installation, mine.user)


def test_of_two_workspaces_with_one_slug_the_one_last_touched_is_meant() -> None:
    user = UserFactory()
    for _ in range(2):
        newest = MembershipFactory(user=user, installation__slug="acme")
    assert membership_of(asked_by(user), "acme") == newest


def test_an_entry_says_who_what_and_from_where() -> None:
    user, installation = UserFactory(display_name="Ada"), InstallationFactory()
    audit.record("connect", installation, asked_by(user), provider="planner")
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.user, entry.action, entry.detail) == ("Ada", user, "connect", {"provider": "planner"})
    assert entry.address == "192.0.2.7"


def test_an_entry_without_a_person_says_so() -> None:
    audit.record("refused_install", None, asked_by(AnonymousUser()))
    audit.record("offboard", None)
    assert list(AuditEntry.objects.order_by("id").values_list("who", "address")) == [
        ("someone", "192.0.2.7"),
        ("system", None),
    ]


def test_entries_outlive_the_person_and_the_workspace() -> None:
    user, installation = UserFactory(display_name="Ada"), InstallationFactory()
    audit.record("connect", installation, asked_by(user))
    user.delete()
    installation.delete()
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.user, entry.installation) == ("Ada", None, None)
