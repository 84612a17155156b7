"""Who is known of a workspace and what each may do. Roles are Plane's; nothing is changed here."""

from __future__ import annotations

import structlog
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from planeapp.dashboard.long_lists import PAGE
from planeapp.installations import people
from planeapp.installations.access import member
from planeapp.installations.models import ADMIN, GUEST, MEMBER, Membership
from planeapp.lib.errors import GroundcrewError, ReconnectNeeded

log = structlog.get_logger(__name__)
SHOWN = 10 * PAGE
ROLES = {ADMIN: "Admin", MEMBER: "Member", GUEST: "Guest"}
MAY = (
    ("Admin", "Everything here: connect, choose what is kept in step, undo, decide conflicts, export, uninstall."),
    (
        "Member",
        "Look at what happens and why, at companies, runs and conflicts; use the bot for what Plane lets them change.",
    ),
    ("Guest", "None of these pages."),
)


@require_safe
@member
def members(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Everybody who has signed in, with the role that Plane told last."""
    rows = membership.installation.memberships.select_related("user").order_by("-role", "user__display_name", "pk")
    return render(request, "dashboard/members.html", {
        "membership": membership,
        "installation": membership.installation,
        "people": [(row, ROLES.get(row.role, f"Role {row.role}")) for row in rows[:SHOWN]],
        "count": rows.count(),
        "may": MAY,
    })  # fmt: skip


@require_POST
@member
def ask_again(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Take over the roles as Plane tells them now."""
    page = reverse("members", args=[membership.installation.slug])
    try:
        changed, left = people.ask_for_all(membership)
    except ReconnectNeeded:
        logout(request)
        messages.warning(request, "Plane ended your sign-in. Please sign in once more.")
        return redirect_to_login(page)
    except GroundcrewError as error:
        log.warning("roles not asked", code=error.code, detail=str(error))
        messages.error(request, f"Plane did not tell the roles, so nothing was changed. {error.person}")
        return redirect(page)
    messages.success(request, f"Plane told the roles just now: {_told(changed, left)}.")
    return redirect(page)


def _told(changed: int, left: int) -> str:
    if not changed and not left:
        return "nothing has changed"
    found = [f"{changed} changed" if changed else "", f"{left} left the workspace" if left else ""]
    return ", ".join(part for part in found if part)
