"""Setup URL, redirect URI, sign-in and sign-out: the doors between Plane's consent page and us."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from planeapp.accounts.signin import Arrival, arrive, sign_in
from planeapp.installations import audit, install, states
from planeapp.installations.gateways import plane_oauth, plane_off
from planeapp.installations.limits import limited
from planeapp.installations.models import OAuthState
from planeapp.lib.errors import GroundcrewError, ReconnectNeeded, Refused

log = structlog.get_logger(__name__)
WRONG_ISSUER = "wrong_issuer"
NOT_ALL = "The app is installed, but Plane did not allow all that it asked for. The overview says what is off and why."


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
        _check_issuer(request, attempt)
        if request.GET.get("error"):
            return _denied(request, attempt)
        return _arrived(request, attempt)
    except GroundcrewError as error:
        return _done_before(request) if error.code == states.USED else _failed(request, error)


def _check_issuer(request: HttpRequest, attempt: OAuthState) -> None:
    """The answer must come from the Plane that was asked (RFC 9207; Plane documents no ``iss``, so it may be missing)."""
    ours = (settings.PLANE_BASE_URL, settings.PLANE_APP_URL)
    named = request.GET.get("iss", "").rstrip("/")
    if attempt.issuer != settings.PLANE_BASE_URL or (named and named not in ours):
        raise Refused(
            "answer of another issuer", person=f"This came from another Plane. {states.AGAIN}", code=WRONG_ISSUER
        )


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
    if arrival.installed is not None and plane_off(arrival.installed):
        messages.warning(request, NOT_ALL)
    return redirect(attempt.next_page or _first_page(arrival))


def _first_page(arrival: Arrival) -> str:
    if arrival.installed is not None:
        return reverse("overview", args=[arrival.installed.slug])
    if len(arrival.joined) == 1:
        return reverse("overview", args=[arrival.joined[0].installation.slug])
    return reverse("workspaces")


def _done_before(request: HttpRequest) -> HttpResponse:
    """The second of two clicks. It leaves the session alone: the first one has just made a new one for this browser."""
    log.info("callback came again")
    audit.record_stranger("refused_callback", request, reason=states.USED)
    return redirect("done")


@never_cache
@require_GET
def done(request: HttpRequest) -> HttpResponse:
    """What the link was for is done already; the way on."""
    return render(request, "accounts/done.html")


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
