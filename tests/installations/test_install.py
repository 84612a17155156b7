from __future__ import annotations

import dataclasses
import uuid

import pytest

from planeapp.installations.install import adopt, keep_user_grant, known, see_role
from planeapp.installations.models import Credential, Installation, Membership
from planeapp.lib.errors import GroundcrewError, RetryLater
from planeapp.plane.oauth import Grant, InstallationDetails
from tests.factories import MembershipFactory, ProjectPairFactory, UserFactory
from tests.plane.conftest import Sandbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _plane(plane_is_there: Sandbox) -> None:
    """Plane answers."""


def test_a_new_workspace_gets_a_row_and_a_bot_token(details: InstallationDetails) -> None:
    installation, created = adopt(details)
    assert created
    assert (str(installation.workspace_id), installation.slug, installation.active) == (
        details.workspace,
        "sandbox",
        True,
    )
    assert (str(installation.app_bot), str(installation.app_installation_id)) == (details.app_bot, details.id)
    assert Credential.objects.get(installation=installation, slot="bot").access


def test_a_reinstall_and_a_new_slug_keep_the_row_with_what_hangs_on_it(details: InstallationDetails) -> None:
    first, _ = adopt(details)
    pair = ProjectPairFactory(connection__installation=first)
    Installation.objects.update(
        status="uninstalled", slug="old-name", app_installation_id=uuid.uuid4(), zone="Asia/Tokyo"
    )
    again, created = adopt(dataclasses.replace(details, slug="new-name"))
    assert (created, again.pk, again.slug, again.zone, again.active) == (
        False,
        first.pk,
        "new-name",
        "Asia/Tokyo",
        True,
    )
    assert str(again.app_installation_id) == details.id
    assert pair.connection.installation == again


def test_an_installation_without_a_bot_token_leaves_no_row(details: InstallationDetails) -> None:
    with pytest.raises(GroundcrewError):
        adopt(dataclasses.replace(details, id=str(uuid.uuid4())))
    assert (Installation.objects.count(), Credential.objects.count()) == (0, 0)


def test_plane_being_busy_leaves_no_row(details: InstallationDetails, sandbox: Sandbox) -> None:
    sandbox.fault(path="/auth/o/token", status=503, times=5)
    with pytest.raises(RetryLater):
        adopt(details)
    assert not Installation.objects.exists()


def test_an_installation_is_known_while_nothing_about_it_is_new(details: InstallationDetails) -> None:
    assert known(details) is None
    installation, _ = adopt(details)
    assert known(details) == installation
    assert known(dataclasses.replace(details, slug="renamed")) is None
    assert known(dataclasses.replace(details, id=str(uuid.uuid4()))) is None
    Installation.objects.update(status="reconnect")
    assert known(details) is None


def test_a_persons_tokens_are_kept_and_replaced() -> None:
    user = UserFactory()
    keep_user_grant(user, Grant("one", "refresh", 60, frozenset()))
    kept = keep_user_grant(user, Grant("two", None, 60, frozenset()))
    found = Credential.objects.get(user=user)
    assert (found, found.access, found.refresh) == (kept, "two", "refresh")


@pytest.mark.parametrize(("name", "admin"), [("ada", True), ("milo", False)])
def test_a_role_is_what_plane_says_of_the_person(
    sandbox: Sandbox, details: InstallationDetails, name: str, admin: bool
) -> None:
    installation, _ = adopt(details)
    person = sandbox.row("user", display_name=name)
    membership = see_role(installation, UserFactory(plane_id=person["id"]), sandbox.token(), sandbox.http, sandbox.url)
    assert membership is not None
    assert (membership.is_admin, membership.installation) == (admin, installation)


def test_who_is_no_longer_a_member_loses_what_was_remembered(sandbox: Sandbox, details: InstallationDetails) -> None:
    installation, _ = adopt(details)
    former, other = MembershipFactory(installation=installation), MembershipFactory()
    assert see_role(installation, former.user, sandbox.token(), sandbox.http, sandbox.url) is None
    assert list(Membership.objects.all()) == [other]
