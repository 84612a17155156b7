"""Planhat for tests: the sandbox, or a server that says what a test wants to hear, both over real HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, ReconnectNeeded
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.base import Access
from planeapp.providers.planhat.provider import Planhat
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planhat.app import make_app
from planeapp.sandbox.store import Doc, Store
from planeapp.sandbox.world import World
from tests.providers.planhat.served import Exchange, Script, Watch, served

WORLD = World()
MakeAccess = Callable[..., Access]


@dataclass
class KeptNotes:
    """Notes in a dict; ``age`` makes all of them older."""

    values: dict[str, tuple[Any, float]] = field(default_factory=dict)

    def read(self, name: str) -> tuple[Any, float] | None:
        """See :class:`planeapp.providers.base.Notes`."""
        return self.values.get(name)

    def write(self, name: str, value: Any) -> None:
        """Kept as JSON, as the real ones are."""
        self.values[name] = (json.loads(json.dumps(value)), time.time())

    def age(self, seconds: float) -> None:
        """Let so much time pass."""
        self.values = {name: (value, written - seconds) for name, (value, written) in self.values.items()}


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
def access(server: tuple[Exchange, str], http: Http, notes: KeptNotes) -> MakeAccess:
    """Makes an Access for the server; keywords are settings, ``tokens`` the credentials by slot."""

    def make(tokens: dict[str, str] | None = None, **settings: str) -> Access:
        slots = {"api": WORLD.planhat_token, "tenant": WORLD.planhat_tenant} if tokens is None else tokens

        def token(slot: str = "main", *, refused: str = "") -> str:
            if refused:
                raise ReconnectNeeded(f"the token for {slot} was refused")
            if slot not in slots:
                raise FixSettings(f"no credential {slot!r}")
            return slots[slot]

        return Access(http, server[1], token, settings, notes=notes)

    return make


@pytest.fixture
def notes() -> KeptNotes:
    """What the provider keeps between runs, with a clock of its own."""
    return KeptNotes()


@pytest.fixture
def planhat(sandbox: Api, access: MakeAccess) -> Planhat:
    """The provider on a freshly seeded sandbox."""
    return Planhat(access(tenant_slug="sandbox"))


def allow(store: Store, **models: list[str]) -> None:
    """Give the sandbox's token only these rights."""
    token = store.get("tokens", WORLD.planhat_token)
    assert token is not None
    store.put("tokens", WORLD.planhat_token, token | {"models": models})


def deny(store: Store, *companies: Doc) -> None:
    """Close these companies to the sandbox's token."""
    token = store.get("tokens", WORLD.planhat_token) or {}
    store.put("tokens", WORLD.planhat_token, token | {"denied": [company["_id"] for company in companies]})


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
def watch(server: tuple[Exchange, str], sandbox: Api) -> Watch:
    """The sandbox, with every request noted."""
    server[0].app = watching = Watch(server[0].app)
    return watching


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
