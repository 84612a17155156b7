"""From what Plane says about an installation to our row: only what a person's own token sees is believed."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from planeapp.installations.gateways import USER, bot_credential, plane_access, plane_oauth, plane_off
from planeapp.installations.models import Credential, Installation, Membership
from planeapp.installations.people import leave
from planeapp.installations.tokens import store_grant
from planeapp.lib.errors import FixSettings, Gone, RetryLater
from planeapp.lib.http import Http
from planeapp.plane.gateway import Plane
from planeapp.plane.oauth import Grant, InstallationDetails
from planeapp.providers.base import Access

log = structlog.get_logger(__name__)


def keep_user_grant(user: Any, grant: Grant) -> Credential:
    """Store a person's tokens, encrypted."""
    credential, _ = Credential.objects.get_or_create(user=user, slot=USER)
    store_grant(credential, grant)
    return credential


def adopt(details: InstallationDetails) -> tuple[Installation, bool]:
    """Make or bring up to date the row of a workspace; gives it and whether it is new.

    A workspace we know (reinstall, renamed slug) keeps its row with settings, links and history. The bot token is asked
    for before anything is written, so that a failed exchange leaves no half installation.
    """
    grant = plane_oauth().bot_token(details.id)
    with transaction.atomic():
        installation, created = Installation.objects.select_for_update().get_or_create(
            workspace_id=details.workspace,
            defaults={"slug": details.slug, "name": details.name or details.slug},
        )
        installation.slug, installation.name = details.slug, details.name or details.slug
        installation.app_installation_id = details.id
        installation.app_bot = details.app_bot or None
        installation.webhook_id = details.webhook or None
        installation.status, installation.status_detail = Installation.Status.ACTIVE, ""
        installation.uninstalled_at = None
        installation.save()
        store_grant(bot_credential(installation), grant)
    return installation, created


def see_role(installation: Installation, user: Any, token: str, http: Http, base_url: str) -> Membership | None:
    """Ask Plane, as the person, which role they have in the workspace, and remember it. None: not a member."""

    def same_token(slot: str = "main", *, refused: str = "") -> str:
        return token

    try:
        members = Plane(Access(http, base_url, same_token), installation.slug).members()
    except (FixSettings, Gone):
        members = []  # a workspace that the person may not see any more
    role = next((member.role for member in members if member.id == user.username), None)
    if role is None:
        for membership in Membership.objects.filter(installation=installation, user=user):
            leave(membership)
        return None
    membership, _ = Membership.objects.update_or_create(
        installation=installation, user=user, defaults={"role": role, "checked_at": timezone.now()}
    )
    return membership


def allowed_more(installation: Installation) -> bool:
    """Renew the bot's token where it lacks scopes, in case an admin has allowed them meanwhile; whether that was so."""
    before = plane_off(installation)
    if not before:
        return False
    try:
        plane_access(installation).token(refused=str(bot_credential(installation).access))
    except (RetryLater, FixSettings) as error:
        log.warning("scopes not asked for again", code=error.code, detail=str(error))
    return bool(set(before) - set(plane_off(installation)))


def known(details: InstallationDetails) -> Installation | None:
    """The row of this very installation, when nothing about it is new."""
    return Installation.objects.filter(
        workspace_id=details.workspace, app_installation_id=details.id, slug=details.slug,
        status=Installation.Status.ACTIVE,
    ).first()  # fmt: skip
