"""Who may see and change a workspace. Rows are reached through what these hand out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from planeapp.installations import audit
from planeapp.installations.models import Membership

View = Callable[..., HttpResponse]


def membership_of(request: HttpRequest, slug: str) -> Membership:
    """The signed-in person's membership in a workspace; 404 when there is none, so that slugs cannot be guessed."""
    found = (
        Membership.objects.select_related("installation")
        .filter(user=request.user, installation__slug=slug)  # type: ignore[misc]
        .order_by("-installation__updated_at")
        .first()
    )
    if found is None:
        raise Http404("no such workspace for this person")
    return found


def member(view: View) -> View:
    """Let members of the workspace in; the view gets ``membership`` instead of ``slug``."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, membership_of(request, slug), *args, **kwargs)

    return inner


def admin(view: View) -> View:
    """Let admins of the workspace in; members get a page that says who can help."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        membership = membership_of(request, slug)
        if not membership.is_admin:
            audit.record("refused_role", membership.installation, request, page=request.path)
            return render(request, "installations/admins_only.html", {"membership": membership}, status=403)
        return view(request, membership, *args, **kwargs)

    return inner
