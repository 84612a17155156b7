"""OAuth clients: the pre-registered one, those that registered themselves (RFC 7591) or are known by their document."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from urllib.parse import unquote_plus, urlsplit

import httpx2
from mcp.shared.auth import OAuthClientMetadata
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from planeapp.sandbox.planner.grants import OAuthError
from planeapp.sandbox.planner.services import Services, services
from planeapp.sandbox.planner.settings import setting
from planeapp.sandbox.store import Doc

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
FETCH_SECONDS = 5.0
METHODS = ["client_secret_basic", "client_secret_post", "none"]


async def register(request: Request) -> Response:
    """``POST /oauth/register`` → 201 with ``client_id`` and, unless the method is "none", ``client_secret``."""
    known = services(request)
    try:
        wanted = OAuthClientMetadata.model_validate_json(await request.body())
        method = _method(wanted)
    except ValidationError as error:
        problem = error.errors()[0]
        return refused(OAuthError("invalid_client_metadata", f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"))
    except OAuthError as error:
        return refused(error)
    # As the client wrote them: pydantic adds a slash to an empty path, and addresses are compared letter by letter.
    addresses = [str(address) for address in json.loads(await request.body())["redirect_uris"]]
    if not all(_allowed(address) for address in addresses):
        return refused(OAuthError("invalid_redirect_uri", "Redirect addresses must be https, or http on this machine."))
    client = wanted.model_dump(mode="json", exclude_none=True) | {
        "client_id": f"plr_client_{secrets.token_hex(8)}",
        "client_id_issued_at": int(known.clock.time()),
        "redirect_uris": addresses,
        "token_endpoint_auth_method": method,
    }
    if method != "none":
        client |= {"client_secret": secrets.token_urlsafe(32), "client_secret_expires_at": 0}
    known.store.put("clients", client["client_id"], client)
    return JSONResponse(client, 201, {"Cache-Control": "no-store"})


async def client_of(known: Services, client_id: str) -> Doc | None:
    """A client by its id, which may be the address of its document; None for one that is not known."""
    if client_id.startswith("https://") and setting(known.store, "oauth", "documents"):
        document = await _document(known, client_id)
        if document is not None:
            known.store.put("clients", client_id, {**document, "client_secret": ""})
    return known.store.get("clients", client_id)


async def _document(known: Services, address: str) -> Doc | None:
    """The client id metadata document at its address (IETF draft "OAuth Client ID Metadata Document")."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
    found_at = setting(known.store, "oauth", "hosts").get(origin, origin) + address.removeprefix(origin)
    try:
        async with httpx2.AsyncClient(timeout=FETCH_SECONDS, trust_env=False) as http:
            document = (await http.get(found_at)).json()
        client = OAuthClientMetadata.model_validate(document)
    except (httpx2.HTTPError, ValueError):
        return None
    public = client.token_endpoint_auth_method == "none"
    return document if public and document.get("client_id") == address else None


def authenticated(request: Request, form: Doc) -> Doc:
    """The client of a token or revocation request, by Basic header or by form. Raises OAuthError with 401."""
    client_id, secret = _credentials(request, form)
    client = services(request).store.get("clients", client_id)
    if client is None:
        raise OAuthError("invalid_client", "This client is not known.", 401)
    expected = client.get("client_secret", "")
    if not hmac.compare_digest(expected.encode(), secret.encode()):
        raise OAuthError("invalid_client", "The client secret is missing or wrong.", 401)
    return client


def refused(error: OAuthError) -> JSONResponse:
    """The error answer of RFC 6749 §5.2."""
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": "Basic"} if error.status == 401 else {})
    return JSONResponse({"error": error.code, "error_description": str(error)}, error.status, headers)


def _credentials(request: Request, form: Doc) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", "The Basic header is not readable.", 401) from error
    return unquote_plus(name), unquote_plus(secret)


def _method(wanted: OAuthClientMetadata) -> str:
    method = wanted.token_endpoint_auth_method or "client_secret_basic"
    if method not in METHODS:
        raise OAuthError("invalid_client_metadata", f"token_endpoint_auth_method must be one of {', '.join(METHODS)}.")
    if "authorization_code" not in wanted.grant_types or "code" not in wanted.response_types:
        raise OAuthError(
            "invalid_client_metadata", "Only the authorization_code grant with response type code is offered."
        )
    return method


def _allowed(address: str) -> bool:
    parts = urlsplit(address)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return secure and bool(parts.netloc) and not parts.fragment
