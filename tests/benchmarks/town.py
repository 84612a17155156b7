"""A workspace of many linked or unlinked work items, with the sandbox vendors in this process. Needs a ready Django."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings

from planeapp.installations.models import Connection
from planeapp.providers import provider_class
from planeapp.sandbox.plane import work_items
from planeapp.sandbox.plane.core import Plane
from planeapp.sync.models import ProjectPair
from tests.factories import InstallationFactory, ProjectPairFactory
from tests.vendors import NOBODY, Team, Vendors, _running

MONDAY = date(2026, 11, 23)


@dataclass
class Town:
    """Workspace ``sandbox`` and its project CUST, paired with Planner's Ramp operations."""

    team: Team
    connection: Connection
    pair: ProjectPair
    items: list[str]

    @property
    def rows(self) -> Plane:
        """Plane's rows."""
        return self.team.vendors.rows

    @property
    def vendors(self) -> Vendors:
        """The running vendors."""
        return self.team.vendors

    def edit(self, item: str, **values: Any) -> None:
        """ada changes a work item in Plane's pages."""
        row = self.rows.store.get("work_item", item)
        assert row is not None
        work_items.update(self.rows, row, self.vendors.person("ada"), values, in_pages=True)


def settle(items: int, provider: str = "planner") -> Town:
    """A town of so many work items with dates, connected to one vendor; nothing is synced yet and nothing was delivered."""
    vendors = _running()
    for vendor in (vendors.plane, vendors.planner, vendors.planhat):
        vendor.reset()
    settings.PLANE_BASE_URL = settings.PLANE_APP_URL = vendors.plane.url
    settings.VENDOR_URLS = {"planner": vendors.planner.url, "planhat": vendors.planhat.url}
    settings.PLANNER_BASE_URL, settings.APP_BASE_URL = vendors.planner.url, NOBODY
    row, workspace = vendors.install(), vendors.row("workspace", slug="sandbox")
    installation = InstallationFactory(
        workspace_id=workspace["id"], slug="sandbox", name=workspace["name"],
        app_installation_id=row["id"], app_bot=row["app_bot"],
    )  # fmt: skip
    team = Team(vendors, installation, {})
    made = _fill(team, items)
    connection = team.connect(provider)
    vendors.planner.store.put("settings", "deliveries", {"backoff": []})
    town = Town(team, connection, _paired(team, connection), made)
    forget_deliveries(town)
    return town


def _paired(team: Team, connection: Connection) -> ProjectPair:
    """With Planner's Ramp operations, or with the only place that there is."""
    only = provider_class(connection.provider).only_place
    if only is None:
        return team.pair(connection)
    place = {"place_id": only.id, "place_name": only.name}
    made: ProjectPair = ProjectPairFactory(connection=connection, project_id=team.project()["id"], **place)
    return made


def _fill(team: Team, items: int) -> list[str]:
    """Put copies of a work item into Plane's rows; the seeded ones go."""
    rows, project = team.vendors.rows, team.project()
    pattern = team.item()
    for row in rows.live("work_item", project=project["id"]):
        rows.store.delete("work_item", row["id"])
    found = []
    for number in range(1, items + 1):
        start = MONDAY + timedelta(days=number % 40)
        row = {
            **pattern, "id": str(uuid.uuid4()), "name": f"Work {number}", "sequence_id": number,
            "start_date": start.isoformat(), "target_date": (start + timedelta(days=number % 5)).isoformat(),
        }  # fmt: skip
        rows.store.put("work_item", row["id"], row)
        found.append(row["id"])
    return found


def forget_deliveries(town: Town) -> None:
    """What both vendors want to deliver never comes."""
    for kind, vendor in (("delivery", town.vendors.plane), ("queue", town.vendors.planner)):
        for one in vendor.store.all(kind):
            vendor.store.delete(kind, one["id"])
