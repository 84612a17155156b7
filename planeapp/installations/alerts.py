"""Telling the admins of a workspace by mail what only they can mend. One mail per change of state, so no storm."""

from __future__ import annotations

from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse

from planeapp.installations.models import ADMIN, Connection, Installation
from planeapp.providers import provider_class

log = structlog.get_logger(__name__)


def connection_broken(connection: Connection) -> None:
    """The vendor refuses the connection's token."""
    name = provider_class(connection.provider).name
    page = _page("connect", connection.installation.slug, connection.provider)
    _tell(
        connection.installation,
        f"{name} has to be connected again",
        f"{name} no longer accepts the connection of {connection.installation.name}, so nothing is kept in step with it.\n\n"
        f"Any admin of the workspace can connect it again here; settings, links and history are kept:\n{page}\n",
    )


def uninstalled(installation: Installation) -> None:
    """Plane refuses our bot in the workspace."""
    _tell(
        installation,
        f"{settings.APP_NAME} is no longer installed in {installation.name}",
        f"Plane no longer lets {settings.APP_NAME} into {installation.name}. If that was not intended, install it again; "
        f"within {settings.GRACE_DAYS} days everything is found as it was:\n{settings.APP_BASE_URL}{reverse('setup')}\n",
    )


def silent(installation: Installation, connection: Connection | None) -> None:
    """Changes were found that a webhook should have told: Plane's, or that of a connection."""
    name = provider_class(connection.provider).name if connection else "Plane"
    what = f"{name} may no longer push changes to us" if connection else "Plane may have disabled the webhook"
    _tell(
        installation,
        f"{what} ({installation.name})",
        f"Something changed in {name} and no webhook told us, so changes from there arrive late: we still find them when "
        f"we look at everything, every {settings.RECONCILE_SECONDS / 60:.0f} minutes. Nothing was lost.\n\n"
        f"What to do stands here:\n{_page('overview', installation.slug)}\n",
    )


def _page(name: str, *args: str) -> str:
    return f"{settings.APP_BASE_URL}{reverse(name, args=args)}"


def _tell(installation: Installation, subject: str, text: str) -> None:
    admins = installation.memberships.filter(role__gte=ADMIN).exclude(user__email="")
    addresses = sorted(set(admins.values_list("user__email", flat=True)))
    if addresses:
        transaction.on_commit(lambda: _send(subject, text, addresses))


def _send(subject: str, text: str, addresses: list[str]) -> None:
    """One mail to each, so that nobody sees the others. A mail server that is down must not stop the work."""
    for address in addresses:
        line = " ".join(f"[{settings.APP_NAME}] {subject}".split())  # a workspace's name may hold a line break
        message = EmailMessage(line, text, to=[address])
        try:
            message.send()
        except (SMTPException, OSError) as error:
            log.error("mail not sent", subject=subject, error=type(error).__name__)
