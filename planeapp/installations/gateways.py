"""Ready gateways for a row: Plane for an installation, a provider for a connection. One HTTP client per process."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

from django.conf import settings

from planeapp.installations import budgets, lacking, oauth_clients
from planeapp.installations.models import Connection, Credential, Installation
from planeapp.installations.notes import StoredNotes
from planeapp.installations.oauth_clients import OUR_FAULT
from planeapp.installations.project_facts import StoredFacts
from planeapp.installations.tokens import connection_secret, grant_of, valid_token
from planeapp.lib.errors import FixSettings, ReconnectNeeded
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.plane import scopes
from planeapp.plane.gateway import Plane
from planeapp.plane.oauth import MINIMUM_SCOPES, Grant, PlaneOAuth
from planeapp.plane.side import PlaneSide
from planeapp.providers import consent_of, provider_class
from planeapp.providers.base import Access, Provider, TokenFunction
from planeapp.providers.consent import OAuthGrant

SIDE_SECONDS = 120.0
BOT = "bot"
USER = "user"
OAUTH = "oauth"


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


def _must_stand(installation: Installation) -> None:
    """Raise ReconnectNeeded once the end of an installation was noticed, by whichever worker.

    Asked at every token, so that who holds a side or a provider from before makes no further call.
    """
    if not Installation.objects.filter(pk=installation.pk, status=Installation.Status.ACTIVE).exists():
        raise ReconnectNeeded(f"{installation} is no longer installed")


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
    _must_stand(installation)
    return valid_token(bot_credential(installation), partial(_ask_bot, installation), refused=refused)


def plane_access(installation: Installation) -> Access:
    """Access to Plane as the installation's bot. Raises ReconnectNeeded for one that is not active."""
    if not installation.active:
        raise ReconnectNeeded(f"{installation} is {installation.status}")
    return Access(
        http(),
        settings.PLANE_BASE_URL,
        partial(_bot_token, installation),
        zone=installation.zone,
        budget=partial(budgets.of_installation, installation),
    )


def _known_scopes(installation: Installation) -> frozenset[str]:
    found = Credential.objects.filter(installation=installation, slot=BOT).values_list("scopes", flat=True).first()
    return frozenset((found or "").split())


def plane_off(installation: Installation) -> tuple[scopes.Off, ...]:
    """What Plane does not allow our bot to do there, by the token that it gave us last; makes no call."""
    return scopes.features_off(_known_scopes(installation), plane_oauth().scopes)


def plane_for(installation: Installation) -> Plane:
    """Plane, seen by the installation's bot; it asks for nothing that its token does not allow."""
    access, lacks = plane_access(installation), scopes.lacking(_known_scopes(installation))
    if lacks - scopes.OPTIONAL_SCOPES.keys():
        access.token()  # an old one is renewed by this, and the new one may allow more
        lacks = scopes.lacking(_known_scopes(installation))
    return Plane(access, installation.slug, lacks=lacks)


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
    plane = plane_for(installation)
    name = (str(installation.pk), installation.slug, str(installation.app_installation_id))
    kept = _sides.get(name)
    if kept is None or kept.until < time.monotonic() or kept.side.plane.lacks != plane.lacks:
        facts = StoredFacts(installation)
        side = PlaneSide(plane, str(installation.workspace_id), settings.PLANE_APP_URL, facts)
        kept = _sides[name] = _Kept(side, time.monotonic() + SIDE_SECONDS)
    return kept.side


def _connection_token(connection: Connection, slot: str = "main", *, refused: str = "") -> str:
    _must_stand(connection.installation)
    credential = connection_secret(connection, slot)
    flow = consent_of(connection.provider) if slot == OAUTH else None
    if flow is None:
        return valid_token(credential, None, refused=refused)

    def ask(held: Credential) -> OAuthGrant:
        try:
            fresh = flow.refresh(http(), grant_of(held))
        except ReconnectNeeded as error:
            oauth_clients.forget(connection.installation, connection.provider, error)
            raise
        if fresh.missing:
            lacking.keep(connection, fresh.missing)
        return fresh

    return valid_token(credential, ask, refused=refused)


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
        lacks=partial(lacking.told, connection),
        budget=budgets.of_connection(connection),
        notes=StoredNotes(connection),
    )
    return provider_class(connection.provider)(access)
