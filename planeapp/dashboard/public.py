"""Pages for everybody: what is kept and for how long, how to get help, and the terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from planeapp.inbox.retention import STRANGERS
from planeapp.installations.budgets import COUNTS_KEPT
from planeapp.installations.erasure import NEWCOMER
from planeapp.plane.scopes import MINIMUM_SCOPES, OPTIONAL_SCOPES
from planeapp.sync.retention import KEPT, LINES, QUIET

HOLDING = "As long as the app is installed"


@dataclass(frozen=True)
class Kept:
    """One kind of data: what it is, what for, and how long it is kept."""

    what: str
    why: str
    how_long: str


def kept() -> tuple[Kept, ...]:
    """Everything that is stored, with the retention that the code and the settings really have."""
    messages = f"{_count(settings.DELIVERY_DAYS)}; from workspaces that we do not know at most {_days(STRANGERS)}"
    return (
        Kept(
            "Name, e-mail address and Plane id of people who sign in", "To know who may change settings, and to send alerts",
            f"Until they leave their last workspace here, then at most {_days(NEWCOMER)}",
        ),
        Kept(
            "Tokens of Plane, Planner and Planhat", "To do the work; encrypted with AES-256",
            "Until the connection is replaced or the workspace is erased",
        ),
        Kept("Settings: paired projects, rules, whom alerts go to", "To do the work", HOLDING),
        Kept(
            "The values of linked work items when both sides last agreed (title, description, dates, state, people, labels)",
            "To see which side has changed", "As long as the two projects are paired",
        ),
        Kept(
            "Companies, with the fields that Planhat shows to the token", "To find, match and show them",
            "As long as Planhat is connected",
        ),
        Kept(
            "Messages from Plane, Planner and Planhat, as they came", "To work on them, and once more after a fault",
            f"{messages}; after that only how many they were",
        ),
        Kept(
            "Runs, with the values that stood there before", "To take a run back",
            f"{_days(KEPT)}; runs that changed nothing {_days(QUIET)}",
        ),
        Kept("Activity: what was done to an item, or why not", "To explain what happened", _days(LINES)),
        Kept("What people wrote to the bot, and its answers", "To answer, and to understand what follows", HOLDING),
        Kept("How many calls each system was sent", "To stay within limits", _days(COUNTS_KEPT)),
        Kept(
            "The audit log: who changed what, when, from which network address", "To see who did what",
            f"{HOLDING}; after that without names and addresses",
        ),
    )  # fmt: skip


def _days(time: timedelta) -> str:
    return _count(time.days)


def _count(days: int) -> str:
    return "one day" if days == 1 else f"{days} days"


def contact() -> str:
    """Where people can write to."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def _page(request: HttpRequest, name: str, **more: Any) -> HttpResponse:
    return render(request, f"public/{name}.html", {"contact": contact(), "grace_days": settings.GRACE_DAYS, **more})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What is kept, what for, for how long, and who gets it."""
    return _page(
        request, "privacy", kept=kept(), session_days=settings.SESSION_COOKIE_AGE // (24 * 3600),
        scopes=MINIMUM_SCOPES.items(), optional_scopes=OPTIONAL_SCOPES.items(),
    )  # fmt: skip


@require_safe
def support(request: HttpRequest) -> HttpResponse:
    """How to get help, and what helps with the usual questions."""
    return _page(request, "support")


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """The terms of use."""
    return _page(request, "terms")
