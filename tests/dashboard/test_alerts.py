"""The page of alerts: who is told, what is shown, what "seen" does. Who may open it is in test_urls."""

from __future__ import annotations

import uuid
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from planeapp.installations import alert_mail
from planeapp.installations.models import Alert, AlertSettings, AuditEntry, Installation
from tests.dashboard.forms import filled, page_of
from tests.factories import AlertFactory, InstallationFactory, MembershipFactory
from tests.vendors import Team

pytestmark = pytest.mark.django_db
PAGE = "/w/air/alerts/"


@pytest.fixture
def installation(client: Client) -> Installation:
    """A workspace whose admin Ada looks at the page."""
    made: Installation = InstallationFactory(slug="air")
    ada = MembershipFactory(installation=made, user__display_name="Ada", user__email="ada@example.com").user
    client.force_login(ada)
    return made


def save(client: Client, **changes: Any) -> Any:
    """Send the form as it stands, with these changes."""
    return client.post(PAGE, filled(client.get(PAGE), PAGE) | changes)


def text(client: Client, address: str = PAGE) -> str:
    main = page_of(client.get(address)).css_first("main")
    assert main is not None
    return " ".join(main.text().split())


def test_a_form_that_is_sent_untouched_changes_nothing(client: Client, installation: Installation) -> None:
    assert save(client).status_code == 302
    assert not AlertSettings.objects.exists() and not AuditEntry.objects.exists()


def test_what_is_chosen_is_kept_shown_and_noted(client: Client, installation: Installation) -> None:
    save(
        client, addresses="ops@example.com\n bo@example.com, ops@example.com\n", about=["broken", "dead"],
        quiet_from="22:00", quiet_until="07:00",
    )  # fmt: skip
    stored = AlertSettings.objects.get(installation=installation)
    assert stored.addresses == ["ops@example.com", "bo@example.com"]
    assert set(stored.without) == {"silent", "stopped", "held", "uninstalled"}
    again = filled(client.get(PAGE), PAGE)
    assert (again["addresses"], again["quiet_from"]) == ("ops@example.com\nbo@example.com", "22:00")
    assert AuditEntry.objects.get().detail == {"changed": "addresses, quiet from, quiet until, without"}
    assert save(client).status_code == 302 and AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"addresses": "ops@example.com\nnobody"}, "addresses", "nobody is no mail address."),
        ({"addresses": "\n".join(f"p{n}@example.com" for n in range(11))}, "addresses", "These are 11 addresses"),
        ({"addresses": "a@example.com\r\nBcc: b@example.com"}, "addresses", "is no mail address"),
        ({"quiet_from": "22:00"}, "quiet_until", "Fill in both, or neither."),
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "quiet_from", "Enter a valid time."),
        ({"about": ["everything"]}, "about", "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_kept(
    client: Client, installation: Installation, changes: dict[str, Any], field: str, says: str
) -> None:
    answer = save(client, **changes)
    assert answer.status_code == 422
    assert says in str(answer.context["form"].errors[field]) and not AlertSettings.objects.exists()


def test_a_work_item_for_comments_has_to_be_one_that_the_bot_sees(team: Team, client: Client) -> None:
    page = "/w/sandbox/alerts/"
    client.force_login(team.members["ada"].user)
    form = filled(client.get(page), page)
    assert "We find no work item CUST-999" in client.post(page, form | {"comment_key": "CUST-999"}).content.decode()
    assert client.post(page, form | {"comment_key": " cust-1"}).status_code == 302
    stored = AlertSettings.objects.get()
    assert (stored.comment_key, str(stored.comment_item)) == ("CUST-1", team.item()["id"])
    assert client.post(page, form | {"comment_key": ""}).status_code == 302
    assert AlertSettings.objects.get().comment_item is None


def test_saving_something_else_asks_plane_nothing(client: Client, installation: Installation) -> None:
    AlertSettings.objects.create(installation=installation, comment_key="CUST-1", comment_item=uuid.uuid4())
    assert save(client, addresses="ops@example.com").status_code == 302
    assert AlertSettings.objects.get().comment_item is not None


def test_the_page_shows_what_goes_on_what_is_over_and_why_a_mail_did_not_get_through(
    client: Client, installation: Installation
) -> None:
    AlertFactory(installation=installation, title="It goes on", seen_at=timezone.now(), seen_by="Bo")
    AlertFactory(installation=installation, title="It is over", closed_at=timezone.now())
    AlertFactory(title="It is elsewhere")
    AlertSettings.objects.create(installation=installation, fault="The mail server is gone.")
    shown = text(client)
    assert all(part in shown for part in ("It goes on", "put aside by Bo", "It is over", "The mail server is gone."))
    assert "It is elsewhere" not in shown and "Told now: ada@example.com" in shown


# On the overview


def test_the_overview_says_what_needs_a_person_until_somebody_has_seen_it(
    client: Client, installation: Installation
) -> None:
    alert = AlertFactory(installation=installation, text="<b>Look</b> here.")
    page = client.get("/w/air/")
    assert "1 thing needs a person" in text(client, "/w/air/") and "<b>Look</b>" not in page.content.decode()
    seen = f"{PAGE}{alert.pk}/seen/"
    assert client.post(seen, filled(page, seen)).headers["location"] == "/w/air/"
    assert "needs a person" not in text(client, "/w/air/")
    assert Alert.objects.get().seen_by == "Ada" and AuditEntry.objects.get().action == "saw_alert"


def test_a_member_sees_what_is_the_matter_and_who_can_mend_it(installation: Installation) -> None:
    AlertFactory(installation=installation)
    browser = Client()
    browser.force_login(MembershipFactory(installation=installation, plain=True).user)
    page = page_of(browser.get("/w/air/")).css_first('[data-testid="troubles"]')
    assert page is not None and "can mend this" in page.text() and page.css_first("form, a") is None


# A test mail


def test_a_test_mail_goes_to_those_who_are_told(client: Client, installation: Installation) -> None:
    AlertSettings.objects.create(installation=installation, addresses=["ops@example.com"])
    shown = client.post(f"{PAGE}test/", follow=True).content.decode()
    assert [one.to for one in mail.outbox] == [["ops@example.com"]]
    assert "on its way to ops@example.com" in shown and "Ada asked Groundcrew" in mail.outbox[0].body


def test_a_test_mail_that_does_not_go_says_why(
    client: Client, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(message: Any) -> int:
        raise SMTPServerDisconnected("bye")

    monkeypatch.setattr(alert_mail.EmailMultiAlternatives, "send", send)
    shown = client.post(f"{PAGE}test/", follow=True).content.decode()
    assert "ada@example.com did not get the test mail" in shown and "SMTPServerDisconnected" in shown


def test_test_mails_have_a_limit(client: Client, installation: Installation) -> None:
    assert [client.post(f"{PAGE}test/").status_code for _ in range(4)] == [302, 302, 302, 429]
    assert len(mail.outbox) == 3
