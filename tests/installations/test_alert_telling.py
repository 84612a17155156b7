"""Who gets which mail when; what happens when one does not get through."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from planeapp.installations import alert_mail
from planeapp.installations.alert_telling import TRIES, tell
from planeapp.installations.models import MEMBER, Alert, AlertSettings, Installation
from planeapp.lib.claims import LEASE
from tests.factories import AlertFactory, InstallationFactory, MembershipFactory
from tests.vendors import NOBODY, Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def installation(settings: Any) -> Installation:
    """Workspace ``acme`` with two admins, one address twice, a member, and an admin without address."""
    settings.APP_BASE_URL = "https://groundcrew.example"
    made: Installation = InstallationFactory(slug="acme", name="Acme Air")
    people = (
        ("ada@example.com", 20),
        ("bo@example.com", 20),
        ("ada@example.com", 20),
        ("milo@example.com", MEMBER),
        ("", 20),
    )
    for address, role in people:
        MembershipFactory(installation=made, user__email=address, role=role)
    MembershipFactory(user__email="stranger@example.com")
    return made


def to() -> list[str]:
    """Who has got mail, in order; each mail went to one person."""
    assert all(len(one.to) == 1 and not one.cc + one.bcc for one in mail.outbox)
    return [one.to[0] for one in mail.outbox]


def later(**more: Any) -> None:
    """The time of the next telling comes."""
    Alert.objects.update(due_at=timezone.now(), **more)


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception, *addresses: str) -> None:
    """The mail server answers this for these addresses."""
    honest = alert_mail.EmailMultiAlternatives.send

    def send(message: Any) -> int:
        if message.to[0] in addresses:
            raise error
        return honest(message)

    monkeypatch.setattr(alert_mail.EmailMultiAlternatives, "send", send)


def test_every_admin_gets_a_mail_of_their_own_once(installation: Installation) -> None:
    AlertFactory(installation=installation)
    assert (tell(), tell()) == (1, 0)
    assert to() == ["ada@example.com", "bo@example.com"]


def test_a_mail_says_what_is_the_matter_in_text_and_html_with_the_page_that_mends_it(
    installation: Installation,
) -> None:
    AlertFactory(installation=installation, text="A & B <b>x</b>.")
    tell()
    found = mail.outbox[0]
    html = found.alternatives[0].content
    assert found.subject == "[Groundcrew] Planner has to be connected again (Acme Air)"
    assert "A & B <b>x</b>." in found.body and "A &amp; B &lt;b&gt;x" in html
    for text in (found.body, html):
        assert "https://groundcrew.example/w/acme/connect/planner/" in text and "/w/acme/alerts/" in text
    assert not [word for word in ("<img", "<script", "<link", "url(") if word in html]


def test_a_name_with_a_line_break_makes_no_header_of_its_own(installation: Installation) -> None:
    Installation.objects.filter(pk=installation.pk).update(name="Acme\r\nBcc: all@example.com")
    AlertFactory(installation=installation)
    tell()
    assert mail.outbox[0].subject.endswith("(Acme Bcc: all@example.com)")
    assert "Bcc" not in mail.outbox[0].message()


def test_what_opens_together_is_one_mail(installation: Installation) -> None:
    AlertFactory(installation=installation), AlertFactory(installation=installation, title="3 messages were given up")
    tell()
    assert len(mail.outbox) == 2 and mail.outbox[0].subject == "[Groundcrew] 2 things need a person (Acme Air)"
    assert "Planner has to be" in mail.outbox[0].body and "3 messages" in mail.outbox[0].body


def test_what_goes_on_is_told_again_ever_more_seldom(installation: Installation) -> None:
    alert, days = AlertFactory(installation=installation), []
    for _ in range(6):
        tell()
        alert.refresh_from_db()
        days.append((alert.due_at - alert.told_at).days)
        later()
    assert days == [1, 2, 4, 7, 7, 7]
    assert mail.outbox[-1].subject.startswith("[Groundcrew] Still: ") and "This goes on since" in mail.outbox[-1].body


def test_that_the_app_was_taken_out_is_told_once(installation: Installation) -> None:
    alert = AlertFactory(installation=installation, kind=Alert.Kind.UNINSTALLED)
    tell()
    alert.refresh_from_db()
    assert alert.due_at is None


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"addresses": ["ops@example.com"]}, ["ops@example.com"]),
        ({"without": ["broken"]}, []),
        ({"without": ["dead"]}, ["ada@example.com", "bo@example.com"]),
        ({"quiet_from": "00:00", "quiet_until": "23:59:59.999999"}, []),
    ],
)
def test_the_choice_of_the_workspace_counts(
    installation: Installation, chosen: dict[str, Any], expected: list[str]
) -> None:
    AlertSettings.objects.create(installation=installation, **chosen)
    AlertFactory(installation=installation)
    tell()
    assert to() == expected


def test_what_waits_for_the_end_of_quiet_hours_is_told_then_unless_it_is_over(installation: Installation) -> None:
    quiet = AlertSettings.objects.create(installation=installation, quiet_from="00:00", quiet_until="23:59:59.999999")
    AlertFactory(installation=installation), AlertFactory(installation=installation, title="Short trouble")
    tell()
    Alert.objects.filter(title="Short trouble").update(closed_at=timezone.now())
    quiet.delete()
    tell()
    assert len(mail.outbox) == 2 and "Short trouble" not in mail.outbox[0].body


@pytest.mark.parametrize("over", ["closed_at", "seen_at"])
def test_what_is_over_or_put_aside_is_not_told(installation: Installation, over: str) -> None:
    AlertFactory(installation=installation, **{over: timezone.now()})
    assert (tell(), to()) == (0, [])


# What does not get through


def test_a_mail_server_that_is_down_is_tried_again_and_the_page_says_so(
    installation: Installation, settings: Any
) -> None:
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(NOBODY.rpartition(":")[2])
    alert = AlertFactory(installation=installation)
    tell()
    alert.refresh_from_db()
    assert alert.told == 0 and timedelta(0) < alert.due_at - timezone.now() < timedelta(minutes=2)
    assert "ConnectionRefusedError" in AlertSettings.objects.get().fault
    settings.EMAIL_BACKEND = backend
    later()
    tell()
    assert len(to()) == 2 and AlertSettings.objects.get().fault == ""


def test_who_has_the_mail_does_not_get_it_again_when_another_did_not(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    AlertFactory(installation=installation)
    with monkeypatch.context() as down:
        refuse(down, SMTPServerDisconnected("bye"), "ada@example.com")
        tell()
    later()
    tell()
    assert to() == ["bo@example.com", "ada@example.com"]


def test_an_address_that_is_refused_for_good_holds_nothing_up(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = AlertFactory(installation=installation)
    refuse(monkeypatch, SMTPRecipientsRefused({"ada@example.com": (550, b"no such user")}), "ada@example.com")
    tell()
    alert.refresh_from_db()
    assert (alert.told, to()) == (1, ["bo@example.com"])
    assert "does not take one of the addresses" in AlertSettings.objects.get().fault


def test_after_many_tries_it_rests_until_the_next_reminder(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = AlertFactory(installation=installation, attempts=TRIES - 1)
    refuse(monkeypatch, SMTPServerDisconnected("bye"), "ada@example.com", "bo@example.com")
    tell()
    alert.refresh_from_db()
    assert alert.due_at - timezone.now() > timedelta(hours=23)


def test_a_workspace_that_nobody_can_be_reached_in_says_so_on_its_page() -> None:
    AlertFactory()
    tell()
    assert AlertSettings.objects.get().fault.startswith("No admin of the workspace has a mail address")


def test_what_a_dead_worker_held_is_told_by_the_next(installation: Installation) -> None:
    alert = AlertFactory(installation=installation, claimed_at=timezone.now())
    assert (tell(), to()) == (0, [])
    Alert.objects.filter(pk=alert.pk).update(claimed_at=timezone.now() - LEASE - timedelta(seconds=1))
    tell()
    assert len(to()) == 2


# As a comment


@pytest.fixture
def commenting(team: Team) -> Alert:
    """An alert of the sandbox's workspace, where work item CUST-1 was chosen for comments."""
    item, project = team.item(), team.project()["id"]
    AlertSettings.objects.create(
        installation=team.installation, comment_key="CUST-1", comment_project=project, comment_item=item["id"]
    )
    made: Alert = AlertFactory(installation=team.installation)
    return made


def comments(team: Team) -> list[str]:
    return [row["comment_html"] for row in team.vendors.rows.live("comment", issue=team.item()["id"])]


def test_a_new_alert_is_said_under_the_chosen_work_item_once(team: Team, commenting: Alert) -> None:
    tell()
    Alert.objects.update(commented_at=None)  # the worker died before it could write that down
    later()
    tell()
    assert len([html for html in comments(team) if "Planner has to be connected again" in html]) == 1


def test_a_comment_that_plane_refuses_keeps_no_mail_back_and_is_tried_again(team: Team, commenting: Alert) -> None:
    team.vendors.plane.fault(".*", times=20, status=500)
    tell()
    commenting.refresh_from_db()
    assert len(mail.outbox) == 1 and commenting.told == 0
    assert "The comment under CUST-1 was not written" in AlertSettings.objects.get().fault
