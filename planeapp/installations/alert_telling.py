"""Bringing open alerts to people: one mail for all that is due in a workspace, and a comment where that was chosen.

An alert is told when it opens, and again while it goes on: after one day, two, four, and then every week. What does not get
through is tried again later, and keeps whom it has reached already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.installations import alert_settings
from planeapp.installations.alert_mail import NotSent, send_alerts
from planeapp.installations.alerts import AGAIN
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Alert, AlertSettings, Installation
from planeapp.lib.budget import calling_for
from planeapp.lib.claims import backoff, claim
from planeapp.lib.errors import GroundcrewError
from planeapp.plane.writing import literal, paragraphs

log = structlog.get_logger(__name__)
AT_ONCE = 50
SELDOMEST = timedelta(days=7)
TRIES = 10
ONCE = frozenset({Alert.Kind.UNINSTALLED})
"""Kinds that may be meant: told once."""
NOBODY = "No admin of the workspace has a mail address here. Enter one."


def tell() -> int:
    """Tell what is due; gives in how many workspaces something was told."""
    due = _waiting().filter(due_at__lte=timezone.now())
    found = Installation.objects.filter(pk__in=due.values("installation"))
    return sum(_tell(installation) for installation in found)


def _waiting() -> QuerySet[Alert]:
    return Alert.objects.filter(closed_at=None, seen_at=None).exclude(due_at=None)


def _tell(installation: Installation) -> bool:
    """One workspace's turn. Quiet hours leave everything as it is: what is over until they end is never told."""
    chosen = alert_settings.settings_of(installation)
    if alert_settings.quiet(chosen, timezone.now()):
        return False
    mine = _waiting().filter(installation=installation).exclude(kind__in=chosen.without)
    alerts = claim(mine, AT_ONCE)
    if not alerts:
        return False
    unsaid = _comment(installation, chosen, alerts)
    fault, later = _mail(installation, alert_settings.addresses_of(chosen), alerts)
    alert_settings.note_fault(installation, fault or unsaid)
    for alert in alerts:
        _done(alert, again=later or bool(unsaid))
    return True


def _mail(installation: Installation, addresses: Sequence[str], alerts: Sequence[Alert]) -> tuple[str, bool]:
    """Mail each address what it has not got yet; gives why one did not get it, and whether another try may help."""
    fault, later = ("", False) if addresses else (NOBODY, True)
    for address in addresses:
        fresh = [alert for alert in alerts if address not in alert.reached]
        try:
            if fresh:
                send_alerts(installation, fresh, address)
        except NotSent as error:
            fault = str(error)
            if not error.lasting:
                later = True
                continue
        _reached(fresh, address)
    return fault, later


def _reached(alerts: Sequence[Alert], address: str) -> None:
    """Written down at once: a worker that ends now must not mail everybody once more."""
    for alert in alerts:
        alert.reached = [*alert.reached, address]
        alert.save(update_fields=["reached"])


def _comment(installation: Installation, chosen: AlertSettings, alerts: Sequence[Alert]) -> str:
    """Say what is new under the work item that was chosen; gives why that did not go."""
    fresh = [alert for alert in alerts if alert.commented_at is None]
    if not (fresh and chosen.comment_item and installation.active):
        return ""
    try:
        with calling_for("alerts"):
            _say(installation, chosen.comment_project, chosen.comment_item, fresh)
    except GroundcrewError as error:
        log.warning("no comment about alerts", code=error.code, detail=str(error))
        return f"The comment under {chosen.comment_key} was not written: {error.person}"
    return ""


def _say(installation: Installation, project: UUID | None, item: UUID, alerts: Sequence[Alert]) -> None:
    plane = plane_for(installation)
    for alert in alerts:
        where = f"[{literal(alert.button)}]({settings.APP_BASE_URL}{alert.page})"
        html = paragraphs(f"**{literal(alert.title)}**\n\n{literal(alert.text)}\n\n{where}")
        plane.add_comment(str(project), str(item), html, f"alert:{alert.pk}")
        alert.commented_at = timezone.now()
        alert.save(update_fields=["commented_at"])


def _done(alert: Alert, *, again: bool) -> None:
    """Told, or to be tried again. After ``TRIES`` it counts as told, and the next reminder tries anew."""
    now = timezone.now()
    rows = Alert.objects.filter(pk=alert.pk, claimed_at=alert.claimed_at)
    if again and alert.attempts + 1 < TRIES:
        wait = backoff(alert.attempts + 1, base=60.0)
        rows.update(attempts=alert.attempts + 1, due_at=now + wait, claimed_at=None)
        return
    following = now + min(AGAIN * 2 ** min(alert.told, 3), SELDOMEST)
    rows.update(
        told=alert.told + 1, told_at=now, due_at=None if alert.kind in ONCE else following, reached=[], attempts=0,
        claimed_at=None,
    )  # fmt: skip
