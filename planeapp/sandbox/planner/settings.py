"""What can be changed while the sandbox runs: rows of the kind "settings", read anew at each use."""

from __future__ import annotations

from typing import Any

from planeapp.sandbox.store import Doc, Store

DEFAULTS: dict[str, Doc] = {
    # Which tools the MCP endpoint offers; see profiles.py.
    "mcp": {"profile": "classic"},
    # REST requests and MCP tool calls in 60 seconds, per token.
    "limits": {"per_minute": 120},
    # Seconds to wait before each further attempt of a webhook delivery; short, for a demo.
    "deliveries": {"backoff": [0.2, 0.5, 1, 2, 5, 10, 30]},
    # How long OAuth tokens are good for, in seconds; for how long a used refresh token is taken once more (a lost answer);
    # whether clients may be known by the address of their document, and where hosts are really found (a stand-in for
    # DNS and certificates: {"https://app.example": "http://127.0.0.1:8000"}).
    "oauth": {
        "access_seconds": 3600,
        "refresh_seconds": 30 * 24 * 3600,
        "grace_seconds": 0,
        "documents": False,
        "hosts": {},
    },
}


def setting(store: Store, group: str, name: str) -> Any:
    """The value in force."""
    return (store.get("settings", group) or {}).get(name, DEFAULTS[group][name])


def change(store: Store, group: str, **values: Any) -> None:
    """Set values of one group; the others stay."""
    store.put("settings", group, {**DEFAULTS[group], **(store.get("settings", group) or {}), **values})
