"""Planhat for tests: the sandbox, or a server that says what a test wants to hear, both over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from planeapp.lib.errors import ReconnectNeeded
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.base import Access
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planhat.app import make_app
from planeapp.sandbox.store import Doc, Store
from planeapp.sandbox.world import World
from tests.providers.planhat.served import Exchange, Script, served

settings.register_profile("busy machine", deadline=None)  # a slow example on a shared machine is no failure
settings.load_profile("busy machine")

WORLD = World()
MakeAccess = Callable[..., Access]


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[Exchange, str]]:
    """One server for all tests."""
    with served() as running:
        yield running


@pytest.fixture(scope="session")
def http() -> Iterator[Http]:
    """The product's own HTTP client, allowed to reach the loopback."""
    client = Http(Guard(["127.0.0.1"]))
    yield client
    client.close()


@pytest.fixture
def access(server: tuple[Exchange, str], http: Http) -> MakeAccess:
    """Makes an Access for the server; keywords are settings, ``tokens`` the credentials by slot."""

    def make(tokens: dict[str, str] | None = None, **settings: str) -> Access:
        slots = {"api": WORLD.planhat_token, "tenant": WORLD.planhat_tenant} if tokens is None else tokens

        def token(slot: str = "main", *, refused: str = "") -> str:
            if refused:
                raise ReconnectNeeded(f"the token for {slot} was refused")
            return slots[slot]

        return Access(http, server[1], token, settings)

    return make


@pytest.fixture
def store() -> Store:
    """The sandbox's rows."""
    return Store()


@pytest.fixture
def sandbox(server: tuple[Exchange, str], store: Store, access: MakeAccess) -> Api:
    """The client of a freshly seeded sandbox."""
    server[0].app = make_app(WORLD, store, Clock())
    return Api(access())


@pytest.fixture
def script(server: tuple[Exchange, str]) -> Script:
    """A server that says what it is told."""
    server[0].app = said = Script()
    return said


@pytest.fixture
def told(script: Script, access: MakeAccess) -> Api:
    """The client of ``script``."""
    return Api(access())


@pytest.fixture
def acme(sandbox: Api, store: Store) -> Doc:
    """One of the sandbox's companies."""
    return store.find("companies", name="Acme Air")[0]


@pytest.fixture
def globex(sandbox: Api, store: Store) -> Doc:
    """Another one."""
    return store.find("companies", name="Globex Cargo")[0]
