"""Every delivery ten times with new delivery ids, shuffled, and one in ten requests badly signed: answers a second.

Control: the same number of unique, well signed deliveries in the same run. Afterwards the workers bring everything to its
end, and the effects are counted: each event must have been handled once.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid

from tests.benchmarks.figures import emit, spread
from tests.benchmarks.product import Product, product
from tests.benchmarks.senders import change, request, send_all
from tests.harness import until

EVENTS, COPIES = 1500, 10
BAD = 0.1
PATIENCE_SECONDS = 120


def unique(made: Product, number: int) -> list[tuple[str, bytes]]:
    """Unique deliveries of all workspaces."""
    turns = zip(range(number), itertools.cycle(made.workspaces), strict=False)
    return [(str(uuid.uuid4()), request(change(workspace), made.webhook_secret)) for _, workspace in turns]


def storm(made: Product) -> list[tuple[str, bytes]]:
    """The copies in random order, with badly signed requests between them."""
    bodies = [
        change(workspace, made.projects[workspace])
        for _, workspace in zip(range(EVENTS), itertools.cycle(made.workspaces), strict=False)
    ]
    good = [("good", request(raw, made.webhook_secret)) for raw in bodies for _ in range(COPIES)]
    share = round(len(good) * BAD / (1 - BAD))
    bad = [("bad", request(raw, made.webhook_secret, good=False)) for raw in random.choices(bodies, k=share)]
    mixed = good + bad
    random.shuffle(mixed)
    return mixed


def main() -> None:
    """Measure, let the workers finish, count, print."""
    with product("web") as made:
        asyncio.run(send_all(made.app, unique(made, 500)))
        control = asyncio.run(send_all(made.app, unique(made, EVENTS * COPIES)))
        tally = asyncio.run(send_all(made.app, storm(made)))
        before = made.count()
        made.spawn("worker_inbox")
        made.spawn("beat")
        until(lambda: not made.count("state IN ('waiting', 'failed')"), PATIENCE_SECONDS, "the inbox to be empty")
        wrong = sum((one.key == "good") != (one.status == 200) for one in tally.sent)
        with made.database_connection() as database:
            asked = database.execute("SELECT count(*), coalesce(sum(asked), 0) FROM sync_due").fetchone()
        emit(
            "storm", tally.rate, "answers/s", control.rate, **spread([one.took for one in tally.sent]),
            events=EVENTS, copies=COPIES, rows=before, wrong_answers=wrong, items_due=asked[0] if asked else None,
            effects=int(asked[1]) if asked else None,
        )  # fmt: skip
