"""The OAuth authorization server for MCP: metadata, consent, tokens, revocation (MCP specification, "Authorization").

Written here rather than taken from the SDK: its token endpoint wants client_id in the body also beside a Basic header,
does not compare ``resource``, and its error redirects lack the ``iss`` of RFC 9207.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from planeapp.sandbox.planner.grants import Grants, OAuthError
from planeapp.sandbox.planner.oauth_clients import METHODS, authenticated, client_of, refused, register
from planeapp.sandbox.planner.seed import SCOPES
from planeapp.sandbox.planner.services import Services, services
from planeapp.sandbox.planner.settings import setting
from planeapp.sandbox.planner.templating import page
from planeapp.sandbox.store import Doc

MCP_SCOPES = ["projects:read", "blocks:read", "blocks:write"]
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


async def server_metadata(request: Request) -> Response:
    """``/.well-known/oauth-authorization-server`` (RFC 8414)."""
    issuer = services(request).world.planner_url
    return JSONResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "registration_endpoint": f"{issuer}/oauth/register",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": METHODS,
            "revocation_endpoint_auth_methods_supported": METHODS,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": bool(setting(services(request).store, "oauth", "documents")),
        }
    )


async def resource_metadata(request: Request) -> Response:
    """``/.well-known/oauth-protected-resource/api/mcp`` (RFC 9728)."""
    known = services(request)
    return JSONResponse(
        {
            "resource": known.resource,
            "authorization_servers": [known.world.planner_url],
            "scopes_supported": MCP_SCOPES,
            "bearer_methods_supported": ["header"],
            "resource_name": "Sandbox Planner",
        }
    )


async def authorize(request: Request) -> Response:
    """``GET /oauth/authorize``: the consent page, an error page, or an error sent back to the client."""
    known, query = services(request), dict(request.query_params)
    client = await client_of(known, query.get("client_id", ""))
    if client is None or query.get("redirect_uri") not in client["redirect_uris"]:
        text = "The app that sent you here is not known, or wants you sent to an address it did not register."
        return page(request, "message.html", status=400, title="This link does not work", text=text)
    try:
        consent = _asked(known, query)
    except OAuthError as error:
        return _back(known, query, error=error.code, error_description=str(error))
    key = secrets.token_urlsafe(16)
    known.store.put("consents", key, consent)
    name = client.get("client_name") or client["client_id"]
    return page(request, "consent.html", key=key, client=name, consent=consent, person=_person(known))


async def decide(request: Request) -> Response:
    """``POST /oauth/authorize``: Approve sends a code to the client, Deny an error; the question is then settled.

    ``without`` (repeated) names scopes that the person does not grant.
    """
    known, form = services(request), await form_of(request)
    consent = known.store.get("consents", form.get("key", ""))
    if consent is None:
        text = "This question was answered before. Start again from the app."
        return page(request, "message.html", status=400, title="Already answered", text=text)
    known.store.delete("consents", form["key"])
    if form.get("decision") != "approve":
        return _back(known, consent, error="access_denied", error_description="The person said no.")
    without = (await request.form()).getlist("without")
    consent = {**consent, "scopes": [scope for scope in consent["scopes"] if scope not in without]}
    return _back(known, consent, code=Grants(known.store, known.clock).code(consent, _person(known)["id"]))


async def token(request: Request) -> Response:
    """``POST /oauth/token``: authorization_code (with PKCE) and refresh_token."""
    known, form = services(request), await form_of(request)
    grants = Grants(known.store, known.clock)
    exchanges = {"authorization_code": grants.redeem, "refresh_token": grants.refresh}
    try:
        client = authenticated(request, form)
        exchange = exchanges.get(form.get("grant_type", ""))
        if exchange is None:
            raise OAuthError("unsupported_grant_type", "grant_type must be authorization_code or refresh_token.")
        answer = exchange(client["client_id"], form)
    except OAuthError as error:
        return refused(error)
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def revoke(request: Request) -> Response:
    """``POST /oauth/revoke`` (RFC 7009): 200 also for a token that is not known."""
    known, form = services(request), await form_of(request)
    try:
        client = authenticated(request, form)
    except OAuthError as error:
        return refused(error)
    Grants(known.store, known.clock).forget(client["client_id"], form.get("token", ""))
    return Response(headers={"Cache-Control": "no-store"})


async def form_of(request: Request) -> dict[str, str]:
    """The form's text fields; of a repeated one the last."""
    return {name: value for name, value in (await request.form()).multi_items() if isinstance(value, str)}


def _asked(known: Services, query: dict[str, str]) -> Doc:
    """What the client wants, checked. Raises OAuthError."""
    if query.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")
    if query.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(query.get("code_challenge", "")):
        raise OAuthError("invalid_request", "PKCE is needed: a code_challenge with code_challenge_method=S256.")
    scopes = query.get("scope", "").split() or MCP_SCOPES
    if not set(scopes) <= set(SCOPES):
        raise OAuthError("invalid_scope", f"Known scopes are {' '.join(SCOPES)}.")
    if query.get("resource", known.resource) != known.resource:
        raise OAuthError("invalid_target", f"resource must be {known.resource}.")
    kept = {name: query.get(name) for name in ("client_id", "redirect_uri", "state", "code_challenge")}
    return {**kept, "scopes": scopes, "resource": known.resource}


def _person(known: Services) -> Doc:
    """Who is signed in: always the first person; a sandbox asks for no password."""
    return known.schedule.people()[0]


def _back(known: Services, asked: Doc, **answer: str) -> Response:
    """Send the browser back with the answer, the state and our issuer (RFC 9207)."""
    state = {"state": asked["state"]} if asked.get("state") else {}
    parts = urlsplit(asked["redirect_uri"])
    query = urlencode([*parse_qsl(parts.query), *(answer | state | {"iss": known.world.planner_url}).items()])
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303, {"Cache-Control": "no-store"})


ROUTES = [
    Route("/.well-known/oauth-authorization-server", server_metadata),
    Route("/.well-known/oauth-protected-resource/api/mcp", resource_metadata),
    Route("/oauth/authorize", authorize),
    Route("/oauth/authorize", decide, methods=["POST"]),
    Route("/oauth/token", token, methods=["POST"]),
    Route("/oauth/register", register, methods=["POST"]),
    Route("/oauth/revoke", revoke, methods=["POST"]),
]
