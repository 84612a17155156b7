"""The engine between a sandbox Plane, reached over HTTP, and a provider that lives in memory."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from planeapp.providers import PROVIDERS
from planeapp.providers.base import Item, Values
from planeapp.sync.models import ItemLink, ProjectPair
from tests.factories import ConnectionFactory, InstallationFactory, ProjectPairFactory
from tests.plane.conftest import Sandbox, http, sandbox
from tests.providers.memory import WORLDS, World
from tests.sweeping import Sweeps
from tests.vendors import Talk, talk, team, vendors

__all__ = ["Bench", "http", "sandbox", "talk", "team", "vendors"]


@dataclass
class Bench:
    """A paired project: Plane's side in ``sandbox``, the vendor's in ``world``; ``item`` is one of its work items."""

    sandbox: Sandbox
    world: World
    pair: ProjectPair
    item: str

    @property
    def title(self) -> str:
        """The work item's title in Plane."""
        return str(self.sandbox.plane.store.get("work_item", self.item)["name"])

    def patch(self, **fields: Any) -> None:
        """Somebody changes the work item in Plane."""
        self.sandbox.gateway().update_item(str(self.pair.project_id), self.item, **fields)

    def rows(self) -> list[Item]:
        """The vendor's rows."""
        return list(self.world.rows["main"].values())

    def links(self) -> list[ItemLink]:
        """Our links, oldest first."""
        return list(self.pair.links.order_by("created_at"))


def only(key: str) -> Callable[[Values], str]:
    """Hold back every work item but one, so that tests of whole pairs stay small."""
    return lambda values: "" if values.get("key") == key and values.get("start") else "no_dates"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A vendor of this test's own, known to the product as ``memory``."""
    monkeypatch.setitem(PROVIDERS, "memory", "tests.providers.memory.Memory")
    yield WORLDS["sync"]
    del WORLDS["sync"]


@pytest.fixture
def bench(db: None, settings: Settings, sandbox: Sandbox, world: World) -> Bench:
    """Everything in place; the one item that has dates is not linked yet."""
    settings.PLANE_BASE_URL = sandbox.url
    workspace, project = sandbox.row("workspace", slug="sandbox"), sandbox.row("project", identifier="CUST")
    installation = InstallationFactory(
        workspace_id=workspace["id"], slug="sandbox", app_installation_id=sandbox.installation
    )
    connection = ConnectionFactory(installation=installation, provider="memory", settings={"world": "sync"})
    pair = ProjectPairFactory(connection=connection, project_id=project["id"])
    item = sandbox.row("work_item", project=project["id"])
    bench = Bench(sandbox, world, pair, str(item["id"]))
    bench.patch(start_date="2026-11-23", target_date="2026-11-25")
    world.hold = only(f"CUST-{item['sequence_id']}")
    return bench


MONDAY, WEDNESDAY = date(2026, 11, 23), date(2026, 11, 25)
NOWHERE = str(uuid.uuid4())


@pytest.fixture
def sweeps(talk: Talk) -> Iterator[Sweeps]:
    """A first full look has been taken, and a delivery has come just now."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        connection = talk.team.connect("planner")
        made = Sweeps(talk, connection, talk.team.pair(connection), clock)
        made.edit(start_date="2026-11-23", target_date="2026-11-25", delivered=True)
        made.sweep()
        made.pass_(20)
        yield made
