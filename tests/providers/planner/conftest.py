"""The sandbox's Planner behind a real socket, and connections to it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
import pytest
import uvicorn

from planeapp.lib.errors import ReconnectNeeded
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.base import Access
from planeapp.providers.planner.provider import Planner
from planeapp.sandbox.clock import Clock
from planeapp.sandbox.control import Control
from planeapp.sandbox.planner.app import make_app
from planeapp.sandbox.planner.seed import seed
from planeapp.sandbox.planner.settings import change, setting
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World
from tests.stages import stage

App = Any


@dataclass
class Served:
    """An ASGI application behind a socket."""

    url: str
    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        """End the server and its thread."""
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(5)


def serve(app: App, lifespan: str = "auto") -> Served:
    """Serve an application on a free port of 127.0.0.1."""
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer takes 40 ms.
    sock = socket.socket(proto=socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan=lifespan, timeout_graceful_shutdown=1, ws="none")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.005)
    return Served(f"http://127.0.0.1:{sock.getsockname()[1]}", server, thread)


@dataclass
class Tokens:
    """A token function with slots; ``newer`` is what a refused token is exchanged for."""

    slots: dict[str, str]
    newer: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def __call__(self, slot: str = "api", *, refused: str = "") -> str:
        if refused:
            self.refused.append(refused)
            if slot not in self.newer:
                raise ReconnectNeeded("refused")
            self.slots[slot] = self.newer[slot]
        return self.slots[slot]


@dataclass
class Sandbox:
    """A sandbox Planner with what tests need to look behind the curtain."""

    url: str
    store: Store
    world: World
    http: Http
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)

    def access(self, tokens: Tokens | None = None, *, zone: str = "Europe/Stockholm", **parts: Any) -> Access:
        """A connection with the sandbox's token in slot ``api``."""
        given = tokens or Tokens({"api": self.world.planner_token})
        return Access(self.http, self.url, given, parts.get("settings", {}), parts.get("report", {}), zone)

    def profile(self, name: str) -> None:
        """Switch the MCP tools."""
        change(self.store, "mcp", profile=name)

    def planner(self, **parts: Any) -> Planner:
        """A probed provider (connections that are alike share a probe)."""
        access = self.access(**parts)
        profile = setting(self.store, "mcp", "profile")
        like = repr((profile, dict(access.token.slots), access.settings))  # type: ignore[attr-defined]
        if like not in self.reports:
            with Planner(access) as first:
                self.reports[like] = json.loads(json.dumps(first.probe().as_data()))
            self.forget()
        return Planner(Access(self.http, self.url, access.token, access.settings, self.reports[like], access.zone))

    def fault(self, **fault: Any) -> None:
        """Plan a fault, see ``planeapp.sandbox.control``."""
        assert httpx2.post(f"{self.url}/_sandbox/faults", json=fault).status_code == 200

    def requests(self) -> list[dict[str, Any]]:
        """Requests so far, oldest first."""
        found: list[dict[str, Any]] = httpx2.get(f"{self.url}/_sandbox/requests").json()["requests"]
        return found

    def forget(self) -> None:
        """Forget the requests so far."""
        httpx2.delete(f"{self.url}/_sandbox/requests")


@dataclass
class Running:
    """The one sandbox of a test session."""

    served: Served
    store: Store
    world: World
    control: Control
    seed: Callable[[], None]
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    store, clock, world = Store(), Clock(), World()
    app: Any = make_app(world, store, clock)
    control = Control(app, clock)
    served = serve(control)
    yield Running(served, store, world, control, lambda: seed(world, store, app.state.services.schedule))
    served.stop()


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http(Guard(["127.0.0.1"]))
    yield client
    client.close()


@pytest.fixture
def sandbox(running: Running, http: Http) -> Sandbox:
    """The sandbox as it is on its first day."""
    running.store.clear()
    running.control.requests.clear()
    running.control.faults.clear()
    change(running.store, "limits", per_minute=100_000)
    running.seed()
    return Sandbox(running.served.url, running.store, running.world, http, running.reports)


@pytest.fixture
def serving() -> Iterator[Callable[[App], str]]:
    """Serve any small ASGI application; gives its address."""
    with ExitStack() as shown:
        names = (f"small {number}" for number in count())
        yield lambda app: shown.enter_context(stage(next(names)).shows(app))
