"""Where Planner's people sign in: from the MCP address to the endpoints of its authorization server.

Sources: MCP specification, "Authorization"; RFC 9728 (protected resource metadata), RFC 8414 (server metadata). The only
file that uses the SDK's helpers in ``mcp.client.auth``, which are not part of its public interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    issuers_match,
)
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url
from pydantic import BaseModel, ValidationError

from planeapp.lib.errors import AskPerson, FixSettings, RetryLater
from planeapp.lib.http import Http
from planeapp.providers.planner.answers import is_page
from planeapp.providers.planner.raw_mcp import INFO, LEGACY_VERSION

__all__ = ["Found", "challenge_of", "discover", "same_issuer"]

SECONDS = 10.0
PARAMETER = re.compile(r'([A-Za-z_][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": LEGACY_VERSION, "capabilities": {}, "clientInfo": INFO},
}
NO_OAUTH = "Planner offers no sign-in at this address. Check the address, or connect with an API token."
Document = TypeVar("Document", bound=BaseModel)
same_issuer = issuers_match


@dataclass(frozen=True)
class Found:
    """What discovery brought. ``scopes`` are those to ask for (empty: name none); ``resource`` is what they are for."""

    resource: str
    scopes: frozenset[str]
    server: OAuthMetadata

    @property
    def issuer(self) -> str:
        """The server's identifier, letter by letter as it writes it."""
        return str(self.server.issuer)


def challenge_of(header: str) -> dict[str, str]:
    """The parameters of a WWW-Authenticate header, names in lower case; of a repeated one the first."""
    found: dict[str, str] = {}
    for name, quoted, plain in PARAMETER.findall(header):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
    return found


def discover(http: Http, mcp_url: str, issuers: Iterable[str] = (), challenge: str = "") -> Found:
    """Find the authorization server of an MCP address.

    ``issuers`` are hosts (or addresses) that an admin allowed beside the one of ``mcp_url``; ``challenge`` is the
    WWW-Authenticate header of a refusal, asked for without a token when there is none.

    Raises AskPerson for a sign-in host that nobody allowed, FixSettings when nothing fits (``not_offered``) or a document
    names another issuer (``wrong_issuer``), RetryLater when a document could not be had just now.
    """
    hosts = [mcp_url, *issuers]
    wants_token = bool(challenge)
    if not challenge:
        wants_token, challenge = _knock(http, mcp_url)
    told = challenge_of(challenge)
    resource = _resource(http, mcp_url, told.get("resource_metadata"), hosts)
    if resource is not None:
        issuer = _chosen([str(url) for url in resource.authorization_servers], hosts)
        server = _server(http, issuer, issuer, mcp_url)
    else:
        server = _server_of_origin(http, mcp_url, wants_token)
    _check(http, server)
    return Found(_audience(mcp_url, resource), _scopes(told.get("scope"), resource, server), server)


def _knock(http: Http, url: str) -> tuple[bool, str]:
    """Call without a token: whether the answer is 401, and its WWW-Authenticate header."""
    headers = {"Accept": "application/json, text/event-stream"}
    answer = http.send("POST", url, json=HELLO, headers=headers, seconds=SECONDS, repeatable=True)
    header = answer.headers.get("www-authenticate", "") if answer.status_code in (401, 403) else ""
    return answer.status_code == 401, header


def _resource(http: Http, url: str, told: str | None, hosts: Sequence[str]) -> ProtectedResourceMetadata | None:
    """The protected resource's document: where the challenge says, else by path, else at the root."""
    told = told if told and _host(told) else None
    if told is not None:
        _require_allowed([told], hosts)
    found = _first(http, build_protected_resource_metadata_discovery_urls(told, url), ProtectedResourceMetadata)
    if found is not None and not check_resource_allowed(url, str(found.resource)):
        raise FixSettings(
            f"resource metadata of {url} speaks of {found.resource}",
            person=f"Planner's sign-in is for another address ({found.resource}). Check the address of the connection.",
            code="wrong_resource",
        )
    return found


def _server(http: Http, identifier: str, issuer: str | None, url: str) -> OAuthMetadata:
    found = _metadata(http, build_oauth_authorization_server_metadata_discovery_urls(issuer, url), identifier)
    if found is None:
        raise FixSettings(f"{identifier} has no authorization server metadata", person=NO_OAUTH, code="not_offered")
    return found


