"""Ready gateways for a row: Plane for an installation, a provider for a connection. One HTTP client per process."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

from django.conf import settings

from planeapp.installations.models import Connection, Credential, Installation
from planeapp.installations.tokens import connection_secret, grant_of, valid_token
from planeapp.lib.errors import FixSettings, ReconnectNeeded
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.plane.gateway import Plane
from planeapp.plane.oauth import MINIMUM_SCOPES, Grant, PlaneOAuth
from planeapp.plane.side import PlaneSide
from planeapp.providers import consent_of, provider_class
from planeapp.providers.base import Access, Provider, TokenFunction
from planeapp.providers.consent import OAuthClient, OAuthGrant

SIDE_SECONDS = 120.0
BOT = "bot"
OUR_FAULT = ("invalid_client", "unauthorized_client")
USER = "user"
OAUTH = "oauth"
CLIENT = "client"


@cache
def http() -> Http:
    """This process's HTTP client."""
    client = Http(Guard(settings.OUTBOUND_ALLOW))
    atexit.register(client.close)
    return client


def plane_oauth() -> PlaneOAuth:
    """Plane's OAuth endpoints with our registration."""
    return PlaneOAuth(
        http(),
        settings.PLANE_BASE_URL,
        settings.PLANE_CLIENT_ID,
        settings.PLANE_CLIENT_SECRET,
        settings.PLANE_REDIRECT_URI,
        settings.PLANE_SCOPES or list(MINIMUM_SCOPES),
    )


def bot_credential(installation: Installation) -> Credential:
    """The installation's bot token row, made when it is missing (a bot token can always be asked for again)."""
    found, _ = Credential.objects.get_or_create(installation=installation, slot=BOT)
    return found


@contextmanager
def our_fault_is_not_theirs() -> Iterator[None]:
    """Our registration being refused says nothing about the workspace or person that was asked for: FixSettings."""
    try:
        yield
    except ReconnectNeeded as error:
        if error.code in OUR_FAULT:
            raise FixSettings(str(error), person=error.person, code=error.code) from error
        raise


def _ask_bot(installation: Installation, credential: Credential) -> Grant:
    if installation.app_installation_id is None:
        raise ReconnectNeeded(f"{installation} has no app installation id")
    with our_fault_is_not_theirs():
        return plane_oauth().bot_token(str(installation.app_installation_id))


def _bot_token(installation: Installation, slot: str = "main", *, refused: str = "") -> str:
    return valid_token(bot_credential(installation), partial(_ask_bot, installation), refused=refused)


def plane_access(installation: Installation) -> Access:
    """Access to Plane as the installation's bot. Raises ReconnectNeeded for one that is not active."""
    if not installation.active:
        raise ReconnectNeeded(f"{installation} is {installation.status}")
    return Access(http(), settings.PLANE_BASE_URL, partial(_bot_token, installation), zone=installation.zone)


def plane_for(installation: Installation) -> Plane:
    """Plane, seen by the installation's bot."""
    return Plane(plane_access(installation), installation.slug)


@dataclass(frozen=True)
class _Kept:
    side: PlaneSide
    until: float


_sides: dict[tuple[str, ...], _Kept] = {}


def side_for(installation: Installation) -> PlaneSide:
    """Plane's work items as one side of a sync.

    Kept for ``SIDE_SECONDS`` per process, since it remembers states, labels and people of a project: Plane allows 60
    calls a minute, and these would eat most of them. Tokens are not kept: each call asks for one that is valid.
    """
    access = plane_access(installation)
    name = (str(installation.pk), installation.slug, str(installation.app_installation_id))
    kept = _sides.get(name)
    if kept is None or kept.until < time.monotonic():
        side = PlaneSide(Plane(access, installation.slug), str(installation.workspace_id), settings.PLANE_APP_URL)
        kept = _sides[name] = _Kept(side, time.monotonic() + SIDE_SECONDS)
    return kept.side


def _connection_token(connection: Connection, slot: str = "main", *, refused: str = "") -> str:
    credential = connection_secret(connection, slot)
    flow = consent_of(connection.provider) if slot == OAUTH else None
    if flow is None:
        return valid_token(credential, None, refused=refused)

    def ask(held: Credential) -> OAuthGrant:
        try:
            return flow.refresh(http(), grant_of(held))
        except ReconnectNeeded as error:
            forget_client(connection, error)
            raise

    return valid_token(credential, ask, refused=refused)


def forget_client(connection: Connection | None, error: ReconnectNeeded) -> None:
    """When the vendor no longer knows a client that we registered, the next consent has to register anew."""
    kept = connection.credentials.filter(slot=CLIENT).first() if connection and error.code in OUR_FAULT else None
    if kept is not None and OAuthClient.from_text(str(kept.access)).origin != "given":
        kept.delete()


def token_function(connection: Connection) -> TokenFunction:
    """Tokens of a connection, by slot."""
    return partial(_connection_token, connection)


def provider_for(connection: Connection, zone: str = "") -> Provider:
    """The provider behind a connection, with its days understood in ``zone`` (default: the workspace's).

    Raises ReconnectNeeded for a workspace that the app is not installed in any more.
    """
    if not connection.installation.active:
        raise ReconnectNeeded(f"{connection.installation} is {connection.installation.status}")
    access = Access(
        http(),
        connection.base_url,
        token_function(connection),
        settings=connection.settings,
        report=connection.report,
        zone=zone or connection.installation.zone,
    )
    return provider_class(connection.provider)(access)
