from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from planeapp.installations.models import Alert, AuditEntry, Connection, Credential, Installation
from planeapp.installations.refusals import connection_refused, mark_uninstalled, refused
from planeapp.installations.tokens import store_grant, valid_token
from planeapp.lib.errors import ReconnectNeeded, RetryLater
from planeapp.plane.oauth import Grant
from tests.factories import ConnectionFactory, CredentialFactory, MembershipFactory
from tests.telling import told

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Connection:
    """A connection of a workspace with one admin."""
    made: Connection = ConnectionFactory()
    MembershipFactory(installation=made.installation, user__email="ada@example.com")
    return made


def test_a_refused_connection_says_so_and_the_workspace_goes_on(connection: Connection) -> None:
    refused(CredentialFactory(connection=connection), "invalid_grant")
    connection.refresh_from_db()
    assert (connection.status, connection.status_detail) == (Connection.Status.RECONNECT, "invalid_grant")
    assert Installation.objects.get(pk=connection.installation_id).active


def test_a_refused_bot_ends_the_workspace_and_only_that(connection: Connection) -> None:
    mine = CredentialFactory(bot=True)
    refused(mine, "invalid_grant")
    assert not Installation.objects.get(pk=mine.installation_id).active
    assert Installation.objects.get(pk=connection.installation_id).active


def test_a_refused_person_concerns_no_workspace_and_no_mail(connection: Connection) -> None:
    refused(CredentialFactory(person=True), "invalid_grant")
    assert (told(), AuditEntry.objects.count()) == ([], 0)


@pytest.mark.parametrize("times", [1, 5])
def test_a_refusal_is_told_by_mail_once(connection: Connection, times: int) -> None:
    for _ in range(times):
        connection_refused(connection, "invalid_grant")
        told()
    assert [mail.to for mail in told()] == [["ada@example.com"]]


def test_after_a_reconnect_the_next_refusal_is_told_again_but_not_every_minute(connection: Connection) -> None:
    connection_refused(connection, "one")
    told()
    Connection.objects.update(status=Connection.Status.ACTIVE)
    told()
    connection_refused(connection, "two")
    assert len(told()) == 1
    Alert.objects.filter(closed_at=None).update(due_at=timezone.now())  # an hour later
    assert len(told()) == 2


def test_a_change_that_is_rolled_back_sends_no_mail(connection: Connection) -> None:
    with pytest.raises(ValueError), transaction.atomic():
        mark_uninstalled(connection.installation, "gone")
        raise ValueError
    assert (told(), Installation.objects.get().active) == ([], True)


def test_the_first_reason_and_moment_of_an_end_are_kept(connection: Connection) -> None:
    for why in ("first", "second"):
        mark_uninstalled(connection.installation, why)
    found = Installation.objects.get()
    assert (found.status_detail, found.uninstalled_at is not None) == ("first", True)
    assert AuditEntry.objects.get(action="uninstalled").detail == {"reason": "first"}


def test_a_reason_of_any_length_fits(connection: Connection) -> None:
    connection_refused(connection, "x" * 9000)
    mark_uninstalled(connection.installation, "y" * 9000)
    assert len(Connection.objects.get().status_detail) == len(Installation.objects.get().status_detail) == 500


def test_a_refusal_that_comes_late_does_not_undo_the_reconnect_of_an_admin(connection: Connection) -> None:
    held = CredentialFactory(connection=connection, slot="api", refresh="")
    fresh = Credential.objects.get(pk=held.pk)
    fresh.access = "typed in meanwhile"
    fresh.save()
    with pytest.raises(RetryLater):
        valid_token(held, None, refused="access-one")
    assert Credential.objects.get(pk=held.pk).state == Credential.State.ACTIVE
    assert Connection.objects.get().status == Connection.Status.ACTIVE


def test_a_holder_that_wakes_up_late_does_not_undo_the_refresh_of_the_next() -> None:
    slow = CredentialFactory(expired=True)

    def too_late(held: Credential) -> Grant:
        store_grant(Credential.objects.get(pk=held.pk), Grant("access-two", "refresh-two", 3600, frozenset()))
        raise ReconnectNeeded("invalid_grant")

    with pytest.raises(RetryLater):
        valid_token(slow, too_late)
    kept = Credential.objects.get(pk=slow.pk)
    assert (kept.state, kept.access, kept.refresh) == (Credential.State.ACTIVE, "access-two", "refresh-two")
    assert Connection.objects.get(pk=slow.connection_id).status == Connection.Status.ACTIVE
