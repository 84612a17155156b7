from __future__ import annotations

from collections.abc import Callable
from functools import partial
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail

from planeapp.installations import alerts
from planeapp.installations.models import MEMBER, Connection
from tests.factories import ConnectionFactory, MembershipFactory
from tests.vendors import NOBODY

pytestmark = pytest.mark.django_db
Capture = Callable[..., Any]


@pytest.fixture
def connection(settings: Any) -> Connection:
    """A connection of workspace ``acme`` with two admins, a member, and an admin without address."""
    settings.APP_BASE_URL = "https://groundcrew.example"
    made: Connection = ConnectionFactory(installation__slug="acme", installation__name="Acme Air")
    for address, role in (("ada@example.com", 20), ("bo@example.com", 20), ("milo@example.com", MEMBER), ("", 20)):
        MembershipFactory(installation=made.installation, user__email=address, role=role)
    MembershipFactory(user__email="stranger@example.com")
    return made


def sent(capture: Capture, tell: Callable[[], None]) -> list[Any]:
    with capture(execute=True):
        tell()
    return list(mail.outbox)


def test_every_admin_of_the_workspace_gets_a_mail_of_their_own(
    connection: Connection, django_capture_on_commit_callbacks: Capture
) -> None:
    mails = sent(django_capture_on_commit_callbacks, lambda: alerts.connection_broken(connection))
    assert [one.to for one in mails] == [["ada@example.com"], ["bo@example.com"]]
    assert [one.cc + one.bcc for one in mails] == [[], []]


def test_two_admins_with_one_address_are_told_once(
    connection: Connection, django_capture_on_commit_callbacks: Capture
) -> None:
    MembershipFactory(installation=connection.installation, user__email="ada@example.com")
    assert len(sent(django_capture_on_commit_callbacks, lambda: alerts.connection_broken(connection))) == 2


def test_a_broken_connection_is_told_with_the_page_that_mends_it(
    connection: Connection, django_capture_on_commit_callbacks: Capture
) -> None:
    told = sent(django_capture_on_commit_callbacks, lambda: alerts.connection_broken(connection))[0]
    assert told.subject == "[Groundcrew] Planner has to be connected again"
    assert "https://groundcrew.example/w/acme/connect/planner/" in told.body
    assert "Acme Air" in told.body


def test_an_uninstalled_app_is_told_with_the_grace_period_and_the_way_back(
    connection: Connection, django_capture_on_commit_callbacks: Capture
) -> None:
    told = sent(django_capture_on_commit_callbacks, lambda: alerts.uninstalled(connection.installation))[0]
    assert "within 30 days" in told.body
    assert "https://groundcrew.example/setup/" in told.body


@pytest.mark.parametrize(
    ("own", "subject"),
    [
        (False, "[Groundcrew] Plane may have disabled the webhook (Acme Air)"),
        (True, "[Groundcrew] Planner may no longer push changes to us (Acme Air)"),
    ],
)
def test_a_silent_webhook_is_told_with_the_page_that_says_what_to_do(
    connection: Connection, django_capture_on_commit_callbacks: Capture, own: bool, subject: str
) -> None:
    silent = partial(alerts.silent, connection.installation, connection if own else None)
    told = sent(django_capture_on_commit_callbacks, silent)[0]
    assert told.subject == subject
    assert "https://groundcrew.example/w/acme/\n" in told.body
    assert "every 15 minutes" in told.body


def test_a_name_with_a_line_break_makes_no_header_of_its_own(
    connection: Connection, django_capture_on_commit_callbacks: Capture
) -> None:
    connection.installation.name = "Acme\r\nBcc: all@example.com"
    told = sent(django_capture_on_commit_callbacks, lambda: alerts.uninstalled(connection.installation))[0]
    assert told.subject == "[Groundcrew] Groundcrew is no longer installed in Acme Bcc: all@example.com"
    assert set(told.message().keys()) >= {"Subject", "To"} and "Bcc" not in told.message()


def test_a_mail_server_that_is_down_does_not_stop_the_work(
    connection: Connection, django_capture_on_commit_callbacks: Capture, settings: Any, capfd: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(NOBODY.rpartition(":")[2])
    assert sent(django_capture_on_commit_callbacks, lambda: alerts.connection_broken(connection)) == []


def test_a_mail_server_that_refuses_one_address_still_gets_the_next(
    connection: Connection, django_capture_on_commit_callbacks: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def send(message: Any) -> int:
        tried.extend(message.to)
        raise SMTPServerDisconnected("bye")

    monkeypatch.setattr(alerts.EmailMessage, "send", send)
    assert sent(django_capture_on_commit_callbacks, lambda: alerts.connection_broken(connection)) == []
    assert tried == ["ada@example.com", "bo@example.com"]
