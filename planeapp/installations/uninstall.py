"""The end of an installation: seen from Plane's side (kept for a grace period), or asked for on ours (erased at once)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from planeapp.installations import consents
from planeapp.installations.gateways import BOT, USER, plane_access, plane_oauth, provider_for
from planeapp.installations.models import AuditEntry, Connection, Credential, Installation, Membership
from planeapp.installations.refusals import mark_uninstalled
from planeapp.lib.errors import GroundcrewError, ReconnectNeeded
from planeapp.plane.oauth import InstallationDetails

log = structlog.get_logger(__name__)


def look(installation: Installation) -> None:
    """Ask Plane whether the installation still stands, since no webhook tells of its end.

    A bot token that is refused is asked for once more: only that answer tells whether the app was taken out.
    """
    token = plane_access(installation).token
    held = token()
    try:
        details = _details(installation, held)
    except ReconnectNeeded:
        details = _details(installation, token(refused=held))
    if details is None or not details.live:
        mark_uninstalled(installation, "Plane says that the app is no longer installed")


def _details(installation: Installation, token: str) -> InstallationDetails | None:
    return plane_oauth().installation(token, str(installation.app_installation_id))


def erase_after_grace() -> int:
    """Erase what was uninstalled longer than the grace period ago; gives the number of workspaces."""
    over = timezone.now() - timedelta(days=settings.GRACE_DAYS)
    ended = list(Installation.objects.filter(status=Installation.Status.UNINSTALLED, uninstalled_at__lt=over))
    for installation in ended:
        offboard(installation, by="grace period")
    return len(ended)


def offboard(installation: Installation, *, by: str) -> dict[str, Any]:
    """Revoke what can be revoked, erase the workspace's data, and give the deletion receipt.

    The receipt: ``{"receipt", "workspace", "slug", "erased_at", "by", "rows": {model: count}, "revoked": {what: outcome}}``,
    without personal data. Revocation is best effort: a vendor that does not answer does not keep the data alive.
    """
    revoked = _revoke(installation)
    with transaction.atomic():
        people = list(Membership.objects.filter(installation=installation).values_list("user_id", flat=True))
        _forget_names(AuditEntry.objects.filter(installation=installation))
        _, rows = Installation.objects.filter(pk=installation.pk).delete()
        rows = Counter(rows) + _erase_people(people)
        receipt = {
            "receipt": str(uuid.uuid4()),
            "workspace": str(installation.workspace_id),
            "slug": installation.slug,
            "erased_at": timezone.now().isoformat(),
            "by": by,
            "rows": dict(sorted(rows.items())),
            "revoked": revoked,
        }
        AuditEntry.objects.create(who=by, action="offboarded", detail=receipt)
    return receipt


def _erase_people(people: list[int]) -> Counter[str]:
    """Accounts of people who have no other workspace here, with their tokens."""
    users = get_user_model().objects.filter(pk__in=people, memberships=None, is_staff=False)
    _forget_names(AuditEntry.objects.filter(user__in=users))
    return Counter(users.delete()[1])


def _forget_names(entries: QuerySet[AuditEntry]) -> None:
    """What was done stays on record; who did it, and from where, goes."""
    entries.update(user=None, who="", address=None)


def _revoke(installation: Installation) -> dict[str, str]:
    done = {}
    for connection in installation.connections.all():
        done[f"{connection.provider} grant"] = _tried(lambda found=connection: consents.revoke(found))  # type: ignore[misc]
        done[f"{connection.provider} webhook"] = _tried(lambda found=connection: _unsubscribe(found))  # type: ignore[misc]
    credential = installation.credentials.filter(slot=BOT).exclude(access="").first()
    if credential is not None:
        done["plane bot token"] = _tried(lambda: plane_oauth().revoke(str(credential.access)))
    done["people's plane tokens"] = _tried(lambda: _revoke_people(installation))
    return {what: outcome for what, outcome in done.items() if outcome}


def _revoke_people(installation: Installation) -> bool | None:
    """End the tokens of the people who will be erased. The first call without an answer ends it: nobody waits for 100."""
    people = Membership.objects.filter(installation=installation).values("user_id")
    elsewhere = Membership.objects.exclude(installation=installation).values("user_id")
    found = Credential.objects.filter(slot=USER, user__in=people).exclude(user__in=elsewhere).exclude(access="")
    outcomes = [plane_oauth().revoke(str(one.refresh or one.access)) for one in found]
    return all(outcomes) if outcomes else None


def _tried(step: Callable[[], bool | None]) -> str:
    """The outcome in words; ``""`` when there was nothing to revoke (None)."""
    try:
        return {True: "revoked", False: "refused", None: ""}[step()]
    except GroundcrewError as error:
        log.warning("not revoked", code=error.code, detail=str(error))
        return f"not confirmed ({error.code})"


def _unsubscribe(connection: Connection) -> bool | None:
    if not connection.can("subscribe"):
        return None
    path = reverse("provider_webhook", args=[connection.provider, connection.opaque_id])
    with closing(provider_for(connection)) as provider:
        provider.unsubscribe(f"{settings.APP_BASE_URL}{path}")
    return True
