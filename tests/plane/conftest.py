"""A sandbox Plane on a real port, fresh for each test and installed once, and what reaches it: clients, faults, the requests
it got.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from planeapp.lib.errors import ReconnectNeeded
from planeapp.lib.events import Event
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.plane.events import read
from planeapp.plane.gateway import Plane
from planeapp.plane.oauth import InstallationDetails, PlaneOAuth
from planeapp.plane.side import PlaneSide
from planeapp.providers.base import Access
from planeapp.sandbox.clock import Clock
from planeapp.sandbox.control import Control
from planeapp.sandbox.plane import installs, oauth
from planeapp.sandbox.plane.app import make_app
from planeapp.sandbox.plane.core import Plane as SandboxPlane
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World
from tests.stages import stage

FIXTURES = Path(__file__).parent.parent / "fixtures"
SECRET = "plane_wh_87ec76a21fb1d379d791a9b8485da964"
REDIRECT = "http://127.0.0.1:1/oauth/plane/callback/"


def captured(name: str, folder: str = "plane_webhooks") -> dict[str, Any]:
    """A captured file whose name begins so."""
    (found,) = (FIXTURES / folder).glob(f"{name}*.json")
    return json.loads(found.read_text())


def delivery(name: str) -> Event:
    """The event of a captured delivery."""
    found = captured(name)
    (event,) = read(found["body_raw"].encode(), found["headers"])
    return event


def told(body: Any, name: str = "") -> Event:
    """The event of a body."""
    (event,) = read(json.dumps(body).encode(), {"X-Plane-Event": name})
    return event


class Token:
    """A token function that counts how often it was told of a refusal."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.refused: list[str] = []

    def __call__(self, slot: str = "main", *, refused: str = "") -> str:
        """The first token until it is refused, then the next; ReconnectNeeded after the last."""
        if refused:
            self.refused.append(refused)
            self.tokens.remove(refused)
        if not self.tokens:
            raise ReconnectNeeded("no token left")
        return self.tokens[0]


@dataclass
class Sandbox:
    """The running sandbox Plane with the app installed in its workspace ``sandbox``."""

    url: str
    plane: SandboxPlane
    http: Http
    installation: str

    @property
    def oauth(self) -> PlaneOAuth:
        """The app's OAuth client."""
        world = self.plane.world
        return PlaneOAuth(self.http, self.url, world.client_id, world.client_secret, REDIRECT)

    def token(self) -> str:
        """A bot token."""
        return self.oauth.bot_token(self.installation).access

    def gateway(self, *, token: Any = None, slug: str = "sandbox") -> Plane:
        """The gateway with a bot token, or with the given token function."""
        return Plane(Access(self.http, self.url, token or Token(self.token())), slug)

    def row(self, kind: str, **equal: Any) -> dict[str, Any]:
        """The first of the sandbox's own rows with these values."""
        return self.plane.live(kind, **equal)[0]

    def code(self, name: str, challenge: str = "") -> str:
        """The code that a person gets by agreeing on the consent page."""
        person = self.row("user", display_name=name)
        scope = " ".join(self.oauth.scopes)
        return oauth.issue_code(self.plane, person, scope, REDIRECT, challenge, "S256" if challenge else "")

    def fault(self, **fault: Any) -> None:
        """Plan a fault."""
        httpx2.post(f"{self.url}/_sandbox/faults", json=fault).raise_for_status()

    def requests(self, method: str, part: str = "") -> list[dict[str, Any]]:
        """The requests with this method whose path contains ``part``."""
        seen = httpx2.get(f"{self.url}/_sandbox/requests").json()["requests"]
        return [request for request in seen if request["method"] == method and part in request["path"]]


@pytest.fixture(scope="session")
def http() -> Iterator[Http]:
    """One client that may reach this machine."""
    client = Http(Guard(["127.0.0.1"]))
    yield client
    client.close()


@pytest.fixture
def sandbox(http: Http) -> Iterator[Sandbox]:
    """A fresh sandbox Plane with no call limit worth the name. What it wants to tell by webhooks waits in its rows."""
    place, clock = stage("plane"), Clock()
    app = make_app(World(app_url="http://127.0.0.1:1", plane_url=place.url), Store(None), clock)
    plane: SandboxPlane = app.state.plane
    plane.store.put("settings", "limits", {"per_minute": 100_000})
    with place.shows(Control(app, clock)) as url:
        yield Sandbox(url, plane, http, _install(plane))


def _install(plane: SandboxPlane) -> str:
    workspace, admin = plane.workspace("sandbox"), plane.store.find("user", display_name="ada")[0]
    assert workspace
    return str(installs.install(plane, workspace, plane.live("application")[0], admin)["id"])


@pytest.fixture
def plane(sandbox: Sandbox) -> Plane:
    """The gateway to workspace ``sandbox``, as the bot."""
    return sandbox.gateway()


@pytest.fixture
def project(sandbox: Sandbox) -> str:
    """The id of project CUST."""
    return str(sandbox.row("project", identifier="CUST")["id"])


@pytest.fixture
def item(sandbox: Sandbox, project: str) -> str:
    """The id of the first work item of CUST."""
    return str(sandbox.row("work_item", project=project)["id"])


@pytest.fixture
def details(sandbox: Sandbox) -> InstallationDetails:
    """The installation, as the bot sees it."""
    found = sandbox.oauth.installation(sandbox.token(), sandbox.installation)
    assert found
    return found


@pytest.fixture
def side(sandbox: Sandbox, details: InstallationDetails) -> PlaneSide:
    """Workspace ``sandbox`` as a side of a sync."""
    return PlaneSide(sandbox.gateway(), details.workspace, "https://app.plane.so")
