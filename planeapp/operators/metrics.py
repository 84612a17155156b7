"""``/metrics`` for Prometheus: closed without ``METRICS_TOKEN``, which comes as a bearer token."""

from __future__ import annotations

import secrets

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from planeapp.lib.prometheus import CONTENT_TYPE, render
from planeapp.operators import measures

log = structlog.get_logger(__name__)
PLAIN = "text/plain; charset=utf-8"


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures: 404 while no token is set, 401 without it, 503 while the database is away."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not _welcome(request):
        return HttpResponse(
            "Send METRICS_TOKEN as a bearer token.\n", PLAIN, 401, headers={"WWW-Authenticate": "Bearer"}
        )
    try:
        return HttpResponse(render(measures.families()), CONTENT_TYPE)
    except (DatabaseError, InterfaceError) as error:
        log.error("metrics not read", error=type(error).__name__)
        return HttpResponse("The database cannot be read.\n", PLAIN, 503)


def _welcome(request: HttpRequest) -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
