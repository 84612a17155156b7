from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from planeapp.installations.models import Connection, Installation, opaque_id
from tests.factories import ConnectionFactory, CredentialFactory, InstallationFactory, MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("role", "admin"), [(20, True), (15, False), (5, False)])
def test_role_20_alone_is_an_admin(role: int, admin: bool) -> None:
    assert MembershipFactory(role=role).is_admin is admin


@pytest.mark.parametrize("status", Installation.Status.values)
def test_work_is_done_for_an_installed_workspace_alone(status: str) -> None:
    assert InstallationFactory(status=status).active is (status == "active")


@pytest.mark.parametrize(
    ("status", "paused", "usable"),
    [
        ("active", None, True),
        ("active", -1, True),
        ("active", 60, False),
        ("reconnect", None, False),
        ("paused", None, False),
    ],
)
def test_a_connection_is_usable_when_it_is_active_and_not_paused(status: str, paused: int | None, usable: bool) -> None:
    until = None if paused is None else timezone.now() + timedelta(seconds=paused)
    assert ConnectionFactory(status=status, paused_until=until).usable is usable


def test_a_connection_can_do_what_its_probe_found() -> None:
    connection = ConnectionFactory(report={"abilities": ["list"]})
    assert connection.can("list")
    assert not connection.can("create")
    assert not ConnectionFactory(report={}).can("list")


def test_addresses_for_outsiders_cannot_be_guessed() -> None:
    made = {opaque_id() for _ in range(100)}
    assert len(made) == 100
    assert min(map(len, made)) >= 32


@pytest.mark.parametrize(
    "double",
    [
        lambda: InstallationFactory(workspace_id=InstallationFactory().workspace_id),
        lambda: ConnectionFactory(installation=ConnectionFactory().installation),
        lambda: CredentialFactory(connection=CredentialFactory().connection),
        lambda: (lambda one: MembershipFactory(installation=one.installation, user=one.user))(MembershipFactory()),
    ],
)
def test_what_there_is_once_cannot_be_made_twice(double: object) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        double()  # type: ignore[operator]


def test_two_workspaces_may_share_a_slug_after_a_rename() -> None:
    first, second = InstallationFactory(slug="acme"), InstallationFactory(slug="acme")
    assert first.pk != second.pk


def test_what_belongs_to_a_workspace_goes_with_it() -> None:
    credential = CredentialFactory()
    credential.connection.installation.delete()
    assert not Connection.objects.exists()
    assert not type(credential).objects.exists()
