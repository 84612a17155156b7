"""Pages outside a workspace: landing, choice of workspace, errors."""

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


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: also what people see of workspaces that are not theirs."""
    return render(request, "dashboard/error.html", {
        "title": "This page does not exist",
        "text": "It may have moved, or it belongs to a workspace that you are not a member of.",
    }, status=404)  # fmt: skip


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return render(request, "dashboard/error.html", {
        "title": "You may not do this",
        "text": "Ask an admin of the workspace, or sign in again.",
    }, status=403)  # fmt: skip


def broken(request: HttpRequest) -> HttpResponse:
    """500: no stack trace, no context that could break again."""
    return render(request, "dashboard/broken.html", status=500)
