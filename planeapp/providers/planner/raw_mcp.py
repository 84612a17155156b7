"""A lenient MCP wire for servers that the SDK refuses: plain JSON-RPC by POST, answers read tolerantly.

Both eras of the protocol (MCP specification, "Streamable HTTP" up to 2025-11-25 and the stateless 2026-07-28). Missing
``serverInfo``, ``capabilities``, ``content`` or a tool's schema are no reason to stop here.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from planeapp.lib.errors import GroundcrewError, OutcomeUnknown, RetryLater
from planeapp.lib.http import Http
from planeapp.providers.planner.wire import CallResult, Hello, ToolPage, WireFailure, rpc_error, seconds_of, tool_of

LEGACY_VERSION = "2025-06-18"
MODERN_VERSION = "2026-07-28"
ACCEPT = "application/json, text/event-stream"
INFO = {"name": "groundcrew", "version": "1.0"}
META = "io.modelcontextprotocol/"


class RawWire:
    """A :class:`~planeapp.providers.planner.wire.Wire` over the app's own HTTP client."""

    def __init__(self, http: Http, url: str, *, era: str = "legacy", seconds: float = 30.0) -> None:
        self._http = http
        self._url = url
        self._era = era
        self._seconds = seconds
        self._bearer = ""
        self._session = ""
        self._version = ""
        self._ids = itertools.count(1)

    def open(self, bearer: str) -> Hello:
        """Shake hands; the modern era has no handshake, so its version list is asked for instead."""
        self._bearer = bearer
        if self._era == "legacy":
            return self._initialize()
        self._version = MODERN_VERSION
        try:
            found = self._request("server/discover", {})
        except WireFailure:
            if self._era == "modern":
                raise
            self._era, self._version = "legacy", ""
            return self._initialize()
        self._era = "modern"
        return Hello("modern", MODERN_VERSION, _server_name(found), False)

    def use(self, bearer: str) -> None:
        """Send this token from now on."""
        self._bearer = bearer

    def page(self, cursor: str) -> ToolPage:
        """One page of tools; entries without a name are left out."""
        found = self._request("tools/list", {"cursor": cursor} if cursor else {})
        tools = found.get("tools")
        named = [tool for tool in tools or [] if isinstance(tool, Mapping) and isinstance(tool.get("name"), str)]
        cursor, ttl = str(found.get("nextCursor") or ""), seconds_of(found.get("ttlMs"))
        return ToolPage(tuple(tool_of(tool) for tool in named), cursor, ttl)

    def call(self, name: str, arguments: dict[str, Any], schema: Mapping[str, Any]) -> CallResult:
        """Call a tool."""
        headers = {"Mcp-Name": name} | _argument_headers(arguments, schema) if self._era == "modern" else {}
        found = self._request("tools/call", {"name": name, "arguments": arguments}, headers)
        parts = found.get("content")
        texts = [_text_of(part) for part in parts] if isinstance(parts, list) else []
        structured = found.get("structuredContent")
        if structured is None and not isinstance(parts, list):
            structured = {key: value for key, value in found.items() if key not in ("isError", "_meta", "resultType")}
        return CallResult(structured, tuple(text for text in texts if text), bool(found.get("isError")))

    def close(self) -> None:
        """End the session with DELETE, which servers may refuse."""
        if not self._session:
            return
        try:
            self._http.send("DELETE", self._url, headers=self._headers("", {}), repeatable=True, seconds=5)
        except GroundcrewError:
            return  # the session ends by itself on the other side

    def _initialize(self) -> Hello:
        params = {"protocolVersion": LEGACY_VERSION, "capabilities": {}, "clientInfo": INFO}
        response = self._post("initialize", params, {})
        self._session = response.headers.get("mcp-session-id", "")
        found = _result(response)
        self._version = str(found.get("protocolVersion") or LEGACY_VERSION)
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self._http.send("POST", self._url, json=note, headers=self._headers("", {}), repeatable=True)
        return Hello("legacy", self._version, _server_name(found), bool(self._session))

    def _request(self, method: str, params: dict[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return _result(self._post(method, params, headers or {}))

    def _post(self, method: str, params: dict[str, Any], headers: Mapping[str, str]) -> httpx2.Response:
        if self._era == "modern" or method == "server/discover":
            params = params | {"_meta": _meta()}
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            response = self._http.send(
                "POST", self._url, json=body, headers=self._headers(method, headers), seconds=self._seconds
            )
        except OutcomeUnknown as error:
            raise WireFailure(str(error)) from error
        except RetryLater as error:
            raise WireFailure(str(error), sent=False) from error
        if response.status_code >= 300:
            raise _failure(response)
        return response

    def _headers(self, method: str, more: Mapping[str, str]) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._bearer}", "Accept": ACCEPT, **more}
        if self._session:
            headers["Mcp-Session-Id"] = self._session
        if self._version:
            headers["MCP-Protocol-Version"] = self._version
        if self._version == MODERN_VERSION and method:
            headers["Mcp-Method"] = method
        return headers


def _meta() -> dict[str, Any]:
    return {
        f"{META}protocolVersion": MODERN_VERSION,
        f"{META}clientCapabilities": {},
        f"{META}clientInfo": INFO,
    }


def _argument_headers(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, str]:
    """``Mcp-Param-…`` headers for plain arguments whose schema asks for them (MCP specification 2026-07-28)."""
    found = {}
    for name, part in (schema.get("properties") or {}).items():
        wanted = part.get("x-mcp-header") if isinstance(part, Mapping) else None
        value = arguments.get(name)
        if wanted and isinstance(value, str) and value.isascii():
            found[f"Mcp-Param-{wanted}"] = value
    return found


def _failure(response: httpx2.Response) -> WireFailure:
    error = rpc_error(response.text)
    message = str(error.get("message") or f"HTTP {response.status_code}")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return WireFailure(
        message, response.status_code, headers, response.text, error.get("code"), error.get("data")
    )  # fmt: skip


def _result(response: httpx2.Response) -> dict[str, Any]:
    """The result in an answer: plain JSON, or the first response among server-sent events."""
    for message in _messages(response):
        if "error" in message:
            error = rpc_error(json.dumps(message))
            raise WireFailure(str(error.get("message") or "error"), code=error.get("code"), data=error.get("data"))
        if "result" in message:
            result = message["result"]
            return result if isinstance(result, dict) else {"structuredContent": result}
    raise WireFailure(f"no JSON-RPC answer in {response.text[:200]!r}")


def _messages(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    text = response.text
    chunks = [text]
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        chunks = [_event_data(event) for event in text.replace("\r\n", "\n").split("\n\n")]
    for chunk in chunks:
        try:
            message = json.loads(chunk)
        except ValueError:
            continue
        if isinstance(message, dict):
            yield message


def _event_data(event: str) -> str:
    lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
    return "\n".join(lines)


def _text_of(part: Any) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    resource = part.get("resource")
    return str(part.get("text") or (resource.get("text") if isinstance(resource, Mapping) else "") or "")


def _server_name(found: Mapping[str, Any]) -> str:
    info = found.get("serverInfo") or (found.get("_meta") or {}).get(f"{META}serverInfo") or {}
    return f"{info.get('name', '')} {info.get('version', '')}".strip() if isinstance(info, Mapping) else ""
