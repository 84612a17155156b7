"""People's own tokens, and the role that they have in a workspace right now."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from planeapp.installations import audit
from planeapp.installations.gateways import USER, http, our_fault_is_not_theirs, plane_oauth
from planeapp.installations.models import Credential, Membership
from planeapp.installations.tokens import valid_token
from planeapp.lib.errors import FixSettings, Gone, ReconnectNeeded, RetryLater
from planeapp.plane import scopes
from planeapp.plane.gateway import Plane
from planeapp.plane.oauth import Grant
from planeapp.providers.base import Access

log = structlog.get_logger(__name__)
ROLE_FRESH = timedelta(minutes=10)
"""How long a role that was seen is believed for looking; a change asks again after ``ROLE_FRESH_FOR_CHANGES``."""
ROLE_FRESH_FOR_CHANGES = timedelta(seconds=60)
CLOSED = "permission"
"""The code of a 403 of Plane's own."""


def _ask(credential: Credential) -> Grant:
    with our_fault_is_not_theirs():
        return plane_oauth().refresh(str(credential.refresh))


def user_token(user: Any, slot: str = "main", *, refused: str = "") -> str:
    """A person's own Plane token, refreshed when needed. ReconnectNeeded: they have to sign in again."""
    found = Credential.objects.filter(user=user, slot=USER).first()
    if found is None:
        raise ReconnectNeeded(f"no token of user {user.pk}")
    return valid_token(found, _ask if found.refresh else None, refused=refused)


def confirmed(membership: Membership, *, changes: bool) -> Membership | None:
    """The membership as Plane tells it now, asked again when what we know is too old. None: no longer a member.

    A Plane that does not answer, or settings of ours that it refuses, leave what we know in force for looking, and
    refuse changes (RetryLater). ReconnectNeeded: Plane no longer knows the person's token; they have to sign in again.
    """
    age = timezone.now() - membership.checked_at
    if age < (ROLE_FRESH_FOR_CHANGES if changes else ROLE_FRESH):
        return membership
    try:
        return _asked(membership)
    except (RetryLater, FixSettings) as error:
        if changes:
            raise RetryLater(str(error)) from error
        log.warning("role not confirmed; the known one is used", detail=str(error))
        return membership


def ask_for_all(membership: Membership) -> tuple[int, int]:
    """Ask Plane, with this person's token, for everybody's role; gives how many changed and how many are members no more.

    Raises what :func:`confirmed` raises, and changes nothing then.
    """
    roles = {found.id: found.role for found in _plane_of(membership).members()}
    changed = left = 0
    for other in membership.installation.memberships.select_related("user", "installation"):
        role = roles.get(other.user.username)
        if role is None:
            leave(other)
            left += 1
            continue
        changed += role != other.role
        Membership.objects.filter(pk=other.pk).update(role=role, checked_at=timezone.now())
    return changed, left


def leave(membership: Membership) -> None:
    """End a membership that Plane no longer confirms. The note of it ties the person to the workspace's erasure."""
    with transaction.atomic():
        audit.record_left(membership)
        membership.delete()


def _lacks(user: Any) -> frozenset[str]:
    """What the person's token was not granted: a refusal for want of it must not be taken for a lost membership."""
    credential = Credential.objects.filter(user=user, slot=USER).first()
    return scopes.lacking(credential.scopes.split() if credential else ())


def _plane_of(membership: Membership) -> Plane:
    """Plane as the person sees it."""
    access = Access(http(), settings.PLANE_BASE_URL, partial(user_token, membership.user))
    return Plane(access, membership.installation.slug, lacks=_lacks(membership.user))


def _asked(membership: Membership) -> Membership | None:
    try:
        members = _plane_of(membership).members()
    except (FixSettings, Gone) as error:
        if error.code not in (CLOSED, Gone.code):
            raise
        members = []  # a workspace that the person may not see any more
    role = next((found.role for found in members if found.id == membership.user.username), None)
    if role is None:
        leave(membership)
        return None
    membership.role, membership.checked_at = role, timezone.now()
    membership.save(update_fields=["role", "checked_at"])
    return membership
