"""Mails about troubles: a text and an HTML that needs nothing from anywhere, one to each address."""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPException, SMTPRecipientsRefused

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse

from planeapp.installations.models import Alert, Installation

log = structlog.get_logger(__name__)
SERVER_SECONDS = 10
"""How long a mail server may take for each step; a worker waits for it."""
MACHINE = {"Auto-Submitted": "auto-generated"}
"""So that no absence note answers (RFC 3834)."""


class NotSent(Exception):
    """The mail did not go out. ``lasting``: this address will not do another time either."""

    def __init__(self, why: str, *, lasting: bool = False) -> None:
        super().__init__(why)
        self.lasting = lasting


def send_alerts(installation: Installation, alerts: Sequence[Alert], address: str) -> None:
    """One mail about these. Raises NotSent."""
    first, more = alerts[0], len(alerts) - 1
    told = f"{len(alerts)} things need a person" if more else first.title
    again = "Still: " if all(one.told for one in alerts) else ""
    _send(installation, f"{again}{told} ({installation.name})", "alerts", {"alerts": alerts}, address)


def send_test(installation: Installation, who: str, address: str) -> None:
    """A mail that shows that mails arrive. Raises NotSent."""
    _send(installation, f"A test mail for {installation.name}", "test", {"who": who}, address)


def _send(installation: Installation, subject: str, template: str, more: dict[str, object], address: str) -> None:
    found = {"installation": installation, "app_name": settings.APP_NAME, "base": settings.APP_BASE_URL,
             "page": reverse("alerts", args=[installation.slug]), **more}  # fmt: skip
    line = " ".join(f"[{settings.APP_NAME}] {subject}".split())  # a workspace's name may hold a line break
    message = EmailMultiAlternatives(
        line, render_to_string(f"mail/{template}.txt", found), to=[address], headers=MACHINE,
        connection=get_connection(timeout=SERVER_SECONDS),
    )  # fmt: skip
    message.attach_alternative(render_to_string(f"mail/{template}.html", found), "text/html")
    try:
        message.send()
    except (SMTPException, OSError) as error:
        log.error("mail not sent", template=template, error=type(error).__name__)
        raise _fault(error) from error


def _fault(error: Exception) -> NotSent:
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return NotSent(
            "The mail server does not take one of the addresses.", lasting=all(code >= 500 for code in codes)
        )
    return NotSent(f"The mail server did not take the mail ({type(error).__name__}).")
