"""What every test has: no network beyond this machine, a database that threads can share, services by name.

With ``REQUIRE_SERVICES=1`` a missing service is a failure; otherwise the tests that need it are skipped, by its name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpcore2
import pytest
import redis
from django.conf import settings
from django.template import RequestContext, Template
from django.test import Client
from django.test.signals import template_rendered
from django.utils.safestring import SafeString
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from planeapp.installations.calls import held
from tests import network

network.guard()
# Reading the system's certificates takes 20 ms and more, for each client anew; nobody here changes the context.
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# A slow example on a shared machine is no failure.
hypothesis.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("busy machine")


@cache
def missing(service: str) -> str:
    """Why a service cannot be used, with the mend; ``""`` when it can."""
    if service == "postgres" and "postgresql" not in settings.DATABASES["default"]["ENGINE"]:
        return "PostgreSQL is missing: set DATABASE_URL to a postgres:// address"
    if service == "redis" and not _redis_answers():
        return "Redis is missing: set REDIS_URL to a redis:// address"
    if service == "browser" and not any(shutil.which(name) for name in CHROMIUM):
        return "Chromium is missing: install the system's package"
    return ""


def _redis_answers() -> bool:
    try:
        return bool(settings.REDIS_URL) and bool(redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2).ping())
    except redis.RedisError:
        return False


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a service that is not there, or fail when services are required."""
    for service in ("postgres", "redis", "browser"):
        if item.get_closest_marker(service) and (reason := missing(service)):
            (pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip)(reason)


@pytest.fixture(scope="session", autouse=True)
def _one_context_for_each_page(django_test_environment: None) -> None:
    """Django's tests keep a copy of the whole context for every part of a page; the page's own is all that ours ask for."""
    Template._render = _rendered  # type: ignore[attr-defined]


def _rendered(template: Template, context: RequestContext) -> SafeString:
    if isinstance(context, RequestContext) and context.template is template:
        template_rendered.send(sender=template, template=template, context=context)
    return template.nodelist.render(context)


@pytest.fixture(autouse=True)
def _nothing_left_in_redis() -> None:
    """What an earlier test counted (visits of an address) or woke is forgotten."""
    if settings.REDIS_URL and not missing("redis"):
        _redis(settings.REDIS_URL).flushdb()


@cache
def _redis(url: str) -> redis.Redis:
    """One connection for all tests."""
    return redis.Redis.from_url(url)


@pytest.fixture(autouse=True)
def _no_calls_held() -> Iterator[None]:
    """What a test counted is not written in the time of the next one, or after the last."""
    yield
    held.take()


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    """Fail a test in whose time anything connected to another machine, even if the error was caught."""
    network.offences.clear()
    yield
    assert not network.offences, f"connected beyond this machine: {', '.join(network.offences)}"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """SQLite in a file instead of in memory, as in the product: threads then wait for each other instead of failing."""
    from django.db import connections

    default = connections["default"]
    if default.vendor == "sqlite":
        default.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture
def door() -> Client:
    """An outsider's HTTP client that checks CSRF, as the product does."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture(scope="session")
def deliveries() -> list[Path]:
    """Every delivery that was recorded from a real Plane, in the order in which it came."""
    return sorted((Path(__file__).parent / "fixtures" / "plane_webhooks").glob("*.json"))
