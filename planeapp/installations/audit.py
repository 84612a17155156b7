"""The audit log: who did what, when, from where."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from planeapp.installations.limits import client_address
from planeapp.installations.models import AuditEntry, Installation


def record(action: str, installation: Installation | None, request: HttpRequest | None = None, **detail: Any) -> None:
    """Write an entry. ``detail`` must hold no secret; it is shown to admins."""
    user = request.user if request is not None and request.user.is_authenticated else None
    AuditEntry.objects.create(
        installation=installation,
        user=user,
        who=str(user) if user else ("someone" if request is not None else "system"),
        action=action,
        detail=detail,
        address=client_address(request) if request is not None else None,
    )
