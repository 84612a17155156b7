"""How often one address may knock at the doors that anybody can reach."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 60
View = Callable[..., HttpResponse]


def client_address(request: HttpRequest) -> str:
    """The caller's address, as many proxies back as ``TRUSTED_PROXY_COUNT`` says."""
    return str(get_adapter(request).get_client_ip(request))


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
