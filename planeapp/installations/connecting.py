"""Connecting a provider: try the credentials with a probe first, store them only when the vendor takes them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from planeapp.installations.gateways import OAUTH, http, provider_for, token_function
from planeapp.installations.models import Connection, Credential, Installation
from planeapp.lib.budget import calling_for
from planeapp.lib.errors import GroundcrewError, ReconnectNeeded
from planeapp.providers import provider_class
from planeapp.providers.base import Access, Report, TokenFunction

log = structlog.get_logger(__name__)
WEBHOOK = "webhook"
PROBE = "probe"
PROBED = timedelta(days=1)
PROBES = 20


@dataclass(frozen=True)
class Offer:
    """What an admin handed in: secrets by slot, and settings without secrets."""

    credentials: Mapping[str, str]
    settings: Mapping[str, Any]
    base_url: str


def _offered_token(offer: Offer, kept: TokenFunction | None) -> TokenFunction:
    """Hands out what was offered, and what the connection has already for the other slots."""

    def token(slot: str = "main", *, refused: str = "") -> str:
        if slot not in offer.credentials and kept is not None:
            return kept(slot, refused=refused)
        found = offer.credentials.get(slot, "")
        if not found or found == refused:
            raise ReconnectNeeded(f"the offered token for {slot!r} is refused")
        return found

    return token


def try_out(key: str, offer: Offer, zone: str, kept: TokenFunction | None = None) -> Report:
    """Probe with what was handed in (``kept``: tokens of other slots); nothing is stored. Raises the vendor's refusal."""
    access = Access(http(), offer.base_url, _offered_token(offer, kept), settings=offer.settings, zone=zone)
    with closing(provider_class(key)(access)) as provider:
        return provider.probe()


def _with_earlier(offer: Offer, earlier: Connection | None) -> Offer:
    """The offer beside what the connection has already: settings that were not sent stay, and so do other slots.

    A vendor that can be reached in two ways is told by ``slots`` which of them this connection has.
    """
    settings = {**(earlier.settings if earlier else {}), **offer.settings}
    if "slots" in settings or OAUTH in offer.credentials:
        kept = earlier.credentials.exclude(slot=WEBHOOK).values_list("slot", flat=True) if earlier else ()
        settings["slots"] = sorted({*kept, *offer.credentials})
    return replace(offer, settings=settings)


@calling_for(PROBE)
def connect(installation: Installation, key: str, offer: Offer) -> Connection:
    """Add or replace the connection. Pairs, links and history of an earlier one are kept."""
    earlier = Connection.objects.filter(installation=installation, provider=key).first()
    offer = _with_earlier(offer, earlier)
    report = try_out(key, offer, installation.zone, token_function(earlier) if earlier else None)
    with transaction.atomic():
        connection, _ = Connection.objects.get_or_create(
            installation=installation, provider=key, defaults={"base_url": offer.base_url}
        )
        connection.base_url, connection.settings = offer.base_url, dict(offer.settings)
        connection.status, connection.status_detail = Connection.Status.ACTIVE, ""
        connection.paused_until = None
        connection.report, connection.probed_at = report.as_data(), timezone.now()
        connection.save()
        for slot, secret in offer.credentials.items():
            _store_secret(connection, slot, secret)
    subscribe(connection)
    return connection


@calling_for(PROBE)
def probe(connection: Connection) -> Report:
    """Look again at what the connection can do, and remember it."""
    with closing(provider_for(connection)) as provider:
        report = provider.probe()
    connection.report, connection.probed_at = report.as_data(), timezone.now()
    connection.save(update_fields=["report", "probed_at", "updated_at"])
    subscribe(connection)
    return report


def probe_old() -> int:
    """Look again at connections that were not looked at for a day, at most ``PROBES`` of them; gives their number.

    What a vendor offers changes without notice: tools, permissions, plans.
    """
    old = Connection.objects.filter(status=Connection.Status.ACTIVE, installation__status=Installation.Status.ACTIVE)
    found = old.filter(probed_at__lt=timezone.now() - PROBED).select_related("installation").order_by("probed_at")
    turns = list(found[:PROBES])
    for connection in turns:
        # Its turn is over even if nobody answers: another one must not wait behind it.
        Connection.objects.filter(pk=connection.pk).update(probed_at=timezone.now())
        try:
            probe(connection)
        except GroundcrewError as error:
            log.warning("not probed", connection=str(connection.pk), code=error.code, detail=str(error))
    return len(turns)


def _store_secret(connection: Connection, slot: str, secret: str) -> None:
    credential, _ = Credential.objects.get_or_create(connection=connection, slot=slot)
    credential.access, credential.state, credential.failure = secret, Credential.State.ACTIVE, ""
    credential.save()


def subscribe(connection: Connection, anew: bool = False) -> None:
    """Have the vendor push changes to us, where it can. Without it the feed and the sweep still bring them.

    Where it has our subscription already, nothing is done unless ``anew``.
    """
    if not connection.can("subscribe") or (not anew and connection.credentials.filter(slot=WEBHOOK).exists()):
        return
    try:
        secret = provider_for(connection).subscribe(connection.webhook_url)
    except GroundcrewError as error:
        log.warning("no webhook subscription", connection=str(connection.pk), code=error.code, detail=str(error))
        return
    _store_secret(connection, WEBHOOK, secret)


def new_webhook_secret(connection: Connection) -> str:
    """A secret for a webhook that an admin sets up by hand. The one before stays good until there is a next one."""
    secret = secrets.token_urlsafe(32)
    old = connection.credentials.filter(slot=WEBHOOK).first()
    newest = str(old.access).split()[:1] if old else []
    _store_secret(connection, WEBHOOK, " ".join([secret, *newest]))
    return secret
