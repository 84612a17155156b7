"""What follows when a credential is refused for good: the state that pages show, and that the alerts are found by."""

from __future__ import annotations

from django.utils import timezone

from planeapp.installations.models import AuditEntry, Connection, Credential, Installation


def refused(credential: Credential, why: str) -> None:
    """Write it down on what the credential belongs to. A person's own token concerns nobody else."""
    if credential.connection is not None:
        connection_refused(credential.connection, why)
    elif credential.installation is not None:
        mark_uninstalled(credential.installation, why)


def connection_refused(connection: Connection, why: str) -> None:
    """The vendor no longer takes the connection's token: any admin may connect again in place."""
    broken = Connection.Status.RECONNECT
    rows = Connection.objects.filter(pk=connection.pk).exclude(status=broken)
    rows.update(status=broken, status_detail=why[:500])


def mark_uninstalled(installation: Installation, why: str) -> None:
    """Plane has taken us out: stop all work for the workspace, keep its rows for the grace period."""
    changed = (
        Installation.objects.filter(pk=installation.pk)
        .exclude(status=Installation.Status.UNINSTALLED)
        .update(status=Installation.Status.UNINSTALLED, status_detail=why[:500], uninstalled_at=timezone.now())
    )
    if changed:
        detail = {"reason": why[:200]}
        AuditEntry.objects.create(installation=installation, who="Plane", action="uninstalled", detail=detail)
