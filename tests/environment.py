"""Settings for the suite, set before Django reads them, and who runs what; a pytest plugin, loaded by ``-p tests.environment``.

Three workers share two processors: where whole products run, most of the time is spent waiting.
"""

from __future__ import annotations

import base64
import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

SETTINGS = {
    "SECRET_KEY": "tests-only",
    "ENCRYPTION_KEYS": base64.b64encode(b"k" * 32).decode(),
    "APP_BASE_URL": "http://testserver",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PLANE_BASE_URL": "http://plane.invalid",
    "PLANE_APP_URL": "http://plane.invalid",
    "PLANNER_BASE_URL": "http://planner.invalid",
    "PLANHAT_BASE_URL": "http://planhat.invalid",
    "PLANE_CLIENT_ID": "sandbox-client",
    "PLANE_CLIENT_SECRET": "sandbox-client-secret",
    # The second is the one that signed the recorded deliveries.
    "PLANE_WEBHOOK_SECRET": "plane_wh_sandbox,plane_wh_87ec76a21fb1d379d791a9b8485da964",
    "STATIC_HASHED": "0",
    "OUTBOUND_ALLOW": "127.0.0.1,localhost",
}
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)

WORKERS = 3
TOGETHER = {"tests/browser/": "browser", "tests/end_to_end/test_outages": "outages", "tests/end_to_end/": "end_to_end",
            "tests/inbox/test_abuse": "abuse"}  # fmt: skip
"""What shares a running product stays on one worker, under this name."""


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Each test goes to who is free, but what belongs together goes together, and first, for it takes longest."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for start, name in TOGETHER.items() if nodeid.startswith(start)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """The suite's own way to share tests out; xdist's ``loadgroup`` keeps no groups with this pytest."""
    return Together(config, log)


def redis_of(room: str) -> str:
    """The Redis of a running product that the tests of a room share: what runs beside it must not take its tasks."""
    steps = WORKERS + list(TOGETHER.values()).index(room)
    return redis_beside(os.environ.get("REDIS_OF_ALL", os.environ["REDIS_URL"]), steps)


def redis_beside(url: str, steps: int) -> str:
    """The same Redis with another database number (of its sixteen)."""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + steps
    return urlunsplit(parts._replace(path=f"/{number % 16}"))


_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if os.environ.get("REDIS_URL") and _worker and "REDIS_OF_ALL" not in os.environ:
    # Each parallel worker counts and wakes in a database of its own; the second name keeps it from moving twice.
    os.environ["REDIS_OF_ALL"] = os.environ["REDIS_URL"]
    os.environ["REDIS_URL"] = redis_beside(os.environ["REDIS_URL"], int(_worker.removeprefix("gw")) % WORKERS)
