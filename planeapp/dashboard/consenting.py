"""Connecting a provider by its own sign-in: the way there, the way back, and what we are called there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from planeapp.dashboard.consent_form import ConsentForm
from planeapp.dashboard.context import known_provider, shown
from planeapp.installations import audit, consents, people
from planeapp.installations.access import admin
from planeapp.installations.gateways import OAUTH
from planeapp.installations.limits import limited
from planeapp.installations.models import Connection, Installation, Membership, OAuthState
from planeapp.lib.errors import GroundcrewError, Refused
from planeapp.providers import consent_of, provider_class
from planeapp.sync import due

log = structlog.get_logger(__name__)


@never_cache
@sensitive_post_parameters()
@require_POST
@admin
def consent(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Begin, and show the way to the vendor's own sign-in.

    A link leads there, not an answer that redirects: browsers hold the redirects of a form to the policy's form-action,
    and that names no host that an admin allows later.
    """
    known_provider(provider)
    installation, form = membership.installation, ConsentForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.complaint())
        return redirect("connect", installation.slug, provider)
    try:
        address = consents.begin(request, installation, provider, form.wish())
    except GroundcrewError as error:
        log.warning("no consent", provider=provider, code=error.code, detail=str(error))
        audit.record("refused_consent", installation, request, provider=provider, reason=error.code)
        messages.error(request, error.person)
        return redirect("connect", installation.slug, provider)
    return render(request, "dashboard/leave.html", {
        "membership": membership, "installation": installation, "provider": shown(provider), "address": address,
        "host": urlsplit(address).netloc,
    })  # fmt: skip


@never_cache
@require_safe
@login_required
@limited("provider_callback", 60)
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """The vendor's redirect. Whatever comes, the browser leaves the address that carried the code."""
    known_provider(provider)
    try:
        attempt = consents.spend(request, provider, request.GET.get("state", ""))
    except GroundcrewError as error:
        log.warning("consent of nobody", provider=provider, code=error.code, detail=str(error))
        audit.record("refused_callback", None, request, provider=provider, reason=error.code)
        request.session["problem"] = error.person
        return redirect("problem")
    installation = attempt.installation
    assert installation is not None  # spend() saw to that
    return _arrived(request, attempt, installation)


def _arrived(request: HttpRequest, attempt: OAuthState, installation: Installation) -> HttpResponse:
    """Back on the connection's page, with what came of it."""
    provider = attempt.provider
    try:
        _still_admin(request, installation)
        consents.finish(attempt, installation, request.GET.dict())
    except GroundcrewError as error:
        log.warning("consent not finished", provider=provider, code=error.code, detail=str(error))
        audit.record("refused_callback", installation, request, provider=provider, reason=error.code)
        messages.error(request, error.person)
    else:
        audit.record_connected(installation, provider, request, by="sign-in")
        due.ask_everything(installation)
        messages.success(request, f"{provider_class(provider).name} is connected.")
    return redirect("connect", installation.slug, provider)


def _still_admin(request: HttpRequest, installation: Installation) -> None:
    """The callback changes settings; the role that was seen at the beginning may be gone."""
    found = Membership.objects.filter(user=request.user, installation=installation).first()  # type: ignore[misc]
    now = people.confirmed(found, changes=True) if found else None
    if now is None or not now.is_admin:
        raise Refused("consent of somebody who is no admin", person="Only an admin of the workspace can connect this.")


@require_safe
@cache_control(public=True, max_age=300)
def client_document(request: HttpRequest, provider: str) -> HttpResponse:
    """What authorization servers read about us; the document's address is our client id there."""
    known_provider(provider)
    if consent_of(provider) is None:
        raise Http404(f"{provider} has no sign-in")
    return JsonResponse(consents.client_document(provider))


def sign_in(provider: str, connection: Connection | None) -> dict[str, Any]:
    """What the connection's page needs for the vendor's sign-in; nothing where it has none."""
    if consent_of(provider) is None:
        return {}
    allowed = connection.settings.get("issuers") or () if connection else ()
    slots = set(connection.credentials.values_list("slot", flat=True)) if connection else set()
    return {
        "consent_form": ConsentForm(initial={"issuers": ", ".join(allowed)}),
        "redirect_uri": consents.redirect_uri(provider),
        "signed_in": OAUTH in slots,
    }
