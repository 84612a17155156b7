"""How often one address may knock at the doors that anybody can reach."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 60
View = Callable[..., HttpResponse]


def client_address(request: HttpRequest) -> str:
    """The caller's address, as many proxies back as ``TRUSTED_PROXY_COUNT`` says; ``""`` when nobody knows it.

    A forwarded list that is shorter than that did not come through those proxies: whoever wrote it is not believed, and
    the address at the other end of the connection counts. The same goes for a place in the list that is no address.
    """
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    forwarded = _address(hops[-trusted]) if 0 < trusted <= len(hops) else ""
    return forwarded or _address(request.META.get("REMOTE_ADDR", ""))


def _address(text: str) -> str:
    """An address without port, brackets and zone, as the database takes it; ``""`` for anything else."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ip_address(bare.partition("%")[0]))
    except ValueError:
        return ""


def limited(action: str, per_minute: int) -> Callable[[View], View]:
    """At most ``per_minute`` requests of one address to the view in a minute of the clock; more get 429 with a plain page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            window, into = divmod(int(time.time()), WINDOW_SECONDS)
            if not _take(f"limit:{action}:{client_address(request)}:{window}", per_minute):
                log.warning("too many requests", action=action)
                answer = render(request, "dashboard/error.html", {
                    "title": "That was a little fast",
                    "text": "Too many attempts came from your address. Please wait a minute and try again.",
                }, status=429)  # fmt: skip
                answer["Retry-After"] = str(WINDOW_SECONDS - into)
                return answer
            return view(request, *args, **kwargs)

        return inner

    return decorate


def _take(key: str, most: int) -> bool:
    """Count one more under the window's own key: some caches put off a key's end each time that it is counted up."""
    cache.add(key, 0, 2 * WINDOW_SECONDS)
    try:
        return cache.incr(key) <= most
    except ValueError:  # the window ended between the two calls
        return True
