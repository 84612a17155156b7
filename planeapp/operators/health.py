"""``/healthz`` (the process lives) and ``/readyz`` (it can work; 503 with the failing part's name when not)."""

from __future__ import annotations

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from planeapp.installations.models import Credential
from planeapp.lib.crypto import CannotDecrypt

log = structlog.get_logger(__name__)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process lives; touches nothing."""
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, migrations, keys and (if set) Redis are good."""
    checks = {"database": _database, "migrations": _migrations, "keys": _keys, "redis": _redis}
    for name, check in checks.items():
        try:
            fault = check()
        except (DatabaseError, InterfaceError, redis.RedisError, CannotDecrypt) as error:
            fault = type(error).__name__
        if fault:
            log.error("not ready", part=name, fault=fault)
            return JsonResponse({"ok": False, "failing": name}, status=503)
    return JsonResponse({"ok": True})


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} not applied" if missing else ""


def _keys() -> str:
    """The newest stored secret must open with the keys we have."""
    newest = Credential.objects.exclude(access="").order_by("-updated_at").first()
    if newest is not None:
        _ = newest.access
    return ""


def _redis() -> str:
    if settings.REDIS_URL:
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2).ping()
    return ""
