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
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.installations import budgets, consents, erasure
from planeapp.installations.gateways import BOT, USER, plane_access, plane_oauth, provider_for
from planeapp.installations.models import AuditEntry, CallWindow, Connection, Credential, Installation
from planeapp.installations.refusals import mark_uninstalled
from planeapp.lib.crypto import CannotDecrypt
from planeapp.lib.errors import Gone, GroundcrewError, ReconnectNeeded
from planeapp.plane.oauth import InstallationDetails

log = structlog.get_logger(__name__)
PEOPLE = "people's plane tokens"
LOCKED = "not possible: the stored secret does not open (its key is not in ENCRYPTION_KEYS); revoke it at the vendor"


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
    """Erase what was uninstalled longer than the grace period ago, and people whom no workspace is left; gives the number
    of workspaces. One that is installed again meanwhile stays."""
    over = timezone.now() - timedelta(days=settings.GRACE_DAYS)
    ended = Installation.objects.filter(status=Installation.Status.UNINSTALLED, uninstalled_at__lt=over)
    erased = [_end(found, "grace period", ended) for found in list(ended)]
    _erase_strays()
    return len([receipt for receipt in erased if receipt])


def offboard(installation: Installation, *, by: str) -> dict[str, Any]:
    """Revoke what can be revoked, erase the workspace's data, and give the deletion receipt.

    The receipt: ``{"receipt", "workspace", "slug", "erased_at", "by", "rows": {model: count}, "revoked": {what: outcome}}``,
    without personal data. Revocation is best effort: a vendor that does not answer, or a secret whose key is lost, does
    not keep the data alive. Raises Gone when somebody else erased the workspace at the same moment.
    """
    receipt = _end(installation, by, Installation.objects.all())
    if receipt is None:
        raise Gone(f"{installation} was erased already", person="This workspace was erased a moment ago.")
    return receipt


def _end(installation: Installation, by: str, among: QuerySet[Installation]) -> dict[str, Any] | None:
    """The receipt, or None when the installation is not (or, after the calls to vendors, no longer) ``among`` these."""
    if not among.filter(pk=installation.pk).exists():
        return None
    revoked = _revoke(installation)
    with transaction.atomic():
        if among.select_for_update().filter(pk=installation.pk).first() is None:
            log.warning("not erased: it changed meanwhile", workspace=str(installation.workspace_id))
            return None
        people = list(erasure.people_of(installation).values_list("pk", flat=True))
        erasure.forget_names(AuditEntry.objects.filter(installation=installation))
        rows = Counter({CallWindow._meta.label: budgets.erase(installation)})
        rows += Counter(Installation.objects.filter(pk=installation.pk).delete()[1]) + erasure.erase_people(people)
        receipt = _receipt(by, rows, revoked) | {"workspace": str(installation.workspace_id), "slug": installation.slug}
        AuditEntry.objects.create(who=by, action="offboarded", detail=receipt)
    return receipt


def _receipt(by: str, rows: Counter[str], revoked: dict[str, str]) -> dict[str, Any]:
    return {
        "receipt": str(uuid.uuid4()),
        "erased_at": timezone.now().isoformat(),
        "by": by,
        "rows": dict(sorted(rows.items())),
        "revoked": revoked,
    }


def _erase_strays() -> None:
    """People who lost their last workspace earlier, while it stayed; noted with a receipt of their own."""
    keys = list(erasure.strays().values_list("pk", flat=True))
    if not keys:
        return
    outcome = _tried(lambda: _revoke_people(keys))
    with transaction.atomic():
        rows = erasure.erase_people(keys)
        detail = _receipt("no workspace left", rows, {PEOPLE: outcome} if outcome else {})
        AuditEntry.objects.create(who="system", action="erased_people", detail=detail)


def _revoke(installation: Installation) -> dict[str, str]:
    done = {}
    for connection in installation.connections.all():
        done[f"{connection.provider} grant"] = _tried(lambda found=connection: consents.revoke(found))  # type: ignore[misc]
        done[f"{connection.provider} webhook"] = _tried(lambda found=connection: _unsubscribe(found))  # type: ignore[misc]
    credential = installation.credentials.filter(slot=BOT).exclude(access="").first()
    if credential is not None:
        done["plane bot token"] = _tried(lambda: plane_oauth().revoke(str(credential.access)))
    people = list(erasure.people_of(installation).values_list("pk", flat=True))
    done[PEOPLE] = _tried(lambda: _revoke_people(people))
    return {what: outcome for what, outcome in done.items() if outcome}


def _revoke_people(people: list[int]) -> bool | None:
    """End the tokens of the people who will be erased. The first call without an answer ends it: nobody waits for 100.

    A token that does not open is told of (CannotDecrypt) when the others were tried.
    """
    found = Credential.objects.filter(slot=USER, user__in=people).exclude(access="")
    outcomes, locked = [], None
    for one in found:
        try:
            outcomes.append(plane_oauth().revoke(str(one.refresh or one.access)))
        except CannotDecrypt as error:
            locked = error
    if locked is not None:
        raise locked
    return all(outcomes) if outcomes else None


def _tried(step: Callable[[], bool | None]) -> str:
    """The outcome in words; ``""`` when there was nothing to revoke (None)."""
    try:
        return {True: "revoked", False: "refused", None: ""}[step()]
    except CannotDecrypt as error:
        log.error("not revoked", code="cannot_decrypt", detail=str(error))
        return LOCKED
    except GroundcrewError as error:
        log.warning("not revoked", code=error.code, detail=str(error))
        return f"not confirmed ({error.code})"


def _unsubscribe(connection: Connection) -> bool | None:
    if not connection.can("subscribe"):
        return None
    with closing(provider_for(connection)) as provider:
        provider.unsubscribe(connection.webhook_url)
    return True
