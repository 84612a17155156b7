"""In front of the MCP server: bearer auth with the challenges of the MCP specification, and some leniency.

Planner's page shows ``initialize`` with empty ``params``; the SDK's server would refuse that, so what is
missing is filled in.
"""

from __future__ import annotations

import json

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from planeapp.sandbox.planner.access import Caller
from planeapp.sandbox.planner.errors import Refused
from planeapp.sandbox.planner.profiles import current
from planeapp.sandbox.planner.services import Services
from planeapp.sandbox.store import Doc

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "unknown", "version": "0"}}
BOTH_TYPES = b"application/json, text/event-stream"


class Gate:
    """ASGI application: refuses, or passes the request on to ``inner`` with the caller as its user."""

    def __init__(self, inner: ASGIApp, known: Services) -> None:
        self.inner, self.known = inner, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        request = Request(scope, receive)
        try:
            caller = self.known.access.caller(request, {"pat", "oauth"})
            body = await request.body()
            message = _object(body)
            self._allow(caller, message)
        except Refused as error:
            await self._challenged(error).response()(scope, receive, send)
            return
        if message is not None:
            body = json.dumps(_completed(message)).encode()
        await self.inner(_with_user(scope, caller), _replay(body, receive), send)

    def _allow(self, caller: Caller, message: Doc | None) -> None:
        """Count a tool call and check its scope. Raises Refused with 403 or 429."""
        if message is None or message.get("method") != "tools/call":
            return
        self.known.access.count(caller)
        params = message.get("params")
        tool = current(self.known.store).tool(str(params.get("name"))) if isinstance(params, dict) else None
        if tool is not None and tool.scope not in caller.scopes:
            text = f"This token lacks the scope {tool.scope}."
            raise Refused(403, "insufficient_scope", text, requiredScope=tool.scope)

    def _challenged(self, error: Refused) -> Refused:
        if error.status in (401, 403):
            metadata = f"{self.known.world.planner_url}/.well-known/oauth-protected-resource/api/mcp"
            parts = [f'resource_metadata="{metadata}"']
            code = error.body["error"]["code"]
            if code != "missing_token":
                parts.append(f'error="{"insufficient_scope" if error.status == 403 else "invalid_token"}"')
            wanted = error.body["error"].get("requiredScope", "projects:read blocks:read blocks:write")
            parts.append(f'scope="{wanted}"')
            error.headers = {"WWW-Authenticate": "Bearer " + ", ".join(parts)}
        return error


def _object(body: bytes) -> Doc | None:
    try:
        message = json.loads(body)
    except ValueError:
        # Empty (GET, DELETE) or broken: the SDK's server answers that itself.
        return None
    return message if isinstance(message, dict) else None


def _completed(message: Doc) -> Doc:
    if message.get("method") != "initialize":
        return message
    return {**message, "params": HELLO | (message.get("params") or {})}


def _with_user(scope: Scope, caller: Caller) -> Scope:
    """The scope with the caller as the SDK knows one (a session belongs to who opened it), and both Accept types."""
    token = AccessToken(
        token=caller.token, client_id=caller.client, scopes=sorted(caller.scopes), subject=caller.subject
    )
    headers = [(name, value) for name, value in scope["headers"] if name not in (b"accept", b"content-length")]
    return {**scope, "user": AuthenticatedUser(token), "headers": [*headers, (b"accept", BOTH_TYPES)]}


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again
