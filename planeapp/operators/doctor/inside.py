"""What is ours: database, keys, Redis, workers, static files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import cache
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q
from django.utils import timezone

from planeapp.installations.rotation import encrypted_fields, old_rows
from planeapp.lib.crypto import SCHEME, key_id, key_ring
from planeapp.operators import measures, signs
from planeapp.operators.doctor.configuration import local
from planeapp.operators.doctor.findings import Finding, fault, note, ok

LEAST_POSTGRESQL = 14
LEAST_REDIS = 6
LATE_SECONDS = 300.0
STYLE = "css/app.css"


def database() -> Iterator[Finding]:
    """Reachable, new enough, at our migrations."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    yield from _version()
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        text = f"{len(missing)} migrations are not applied, first {missing[0][0]}"
        yield fault("migrations", text, "Run python manage.py migrate (the release process does).")
    else:
        yield ok("migrations", "all applied")


def _version() -> Iterator[Finding]:
    found = connection.get_database_version()
    name = f"{connection.display_name} {'.'.join(map(str, found))}"
    if connection.vendor == "postgresql" and found[0] < LEAST_POSTGRESQL:
        yield fault("database", f"{name} is too old", f"Use PostgreSQL {LEAST_POSTGRESQL} or newer.")
    else:
        yield ok("database", name)


def encryption() -> Iterator[Finding]:
    """A text goes in and comes out, and every stored secret is under a key that we have."""
    ring = key_ring()
    if ring.open(ring.seal("doctor", "doctor"), "doctor") != "doctor":
        yield fault("keys", "what is encrypted does not come back", "Check ENCRYPTION_KEYS.")
    lost = sum(_lost(model, names).count() for model, names in encrypted_fields())
    old = sum(old_rows(model, names).count() for model, names in encrypted_fields()) - lost
    if lost:
        yield fault(
            "keys", f"{lost} rows are under keys that are not here", "Put the older keys back into ENCRYPTION_KEYS."
        )
    if old:
        yield note("keys", f"{old} rows are under older keys", "Run python manage.py rotate_keys.")
    if not lost and not old:
        yield ok("keys", f"{len(settings.ENCRYPTION_KEYS)} known, all secrets under the first ({ring.primary})")


def _lost(model: type[models.Model], names: list[str]) -> models.QuerySet[models.Model]:
    """Rows with a secret whose key is not among ours."""
    lost = Q()
    for name in names:
        ours = Q(**{f"raw_{name}": ""}) | Q(**{f"raw_{name}__isnull": True})
        for key in settings.ENCRYPTION_KEYS:
            ours |= Q(**{f"raw_{name}__startswith": f"{SCHEME}.{key_id(key)}."})
        lost |= ~ours
    return old_rows(model, names).filter(lost)


def kept() -> Iterator[Finding]:
    """The cache gives back what it was given."""
    cache.set("doctor", "here", 10)
    if cache.get("doctor") == "here":
        yield ok("cache", "keeps what it is given")
    else:
        yield fault(
            "cache", "forgets what it is given", "Run python manage.py createcachetable, or look at Redis' memory."
        )


def broker() -> Iterator[Finding]:
    """Redis, where it is set: reachable, new enough, not about to drop what it holds."""
    if not settings.REDIS_URL:
        return
    told: dict[str, Any] = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2).info()  # type: ignore[assignment]
    version = str(told.get("redis_version", "0"))
    if int(version.split(".")[0]) < LEAST_REDIS:
        yield fault("redis", f"Redis {version} is too old", f"Use Redis {LEAST_REDIS} or newer.")
    elif str(told.get("maxmemory_policy", "noeviction")) not in (
        "noeviction",
        "volatile-lru",
        "volatile-ttl",
        "volatile-lfu",
    ):
        text = f"Redis {version} may evict wake-ups ({told['maxmemory_policy']})"
        yield note("redis", text, "Set maxmemory-policy noeviction; the sweeps find the rows until then.")
    else:
        yield ok("redis", f"Redis {version}")


def workers() -> Iterator[Finding]:
    """A sign of life per queue and of beat, and no work that has been due for long."""
    for queue, number in signs.alive().items():
        part = f"worker {queue}" if queue != signs.BEAT else signs.BEAT
        if number:
            yield ok(part, f"{number} alive")
        else:
            yield fault(part, "no sign of life for a minute", _start(queue))
    for queue, what, rows, seconds in measures.queue_rows(timezone.now()):
        if seconds > LATE_SECONDS:
            text = f"{rows} {what} wait, the oldest for {seconds / 60:.0f} minutes"
            yield note(f"worker {queue}", text, "Start more workers for this queue, or read their logs.")


def _start(queue: str) -> str:
    if settings.EMBEDDED:
        return "Start python manage.py embedded_worker."
    name = queue if queue == signs.BEAT else f"worker_{queue}"
    return f"Start the process {name} of the Procfile."


def static() -> Iterator[Finding]:
    """Stylesheets under names with a hash, in production."""
    if settings.STATIC_HASHED:
        staticfiles_storage.url(STYLE)  # ValueError when the manifest lacks it
        yield ok("static files", "collected")
    elif local():
        yield ok("static files", "served as they are")
    else:
        yield fault(
            "static files", "not collected", "Run python manage.py collectstatic --noinput (the release process does)."
        )
