"""What people see instead of a plain error of the framework: what happened, and what to do. Never a stack trace."""

from __future__ import annotations

from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import render
from django.template import loader


def not_understood(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400. A session that ended while the page was on its way is the one case that people meet: two clicks at once."""
    if isinstance(exception, SessionInterrupted):
        title, text = (
            "You signed in or out meanwhile",
            "Another click or tab of yours was quicker and did what was to be done. Just go on.",
        )
    else:
        title, text = (
            "We did not understand this request",
            "Nothing was changed. Go back, load the page again and try once more.",
        )
    return _page(request, 400, title, text)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _page(request, 403, "You may not do this", "Ask an admin of the workspace, or sign in again.")


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without its token, from an old page, a signed-out session, or a browser that keeps no cookies."""
    return _page(
        request,
        403,
        "Please try once more",
        "This form was too old, or your browser does not keep our cookies. Nothing was changed. Go back, load the page"
        " again and send it once more; if that does not help, allow cookies for this site.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: also what people see of workspaces that are not theirs."""
    return _page(
        request,
        404,
        "This page does not exist",
        "It may have moved, or it belongs to a workspace that you are not a member of.",
    )


def broken(request: HttpRequest) -> HttpResponse:
    """500: a page that asks nothing of the database, the session or the person, any of which may be what broke."""
    return HttpResponseServerError(loader.get_template("dashboard/broken.html").render())


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "dashboard/error.html", {"title": title, "text": text}, status=status)
