"""Workspace ``sandbox`` with a project that is kept in step with Planner, where webhooks need not come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import time_machine
from django.utils import timezone

from planeapp.installations.models import Connection
from planeapp.sandbox.plane import work_items
from planeapp.sandbox.store import Doc
from planeapp.sync.models import Due, ItemLink, ProjectPair, TimelineEntry
from planeapp.sync.tasks import plan_reconcile, work_pairs
from tests.vendors import Talk, Team


@dataclass
class Sweeps:
    """CUST-1 has dates and its block; ``clock`` stands still unless it is moved."""

    talk: Talk
    connection: Connection
    pair: ProjectPair
    clock: time_machine.Coordinates

    @property
    def team(self) -> Team:
        """The workspace."""
        return self.talk.team

    def edit(self, by: str = "ada", *, delivered: bool = False, **values: Any) -> None:
        """Somebody changes CUST-1 in Plane's pages."""
        rows = self.team.vendors.rows
        person = rows.store.get("user", self.talk.bot) if by == "bot" else self.team.vendors.person(by)
        work_items.update(rows, self.team.item(), person or {}, values, in_pages=True)
        if delivered:
            self.talk.deliver()
        else:
            self.lose()

    def lose(self) -> None:
        """What Plane wanted to deliver never comes."""
        for one in self.talk.waiting():
            self.team.vendors.rows.store.delete("delivery", one["id"])

    def change(self, **fields: Any) -> None:
        """Change Plane's row of CUST-1 as the web app does where no webhook of the first format tells of it."""
        rows = self.team.vendors.rows
        rows.change("work_item", self.team.item(), self.team.vendors.person("ada")["id"], **fields)

    def pass_(self, minutes: float) -> None:
        """Time goes by."""
        self.clock.shift(timedelta(minutes=minutes))

    def sweep(self) -> None:
        """The pair's turn comes."""
        plan_reconcile()
        Due.objects.update(due_at=timezone.now())
        work_pairs()

    def block(self) -> Doc:
        """The block of CUST-1."""
        (found,) = (one for one in self.team.blocks() if self.team.item()["id"] in str(one))
        return found

    def link(self) -> ItemLink:
        """Our link of CUST-1."""
        return ItemLink.objects.get(pair=self.pair, item_key="CUST-1")

    def codes(self) -> list[str]:
        """Reason codes on the timeline of CUST-1, oldest first."""
        entries = TimelineEntry.objects.filter(item_id=self.link().item_id).order_by("at", "id")
        return list(entries.values_list("code", flat=True))
