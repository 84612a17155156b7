"""OAuth for apps: codes, rotating refresh tokens, bot tokens by installation, revocation.

Source: Plane developer docs, build a Plane app (choose token flow). Client credentials come as HTTP Basic, in the form,
or in JSON.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from planeapp.sandbox.plane import scopes
from planeapp.sandbox.plane.auth import LIFETIME, issue_token
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc

CODE_LIFETIME = 600


class Refused(Exception):
    """An OAuth error answer (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}
        self.status = status


def issue_code(plane: Plane, user: Doc, scope: str, redirect_uri: str, challenge: str = "", method: str = "") -> str:
    """A code for ``user`` that is good once, for ten minutes, and for this redirect URI."""
    code = secrets.token_urlsafe(24)
    row: Doc = {"id": code, "user": user["id"], "scope": scope, "redirect_uri": redirect_uri, "used": False}
    row |= {"challenge": challenge, "method": method, "expires_at": plane.clock.time() + CODE_LIFETIME}
    plane.store.put("code", code, row)
    return code


def application_of(plane: Plane, client_id: str) -> Doc | None:
    """The registered app with this client id."""
    return next(iter(plane.store.find("application", client_id=client_id)), None)


async def token(plane: Plane, request: Request) -> Response:
    """POST /auth/o/token/."""
    return await _answer(request, lambda asked: _grant(plane, asked))


async def revoke(plane: Plane, request: Request) -> Response:
    """POST /auth/o/revoke-token/: 200 also for a token that nobody knows (RFC 7009)."""
    return await _answer(request, lambda asked: _revoke(plane, asked))


async def _answer(request: Request, work: Callable[[dict[str, str]], Doc]) -> Response:
    headers = {"Cache-Control": "no-store"}
    if request.method != "POST":
        detail = {"detail": f'Method "{request.method}" not allowed.'}
        return JSONResponse(detail, status_code=405, headers=headers | {"Allow": "POST"})
    try:
        return JSONResponse(work(await _asked(request)), headers=headers)
    except Refused as refusal:
        return JSONResponse(refusal.body, status_code=refusal.status, headers=headers)


async def _asked(request: Request) -> dict[str, str]:
    raw = await request.body()
    asked: dict[str, str] = {}
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise Refused("invalid_request", "The body is not JSON.") from error
        asked = {name: str(value) for name, value in body.items()} if isinstance(body, dict) else {}
    else:
        asked = dict(parse_qsl(raw.decode("utf-8", "replace")))
    return asked | _basic(request.headers.get("authorization", ""))


def _basic(header: str) -> dict[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused("invalid_client", "The Authorization header cannot be read.", 401) from error
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def _client(plane: Plane, asked: dict[str, str]) -> Doc:
    application = application_of(plane, asked.get("client_id", ""))
    known = application["client_secret"] if application else ""
    if application is None or not hmac.compare_digest(known.encode(), asked.get("client_secret", "").encode()):
        raise Refused("invalid_client", "Unknown client or wrong secret.", 401)
    return application


def _grant(plane: Plane, asked: dict[str, str]) -> Doc:
    application = _client(plane, asked)
    grants = {"authorization_code": _by_code, "refresh_token": _by_refresh, "client_credentials": _for_bot}
    kind = asked.get("grant_type", "")
    if kind not in grants:
        raise Refused("unsupported_grant_type", f"Unknown grant type {kind!r}.")
    return grants[kind](plane, application, asked)


def _by_code(plane: Plane, application: Doc, asked: dict[str, str]) -> Doc:
    code = plane.store.get("code", asked.get("code", ""))
    if code is None or code["used"] or code["expires_at"] <= plane.clock.time():
        raise Refused("invalid_grant", "The code is unknown, used or too old.")
    if code["redirect_uri"] != asked.get("redirect_uri"):
        raise Refused("invalid_grant", "The redirect URI is not that of the authorization.")
    if code["challenge"] and not _proves(code, asked.get("code_verifier", "")):
        raise Refused("invalid_grant", "The code verifier does not fit.")
    plane.store.put("code", code["id"], code | {"used": True})
    return _for_person(plane, application, code["user"], code["scope"])


def _proves(code: Doc, verifier: str) -> bool:
    if code["method"] == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(verifier.encode(), code["challenge"].encode())


def _by_refresh(plane: Plane, application: Doc, asked: dict[str, str]) -> Doc:
    """Refresh tokens rotate: each is good once (as Plane's own connector found)."""
    row = plane.store.get("refresh", asked.get("refresh_token", ""))
    if row is None or row["used"] or row["application"] != application["id"]:
        raise Refused("invalid_grant", "The refresh token is unknown, used or revoked.")
    plane.store.put("refresh", row["id"], row | {"used": True})
    return _for_person(plane, application, row["user"], row["scope"])


def _for_person(plane: Plane, application: Doc, user_id: str, scope: str) -> Doc:
    access = issue_token(plane, "pln_", user_id, scope)
    refresh = "pln_refresh_" + secrets.token_hex(24)
    row: Doc = {"id": refresh, "user": user_id, "scope": scope, "application": application["id"], "used": False}
    plane.store.put("refresh", refresh, row | {"access": access})
    return _answered(access, scope) | {"refresh_token": refresh}


def _for_bot(plane: Plane, application: Doc, asked: dict[str, str]) -> Doc:
    installation = plane.one("installation", asked.get("app_installation_id", ""))
    if installation is None or installation["application"] != application["id"]:
        raise Refused("invalid_grant", "There is no such installation of this app.")
    scope = asked.get("scope") or scopes.DEFAULT
    if scopes.unknown(scope):
        raise Refused("invalid_scope", "Unknown scopes: " + " ".join(scopes.unknown(scope)))
    scope = scopes.common(scope, installation.get("scope") or scope)
    if not scope:
        raise Refused("invalid_scope", "The workspace allows none of these scopes.")
    access = issue_token(plane, "pln_bot_", installation["app_bot"], scope, installation["id"])
    return _answered(access, scope)


def _answered(access: str, scope: str) -> Doc:
    return {"access_token": access, "token_type": "Bearer", "expires_in": LIFETIME, "scope": scope}


def _revoke(plane: Plane, asked: dict[str, str]) -> Doc:
    application = _client(plane, asked)
    key = asked.get("token", "")
    plane.store.delete("token", key)
    row = plane.store.get("refresh", key)
    if row is not None and row["application"] == application["id"]:
        plane.store.put("refresh", key, row | {"used": True})
        plane.store.delete("token", row["access"])
    return {}
