"""Who may see and change a workspace. Rows are reached through what these hand out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import structlog
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from planeapp.installations import audit, people
from planeapp.installations.models import Membership
from planeapp.lib.errors import ReconnectNeeded, RetryLater

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer", bound=HttpResponseBase)
SAFE = ("GET", "HEAD", "OPTIONS")


def membership_of(request: HttpRequest, slug: str) -> Membership:
    """The signed-in person's membership in a workspace, as Plane confirms it.

    404 when there is none, so that slugs cannot be guessed.
    """
    found = (
        Membership.objects.select_related("installation", "user")
        .filter(user=request.user, installation__slug=slug)  # type: ignore[misc]
        .order_by("-installation__updated_at")
        .first()
    )
    confirmed = None if found is None else people.confirmed(found, changes=request.method not in SAFE)
    if confirmed is None:
        raise Http404("no such workspace for this person")
    return confirmed


def _not_now(request: HttpRequest, error: RetryLater) -> HttpResponse:
    """Plane cannot confirm the person's role just now, so nothing is changed."""
    log.warning("role not confirmed", detail=str(error))
    return render(request, "dashboard/error.html", {
        "title": "Plane does not answer just now",
        "text": "We could not check that you may change this, so nothing was changed. Please try again in a minute.",
    }, status=503)  # fmt: skip


def _guest(request: HttpRequest, membership: Membership) -> HttpResponse:
    found = {"workspace_name": membership.installation.name}
    return render(request, "installations/members_only.html", found, status=403)


def _known(request: HttpRequest, slug: str) -> Membership | HttpResponse:
    """The membership, as Plane confirms it, or the answer for somebody whom it does not confirm."""
    try:
        membership = membership_of(request, slug)
    except RetryLater as error:
        return _not_now(request, error)
    except ReconnectNeeded:
        logout(request)
        messages.warning(request, "Plane ended your sign-in. Please sign in once more; everything is as you left it.")
        return redirect_to_login(request.get_full_path())
    return membership


def member(view: Callable[..., Answer]) -> Callable[..., Answer | HttpResponse]:
    """Let members of the workspace in (guests see too much of it here); the view gets ``membership`` instead of ``slug``."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> Answer | HttpResponse:
        membership = _known(request, slug)
        if isinstance(membership, HttpResponse):
            return membership
        if not membership.is_member:
            audit.record("refused_role", membership.installation, request, page=request.path)
            return _guest(request, membership)
        return view(request, membership, *args, **kwargs)

    return inner


def admin(view: Callable[..., Answer]) -> Callable[..., Answer | HttpResponse]:
    """Let admins of the workspace in; members get a page that says who can help."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> Answer | HttpResponse:
        membership = _known(request, slug)
        if isinstance(membership, HttpResponse):
            return membership
        if not membership.is_admin:
            audit.record("refused_role", membership.installation, request, page=request.path)
            if not membership.is_member:
                return _guest(request, membership)
            return render(request, "installations/admins_only.html", {"membership": membership}, status=403)
        return view(request, membership, *args, **kwargs)

    return inner
