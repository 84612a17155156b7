"""Who calls: tokens of apps and people, and what their role lets them do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError, unauthenticated
from planeapp.sandbox.store import Doc

ADMIN, MEMBER, GUEST = 20, 15, 5
LIFETIME = 86_400


@dataclass(frozen=True)
class Caller:
    """The user whom a call acts for, and the token's key, scopes (None = all) and installation (bots alone)."""

    user: Doc
    token: str
    scope: str | None
    installation: str | None = None


def issue_token(plane: Plane, prefix: str, user_id: str, scope: str | None, installation: str | None = None) -> str:
    """Make an access token that lives a day (personal keys, with scope None, never end) and give its text."""
    token = prefix + secrets.token_hex(24)
    ends = None if scope is None else plane.clock.time() + LIFETIME
    row = {"id": token, "user": user_id, "scope": scope, "installation": installation, "expires_at": ends}
    plane.store.put("token", token, row)
    return token


def authenticate(plane: Plane, headers: dict[str, str]) -> Caller:
    """The caller of a request with these (lower case) headers; raises 401 or, for a wrong personal key, 403."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        caller = caller_of(plane, value.strip())
        if caller is None:
            raise unauthenticated()
        return caller
    key = headers.get("x-api-key")
    if key is None:
        raise unauthenticated()
    caller = caller_of(plane, key)
    if caller is None or caller.scope is not None:
        raise ApiError(403, {"detail": "Given API token is not valid"})
    return caller


def caller_of(plane: Plane, token: str) -> Caller | None:
    """The caller behind a token that is known, not ended, and whose installation (if any) still stands."""
    row = plane.store.get("token", token)
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= plane.clock.time()):
        return None
    if row["installation"] and plane.one("installation", row["installation"]) is None:
        return None
    user = plane.one("user", row["user"])
    return Caller(user, token, row["scope"], row["installation"]) if user else None


def role_in(place: Doc | None, user: Doc) -> int:
    """The user's role in a workspace or project; 0 for none."""
    return int(place["members"].get(user["id"], 0)) if place else 0
