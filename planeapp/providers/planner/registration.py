"""Who we are for an authorization server: an admin's client id, our metadata document, or a registration made now.

Sources: MCP specification, "Authorization" (order of the ways; credentials belong to one issuer), RFC 7591 (registration).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
from mcp.shared.auth import OAuthClientInformationFull, OAuthMetadata
from pydantic import ValidationError

from planeapp.lib.errors import FixSettings, RetryLater
from planeapp.lib.http import Http
from planeapp.providers.consent import ConsentRequest, OAuthClient
from planeapp.providers.planner.answers import is_page, words_of
from planeapp.providers.planner.discovery import Found, same_issuer
from planeapp.providers.planner.token_endpoint import raise_if_unwell

GRANT_TYPES = ["authorization_code", "refresh_token"]
METHODS = ("client_secret_post", "client_secret_basic", "none")
"""How we can prove ourselves, the preferred first. Basic comes second: servers disagree on how to quote it."""
ASK_ADMIN = (
    "Planner needs to know this app first. In Planner, open Settings → MCP, generate a client ID and secret for the "
    "redirect address {0}, and enter both in the connection's settings."
)


def client_document(document_url: str, redirect_uri: str, app_name: str, app_url: str) -> dict[str, Any]:
    """The client id metadata document that has to be served as JSON at ``document_url``.

    Source: IETF draft "OAuth Client ID Metadata Document".
    """
    return {"client_id": document_url, **_about_us(redirect_uri, app_name, app_url, "none")}


def client_for(http: Http, ask: ConsentRequest, found: Found, scopes: frozenset[str]) -> OAuthClient:
    """The client to ask with, bound to the issuer.

    Raises FixSettings when an admin has to enter a client id (``client_needed``) or entered one that belongs to another
    issuer (``other_issuer``), RetryLater when registering did not work just now.
    """
    if ask.client is not None and (fitting := _reusable(ask.client, ask, found, scopes)):
        return fitting
    if found.server.client_id_metadata_document_supported and _can_be_id(ask.document_url):
        return OAuthClient(ask.document_url, "", found.issuer, "document", "none", ask.redirect_uri)
    if found.server.registration_endpoint is not None:
        return _register(http, ask, found, scopes)
    raise FixSettings(f"{found.issuer} registers nobody", person=_ask_admin(ask), code="client_needed")


def _reusable(client: OAuthClient, ask: ConsentRequest, found: Found, scopes: frozenset[str]) -> OAuthClient | None:
    """The client, when it is good for this issuer and these scopes. None: another has to be made."""
    ours = not client.issuer or same_issuer(client.issuer, found.issuer)
    if client.origin == "given":
        if not ours:
            raise FixSettings(
                f"the client id belongs to {client.issuer}, not to {found.issuer}",
                person=f"The client ID was made for {client.issuer}, but Planner now signs in at {found.issuer}. Generate "
                "a new client ID and secret in Planner and enter both.",
                code="other_issuer",
            )
        method = _method(found.server, bool(client.secret))
        return replace(client, issuer=found.issuer, method=client.method or method, redirect_uri=ask.redirect_uri)
    if client.origin == "document" or not ours or client.redirect_uri != ask.redirect_uri:
        return None
    lasting = not client.expires_at or client.expires_at > time.time()
    return client if lasting and (not client.scopes or scopes <= client.scopes) else None


def _can_be_id(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and parts.path not in ("", "/")


def _method(server: OAuthMetadata, secret: bool) -> str:
    """The first of our ways that the server takes; RFC 8414 makes Basic the one of a server that names none."""
    if not secret:
        return "none"
    offered = server.token_endpoint_auth_methods_supported or ["client_secret_basic"]
    return next((method for method in METHODS[:2] if method in offered), "client_secret_basic")


def _about_us(redirect_uri: str, app_name: str, app_url: str, method: str) -> dict[str, Any]:
    about = {
        "client_name": app_name,
        "redirect_uris": [redirect_uri],
        "grant_types": GRANT_TYPES,
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "application_type": "web",
    }
    return about | ({"client_uri": app_url} if app_url else {})


def _register(http: Http, ask: ConsentRequest, found: Found, scopes: frozenset[str]) -> OAuthClient:
    """Register (RFC 7591). Doing it twice only leaves an unused client behind, so a lost answer may be repeated."""
    offered = found.server.token_endpoint_auth_methods_supported or METHODS
    method = next((method for method in METHODS if method in offered), "client_secret_basic")
    wanted = _about_us(ask.redirect_uri, ask.app_name, ask.app_url, method)
    if scopes:
        wanted["scope"] = " ".join(sorted(scopes))
    answer = http.send("POST", str(found.server.registration_endpoint), json=wanted, repeatable=True)
    raise_if_unwell(answer)
    if not answer.is_success:
        raise _not_registered(answer, ask)
    return _registered(answer, ask, found, wanted)


def _not_registered(answer: httpx2.Response, ask: ConsentRequest) -> FixSettings:
    said = "" if is_page(answer.text) else words_of(answer.text)
    detail = f"POST {answer.request.url.path} (registration) answered {answer.status_code}: {said}"
    person = f"Planner did not register this app: {said or 'it gave no reason'}. {_ask_admin(ask)}"
    return FixSettings(detail, person=person, code="client_needed")


def _registered(answer: httpx2.Response, ask: ConsentRequest, found: Found, wanted: Mapping[str, Any]) -> OAuthClient:
    try:
        info = OAuthClientInformationFull.model_validate_json(answer.content)
    except ValidationError:  # its text would show the secret
        raise RetryLater(f"POST {answer.request.url.path} (registration): the answer has no client id") from None
    method = info.token_endpoint_auth_method or wanted["token_endpoint_auth_method"]
    if method not in METHODS or (method != "none" and not info.client_secret):
        raise FixSettings(
            f"{found.issuer} registered us with {method} and {'a' if info.client_secret else 'no'} secret",
            person=f"Planner wants this app to prove itself in a way that it cannot. {_ask_admin(ask)}",
            code="client_needed",
        )
    scopes = frozenset((info.scope or wanted.get("scope") or "").split())
    secret = info.client_secret or ""
    ends = info.client_secret_expires_at or 0
    return OAuthClient(info.client_id, secret, found.issuer, "registered", method, ask.redirect_uri, scopes, ends)


def _ask_admin(ask: ConsentRequest) -> str:
    return ASK_ADMIN.format(ask.redirect_uri)
