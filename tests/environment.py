"""Settings for the suite, set before Django reads them; a pytest plugin, loaded by ``-p tests.environment``."""

from __future__ import annotations

import base64
import os
from urllib.parse import urlsplit, urlunsplit

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


def redis_beside(url: str, steps: int) -> str:
    """The same Redis with another database number (of its sixteen)."""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + steps
    return urlunsplit(parts._replace(path=f"/{number % 16}"))


_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if os.environ.get("REDIS_URL") and _worker and not os.environ.get("REDIS_URL_IS_OURS"):
    # Each parallel worker counts and wakes in a database of its own; the flag keeps it from moving twice.
    os.environ["REDIS_URL"] = redis_beside(os.environ["REDIS_URL"], int(_worker.removeprefix("gw")) % 2)
    os.environ["REDIS_URL_IS_OURS"] = "1"