def _server_of_origin(http: Http, url: str, wants_token: bool) -> OAuthMetadata:
    """Servers older than revision 2025-06-18 have no resource metadata: their own origin is the issuer."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    found = _metadata(http, build_oauth_authorization_server_metadata_discovery_urls(None, url), origin)
    if found is None and not wants_token:
        raise FixSettings(f"{url} asks for no token and has no metadata", person=NO_OAUTH, code="not_offered")
    return found or OAuthMetadata.model_validate(
        {
            "issuer": origin,
            "authorization_endpoint": f"{origin}/authorize",
            "token_endpoint": f"{origin}/token",
            "registration_endpoint": f"{origin}/register",
            "code_challenge_methods_supported": ["S256"],
        }
    )


def _metadata(http: Http, urls: Sequence[str], identifier: str) -> OAuthMetadata | None:
    """The server's document, if it calls itself what it was looked up under (RFC 8414 §3.3)."""
    found = _first(http, urls, OAuthMetadata)
    if found is not None and not same_issuer(str(found.issuer), identifier):
        raise FixSettings(
            f"metadata of {identifier} names another issuer, at {_host(str(found.issuer))}",
            person=f"Planner's sign-in server {identifier} says that it is another one (at {_host(str(found.issuer))}). We do "
            "not go on. Please tell Planner's support.",
            code="wrong_issuer",
        )
    return found


def _first(http: Http, urls: Sequence[str], kind: type[Document]) -> Document | None:
    """The first readable document. RetryLater when there is none and one of the addresses was only unwell."""
    unwell = ""
    for url in urls:
        answer = http.send("GET", url, seconds=SECONDS)
        found = _read(answer, kind)
        if found is not None:
            return found
        if _unwell(answer):
            unwell = f"GET {url} answered {answer.status_code}"
    if unwell:
        raise RetryLater(unwell, person="Planner's sign-in does not answer properly just now. Please try again later.")
    return None


def _read(answer: httpx2.Response, kind: type[Document]) -> Document | None:
    if answer.status_code != 200:
        return None
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:  # such as a web app's page, which answers any address
        return None


def _unwell(answer: httpx2.Response) -> bool:
    """Whether an answer says nothing about the document: trouble, too many calls, a page of a firewall."""
    status = answer.status_code
    return status >= 500 or status in (408, 429) or (status == 403 and is_page(answer.text))


def _chosen(issuers: Sequence[str], hosts: Sequence[str]) -> str:
    _require_allowed(issuers, hosts)
    return next(issuer for issuer in issuers if _host(issuer) in map(_host, hosts))


def _require_allowed(urls: Sequence[str], hosts: Sequence[str]) -> None:
    """AskPerson unless one of the addresses is on an allowed host."""
    known = {_host(host) for host in hosts}
    if any(_host(url) in known for url in urls):
        return
    names = ", ".join(dict.fromkeys(_host(url) for url in urls))
    raise AskPerson(
        f"sign-in at {names} was not allowed",
        person=f"Planner wants people to sign in at {names}. If you trust it, add it to the allowed sign-in addresses of "
        "this connection and connect again.",
        code="unknown_issuer",
    )


def _host(url: str) -> str:
    """``host`` or ``host:port`` of an address, which may lack its scheme; usual ports are left out. ``""``: not readable."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port
    except ValueError:  # brackets that do not close, a port that is none
        return ""
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    host = (parts.hostname or "").rstrip(".")
    return host if port in (None, usual) else f"{host}:{port}"


def _check(http: Http, server: OAuthMetadata) -> None:
    """Refuse a server whose endpoints are not safe to visit, or that does not know PKCE with S256."""
    for endpoint in (server.authorization_endpoint, server.token_endpoint):
        url = httpx2.URL(str(endpoint))
        if not http.guard.exempt(url):  # the browser's visit passes no transport of ours
            http.guard.check_scheme(url)
    if "S256" not in (server.code_challenge_methods_supported or ()):
        raise FixSettings(
            f"{server.issuer} does not offer PKCE with S256",
            person="Planner's sign-in lacks a protection that we need (PKCE). Connect with an API token instead.",
            code="no_pkce",
        )


def _audience(url: str, resource: ProtectedResourceMetadata | None) -> str:
    """The resource indicator: as the server publishes it, else the canonical address without a last slash."""
    return str(resource.resource) if resource is not None else resource_url_from_server_url(url).rstrip("/")


def _scopes(told: str | None, resource: ProtectedResourceMetadata | None, server: OAuthMetadata) -> frozenset[str]:
    """The challenge's scopes, else the resource's, else none; ``offline_access`` where the server lists it."""
    scopes = set((told or "").split()) or set((resource and resource.scopes_supported) or ())
    if scopes and "offline_access" in (server.scopes_supported or ()):
        scopes.add("offline_access")
    return frozenset(scopes)
