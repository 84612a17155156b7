"""Who we are at the vendors' sign-ins: clients that we registered or that an admin typed in, kept per workspace and vendor.

A registered one is kept before anybody has agreed to anything: a person who says no must not cost one more registration.
"""

from __future__ import annotations

from planeapp.installations.models import Credential, Installation
from planeapp.lib.errors import ReconnectNeeded
from planeapp.providers.consent import OAuthClient

OUR_FAULT = ("invalid_client", "unauthorized_client")


def _slot(provider: str) -> str:
    return f"client:{provider}"


def known(installation: Installation, provider: str) -> OAuthClient | None:
    """The client of an earlier consent; it names the issuer that it is good for."""
    kept = installation.credentials.filter(slot=_slot(provider)).first()
    return OAuthClient.from_text(str(kept.access)) if kept else None


def keep(installation: Installation, provider: str, client: OAuthClient) -> None:
    """Remember a client (encrypted: it may hold a secret) in place of an earlier one."""
    kept, _ = Credential.objects.get_or_create(installation=installation, slot=_slot(provider))
    kept.access = client.as_text()
    kept.save()


def forget(installation: Installation, provider: str, error: ReconnectNeeded) -> None:
    """When the vendor no longer knows a client that we registered, the next consent has to register anew."""
    kept = known(installation, provider) if error.code in OUR_FAULT else None
    if kept is not None and kept.origin != "given":
        installation.credentials.filter(slot=_slot(provider)).delete()
