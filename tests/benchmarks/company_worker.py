"""The product in a process of its own, so that its memory can be told: does each step that it reads from standard input and
answers with a line of JSON. ``python -m tests.benchmarks.company_worker CONNECTION PAIR SETTINGS``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable

import django
from django.conf import settings


def steps(connection_id: str, pair_id: str) -> dict[str, Callable[[], object]]:
    """What can be asked for, by name."""
    from planeapp.customers import scan, tallies
    from planeapp.installations.models import Connection
    from planeapp.lib.budget import sweeping
    from planeapp.sync import engine
    from planeapp.sync.models import ProjectPair

    connection = Connection.objects.select_related("installation").get(pk=connection_id)
    pair = ProjectPair.objects.select_related("connection__installation").get(pk=pair_id)

    def as_sweep(step: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            with sweeping(lambda seconds: time.sleep(seconds) is None):
                return step()

        return run

    return {
        "whole": as_sweep(lambda: scan.whole(connection, "")),
        "recent": as_sweep(lambda: scan.recent(connection, "")),
        "sync": as_sweep(lambda: engine.run_pair(pair, forced=True).counts),
        "tallies": as_sweep(lambda: tallies.work(connection, "")),
    }


def main() -> None:
    """Do what is asked, one line at a time."""
    connection_id, pair_id, ours = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    django.setup()
    for name, value in ours.items():
        setattr(settings, name, value)
    known = steps(connection_id, pair_id)
    for line in sys.stdin:
        begin = time.perf_counter()
        done = known[line.strip()]()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        told = {"seconds": round(time.perf_counter() - begin, 1), "mib": most, "did": done}
        print(json.dumps(told, default=str), flush=True)


if __name__ == "__main__":
    main()
