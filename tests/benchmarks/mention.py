"""From a mention's delivery at our door to our first call to Plane for it, idle and loaded.

Real mentions: comments written in the sandbox Plane, whose webhook brings them (as a comment, an agent run and a prompt).
The first call is the ``thought`` in the agent run, as the sandbox notes it when it arrives. Loaded means a whole pair being
synced over and over and 50 events a second of 51 workspaces beside it. ``value`` is the 95th percentile under load in ms,
``control`` the same when idle.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.figures import emit, percentile, spread
from tests.benchmarks.product import Product, product
from tests.benchmarks.senders import change, request, send_all
from tests.end_to_end.journey import Newcomer
from tests.harness import START_SECONDS, listens, until

MENTIONS = 60
PATIENCE_SECONDS = 60
PAUSE = 0.4  # seconds between two mentions
EVENTS_A_SECOND = 50
PROCESSES = ("worker_inbox", "worker_bot", "worker_live", "worker_bulk", "beat")

TOLD = """
SELECT t.run_id, extract(epoch FROM min(d.received_at)) FROM bot_turn t
JOIN inbox_delivery d ON d.subject = t.item_id::text AND position(t.comment_id::text IN convert_from(d.body, 'UTF8')) > 0
WHERE t.run_id IS NOT NULL GROUP BY t.run_id
"""


def mention(ada: Newcomer, keys: list[str], bot: str, number: int) -> None:
    """Write so many mentions, one after the other, on these work items in turn."""
    for key, _ in zip(itertools.cycle(keys), range(number), strict=False):
        ada.comment(key, "help", bot)
        time.sleep(PAUSE)


def waits(made: Product, known: set[str]) -> list[float]:
    """Seconds from delivery to first call, of the turns that are not ``known`` yet; these become known."""
    until(lambda: not _open_turns(made), PATIENCE_SECONDS, "all mentions to be answered")
    calls = made.control("plane", "requests", "GET")["requests"]
    with made.database_connection() as database:
        told = [(str(run), float(at)) for run, at in database.execute(TOLD) if str(run) not in known]
    known |= {run for run, _ in told}
    return [min(one["at"] for one in calls if f"/runs/{run}/" in one["path"]) - at for run, at in told]


def _open_turns(made: Product) -> int:
    with made.database_connection() as database:
        row = database.execute("SELECT count(*) FROM bot_turn WHERE state IN ('heard', 'acted')").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def load(made: Product, project: str, workspace: str) -> Iterator[None]:
    """A backfill that begins again when it is done, and the events."""
    over = threading.Event()
    threads = [threading.Thread(target=one, args=(made, project, workspace, over)) for one in (_backfill, _events)]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


def _backfill(made: Product, project: str, workspace: str, over: threading.Event) -> None:
    while not over.wait(0.2):
        with made.database_connection() as database:
            database.execute(BACKFILL, [project])


BACKFILL = """
INSERT INTO sync_due (pair_id, item_id, asked, due_at, attempts, reason)
SELECT id, '', 1, now(), 0, 'benchmark' FROM sync_projectpair WHERE project_id = %s
ON CONFLICT (pair_id, item_id) DO UPDATE SET asked = sync_due.asked + 1, due_at = now()
"""


def _events(made: Product, project: str, workspace: str, over: threading.Event) -> None:
    """Changes of items in 50 other workspaces and in the one where the mentions are."""
    projects = {**made.projects, workspace: project}
    while not over.is_set():
        turns = zip(range(EVENTS_A_SECOND), itertools.cycle(projects), strict=False)
        some = [("", request(change(one, projects[one], str(uuid.uuid4())), made.webhook_secret)) for _, one in turns]
        asyncio.run(send_all(made.app, some, connections=2, pace=EVENTS_A_SECOND))


def main() -> None:
    """Settle in, measure idle, measure loaded, print."""
    with product("sandbox", "web", *PROCESSES) as made:
        until(lambda: listens(made.plane) and listens(made.planner), START_SECONDS, "the sandbox")
        ada, known = Newcomer(made), set[str]()
        ada.web.post(f"{made.plane}/sandbox/settings/", data={"per_minute": "600000"})
        ada.settle()
        keys, bot = [f"CUST-{number}" for number in range(1, 7)], ada.bot_id()
        mention(ada, keys, bot, 6)  # workers warm up
        waits(made, known)
        mention(ada, keys, bot, MENTIONS)
        idle = sorted(waits(made, known))
        with made.database_connection() as database:
            row = database.execute("SELECT project_id, workspace_id FROM sync_projectpair p JOIN installations_connection c "
                                   "ON c.id = p.connection_id JOIN installations_installation i ON i.id = c.installation_id "
                                   "WHERE i.slug = 'sandbox'").fetchone()  # fmt: skip
        assert row is not None, "ada's pair is missing"
        with load(made, str(row[0]), str(row[1])):
            time.sleep(2)
            mention(ada, keys, bot, MENTIONS)
            loaded = waits(made, known)
        emit(
            "mention", percentile(sorted(loaded), 0.95) * 1000, "ms", percentile(idle, 0.95) * 1000, **spread(loaded),
            idle=spread(idle), mentions={"idle": len(idle), "loaded": len(loaded)},
        )  # fmt: skip
