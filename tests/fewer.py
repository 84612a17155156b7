"""A Plane that allows our bot fewer scopes than it asks for."""

from __future__ import annotations

from planeapp.installations.gateways import bot_credential, plane_access
from planeapp.installations.models import Installation
from planeapp.plane.scopes import MINIMUM_SCOPES
from planeapp.sandbox.plane.core import Plane


def all_but(*scopes: str) -> str:
    """What is left of all that we ask for."""
    return " ".join(sorted(set(MINIMUM_SCOPES) - set(scopes)))


def allow(rows: Plane, installation: Installation, scope: str) -> None:
    """From now on Plane's workspace allows just these; tokens that are out keep what they have."""
    row = rows.one("installation", str(installation.app_installation_id))
    assert row
    rows.store.put("installation", row["id"], row | {"scope": scope})


def deny(rows: Plane, installation: Installation, *scopes: str) -> None:
    """Plane takes these away, and our bot has a token by which it knows."""
    allow(rows, installation, all_but(*scopes))
    plane_access(installation).token(refused=str(bot_credential(installation).access))
