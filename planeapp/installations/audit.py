"""The audit log: who did what, when, from where."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from planeapp.installations.limits import client_address
from planeapp.installations.models import AuditEntry, Installation, Membership

LONGEST_NAME = 200


def record(action: str, installation: Installation | None, request: HttpRequest | None = None, **detail: Any) -> None:
    """Write an entry. ``detail`` must hold no secret; it is shown to admins."""
    user = request.user if request is not None and request.user.is_authenticated else None
    AuditEntry.objects.create(
        installation=installation,
        user=user,
        who=str(user)[:LONGEST_NAME] if user else ("someone" if request is not None else "system"),
        action=action,
        detail=detail,
        address=_address(request) if request is not None else None,
    )


def record_connected(
    installation: Installation, provider: str, request: HttpRequest | None = None, **detail: Any
) -> None:
    """A connection was made, or made anew: the log itself knows of an earlier time."""
    told = AuditEntry.objects.filter(installation=installation, action__in=("connected", "reconnected"))
    again = told.filter(detail__provider=provider).exists()
    record("reconnected" if again else "connected", installation, request, provider=provider, **detail)


def record_stranger(action: str, request: HttpRequest, **detail: Any) -> None:
    """Write an entry without asking the session who it is."""
    AuditEntry.objects.create(who="someone", action=action, detail=detail, address=_address(request))


def record_left(membership: Membership) -> None:
    """Plane no longer counts the person among the workspace's members; nobody of us did that."""
    AuditEntry.objects.create(
        installation=membership.installation,
        user=membership.user,
        who=str(membership.user)[:LONGEST_NAME],
        action="left",
    )


def _address(request: HttpRequest) -> str | None:
    return client_address(request) or None
