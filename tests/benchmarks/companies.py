"""The long way of ``customers``. Needs a ready Django."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from planeapp.customers.options import Options, save_options
from planeapp.installations.models import Connection
from planeapp.sync.models import ItemLink, ProjectPair, Tie
from tests.benchmarks.figures import emit
from tests.benchmarks.town import Town, settle

COMPANIES, ITEMS, WAITING = 20_000, 10_000, 4_000
CHANGED_ITEMS, CHANGED_COMPANIES = 6_000, 3_000
BULK, ISSUE_PAGE, COMPANY_PAGE = 5_000, 2_000, 5_000
LIMIT = 200
CAPS = {"companies": str(COMPANY_PAGE), "issues": str(ISSUE_PAGE)}


@dataclass
class Watch:
    """What the vendor was asked in one step, by method and model."""

    town: Town
    calls: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def look(self) -> Counter[str]:
        """The calls since the last look: pages at their cap, bulk writes, and the others (``beside``) by method and model."""
        found: Counter[str] = Counter()
        for one in list(self.town.vendors.planhat.control.requests):
            found[_kind(one)] += 1
            self.refused += one["status"] == 429
        self.town.vendors.planhat.control.requests.clear()
        self.calls += found
        return found


def _kind(one: dict[str, Any]) -> str:
    model, _, rest = one["path"].strip("/").partition("/")
    limit = parse_qs(one["query"]).get("limit", [""])[0]
    if not rest and one["method"] == "GET" and CAPS.get(model) == limit:
        return f"{model} read"
    if not rest and one["method"] == "PUT" and model in CAPS:
        return f"{model} written"
    return f"beside {one['method']} {model}"


def fill(town: Town) -> None:
    """20,000 companies instead of the seeded ones; 0 to 2 of them have one name."""
    store = town.vendors.planhat.store
    pattern = store.all("companies")[0]
    for row in store.all("companies"):
        store.delete("companies", row["_id"])
    for number in range(COMPANIES):
        ident = f"{number:024x}"
        store.put("companies", ident, {
            **pattern, "_id": ident, "name": f"Company {number // 2 if number < 200 else number}", "slug": f"company-{number}",
            "externalId": f"ext-{number}", "domains": [f"company-{number}.example"], "h": number % 10, "arr": number * 10,
            "phase": ("onboarding", "live", "renewal")[number % 3], "tags": ["gold"] if number % 7 == 0 else [],
            "custom": {"Plan": "Pro", "Seats": number}, "updatedAt": f"2026-11-20T10:{number % 60:02}:00.000Z",
        })  # fmt: skip


def tie(connection: Connection, pair: ProjectPair, items: list[str]) -> None:
    """Each work item is tied to one of 4,000 companies."""
    Tie.objects.bulk_create([
        Tie(connection=connection, project_id=pair.project_id, item_id=uuid.UUID(item), party_id=f"{number % WAITING:024x}",
            party_name=f"Company {number % WAITING}")
        for number, item in enumerate(items)
    ])  # fmt: skip


def stir(town: Town) -> None:
    """People finish 6,000 work items and change 3,000 companies."""
    done = next(
        row["id"] for row in town.rows.live("state", project=town.team.project()["id"]) if row["group"] == "completed"
    )
    for item in town.items[:CHANGED_ITEMS]:
        row = town.rows.store.get("work_item", item)
        assert row is not None
        town.rows.store.put("work_item", item, row | {"state": done, "state_id": done})
    store, clock = town.vendors.planhat.store, town.vendors.planhat.control.clock
    stamp = clock.now().strftime("%Y-%m-%dT%H:%M:%S.999Z")
    for number in range(CHANGED_COMPANIES):
        ident = f"{number:024x}"
        row = store.get("companies", ident)
        assert row is not None
        store.put("companies", ident, row | {"phase": "churned", "updatedAt": stamp, "lastUpdated": stamp})


def worker(connection: Connection, pair: ProjectPair) -> subprocess.Popen[str]:
    """The process that does the work."""
    names = ("PLANE_BASE_URL", "PLANE_APP_URL", "PLANHAT_BASE_URL", "VENDOR_URLS", "APP_BASE_URL")
    ours = json.dumps({name: getattr(settings, name) for name in names})
    command = [sys.executable, "-m", "tests.benchmarks.company_worker", str(connection.pk), str(pair.pk), ours]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def pages(rows: int, cap: int) -> int:
    """The fewest pages of a list without a total: a full last page does not say that it is the last."""
    return rows // cap + 1


def fewest() -> dict[str, dict[str, int]]:
    """By step: the pages and bulk writes that cannot be left out."""
    again = {"issues read": pages(ITEMS, ISSUE_PAGE)}
    return {
        "whole": {"companies read": pages(COMPANIES, COMPANY_PAGE)},
        "sync": {"issues read": pages(0, ISSUE_PAGE), "issues written": math.ceil(ITEMS / BULK)},
        "tallies": {"companies written": math.ceil(WAITING / BULK)},
        "recent": {"companies read": pages(WAITING, COMPANY_PAGE)},
        "sync again": again | {"issues written": math.ceil(CHANGED_ITEMS / BULK)},
        "tallies again": {"companies written": math.ceil(WAITING / BULK)},
        "echo recent": {"companies read": pages(WAITING, COMPANY_PAGE)},
        "echo sync": again,
        "echo tallies": {},
    }


def main() -> None:
    """Do it, print."""
    town = settle(ITEMS, "planhat")
    town.vendors.planhat.store.put("settings", "limits", {"calls": LIMIT})
    settings.PLANHAT_BASE_URL = town.vendors.planhat.url
    fill(town)
    connection, pair = town.connection, town.pair
    save_options(connection, Options(tallies=True))
    tie(connection, pair, town.items)
    watch, made = Watch(town), worker(connection, pair)
    watch.look()
    assert made.stdin is not None and made.stdout is not None
    told: dict[str, Any] = {}
    for step in fewest():
        if step == "recent":
            stir(town)
        made.stdin.write(f"{step.split()[-1] if step.startswith('echo') else step.split()[0]}\n")
        made.stdin.flush()
        line = made.stdout.readline()
        assert line, f"the worker broke in {step}"
        told[step] = json.loads(line) | {"calls": dict(watch.look())}
    made.stdin.close()
    made.wait()
    writes = {
        step: sum(n for call, n in one["calls"].items() if call.endswith("written")) for step, one in told.items()
    }
    beside = sum(count for call, count in watch.calls.items() if call.startswith("beside"))
    bound = sum(sum(calls.values()) for calls in fewest().values())
    emit(
        "customers", sum(watch.calls.values()) - beside, "pages and bulk writes", bound, companies=COMPANIES, items=ITEMS,
        linked=ItemLink.objects.filter(pair=pair, state=ItemLink.State.LINKED).count(), writes=writes, beside=beside,
        echoes=sum(n for step, n in writes.items() if step.startswith("echo")), answers_429=watch.refused,
        worker_mib=max(one["mib"] for one in told.values()), fewest=fewest(), steps=told,
    )  # fmt: skip
