"""Pages outside a workspace: landing, choice of workspace."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from planeapp.installations.models import Membership


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The landing page, with Install and Sign in."""
    return render(request, "dashboard/home.html")


@require_safe
@login_required
def workspaces(request: HttpRequest) -> HttpResponse:
    """The person's workspaces; straight on when there is just one."""
    found = list(
        Membership.objects.select_related("installation").filter(user=request.user).order_by("installation__name")  # type: ignore[misc]
    )
    if len(found) == 1:
        return redirect("overview", slug=found[0].installation.slug)
    return render(request, "dashboard/workspaces.html", {"memberships": found})
