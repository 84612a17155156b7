"""Connecting a provider by a form."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from planeapp.dashboard import calls
from planeapp.dashboard.consenting import sign_in
from planeapp.dashboard.context import known_provider, shown
from planeapp.dashboard.vendor_settings import has_settings
from planeapp.installations import audit, connecting
from planeapp.installations.access import admin
from planeapp.installations.connecting import Offer
from planeapp.installations.models import Connection, Membership
from planeapp.lib.errors import GroundcrewError, ReconnectNeeded
from planeapp.providers import form_of, provider_class
from planeapp.sync import due

log = structlog.get_logger(__name__)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@admin
def connect(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """The form, and on POST the try-out: stored only when the vendor takes it. What was typed stays on a failure."""
    known_provider(provider)
    installation = membership.installation
    form: Any = form_of(provider)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            connection = connecting.connect(installation, provider, _offer(provider, form))
        except GroundcrewError as error:
            log.warning("not connected", provider=provider, code=error.code, detail=str(error))
            form.add_error(None, _told(provider, error))
        else:
            audit.record_connected(installation, provider, request)
            due.ask_everything(installation)
            messages.success(request, f"{provider_class(provider).name} is connected.")
            needs_pair = provider_class(provider).only_place is None and not connection.pairs.exists()
            return redirect("pairs" if needs_pair else "connect", installation.slug, provider)
    connected = Connection.objects.filter(installation=installation, provider=provider).first()
    return render(request, "dashboard/connect.html", {
        "membership": membership, "installation": installation, "form": form, "connection": connected,
        "provider": shown(provider), "abilities": _abilities(connected),
        "settable": connected and has_settings(connected), "calls": calls.told(connected) if connected else None,
        **sign_in(provider, connected),
    }, status=422 if form.errors else 200)  # fmt: skip


def _offer(provider: str, form: Any) -> Offer:
    extra = dict(form.settings())
    base_url = str(extra.pop("base_url", "") or settings.VENDOR_URLS[provider])
    return Offer(form.credentials(), extra, base_url)


def _told(provider: str, error: GroundcrewError) -> str:
    if isinstance(error, ReconnectNeeded):
        return f"{provider_class(provider).name} does not accept this token. Check that you copied all of it. {_own(error)}"
    return error.person


def _own(error: GroundcrewError) -> str:
    """The vendor's own hint, where its folder gave one."""
    return "" if error.person == error.default_person else error.person


def _abilities(connection: Connection | None) -> list[dict[str, Any]]:
    """The probe's lines, for the capability report."""
    return list(connection.report.get("lines", [])) if connection else []


@require_POST
@admin
def probe(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Look again at what the connection can do."""
    known_provider(provider)
    connection = Connection.objects.filter(installation=membership.installation, provider=provider).first()
    if connection is None:
        raise Http404("not connected")
    try:
        connecting.probe(connection)
    except GroundcrewError as error:
        log.warning("probe failed", provider=provider, code=error.code, detail=str(error))
        messages.error(request, error.person)
    else:
        messages.success(request, "Looked again; this is what the connection can do now.")
    return redirect("connect", membership.installation.slug, provider)
