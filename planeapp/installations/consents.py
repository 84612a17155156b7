"""Consents with providers: the browser leaves for the vendor's own sign-in and comes back with a grant for one connection.

One attempt is one :class:`OAuthState` row: single use, ten minutes, bound to browser, person, workspace and provider. What
the vendor's module has to remember meanwhile lies encrypted on the row.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from planeapp.installations import connecting, states
from planeapp.installations.connecting import Offer
from planeapp.installations.gateways import CLIENT, OAUTH, forget_client, http
from planeapp.installations.models import Connection, Credential, Installation, OAuthState
from planeapp.installations.tokens import grant_of, store_new_grant
from planeapp.lib.errors import FixSettings, GroundcrewError, ReconnectNeeded, Refused
from planeapp.providers import consent_of
from planeapp.providers.consent import Attempt, ConsentFlow, ConsentRequest, OAuthClient, OAuthGrant

log = structlog.get_logger(__name__)


def redirect_uri(provider: str) -> str:
    """Where the vendor sends the browser back to."""
    return f"{settings.APP_BASE_URL}{reverse('provider_callback', args=[provider])}"


def _flow(provider: str) -> ConsentFlow:
    flow = consent_of(provider)
    if flow is None:
        raise FixSettings(f"{provider} has no sign-in", person="This system is connected with a token.")
    return flow


def begin(request: HttpRequest, installation: Installation, provider: str, client: OAuthClient | None) -> str:
    """Start an attempt; gives the address for the browser. ``client`` is one that the admin typed in, if any."""
    connection = Connection.objects.filter(installation=installation, provider=provider).first()
    begun = states.begin(request, OAuthState.Purpose.CONNECT, settings.VENDOR_URLS[provider])
    ask = ConsentRequest(
        base_url=connection.base_url if connection else settings.VENDOR_URLS[provider],
        redirect_uri=redirect_uri(provider),
        state=begun.state,
        settings=connection.settings if connection else {},
        client=client or _known_client(connection),
        app_name=settings.APP_NAME,
        app_url=settings.APP_BASE_URL,
    )
    attempt = _flow(provider).begin(http(), ask)
    row = begun.row
    row.keep, row.installation, row.provider = attempt.keep, installation, provider
    row.user_id = request.user.pk
    row.verifier = attempt.client.as_text() if attempt.client else ""
    row.save()
    return attempt.url


def _known_client(connection: Connection | None) -> OAuthClient | None:
    """The client that an earlier consent of this connection made or was given."""
    kept = connection.credentials.filter(slot=CLIENT).first() if connection else None
    return OAuthClient.from_text(str(kept.access)) if kept else None


def finish(request: HttpRequest, provider: str, query: Mapping[str, str]) -> OAuthState:
    """Take the browser's return: exchange the code, try the grant out, store it. Gives the spent attempt.

    Raises Refused for a state that is not this browser's, person's and provider's. A grant that does not work is given
    back to the vendor.
    """
    attempt = states.spend(request, query.get("state", ""))
    mine = attempt.purpose == OAuthState.Purpose.CONNECT and attempt.provider == provider
    if not mine or attempt.installation is None or attempt.user_id != request.user.pk:
        raise Refused("state of another attempt", person="This was started by somebody else.", code="foreign_state")
    known = Connection.objects.filter(installation=attempt.installation, provider=provider).first()
    flow = _flow(provider)
    try:
        grant = flow.finish(http(), Attempt(str(attempt.keep)), query)
    except ReconnectNeeded as error:
        forget_client(known, error)
        raise
    base_url = known.base_url if known else settings.VENDOR_URLS[provider]
    offer = Offer({OAUTH: grant.access}, {"missing_scopes": sorted(grant.missing)}, base_url)
    try:
        connection = connecting.connect(attempt.installation, provider, offer)
    except GroundcrewError:
        _give_back(flow, grant)
        raise
    _keep(connection, grant, str(attempt.verifier))
    return attempt


def _give_back(flow: ConsentFlow, grant: OAuthGrant) -> None:
    try:
        flow.revoke(http(), grant)
    except GroundcrewError as error:
        log.warning("grant not given back", code=error.code, detail=str(error))


def _keep(connection: Connection, grant: OAuthGrant, client: str) -> None:
    with transaction.atomic():
        store_new_grant(connection.credentials.get(slot=OAUTH), grant)
        if client:
            kept, _ = Credential.objects.get_or_create(connection=connection, slot=CLIENT)
            kept.access = client
            kept.save()


def revoke(connection: Connection) -> bool | None:
    """End the connection's grant at the vendor; None when it has none."""
    credential = connection.credentials.filter(slot=OAUTH).exclude(access="").first()
    flow = consent_of(connection.provider)
    if credential is None or flow is None:
        return None
    return flow.revoke(http(), grant_of(credential))
