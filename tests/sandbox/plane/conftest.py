"""A sandbox Plane on a real port, an app that takes its webhooks, and callers with tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.plane import auth, installs
from planeapp.sandbox.plane.app import make_app
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World
from tests.stages import life_of, stage

PATIENCE = 5.0


@contextmanager
def serving(make: Callable[[str], Starlette], name: str = "sandbox plane") -> Iterator[str]:
    """Serve the application that ``make`` builds for its own origin, on the stage of this name; gives the origin."""
    app = make(stage(name).url)
    with stage(name).shows(app, life_of(app)) as origin:
        yield origin


def eventually(look: Callable[[], Any]) -> Any:
    """What ``look`` finds, as soon as it finds something."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("It did not happen in time.")


@dataclass
class Listener:
    """The app under test, as far as Plane's webhooks see it: keeps what comes and answers ``status``."""

    status: int = 200
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.taken.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """Bodies so far, in the order of arrival."""
        return [json.loads(body) for _, body in self.taken]

    def wait(self, number: int) -> list[dict[str, Any]]:
        """Bodies, once there are so many."""
        eventually(lambda: len(self.taken) >= number)
        return self.bodies


@dataclass
class Sandbox:
    """A running sandbox Plane with the rows behind it."""

    plane: Plane
    http: httpx2.Client

    def person(self, name: str) -> dict[str, Any]:
        return self.plane.store.find("user", display_name=name)[0]

    def api(self, token: str) -> httpx2.Client:
        """A client that calls the API with a token."""
        base = f"{self.plane.world.plane_url}/api/v1/workspaces/sandbox/"
        return httpx2.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, trust_env=False)

    def person_api(self, name: str) -> httpx2.Client:
        return self.api(auth.issue_token(self.plane, "pln_", self.person(name)["id"], "read write"))

    def install(self, slug: str = "sandbox", by: str = "ada") -> dict[str, Any]:
        """Install the app as the consent page does; gives the installation."""
        workspace = self.plane.workspace(slug)
        assert workspace is not None
        return installs.install(self.plane, workspace, self.plane.store.all("application")[0], self.person(by))

    def bot_api(self, installation: dict[str, Any]) -> httpx2.Client:
        return self.api(
            auth.issue_token(self.plane, "pln_bot_", installation["app_bot"], "read write", installation["id"])
        )

    def project(self, identifier: str = "CUST") -> dict[str, Any]:
        return self.plane.live("project", identifier=identifier)[0]

    def item(self, identifier: str = "CUST") -> dict[str, Any]:
        return self.plane.live("work_item", project=self.project(identifier)["id"])[0]

    def item_path(self, item: dict[str, Any]) -> str:
        return f"projects/{item['project']}/work-items/{item['id']}/"


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def app_url(listener: Listener) -> Iterator[str]:
    app = Starlette(routes=[Route("/webhooks/plane/", listener.take, methods=["POST"])])
    with serving(lambda _: app, "app") as origin:
        yield origin


@pytest.fixture
def sandbox(app_url: str) -> Iterator[Sandbox]:
    store, clock, made = Store(), Clock(), []

    def make(origin: str) -> Any:
        made.append(make_app(World(app_url=app_url, plane_url=origin), store, clock))
        return made[0]

    with serving(make) as origin, httpx2.Client(base_url=origin, trust_env=False) as http:
        yield Sandbox(made[0].state.plane, http)
