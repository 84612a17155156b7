"""The long way of ``backfill``. Needs a ready Django."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

from django.conf import settings

from planeapp.lib.claims import release_all
from planeapp.sync import jobs
from planeapp.sync.models import ItemLink, Job
from tests.benchmarks.figures import emit
from tests.benchmarks.town import Town, settle
from tests.harness import until

ITEMS = int(os.environ.get("BACKFILL_ITEMS", "10000"))
SPEED = float(os.environ.get("BACKFILL_SPEED", "12"))
LIMITS = {"plane": 60, "planner": 120}  # calls a minute: Plane's own, and the sandbox Planner's
KEPT = {"plane": 12, "planner": 12}
PAGE = 100


class Watch:
    """Sees every request that a vendor gets."""

    def __init__(self, town: Town) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.pages: Counter[str] = Counter()
        self.town = town

    def look(self) -> None:
        """Count what came since the last look, and forget it."""
        for name in ("plane", "planner"):
            requests = getattr(self.town.vendors, name).control.requests
            while requests and requests[0]["status"] is not None:
                self._count(name, requests.popleft())

    def _count(self, name: str, one: dict[str, Any]) -> None:
        self.statuses[name, one["status"]] += 1
        if name == "plane" and one["path"].endswith("/work-items/") and one["method"] == "GET" and one["status"] == 200:
            self.pages[one["query"]] += 1


def start_worker(begin: float) -> subprocess.Popen[bytes]:
    """A worker with the fast clock."""
    names = ("PLANE_BASE_URL", "PLANE_APP_URL", "PLANNER_BASE_URL", "VENDOR_URLS", "APP_BASE_URL")
    ours = json.dumps({name: getattr(settings, name) for name in names})
    return subprocess.Popen([sys.executable, "-m", "tests.benchmarks.fast_worker", str(SPEED), str(begin), ours])


def run(town: Town, watch: Watch) -> float:
    """Seconds of the machine's clock from the first call to the end; the worker dies half-way."""
    job = jobs.ask_backfill(town.pair, who="benchmark")
    begin = time.time()
    for vendor in (town.vendors.plane, town.vendors.planner):
        clock = vendor.control.clock
        clock.advance(begin - clock.time())
        clock.speed = SPEED
    worker, killed = start_worker(begin), False

    def over() -> bool:
        nonlocal worker, killed
        watch.look()
        job.refresh_from_db()
        if not killed and job.done >= ITEMS // 2:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            release_all(Job)  # as the lease would, without the wait for it
            worker, killed = start_worker(begin), True
        assert worker.poll() in (None, 0), "the worker broke"
        return job.state == Job.State.DONE

    until(over, 3600, "the backfill")
    worker.wait()
    assert killed
    return time.time() - begin


def main() -> None:
    """Run, compare with the bound, print."""
    town = settle(ITEMS)
    town.vendors.plane.store.put("settings", "limits", {"per_minute": LIMITS["plane"]})
    town.vendors.planner.store.put("settings", "limits", {"per_minute": LIMITS["planner"]})
    watch = Watch(town)
    minutes = run(town, watch) * SPEED / 60
    watch.look()
    blocks = Counter(row.get("external_id") or row["notes"].splitlines()[-1] for row in town.team.blocks())
    links = ItemLink.objects.filter(shown=True).count()  # blocks of a vendor that tells their addresses
    fewest = {"plane": ITEMS // PAGE + links, "planner": ITEMS}
    bound = max(fewest[name] / (LIMITS[name] - KEPT[name]) for name in fewest)
    emit(
        "backfill", minutes, "vendors' minutes", bound, items=ITEMS, speed=SPEED,
        whole_limit_bound=round(max(fewest[name] / LIMITS[name] for name in fewest), 1),
        answers_429={name: watch.statuses[name, 429] for name in LIMITS},
        pages={"fewest": ITEMS // PAGE, "read": sum(watch.pages.values())},
        calls=fewest, rows={"made": sum(blocks.values()), "doubled": sum(blocks.values()) - len(blocks)},
    )  # fmt: skip
