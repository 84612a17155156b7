"""A real server on a free port of the loopback, with a fresh store, for each test."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planhat.app import make_app
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World
from tests.stages import life_of
from tests.stages import stage as theatre


@dataclass
class Running:
    """The sandbox's Planhat as a test sees it: its address, what it stores, its clock, and clients."""

    url: str
    store: Store
    clock: Clock
    world: World
    open_clients: ExitStack

    @cached_property
    def api(self) -> httpx2.Client:
        """A client with the token that may do everything."""
        return self.client(Authorization=f"Bearer {self.world.planhat_token}")

    def client(self, **headers: str) -> httpx2.Client:
        """A client with these headers only; closed when the test is over."""
        return self.open_clients.enter_context(httpx2.Client(base_url=self.url, headers=headers, trust_env=False))

    def token(self, models: Any = "*", **more: Any) -> httpx2.Client:
        """A client of a new private app with rights on these models."""
        secret = f"app-{len(self.store.all('tokens'))}"
        self.store.put("tokens", secret, {"token": secret, "models": models, "userId": "", **more})
        return self.client(Authorization=f"Bearer {secret}")

    def company(self, external_id: str = "acme") -> dict[str, Any]:
        """A seeded company by its external id, as GET gives it."""
        found: dict[str, Any] = self.api.get(f"/companies/extid-{external_id}").json()
        return found


def wait_until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Return as soon as something holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


class Stage:
    """One server for all tests of a run, and on it the application of the test that runs now."""

    def __init__(self) -> None:
        self.app: Starlette | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the application on stage."""
        assert self.app is not None
        await self.app(scope, receive, send)


@contextmanager
def served(app: Any, lifespan: Literal["on", "off"]) -> Iterator[str]:
    """Serve an application on a free port; gives its address."""
    # The protocol is named so that asyncio switches Nagle's delay off for these connections.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as door:
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan=lifespan))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@contextmanager
def running(url: str, store: Store, clock: Clock) -> Iterator[Running]:
    """What a test gets, once the server is up."""
    with ExitStack() as clients:
        yield Running(url, store, clock, World(), clients)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, str]]:
    """The shared server and its address."""
    shared = Stage()
    with served(shared, "off") as url:
        yield shared, url


@pytest.fixture
def planhat(stage: tuple[Stage, str]) -> Iterator[Running]:
    """A fresh sandbox Planhat; its automations are queued but not sent."""
    shared, url = stage
    store, clock = Store(), Clock()
    shared.app = make_app(World(), store, clock)
    with running(url, store, clock) as started:
        yield started


@pytest.fixture
def live() -> Iterator[Running]:
    """A fresh sandbox Planhat whose automations are sent."""
    store, clock = Store(), Clock()
    app = make_app(World(), store, clock)
    with theatre("live planhat").shows(app, life_of(app)) as url, running(url, store, clock) as started:
        yield started
