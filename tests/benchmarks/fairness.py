"""50 workspaces, one of which sends 10,000 deliveries in a burst: how long the other 49 wait for theirs to be worked.

``value`` is the 95th percentile, in ms, from sending a delivery to its end, over the deliveries that the quiet workspaces
sent while the burst was being sent and worked; ``control`` is the same before the burst.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from datetime import datetime

from tests.benchmarks.figures import emit, percentile, spread
from tests.benchmarks.product import Product, product
from tests.benchmarks.senders import Tally, change, request, send_all
from tests.harness import until

BURST = 10_000
QUIET_A_SECOND = 49
QUIET_SECONDS = 12
PATIENCE_SECONDS = 180


def quiet(made: Product, seconds: int) -> list[tuple[str, bytes]]:
    """One delivery a second of each quiet workspace, each about an item of its own."""
    turns = zip(range(QUIET_A_SECOND * seconds), itertools.cycle(made.workspaces[1:]), strict=False)
    keys = [(str(uuid.uuid4()), workspace) for _, workspace in turns]
    return [(key, request(change(one, made.projects[one], key=key), made.webhook_secret)) for key, one in keys]


def burst(made: Product) -> list[tuple[str, bytes]]:
    """The loud workspace's deliveries."""
    one = made.workspaces[0]
    return [("loud", request(change(one, made.projects[one]), made.webhook_secret)) for _ in range(BURST)]


def waits(made: Product, tally: Tally, until_wall: float) -> list[float]:
    """Seconds from sending to the end, of what was sent before ``until_wall``."""
    ended = ends(made)
    return [ended[one.key].timestamp() - one.at for one in tally.sent if one.at <= until_wall]


def ends(made: Product) -> dict[str, datetime]:
    """When each delivery ended, by its key."""
    query = "SELECT convert_from(body, 'UTF8')::jsonb #>> '{activity,old_value}', finished_at FROM inbox_delivery"
    with made.database_connection() as database:
        return {str(key): at for key, at in database.execute(query + " WHERE finished_at IS NOT NULL")}


async def beside(made: Product) -> tuple[Tally, Tally]:
    """The quiet ones at their pace, and the burst a second later; gives both."""
    calm, loud = quiet(made, QUIET_SECONDS * 3), burst(made)
    paced = asyncio.create_task(send_all(made.app, calm, connections=4, pace=QUIET_A_SECOND))
    await asyncio.sleep(1)
    return await send_all(made.app, loud, connections=8), await paced


def main() -> None:
    """Measure quiet, then with the burst, print."""
    with product("web", "worker_inbox", "beat") as made:
        asyncio.run(send_all(made.app, quiet(made, 3), connections=4, pace=QUIET_A_SECOND))
        alone = asyncio.run(send_all(made.app, quiet(made, QUIET_SECONDS), connections=4, pace=QUIET_A_SECOND))
        loud, calm = asyncio.run(beside(made))
        until(lambda: not made.count("state IN ('waiting', 'failed')"), PATIENCE_SECONDS, "the inbox to be empty")
        began, over = loud.sent[0].at, last_end(made)
        control = sorted(waits(made, alone, time.time()))
        during = [one for one in calm.sent if began <= one.at <= over]
        loaded = waits(made, Tally(during), time.time())
        emit(
            "fairness", percentile(sorted(loaded), 0.95) * 1000, "ms", percentile(control, 0.95) * 1000,
            **spread(loaded), quiet=spread(control), burst=BURST, burst_worked_in_s=round(over - began, 1),
            quiet_deliveries=len(loaded),
        )  # fmt: skip


def last_end(made: Product) -> float:
    """When the last delivery of the loud workspace ended."""
    with made.database_connection() as database:
        row = database.execute("SELECT max(finished_at) FROM inbox_delivery WHERE lane = %s", [made.workspaces[0]])
        found = row.fetchone()
    return float(found[0].timestamp()) if found else 0.0
