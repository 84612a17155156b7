"""Authorization servers on the loopback: the SDK's own, the sandbox's, and one that answers as a test tells it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    ProviderTokenVerifier,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import build_resource_metadata_url, create_auth_routes, create_protected_resource_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from selectolax.lexbor import LexborHTMLParser
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from planeapp.lib.http import Http
from planeapp.providers.consent import Attempt, ConsentRequest, OAuthGrant
from planeapp.providers.planner import oauth
from tests.providers.planner.conftest import serve

REDIRECT = "http://127.0.0.1:9/oauth/planner/callback/"
MCP_SCOPES = ["blocks:read", "blocks:write", "projects:read"]
SENT_TOKEN = {"access_token": "access-1-secret", "token_type": "Bearer", "refresh_token": "refresh-1-secret"}


def asking(url: str, **parts: Any) -> ConsentRequest:
    return ConsentRequest(url, REDIRECT, "state-1", **parts)


def came_back(answer: httpx2.Response) -> dict[str, str]:
    """The query that a redirect brings to our callback."""
    location = answer.headers["location"]
    assert location.startswith(REDIRECT + "?")
    return dict(parse_qsl(urlsplit(location).query))


def asked(attempt: Attempt) -> dict[str, str]:
    """The parameters of the consent address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(attempt.url).query).items()}


def decide(attempt: Attempt, decision: str = "approve") -> dict[str, str]:
    """Answer the sandbox's consent page as a person in a browser would."""
    with httpx2.Client() as browser:
        page = LexborHTMLParser(browser.get(attempt.url).text)
        key = page.css_first("input[name=key]")
        assert key is not None
        target = "{0.scheme}://{0.netloc}/oauth/authorize".format(urlsplit(attempt.url))
        return came_back(browser.post(target, data={"key": key.attributes["value"] or "", "decision": decision}))


class SdkProvider:
    """What the SDK's authorization server keeps its rows in. Everybody agrees to everything."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.fresh: dict[str, RefreshToken] = {}
        self.good: dict[str, AccessToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        code = AuthorizationCode(
            code=secrets.token_urlsafe(24), client_id=client.client_id, scopes=params.scopes or [],
            expires_at=time.time() + 60, code_challenge=params.code_challenge, redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=True, resource=params.resource,
        )  # fmt: skip
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        return self._issue(client.client_id, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self.fresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        del self.fresh[refresh_token.token]
        return self._issue(client.client_id, scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.good.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.good.clear()
        self.fresh.clear()

    def _issue(self, client_id: str, scopes: list[str], resource: str | None) -> OAuthToken:
        access, refresh = f"at_{secrets.token_urlsafe(24)}", f"rt_{secrets.token_urlsafe(24)}"
        self.good[access] = AccessToken(token=access, client_id=client_id, scopes=scopes, resource=resource)
        self.fresh[refresh] = RefreshToken(token=refresh, client_id=client_id, scopes=scopes, resource=resource)
        return OAuthToken(access_token=access, expires_in=900, scope=" ".join(scopes), refresh_token=refresh)


def sdk_app(url: str, provider: SdkProvider) -> Starlette:
    """The SDK's authorization server and, behind its bearer check, an endpoint at ``/api/mcp``."""
    issuer, resource = AnyHttpUrl(url), AnyHttpUrl(f"{url}/api/mcp")
    registration = ClientRegistrationOptions(enabled=True, valid_scopes=MCP_SCOPES)
    guarded = RequireAuthMiddleware(JSONResponse({"open": True}), MCP_SCOPES[:1], build_resource_metadata_url(resource))
    routes = [
        *create_auth_routes(provider, issuer, None, registration, RevocationOptions(enabled=True)),
        *create_protected_resource_routes(resource, [issuer], MCP_SCOPES),
        Route("/api/mcp", guarded, methods=["POST"]),
    ]
    backend = BearerAuthBackend(ProviderTokenVerifier(provider))
    return Starlette(routes=routes, middleware=[Middleware(AuthenticationMiddleware, backend=backend)])


@dataclass
class Reply:
    """An answer: a dict goes out as JSON, a text as a page. ``make`` may answer by the form that was sent."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    make: Callable[[dict[str, str]], Any] | None = None


@dataclass
class Seen:
    """A request that came."""

    line: str
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))


class Scripted:
    """An authorization server whose answers are rows: ``"GET /path"`` → :class:`Reply`; others are 404."""

    def __init__(self) -> None:
        self.url = ""
        self.rows: dict[str, Reply] = {}
        self.seen: list[Seen] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append(Seen(f"{scope['method']} {scope['path']}", headers, body.decode()))
        reply = self.rows.get(self.seen[-1].line, Reply(404, {}))
        content = reply.make(self.seen[-1].form) if reply.make else reply.body
        sent = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        given = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": given})
        await send({"type": "http.response.body", "body": sent})

    def usual(self, url: str) -> None:
        """The rows of a server that does everything right."""
        self.url = url
        metadata = f"{url}/.well-known/oauth-protected-resource/api/mcp"
        self.rows = {
            "POST /api/mcp": Reply(401, {}, {"www-authenticate": f'Bearer resource_metadata="{metadata}"'}),
            "GET /.well-known/oauth-protected-resource/api/mcp": Reply(body=self.resource()),
            "GET /.well-known/oauth-authorization-server": Reply(body=self.metadata()),
            "POST /register": Reply(201, {"client_id": "client-1", "client_secret": "client-secret-1"}),
            "POST /token": Reply(body=SENT_TOKEN | {"expires_in": 600}),
            "POST /revoke": Reply(body={}),
        }

    def resource(self, **change: Any) -> dict[str, Any]:
        usual = {"resource": f"{self.url}/api/mcp", "authorization_servers": [self.url], "scopes_supported": MCP_SCOPES}
        return usual | change

    def metadata(self, **change: Any) -> dict[str, Any]:
        endpoints = {f"{name}_endpoint": f"{self.url}/{path}" for name, path in ENDPOINTS.items()}
        usual = {"issuer": self.url, "code_challenge_methods_supported": ["S256"], **endpoints}
        return {name: value for name, value in (usual | change).items() if value is not None}

    def says(self, **change: Any) -> None:
        """Change the server's metadata; None takes a field away."""
        self.rows["GET /.well-known/oauth-authorization-server"] = Reply(body=self.metadata(**change))

    def requests(self, line: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.line == line]

    def grant(self, http: Http, **query: str) -> OAuthGrant:
        """A grant, with a code that nobody checks."""
        return oauth.finish(http, oauth.begin(http, asking(self.url)), {"code": "code-1-secret", **query})


ENDPOINTS = {"authorization": "authorize", "token": "token", "registration": "register", "revocation": "revoke"}


@contextmanager
def scripted() -> Iterator[Scripted]:
    """A scripted server on a free port that does everything right until told otherwise."""
    server = Scripted()
    served = serve(server, "off")
    server.usual(served.url)
    yield server
    served.stop()
