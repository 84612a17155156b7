"""Scopes that a connection's sign-in was not granted: kept with it, so that what needs them is off and can be asked for."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from planeapp.installations.models import Connection
from planeapp.providers import consent_of, provider_class

LONGEST_CHALLENGE = 2000


def held(connection: Connection, slot: str) -> frozenset[str]:
    """The scopes of the grant in a slot."""
    found = connection.credentials.filter(slot=slot).first()
    return frozenset(found.scopes.split()) if found else frozenset()


def wanted(connection: Connection, slot: str) -> frozenset[str]:
    """What to ask for in order to have everything that is missing, without losing what is held."""
    return held(connection, slot) | frozenset(connection.settings.get("missing_scopes") or ())


def told(connection: Connection, slot: str, challenge: str) -> bool:
    """A call was refused with this WWW-Authenticate header: keep what is missing. Whether a further consent may help."""
    flow = consent_of(connection.provider)
    have = held(connection, slot)
    more = flow.step_up(challenge, have) - have if flow is not None else frozenset()
    if more:
        keep(connection, more, challenge)
    return bool(more)


def keep(connection: Connection, scopes: Collection[str], challenge: str = "") -> None:
    """Add to what is missing; the report follows without the vendor being asked. ``connection`` is brought up to date."""
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        row.settings["missing_scopes"] = sorted({*(row.settings.get("missing_scopes") or ()), *scopes})
        if 0 < len(challenge) <= LONGEST_CHALLENGE:
            row.settings["challenge"] = challenge
        row.report = dict(provider_class(row.provider).reconsidered(row.report, row.settings))
        row.save(update_fields=["settings", "report", "updated_at"])
    connection.settings.update(row.settings)
    connection.report = row.report
