"""An admin with a browser, between our pages and the sandbox Planner's own sign-in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from django.conf import settings
from django.test import Client
from selectolax.lexbor import LexborHTMLParser

from planeapp.installations.models import Connection, Credential
from tests.vendors import Vendor, Vendors

PAGE = "/w/sandbox/connect/planner/"
METADATA = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
TYPED = {"client_id": "planner-preregistered", "client_secret": "planner-secret"}


def preregistered(planner: Vendor) -> dict[str, str]:
    """What Planner's own settings give an admin to type in, made for our present redirect address."""
    row = planner.store.get("clients", TYPED["client_id"])
    here = f"{settings.APP_BASE_URL}/oauth/planner/callback/"
    planner.store.put("clients", TYPED["client_id"], {**(row or {}), "redirect_uris": [here]})
    return dict(TYPED)


class SignIn:
    """``browser`` belongs to a signed-in admin of workspace ``sandbox``."""

    def __init__(self, browser: Client, vendors: Vendors) -> None:
        self.browser, self.planner = browser, vendors.planner

    def start(self, **form: str) -> Any:
        """Press Sign in (or Allow more); gives our page with the link that leaves."""
        return self.browser.post(f"{PAGE}consent/", form)

    def address(self, **form: str) -> str:
        """Where the link of that page leads."""
        page = self.start(**form)
        assert page.status_code == 200, page.headers
        link = LexborHTMLParser(page.content.decode()).css_first("a.button--main")
        assert link is not None
        return str(link.attributes["href"])

    def decide(self, address: str, decision: str = "approve", without: tuple[str, ...] = ()) -> str:
        """Answer Planner's question; gives the path on our side where it sends the browser."""
        with httpx2.Client(trust_env=False) as web:
            page = web.get(address)
            key = LexborHTMLParser(page.text).css_first("input[name=key]")
            assert key is not None, page.text
            data = {"key": str(key.attributes["value"]), "decision": decision, "without": list(without)}
            back = str(web.post(f"{self.planner.url}/oauth/authorize", data=data).headers["location"])
        return back.removeprefix(settings.APP_BASE_URL)

    def come(self, path: str) -> Any:
        """Come back to us; gives the page that our redirect leads to."""
        answer = self.browser.get(path)
        assert answer.status_code == 302 and "code" not in answer.headers["location"]
        return self.browser.get(answer.headers["location"])

    def connect(self, without: tuple[str, ...] = (), **form: str) -> Any:
        """The whole way."""
        return self.come(self.decide(self.address(**form), without=without))

    def deny(self, **form: str) -> Any:
        """The whole way, with a no."""
        return self.come(self.decide(self.address(**form), "deny"))


def scopes_asked(address: str) -> list[str]:
    """What a consent address asks for."""
    return parse_qs(urlsplit(address).query)["scope"][0].split()


def grant() -> Credential:
    """The stored grant, read anew."""
    return Credential.objects.get(connection__provider="planner", slot="oauth")


def connection() -> Connection:
    """The stored connection, read anew."""
    return Connection.objects.get(provider="planner")


def line(name: str) -> dict[str, str]:
    """A line of the stored report."""
    found: dict[str, str] = next(one for one in connection().report["lines"] if one["name"] == name)
    return found


def tool_calls(planner: Vendor, tool: str) -> int:
    """How often a tool of Planner was called."""
    return sum(f'"{tool}"' in one["body"] and "tools/call" in one["body"] for one in planner.asked("POST", "/api/mcp"))


def read_only_at_first(planner: Vendor) -> None:
    """Planner asks for reading alone when it is asked what to ask for; writing needs a step up."""
    header = f'Bearer resource_metadata="{planner.url}{RESOURCE}/api/mcp", scope="projects:read blocks:read"'
    planner.fault("/api/mcp", method="POST", status=401, headers={"WWW-Authenticate": header})


def lives_at(planner: Vendor, host: str) -> None:
    """From now on Planner's people sign in at another host, which is the same machine by another name."""
    for fault in moved(planner.url, planner.url.replace("127.0.0.1", host)):
        planner.fault(**fault)


def moved(url: str, other: str) -> list[dict[str, Any]]:
    """The faults that make a sandbox Planner name another address as its sign-in."""
    with httpx2.Client(trust_env=False) as web:
        server, resource = web.get(f"{url}{METADATA}"), web.get(f"{url}{RESOURCE}/api/mcp")
    elsewhere = json.dumps(resource.json() | {"authorization_servers": [other]})
    bodies = {RESOURCE: elsewhere, METADATA: server.text.replace(url, other)}
    return [{"path": path, "times": 99, "status": 200, "body": body} for path, body in bodies.items()]
