"""What the two MCP transports have in common: tools, results and failures as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Tool = dict[str, Any]
"""``{name, description, input_schema, output_schema, annotations}``: JSON-able, as kept in the report."""


@dataclass(frozen=True)
class CallResult:
    """A tool's answer. ``structured`` is None when the server sent none; ``texts`` are its text parts in order."""

    structured: Any = None
    texts: tuple[str, ...] = ()
    is_error: bool = False


@dataclass(frozen=True)
class ToolPage:
    """One page of ``tools/list``; ``ttl``: seconds for which the server says it stays true, None when it does not say."""

    tools: tuple[Tool, ...]
    cursor: str = ""
    ttl: float | None = None


def seconds_of(milliseconds: Any) -> float | None:
    """``ttlMs`` in seconds (MCP specification 2026-07-28), or None for anything but a number."""
    return milliseconds / 1000 if isinstance(milliseconds, int | float) else None


@dataclass(frozen=True)
class Hello:
    """What the handshake told: era (``legacy`` or ``modern``), protocol version, server name, session id or not."""

    era: str
    version: str
    server: str
    session: bool


@dataclass
class WireFailure(Exception):
    """A call that did not end in a result.

    - ``status``, ``headers`` (lower-case names), ``text``: the HTTP answer, when there was one of 400 or more
    - ``code``: JSON-RPC error code, None when the failure is not the server's own JSON-RPC error
    - ``sent``: False when nothing can have reached the server
    - ``strict``: the SDK refused an answer that a lenient reader might take
    """

    message: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    code: int | None = None
    data: Any = None
    sent: bool = True
    strict: bool = False

    def __str__(self) -> str:
        return self.message


class Wire(Protocol):
    """One MCP session over one transport. Every method may raise WireFailure or an error of our family."""

    def open(self, bearer: str) -> Hello:
        """Shake hands."""

    def use(self, bearer: str) -> None:
        """Send this token from now on."""

    def page(self, cursor: str) -> ToolPage:
        """One page of tools; ``cursor`` is ``""`` for the first."""

    def call(self, name: str, arguments: dict[str, Any], schema: Mapping[str, Any]) -> CallResult:
        """Call a tool; ``schema`` is its input schema, for arguments that travel as headers."""

    def close(self) -> None:
        """End the session; never raises."""


def rpc_error(text: str) -> Mapping[str, Any]:
    """The JSON-RPC error object in a body, or an empty mapping."""
    try:
        error = json.loads(text).get("error")
    except (ValueError, AttributeError):
        return {}
    return error if isinstance(error, Mapping) and isinstance(error.get("code"), int) else {}


def tool_of(raw: Mapping[str, Any]) -> Tool:
    """A tool as it travels in ``tools/list``, with whatever is missing left empty."""
    hints = raw.get("annotations") or {}
    return {
        "name": str(raw["name"]),
        "description": str(raw.get("description") or raw.get("title") or ""),
        "input_schema": raw.get("inputSchema") or {},
        "output_schema": raw.get("outputSchema") or {},
        "annotations": {name: value for name, value in hints.items() if isinstance(value, bool)},
    }
