"""Who asks, and what for: bearer tokens, scopes and the limit per token (Planner developer page, "Authentication")."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from starlette.requests import Request

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planner.errors import Refused
from planeapp.sandbox.planner.settings import setting
from planeapp.sandbox.store import Store

WINDOW_SECONDS = 60.0
QUERY_NAMES = {"access_token", "token", "api_key", "apikey", "bearer"}


@dataclass(frozen=True)
class Caller:
    """The holder of a good token. ``kind``: "pat", "service" or "oauth"; ``client`` and ``subject`` say whose it is."""

    token: str
    kind: str
    scopes: frozenset[str]
    client: str
    subject: str


class Access:
    """Looks tokens up in the store and counts what each of them did in the last minute."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self._used: dict[str, deque[float]] = {}

    def caller(self, request: Request, kinds: set[str]) -> Caller:
        """The caller, if the Authorization header has a token of one of these kinds. Raises Refused with 401."""
        if QUERY_NAMES & {name.lower() for name in request.query_params}:
            raise _unauthorized("token_in_query", "Send the token in the Authorization header, never in the address.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unauthorized("missing_token", "Send an API token as 'Authorization: Bearer <token>'.")
        caller = self._find(token.strip())
        if caller is None or caller.kind not in kinds:
            raise _unauthorized(
                "invalid_token", "This token is unknown, revoked, expired or not meant for this address."
            )
        return caller

    def rest(self, request: Request, scope: str) -> Caller:
        """The caller of a REST endpoint that needs ``scope``. Raises Refused with 401, 403 or 429."""
        caller = self.caller(request, {"pat", "service"})
        self.count(caller)
        if scope not in caller.scopes:
            raise Refused(403, "insufficient_scope", f"This token lacks the scope {scope}.", requiredScope=scope)
        return caller

    def count(self, caller: Caller) -> None:
        """Count one request. Raises Refused with 429 and Retry-After (seconds) over the limit."""
        now, used = self.clock.time(), self._used.setdefault(caller.token, deque())
        while used and used[0] <= now - WINDOW_SECONDS:
            used.popleft()
        limit = int(setting(self.store, "limits", "per_minute"))
        if len(used) >= limit:
            wait = max(1, math.ceil((used[-limit] if limit else now) + WINDOW_SECONDS - now))
            message = f"Too many requests: {limit} a minute. Try again in {wait} s."
            raise Refused(429, "rate_limited", message, {"Retry-After": str(wait)})
        used.append(now)

    def _find(self, token: str) -> Caller | None:
        row = self.store.get("tokens", token)
        if row is not None:
            return Caller(token, row["kind"], frozenset(row["scopes"]), row["kind"], row["name"])
        row = self.store.get("access_tokens", token)
        grant = self.store.get("grants", row["grant"]) if row else None
        if row is None or grant is None or row["expires_at"] <= self.clock.time():
            return None
        return Caller(token, "oauth", frozenset(row["scopes"]), grant["client_id"], grant["subject"])


def _unauthorized(code: str, message: str) -> Refused:
    return Refused(401, code, message, {"WWW-Authenticate": "Bearer"})
