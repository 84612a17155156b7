"""Setup URL, redirect URI, sign-in and sign-out: the doors between Plane's consent page and us."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from planeapp.accounts.signin import Arrival, arrive, sign_in
from planeapp.installations import audit, install, states
from planeapp.installations.gateways import plane_oauth
from planeapp.installations.limits import limited
from planeapp.installations.models import OAuthState
from planeapp.lib.errors import GroundcrewError, ReconnectNeeded, Refused

log = structlog.get_logger(__name__)


def _to_consent(request: HttpRequest, purpose: str, next_page: str = "") -> HttpResponse:
    begun = states.begin(request, purpose, settings.PLANE_BASE_URL, next_page)
    return HttpResponseRedirect(plane_oauth().consent_url(begun.state, begun.challenge))


@never_cache
@require_GET
@limited("setup", 30)
def setup(request: HttpRequest) -> HttpResponse:
    """Setup URL: Plane sends the browser here when somebody clicks Install. Unknown parameters are tolerated."""
    return _to_consent(request, OAuthState.Purpose.INSTALL)


@never_cache
@require_http_methods(["GET", "POST"])
@limited("signin", 60)
def signin(request: HttpRequest) -> HttpResponse:
    """The sign-in page, and on POST the way to Plane."""
    next_page = request.POST.get("next") or request.GET.get("next", "")
    if request.method == "POST":
        return _to_consent(request, OAuthState.Purpose.SIGN_IN, next_page)
    return render(request, "accounts/signin.html", {"next": next_page})


@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("home")


@never_cache
@require_GET
@limited("callback", 60)
def callback(request: HttpRequest) -> HttpResponse:
    """Redirect URI of install and sign-in. Whatever comes, the browser leaves the address that carried the code."""
    if not request.GET.get("state"):
        return _without_state(request)
    try:
        attempt = states.spend(request, request.GET["state"])
        if attempt.purpose not in (OAuthState.Purpose.INSTALL, OAuthState.Purpose.SIGN_IN):
            raise Refused(
                "state of another kind", person="This was not a sign-in. Please start again.", code="foreign_state"
            )
        if request.GET.get("error"):
            return _denied(request, attempt)
        return _arrived(request, attempt)
    except GroundcrewError as error:
        return _failed(request, error)


def _without_state(request: HttpRequest) -> HttpResponse:
    """Marketplace installs may come back without our state: the person confirms once more from our side."""
    audit.record("callback_without_state", None, request)
    return redirect("confirm")


@never_cache
@require_GET
def confirm(request: HttpRequest) -> HttpResponse:
    """Asks for one more click that starts an attempt of our own."""
    return render(request, "accounts/confirm.html")


def _denied(request: HttpRequest, attempt: OAuthState) -> HttpResponse:
    audit.record("consent_denied", None, request, purpose=attempt.purpose)
    request.session["problem"] = (
        "You did not allow the app in Plane, so nothing was changed. You can start again whenever you like."
    )
    return redirect("problem")


def _arrived(request: HttpRequest, attempt: OAuthState) -> HttpResponse:
    code = request.GET.get("code", "")
    if not code:
        raise Refused("callback without code", person="Plane sent no code. Please start again.", code="no_code")
    oauth = plane_oauth()
    grant = oauth.exchange_code(code, attempt.verifier or None)
    other = sign_in(request, oauth.profile(grant.access))
    if other is not None:
        return other
    install.keep_user_grant(request.user, grant)
    arrival = arrive(request, grant, request.GET.get("app_installation_id", ""))
    log.info("signed in", purpose=attempt.purpose, workspaces=len(arrival.joined))
    return redirect(attempt.next_page or _first_page(arrival))


def _first_page(arrival: Arrival) -> str:
    if arrival.installed is not None:
        return reverse("overview", args=[arrival.installed.slug])
    if len(arrival.joined) == 1:
        return reverse("overview", args=[arrival.joined[0].installation.slug])
    return reverse("workspaces")


def _failed(request: HttpRequest, error: GroundcrewError) -> HttpResponse:
    log.warning("callback refused", code=error.code, detail=str(error))
    if isinstance(error, Refused):
        audit.record("refused_callback", None, request, reason=error.code)
    person = error.person
    if isinstance(error, ReconnectNeeded):
        person = "Plane did not accept this attempt (the code may be used or too old). Please start again."
    request.session["problem"] = person
    return redirect("problem")


@never_cache
@require_GET
def problem(request: HttpRequest) -> HttpResponse:
    """Shows what went wrong with the last attempt and what to do; the address carries nothing."""
    text = request.session.pop("problem", "")
    if not text:
        return redirect("home")
    return render(request, "accounts/problem.html", {"problem": text}, status=400)
