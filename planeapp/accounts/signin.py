"""From a code to a signed-in person with up-to-date memberships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from planeapp.accounts.models import User
from planeapp.installations import audit, install
from planeapp.installations.gateways import http, plane_oauth
from planeapp.installations.models import Installation, Membership
from planeapp.lib.errors import FixSettings, Gone, ReconnectNeeded, Refused
from planeapp.plane.oauth import Grant, InstallationDetails
from planeapp.sync import due

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Arrival:
    """Where a person who came back from Plane may go. ``joined`` are the workspaces that their own token sees."""

    joined: tuple[Membership, ...]
    installed: Installation | None


def sign_in(request: HttpRequest, profile: dict[str, Any]) -> HttpResponse | None:
    """Sign the person in through allauth; gives allauth's answer when it is not a plain redirect.

    Of two first sign-ins of one person at the same moment one makes the account; the other finds it at its second look.
    """
    try:
        response = _through_allauth(request, profile)
    except IntegrityError:
        response = _through_allauth(request, profile)
    if not request.user.is_authenticated:
        return response
    User.objects.filter(pk=request.user.pk).update(
        email=profile.get("email") or "", display_name=profile.get("display_name") or "", plane_id=profile["id"]
    )
    return None


def _through_allauth(request: HttpRequest, profile: dict[str, Any]) -> HttpResponse:
    """Whole or not at all: a person's row without their account would keep them out for ever."""
    login = get_adapter().get_provider(request, "plane").sociallogin_from_response(request, profile)
    with transaction.atomic():
        response: HttpResponse = complete_social_login(request, login)
    return response


def arrive(request: HttpRequest, grant: Grant, app_installation_id: str) -> Arrival:
    """Take in every installation that the person's token sees; refuse one that was handed in and is not among them.

    One workspace that Plane refuses to tell of does not keep the person out of the others.
    """
    seen = [details for details in plane_oauth().installations(grant.access) if details.live]
    if app_installation_id and app_installation_id not in {details.id for details in seen}:
        audit.record("refused_install", None, request, reason="not visible to the person")
        raise Refused(
            "an app_installation_id that the person's token does not see",
            person="Plane does not show this installation to you. Ask an admin of that workspace to install the app.",
            code="foreign_installation",
        )
    joined, installed = [], None
    for details in seen:
        try:
            installation, fresh, membership = _join(request, details, grant.access)
        except (FixSettings, Gone, ReconnectNeeded) as error:
            if details.id == app_installation_id:
                raise
            log.warning("workspace left out", workspace=details.slug, code=error.code, detail=str(error))
            continue
        if details.id == app_installation_id or fresh:
            installed = installation
        if membership is not None:
            joined.append(membership)
    return Arrival(tuple(joined), installed)


def _join(
    request: HttpRequest, details: InstallationDetails, token: str
) -> tuple[Installation, bool, Membership | None]:
    """The workspace's row, whether it is new, and the person's membership there."""
    installation, fresh = (install.known(details), False)
    if installation is None:
        installation, fresh = install.adopt(details)
        audit.record("installed" if fresh else "reinstalled", installation, request)
        due.ask_everything(installation)
    elif install.allowed_more(installation):
        due.ask_everything(installation)
    return installation, fresh, install.see_role(installation, request.user, token, http(), settings.PLANE_BASE_URL)
