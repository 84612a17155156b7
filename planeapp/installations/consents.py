"""Consents with providers: the browser leaves for the vendor's own sign-in and comes back with a grant for one connection.

One attempt is one :class:`OAuthState` row: single use, ten minutes, bound to browser, person, workspace and provider. What
the vendor's module has to remember meanwhile lies encrypted on the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from pydantic import TypeAdapter

from planeapp.installations import connecting, lacking, oauth_clients, states
from planeapp.installations.connecting import Offer
from planeapp.installations.gateways import OAUTH, http
from planeapp.installations.models import Connection, Installation, OAuthState
from planeapp.installations.tokens import grant_of, store_new_grant
from planeapp.lib.errors import FixSettings, GroundcrewError, ReconnectNeeded, Refused
from planeapp.providers import consent_of
from planeapp.providers.consent import Attempt, ConsentFlow, ConsentRequest, OAuthClient, OAuthGrant

log = structlog.get_logger(__name__)


def redirect_uri(provider: str) -> str:
    """Where the vendor sends the browser back to."""
    return f"{settings.APP_BASE_URL}{reverse('provider_callback', args=[provider])}"


def document_url(provider: str) -> str:
    """Where our client id metadata document for a vendor is served; its address is our name there."""
    return f"{settings.APP_BASE_URL}{reverse('client_document', args=[provider])}"


def client_document(provider: str) -> dict[str, Any]:
    """That document. FixSettings for a vendor without a sign-in."""
    found = document_url(provider), redirect_uri(provider), settings.APP_NAME, settings.APP_BASE_URL
    return _flow(provider).client_document(*found)


def _flow(provider: str) -> ConsentFlow:
    flow = consent_of(provider)
    if flow is None:
        raise FixSettings(f"{provider} has no sign-in", person="This system is connected with a token.")
    return flow


@dataclass(frozen=True)
class Wish:
    """What an admin starts a consent with.

    ``client``: a client id and secret that were typed in; ``issuers``: the sign-in hosts that are allowed from now on
    (None: those that were); ``more``: keep what is granted and ask for what is missing.
    """

    client: OAuthClient | None = None
    issuers: Sequence[str] | None = None
    more: bool = False


@dataclass
class _Notes:
    """What to store with the connection once the consent was given; the text is encrypted on the attempt's row."""

    client: OAuthClient | None
    settings: dict[str, Any]


_NOTES = TypeAdapter(_Notes)


def begin(request: HttpRequest, installation: Installation, provider: str, wish: Wish) -> str:
    """Start an attempt; gives the address for the browser. Nothing stays of one that the vendor does not even begin."""
    begun = states.begin(request, OAuthState.Purpose.CONNECT, settings.VENDOR_URLS[provider])
    try:
        ask = _request(installation, provider, begun.state, wish)
        attempt = _flow(provider).begin(http(), ask)
    except GroundcrewError:
        begun.row.delete()
        raise
    if attempt.client is not None and attempt.client.origin == "registered":
        oauth_clients.keep(installation, provider, attempt.client)
    row, extra = begun.row, {} if wish.issuers is None else {"issuers": list(wish.issuers)}
    row.keep, row.installation, row.provider = attempt.keep, installation, provider
    row.user_id = request.user.pk
    row.verifier = _NOTES.dump_json(_Notes(attempt.client, extra)).decode()
    row.save()
    return attempt.url


def _request(installation: Installation, provider: str, state: str, wish: Wish) -> ConsentRequest:
    connection = Connection.objects.filter(installation=installation, provider=provider).first()
    stored = connection.settings if connection else {}
    more = wish.more and connection is not None
    return ConsentRequest(
        base_url=connection.base_url if connection else settings.VENDOR_URLS[provider],
        redirect_uri=redirect_uri(provider),
        state=state,
        settings=stored if wish.issuers is None else {**stored, "issuers": wish.issuers},
        client=wish.client or _earlier_client(installation, provider),
        app_name=settings.APP_NAME,
        app_url=settings.APP_BASE_URL,
        document_url=document_url(provider),
        held=lacking.wanted(connection, OAUTH) if more and connection else frozenset(),
        challenge=str(stored.get("challenge") or "") if more else "",
    )


def _earlier_client(installation: Installation, provider: str) -> OAuthClient | None:
    """The client of an earlier consent.

    A vendor that has forgotten one that we registered tells so on its own page, to the person and not to us: when the
    last attempt never came back, we register anew.
    """
    known = oauth_clients.known(installation, provider)
    last = OAuthState.objects.filter(installation=installation, provider=provider).order_by("-created_at").first()
    lost = last is not None and last.used_at is None and last.expires_at < timezone.now()
    return None if lost and known is not None and known.origin == "registered" else known


def spend(request: HttpRequest, provider: str, state: str) -> OAuthState:
    """The attempt that a browser comes back from, used up. Refused when it is not this browser's, person's, provider's."""
    attempt = states.spend(request, state)
    mine = attempt.purpose == OAuthState.Purpose.CONNECT and attempt.provider == provider
    if not mine or attempt.installation is None or attempt.user_id != request.user.pk:
        raise Refused("state of another attempt", person="This was started by somebody else.", code="foreign_state")
    return attempt


def finish(attempt: OAuthState, installation: Installation, query: Mapping[str, str]) -> None:
    """Exchange the code, try the grant out, store it. A grant that does not work is given back to the vendor."""
    provider, flow = attempt.provider, _flow(attempt.provider)
    known = Connection.objects.filter(installation=installation, provider=provider).first()
    notes = _NOTES.validate_json(str(attempt.verifier))
    try:
        grant = flow.finish(http(), Attempt(str(attempt.keep)), query)
    except ReconnectNeeded as error:
        oauth_clients.forget(installation, provider, error)
        raise
    base_url = known.base_url if known else settings.VENDOR_URLS[provider]
    granted = {"missing_scopes": sorted(grant.missing), "challenge": ""}
    try:
        connection = connecting.connect(
            installation, provider, Offer({OAUTH: grant.access}, notes.settings | granted, base_url)
        )
    except GroundcrewError:
        _give_back(flow, grant)
        raise
    store_new_grant(connection.credentials.get(slot=OAUTH), grant)
    if notes.client is not None:
        oauth_clients.keep(installation, provider, notes.client)


def _give_back(flow: ConsentFlow, grant: OAuthGrant) -> None:
    try:
        flow.revoke(http(), grant)
    except GroundcrewError as error:
        log.warning("grant not given back", code=error.code, detail=str(error))


def revoke(connection: Connection) -> bool | None:
    """End the connection's grant at the vendor; None when it has none."""
    credential = connection.credentials.filter(slot=OAUTH).exclude(access="").first()
    flow = consent_of(connection.provider)
    if credential is None or flow is None:
        return None
    return flow.revoke(http(), grant_of(credential))
