"""Workspace ``sandbox`` of the sandbox Plane, with a connection whose companies are rows alone: what Plane shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django import Settings

from planeapp.customers.models import Company
from planeapp.customers.options import Options, save_options
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection
from planeapp.plane.scopes import MINIMUM_SCOPES, OPTIONAL_SCOPES
from planeapp.sandbox.plane import customers
from planeapp.sandbox.store import Doc
from planeapp.sync.models import ItemLink, ProjectPair, Tie
from tests.customers.factories import CompanyFactory, KnowingConnectionFactory
from tests.factories import ItemLinkFactory, ProjectPairFactory, TieFactory
from tests.vendors import Team


@dataclass
class Shop:
    """One connection with project CUST paired."""

    team: Team
    connection: Connection
    pair: ProjectPair

    def choose(self, **options: Any) -> None:
        """An admin chooses these options, and the default for all others."""
        save_options(self.connection, Options(**options))

    def company(self, ident: str, name: str, **fields: Any) -> Company:
        """A company that we know of."""
        made: Company = CompanyFactory(connection=self.connection, remote_id=ident, name=name, **fields)
        return made

    def item(self, number: int = 1) -> str:
        """The id of a work item in Plane."""
        return str(self.team.item(number)["id"])

    def link(self, *parties: str, number: int = 1, **ours: Any) -> ItemLink:
        """A work item in step that waits for these companies."""
        agreed = {"state": "started", "priority": "none", "created": "2026-01-05", "parties": sorted(parties), **ours}
        made: ItemLink = ItemLinkFactory(
            pair=self.pair, item_id=self.item(number), item_key=f"CUST-{number}", ours=agreed
        )
        return made

    def tie(self, party: str, number: int = 1, **fields: Any) -> Tie:
        """A person tied a work item to a company."""
        made: Tie = TieFactory(
            connection=self.connection,
            project_id=self.pair.project_id,
            item_id=self.item(number),
            party_id=party,
            **fields,
        )
        return made

    def asked(self, *methods: str) -> list[str]:
        """Calls to Plane so far (``POST /…/labels/``), those that hand out tokens left out."""
        told = [one for one in list(self.team.vendors.plane.control.requests) if "/api/v1/" in one["path"]]
        return [f"{one['method']} {one['path']}" for one in told if not methods or one["method"] in methods]

    def forget(self) -> None:
        """Count calls from now on."""
        self.team.vendors.plane.control.requests.clear()

    def plan(self, told: str) -> None:
        """What the workspace's plan has of customers."""
        self.team.vendors.rows.store.put("settings", "plan", {"customers": told})

    def customers(self) -> list[Doc]:
        """Plane's customers, oldest first."""
        return self.team.vendors.rows.live("customer")

    def by_hand(self, name: str, **fields: Any) -> Doc:
        """A person makes a customer in Plane."""
        rows = self.team.vendors.rows
        return customers.add(
            rows,
            self.team.vendors.row("workspace", slug="sandbox"),
            self.team.vendors.person("ada"),
            name=name,
            **fields,
        )


@pytest.fixture
def shop(team: Team, settings: Settings) -> Shop:
    """Nothing is chosen yet. The app asks for every scope that it knows of."""
    settings.PLANE_SCOPES = [*MINIMUM_SCOPES, *OPTIONAL_SCOPES]
    plane_for(team.installation).projects()  # an app that is installed has a token, which tells its scopes
    connection = KnowingConnectionFactory(installation=team.installation, provider="planhat")
    return Shop(team, connection, ProjectPairFactory(connection=connection, project_id=team.project()["id"]))
