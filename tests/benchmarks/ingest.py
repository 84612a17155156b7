"""Signed, unique deliveries of 50 workspaces over 16 connections: how many a second are stored and answered.

Web, database and client share one machine; PostgreSQL has its default durability. Control: what the same machine could do
at best if verifying and storing took turns, ``1 / (1 / verify-only requests a second + 1 / single-row inserts a second)``,
both measured in the same run. A second part kills web and worker with SIGKILL in the middle, twice, and counts.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
import uuid

from tests.benchmarks.figures import emit, spread
from tests.benchmarks.product import Product, pgbench_rate, product
from tests.benchmarks.senders import Tally, change, request, send_all
from tests.harness import START_SECONDS, listens, until

DELIVERIES = 30_000
KILLED = 12_000
KILL_AFTER = (1.0, 2.5)  # seconds


def deliveries(made: Product, number: int) -> list[tuple[str, bytes]]:
    """``(key, request)``: unique deliveries, workspace after workspace."""
    found = []
    for _, workspace in zip(range(number), itertools.cycle(made.workspaces), strict=False):
        key = str(uuid.uuid4())
        found.append((key, request(change(workspace, key=key), made.webhook_secret)))
    return found


def measured(made: Product) -> tuple[Tally, Tally, float]:
    """``(ingest, verify only, pgbench tps)``."""
    ready = deliveries(made, DELIVERIES)
    made.spawn("verify_only")
    until(lambda: listens(made.app), START_SECONDS, "the control")
    asyncio.run(send_all(made.app, ready[:1000]))
    verify = asyncio.run(send_all(made.app, ready))
    made.kill("verify_only")
    tps = pgbench_rate(made)
    made.spawn("web")
    until(lambda: listens(made.app), START_SECONDS, "web")
    asyncio.run(send_all(made.app, deliveries(made, 500)))
    return asyncio.run(send_all(made.app, ready)), verify, tps


def killed(made: Product) -> tuple[int, int, int]:
    """``(answered 2xx, of these not stored, stored without an answer)`` over two kills of web and worker."""
    ready, begun = deliveries(made, KILLED), made.count()
    made.spawn("worker_inbox")

    def killer() -> None:
        started = time.monotonic()
        for after in KILL_AFTER:
            time.sleep(max(started + after - time.monotonic(), 0))
            for name in ("web", "worker_inbox"):
                made.kill(name)
                made.spawn(name)

    thread = threading.Thread(target=killer)
    thread.start()
    tally = asyncio.run(send_all(made.app, ready, patient=True))
    thread.join()
    stored = keys_stored(made)
    answered = set(tally.keys())
    return len(answered), len(answered - stored), made.count() - begun - len(answered & stored)


def keys_stored(made: Product) -> set[str]:
    """The keys of all stored deliveries."""
    with made.database_connection() as database:
        rows = database.execute(
            "SELECT convert_from(body, 'UTF8')::jsonb #>> '{activity,old_value}' FROM inbox_delivery"
        )
        return {str(row[0]) for row in rows}


def main() -> None:
    """Measure, kill, print."""
    with product() as made:
        tally, verify, tps = measured(made)
        assert len(tally.took()) == DELIVERIES, "some deliveries were not answered 200"
        rows = made.count()
        answered, lost, unanswered = killed(made)
        control = 1 / (1 / verify.rate + 1 / tps)
        emit(
            "ingest", tally.rate, "deliveries/s", control, **spread(tally.took()),
            verify_only=round(verify.rate, 1), pgbench_tps=round(tps, 1), rows=rows, answered_2xx=DELIVERIES + 500,
            killed={"answered_2xx": answered, "lost": lost, "stored_unanswered": unanswered},
        )  # fmt: skip
