"""The demo's settings: made once, kept under ``var/demo/``, and given to every process through the environment."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from planeapp.plane.scopes import MINIMUM_SCOPES, OPTIONAL_SCOPES

HOME = Path(__file__).resolve().parents[3] / "var" / "demo"
WEB, PLANE, PLANNER, PLANHAT = 8000, 8001, 8002, 8003


def base_port(environ: MutableMapping[str, str]) -> int:
    """Where the demo begins; the vendors take the next three ports. ``DEMO_PORT`` moves all of them."""
    text = environ.get("DEMO_PORT", str(WEB))
    if not text.isdigit() or not 1024 <= int(text) <= 65000:
        raise SystemExit(f"DEMO_PORT must be a number from 1024 to 65000, not {text!r}.")
    return int(text)


def addresses(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Address of the app and of each sandbox vendor."""
    first = base_port(environ)
    names = ("app", "plane", "planner", "planhat")
    return {name: f"http://localhost:{first + number}" for number, name in enumerate(names)}


def prepare(environ: MutableMapping[str, str]) -> None:
    """Fill in what the demo needs and the operator has not set."""
    at = addresses(environ)
    hosts = ",".join(address.removeprefix("http://") for address in at.values())
    wanted = _kept_secrets() | {
        "APP_BASE_URL": at["app"],
        "DATABASE_URL": f"sqlite:///{HOME / 'groundcrew.sqlite3'}",
        "PLANE_BASE_URL": at["plane"],
        "PLANE_APP_URL": at["plane"],
        "PLANE_CLIENT_ID": "sandbox-client",
        "PLANE_SCOPES": " ".join((*MINIMUM_SCOPES, *OPTIONAL_SCOPES)),  # the sandbox's plan has customers
        "PLANNER_BASE_URL": at["planner"],
        "PLANHAT_BASE_URL": at["planhat"],
        "OUTBOUND_ALLOW": hosts,
        "STATIC_HASHED": "0",
        "LOG_FORMAT": "console",
    }
    for name, value in wanted.items():
        if not environ.get(name) and not environ.get(f"{name}_FILE"):
            environ[name] = value


def prepare_throwaway(environ: MutableMapping[str, str]) -> None:
    """For commands that keep and read nothing: random keys where none are set."""
    environ.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    environ.setdefault("ENCRYPTION_KEYS", _new_key())


def _new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _kept_secrets() -> dict[str, str]:
    """Random secrets, made at the first start; a later start finds its encrypted rows readable."""
    path = HOME / "secrets.json"
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ENCRYPTION_KEYS": _new_key(),
            "PLANE_CLIENT_SECRET": secrets.token_urlsafe(24),
            "PLANE_WEBHOOK_SECRET": f"plane_wh_{secrets.token_hex(16)}",
        }
        draft = path.with_suffix(".new")  # a start that is killed here leaves no half file behind
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made, indent=1))
        draft.replace(path)
    kept: dict[str, str] = json.loads(path.read_text())
    return kept
