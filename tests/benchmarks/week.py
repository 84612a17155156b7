"""The week of ``calls``. Needs a ready Django."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import time_machine
from django.utils import timezone

from planeapp.inbox.tasks import work_inbox
from planeapp.installations import budgets, calls
from planeapp.installations.connecting import WEBHOOK
from planeapp.installations.tokens import connection_secret, valid_token
from planeapp.sandbox.plane.webhooks import build
from planeapp.sync import engine
from planeapp.sync.models import ItemLink
from planeapp.sync.tasks import work_due
from tests.benchmarks.figures import emit
from tests.benchmarks.town import Town, settle
from tests.inbox.sending import push, push_planner

ITEMS, DAYS, CHANGES_A_DAY, SWEEPS_A_DAY = 2_000, 7, 150, 4
NOISE_A_DAY = 30
SESSION = 2  # a handshake and a list of the tools
BEGIN = datetime(2026, 11, 23, 7, tzinfo=UTC)


@dataclass
class Week:
    """What is counted: calls by what they were for, and the fewest."""

    town: Town
    clock: time_machine.Coordinates
    chance: random.Random
    spent: Counter[str] = field(default_factory=Counter)
    fewest: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)

    def counted(self, what: str, work: Any) -> None:
        """Do something and count the calls that it made."""
        before = self._calls()
        work()
        self.spent[what] += self._calls() - before
        self.done[what] += 1

    def _calls(self) -> int:
        calls.flush()
        return sum(used.total.calls for used in budgets.used(self.town.team.installation, days=30))

    # What happens

    def change_in_plane(self) -> None:
        """ada moves a work item or renames it."""
        item = self.chance.choice(self.town.items)
        if self.chance.random() < 0.7:
            start = date(2026, 11, 23) + timedelta(days=self.chance.randrange(300))
            self.town.edit(item, start_date=start.isoformat(), target_date=(start + timedelta(days=2)).isoformat())
        else:
            self.town.edit(item, name=f"Renamed {self.chance.random()}")
        self.fewest["changes"] += (SESSION + 2) * bool(self.town.vendors.plane.store.all("delivery"))
        self.counted("changes", self.settle_down)
        self.echoes()

    def change_over_there(self) -> None:
        """Somebody drags a block."""
        link = self.chance.choice(list(ItemLink.objects.values_list("remote_id", flat=True)))
        schedule = self.town.vendors.planner.control.app.state.services.schedule
        start = date(2026, 11, 23) + timedelta(days=self.chance.randrange(300))
        schedule.update(
            link, {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat(), "all_day": True}
        )
        self.fewest["changes"] += (SESSION + 3) * bool(self.town.vendors.planner.store.all("queue"))
        self.counted("changes", self.settle_down)
        self.echoes()

    def noise(self) -> None:
        """A change that concerns nobody: the order of the list in Plane."""
        self.town.edit(self.chance.choice(self.town.items), sort_order=self.chance.random())
        self.counted("of_no_concern", self.settle_down)

    def echoes(self) -> None:
        """What comes back of our own writes."""
        self.counted("echoes", self.settle_down)

    def sweep(self) -> None:
        """A look at everything."""
        pages = -(-ITEMS // 100)
        self.fewest["sweeps"] += SESSION + pages + 1
        self.counted("sweeps", lambda: engine.run_pair(self.town.pair))

    # How it is told

    def settle_down(self) -> None:
        """Bring what waits to our doors once, and let the workers do it."""
        plane, planner = self.town.vendors.plane.store, self.town.vendors.planner.store
        for one in plane.all("delivery"):
            plane.delete("delivery", one["id"])
            body = one["payload"] or build(self.town.rows, one)
            push(json.dumps(body).encode(), **{"X-Plane-Event": one["event"]})
        secret = valid_token(connection_secret(self.town.connection, WEBHOOK), None)
        for one in planner.all("queue"):
            planner.delete("queue", one["id"])
            push_planner(f"/webhooks/planner/{self.town.connection.opaque_id}/", one["body"].encode(), secret)
        work_inbox()
        self.clock.shift(timedelta(seconds=1))
        work_due()


def live(week: Week) -> None:
    """Seven days."""
    pause = timedelta(days=1) / (CHANGES_A_DAY + NOISE_A_DAY + SWEEPS_A_DAY)
    for _ in range(DAYS):
        deeds = [week.change_in_plane] * (CHANGES_A_DAY * 2 // 3) + [week.change_over_there] * (CHANGES_A_DAY // 3)
        deeds += [week.noise] * NOISE_A_DAY + [week.sweep] * SWEEPS_A_DAY
        week.chance.shuffle(deeds)
        for deed in deeds:
            deed()
            week.clock.shift(pause)


def main() -> None:
    """Link everything, forget what that cost, live the week, print."""
    with time_machine.travel(BEGIN, tick=True) as clock:
        town = settle(ITEMS)
        engine.run_pair(town.pair)
        assert ItemLink.objects.filter(state="linked").count() == ITEMS, "the first run left items without a row"
        week = Week(town, clock, random.Random(7))
        week.settle_down()
        week.clock.shift(timedelta(minutes=5))
        live(week)
        engine.run_pair(town.pair)
        apart = engine.preview(town.pair)
        assert not apart.changes, f"not in step at the end: {apart}"
    spent, fewest = week.spent, week.fewest
    emit(
        "calls", spent["changes"], "calls", fewest["changes"], echoes={"told": week.done["echoes"], "calls": spent["echoes"]},
        of_no_concern={"told": week.done["of_no_concern"], "calls": spent["of_no_concern"]},
        full_looks={"number": week.done["sweeps"], "calls": spent["sweeps"], "fewest": fewest["sweeps"],
                    "ratio": round(spent["sweeps"] / fewest["sweeps"], 3)},
        changes=week.done["changes"], ended=timezone.now().isoformat(timespec="minutes"),
    )  # fmt: skip
