"""Settings for the suite, set before Django reads them; a pytest plugin, loaded by ``-p tests.environment``."""

from __future__ import annotations

import base64
import os

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
