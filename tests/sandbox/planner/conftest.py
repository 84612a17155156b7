"""A sandbox Planner on a port of its own, a receiver for its webhooks, and ways to talk to both."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import uvicorn
from selectolax.lexbor import LexborHTMLParser, LexborNode
from starlette.applications import Starlette

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.control import App, Message, Receive, Scope, Send
from planeapp.sandbox.planner.app import make_app
from planeapp.sandbox.planner.schedule import Schedule
from planeapp.sandbox.planner.seed import seed
from planeapp.sandbox.planner.services import Services
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World
from tests.stages import stage


@contextmanager
def served(make: Callable[[str], App]) -> Iterator[str]:
    """Run ``make(url)`` with uvicorn on a free port, in a thread, until the block ends; gives the url."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # asyncio does not set this on sockets that it did not open, and then every answer waits 40 ms for an ACK.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(make(url), log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        eventually(lambda: server.started)
        yield url
        server.should_exit = True
        thread.join(5)


def eventually(check: Callable[[], Any], seconds: float = 5) -> Any:
    """The first true value that ``check`` gives; fails when there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("It did not happen in time.")


@dataclass
class Receiver:
    """Keeps what webhooks bring; answers with ``statuses`` in turn, then with 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One delivery."""
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        self.got.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        start: Message = {"type": "http.response.start", "status": self.statuses.pop(0) if self.statuses else 200}
        await send(start)
        await send({"type": "http.response.body"})

    @property
    def events(self) -> list[dict[str, Any]]:
        """The bodies, read."""
        return [json.loads(body) for _, body in self.got]


@dataclass
class Planner:
    """The running sandbox, its rows and its clock."""

    url: str
    world: World
    store: Store
    clock: Clock
    schedule: Schedule
    http: httpx2.Client

    def bearer(self, token: str = "") -> dict[str, str]:
        """Headers with the personal token, or another."""
        return {"Authorization": f"Bearer {token or self.world.planner_token}"}

    def call(self, method: str, path: str, token: str = "", **more: Any) -> httpx2.Response:
        """A REST call with a token."""
        headers = self.bearer(token) | more.pop("headers", {})
        return self.http.request(method, path, headers=headers, **more)

    def token(self, *scopes: str) -> str:
        """A new personal token with these scopes only."""
        key = f"plr_pat_pat_test{len(self.store.all('tokens'))}.secret"
        self.store.put("tokens", key, {"token": key, "name": "test", "kind": "pat", "scopes": list(scopes)})
        return key

    def events(self) -> list[dict[str, Any]]:
        """The Zapier feed: newest first."""
        found: list[dict[str, Any]] = self.call("GET", "/v1/connectors/zapier/triggers/events").json()
        return found


@contextmanager
def running(store: Store) -> Iterator[Planner]:
    """A sandbox Planner over these rows."""
    clock, apps = Clock(), []

    def make(url: str) -> App:
        apps.append(make_app(World(planner_url=url, app_url="http://127.0.0.1:9"), store, clock))
        return apps[0]

    with served(make) as url, httpx2.Client(base_url=url, trust_env=False) as http:
        assert isinstance(apps[0], Starlette)
        known: Services = apps[0].state.services
        yield Planner(url, known.world, store, clock, known.schedule, http)


@pytest.fixture(scope="session")
def shared_planner() -> Iterator[Planner]:
    """One server for all tests: starting and stopping one takes longer than most of them."""
    with running(Store()) as planner:
        yield planner


@pytest.fixture
def planner(shared_planner: Planner) -> Planner:
    """A sandbox Planner with fresh rows, in a minute in which nobody asked for anything yet."""
    known = shared_planner
    known.store.clear()
    known.clock.advance(60)
    seed(known.world, known.store, known.schedule)
    return known


def find(tree: LexborHTMLParser | LexborNode, selector: str) -> LexborNode:
    """The first node of this selector, which must be there."""
    node = tree.css_first(selector)
    assert node is not None, f"There is no {selector}."
    return node


def value(tree: LexborHTMLParser | LexborNode, selector: str) -> str:
    """What the field of this selector holds."""
    return find(tree, selector).attributes["value"] or ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who is told of changes."""
    receiving = Receiver()
    with stage("receiver").shows(receiving) as url:
        receiving.url = url
        yield receiving
