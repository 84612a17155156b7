"""The settings: what ``planeapp.settings`` refuses, and what it takes but can hardly be meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from planeapp.lib import sentry
from planeapp.operators.doctor.findings import Finding, fault, note, ok
from planeapp.plane.scopes import MINIMUM_SCOPES

PART = "settings"
LEAST_TOKEN = 16
LEAST_SECRET = 32
LEAST_PATH = 10
ALLOWED = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?", re.IGNORECASE)
CALLBACK = "/oauth/plane/callback/"


def look() -> Iterator[Finding]:
    """Every setting. One line says that all is well when nothing else is said."""
    found = [*_refused(), *_addresses(), *_plane(), *_production(), *_stores(), *_operators()]
    yield from found or [ok(PART, "every setting can be used")]


def _refused() -> Iterator[Finding]:
    for problem in settings.PROBLEMS:
        text, _, mend = problem.partition(". ")
        yield fault(PART, text, mend or "Nothing but doctor starts until this is mended.")


def local() -> bool:
    """Whether the app is on somebody's own machine."""
    host = urlsplit(settings.APP_BASE_URL).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".test", ".invalid")) or "." not in host


def _addresses() -> Iterator[Finding]:
    if not settings.SECURE and not local():
        yield fault(PART, "APP_BASE_URL is not https", "Set it to the public https:// origin.")
    host = urlsplit(settings.APP_BASE_URL).hostname or ""
    if not _allowed(host):
        yield fault(PART, f"ALLOWED_HOSTS lacks {host}", "Add the host of APP_BASE_URL, or unset ALLOWED_HOSTS.")
    if "*" in settings.ALLOWED_HOSTS and not local():
        yield note(PART, "ALLOWED_HOSTS lets every host in", "Name the hosts.")
    for entry in settings.OUTBOUND_ALLOW:
        if not ALLOWED.fullmatch(entry):
            yield fault(
                PART, f"OUTBOUND_ALLOW: {entry!r} is no host[:port]", "Write host or host:port, without https://."
            )
    for name in ("PLANE_BASE_URL", "PLANNER_BASE_URL", "PLANHAT_BASE_URL"):
        yield from _outbound(name, getattr(settings, name))


def _allowed(host: str) -> bool:
    return any(
        entry == "*" or entry == host or (entry[:1] == "." and host.endswith(entry)) for entry in settings.ALLOWED_HOSTS
    )


def _outbound(name: str, address: str) -> Iterator[Finding]:
    parts = urlsplit(address)
    if parts.scheme != "https" and not {parts.netloc, parts.hostname} & set(settings.OUTBOUND_ALLOW):
        mend = f"Use https, or add {parts.netloc} to OUTBOUND_ALLOW."
        yield fault(PART, f"{name} is not https, so nothing will be sent there", mend)


def _plane() -> Iterator[Finding]:
    for name in ("PLANE_CLIENT_ID", "PLANE_CLIENT_SECRET"):
        if not getattr(settings, name):
            yield fault(
                PART, f"{name} is missing: nobody can install or sign in", "Copy it from Plane's app registration."
            )
    if not settings.PLANE_WEBHOOK_SECRETS:
        yield fault(
            PART,
            "PLANE_WEBHOOK_SECRET is missing: every delivery of Plane is refused",
            "Copy it from Plane's app registration.",
        )
    yield from _redirect(settings.PLANE_REDIRECT_URI)
    lacking = sorted(set(MINIMUM_SCOPES) - set(settings.PLANE_SCOPES)) if settings.PLANE_SCOPES else []
    if lacking:
        yield note(PART, f"PLANE_SCOPES lacks {' '.join(lacking)}", "Unset PLANE_SCOPES for what the features need.")


def _redirect(address: str) -> Iterator[Finding]:
    if not address.endswith(CALLBACK) or urlsplit(address).scheme not in ("http", "https"):
        yield fault(PART, "PLANE_REDIRECT_URI does not end in /oauth/plane/callback/", "Unset it, or end it so.")
    elif not address.startswith(settings.APP_BASE_URL + "/"):
        yield fault(PART, "PLANE_REDIRECT_URI is not under APP_BASE_URL", "Unset it: it follows from APP_BASE_URL.")


def _production() -> Iterator[Finding]:
    if local():
        return
    if settings.DEBUG:
        yield fault(PART, "DEBUG is on: error pages tell strangers about the inside", "Unset DEBUG.")
    if len(_secret_key()) < LEAST_SECRET:
        yield fault(
            PART, f"SECRET_KEY is shorter than {LEAST_SECRET} characters", "Set it to a long random text and keep it."
        )
    if settings.LOG_FORMAT != "json":
        yield note(PART, "LOG_FORMAT is console", "Unset it: machines read JSON better.")


def _secret_key() -> str:
    """Django raises for an empty one."""
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return ""


def _stores() -> Iterator[Finding]:
    sqlite = "sqlite" in settings.DATABASES["default"]["ENGINE"]
    if settings.REDIS_URL:
        try:
            redis.Redis.from_url(settings.REDIS_URL)
        except ValueError:
            yield fault(PART, "REDIS_URL cannot be understood", "Use redis://:password@host:6379/0.")
        if sqlite:
            yield fault(PART, "REDIS_URL is set but the database is SQLite", "Set DATABASE_URL to postgres://….")
    elif not local():
        text = "REDIS_URL is not set: embedded mode, one worker on one machine"
        yield note(PART, text, "Set REDIS_URL to run workers per queue.")


def _operators() -> Iterator[Finding]:
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < LEAST_TOKEN:
        yield fault(PART, f"METRICS_TOKEN is shorter than {LEAST_TOKEN} characters", "Make one: openssl rand -hex 32")
    if settings.SUPPORT_PATH and len(settings.SUPPORT_PATH) < LEAST_PATH:
        yield note(PART, "SUPPORT_PATH can be guessed", "Add some random letters.")
    if settings.SENTRY_DSN:
        yield from _sentry(urlsplit(settings.SENTRY_DSN))
    if not parseaddr(settings.DEFAULT_FROM_EMAIL)[1]:
        yield fault(PART, "DEFAULT_FROM_EMAIL is no address", "Write Name <name@example.com>.")
    elif settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost") and not local():
        yield note(PART, "DEFAULT_FROM_EMAIL is an address at localhost", "Set it to an address of your domain.")


def _sentry(dsn: Any) -> Iterator[Finding]:
    if dsn.scheme not in ("http", "https") or not dsn.username:
        yield fault(PART, "SENTRY_DSN cannot be understood", "Copy it from the project's page in Sentry.")
    elif not sentry.installed():
        yield fault(
            PART, "SENTRY_DSN is set but sentry-sdk is not installed", "pip install sentry-sdk, or unset SENTRY_DSN."
        )
