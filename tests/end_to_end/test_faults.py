"""A worker killed at every step: what was accepted is done by the next one, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from celery import Celery

from tests.end_to_end.journey import Newcomer
from tests.end_to_end.test_interruptions import tomorrow
from tests.faults.points import BOT, INBOX, SYNC
from tests.faults.spawning import await_death, spawn_doomed
from tests.faults.tables import HELD, bring_forward, count, let_leases_end, unfinished
from tests.harness import Stack, until

TASKS = {"inbox.work": "inbox", "bot.answer": "bot", "sync.work_due": "live"}
MENTION = "kind IN ('comment.written', 'run.created', 'run.prompted')"


EMBEDDED = {"inbox.ended_before_commit", "bot.acted", "sync.written_before_link"}
"""The riskiest steps. Each costs ten seconds, so the rest is walked on PostgreSQL alone, where several workers are."""


def steps(*tables: Mapping[str, str]) -> list[object]:
    """The points of these tables, as parameters."""
    names = [name for table in tables for name in table]
    return [name if name in EMBEDDED else pytest.param(name, marks=pytest.mark.postgres) for name in names]


def worker_of(stack: Stack, point: str) -> str:
    """Name of the process that comes by a point."""
    queue = {"inbox": "inbox", "bot": "bot", "sync": "live"}[point.partition(".")[0]]
    return "worker" if stack.embedded else f"worker_{queue}"


def sweep(stack: Stack) -> None:
    """What beat does every ten seconds, without waiting for it."""
    if not stack.embedded:
        with Celery(broker=stack.env["REDIS_URL"]) as app:
            for task, queue in TASKS.items():
                app.send_task(task, queue=queue)


def come_to_rest(stack: Stack, *held: str) -> None:
    """Help the time along until nothing is left to do. ``held``: tables in which somebody died with rows in hand."""
    let_leases_end(stack, held)
    sweep(stack)

    def rests() -> bool:
        bring_forward(stack)
        return not unfinished(stack)

    until(rests, 40, f"everything to end: {unfinished(stack)}")


@pytest.fixture
def doomed(stack: Stack, ada: Newcomer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fault point; no healthy worker comes by it any more. All run again when the test ends."""
    point = str(request.param)
    come_to_rest(stack)
    stack.kill(worker_of(stack, point))
    yield point
    if worker_of(stack, point) not in stack.running:
        stack.spawn(worker_of(stack, point))


def die_and_recover(stack: Stack, point: str) -> None:
    """A worker takes up the work and dies at the point; another takes over."""
    name = worker_of(stack, point)
    spawn_doomed(stack, name, point)
    sweep(stack)
    await_death(stack, name)
    stack.spawn(name)
    come_to_rest(stack, *HELD[point.partition(".")[0]])


@pytest.mark.parametrize("doomed", steps(INBOX, BOT), indirect=True)
def test_a_worker_killed_while_it_serves_a_mention_leaves_one_block_and_one_answer(
    stack: Stack, ada: Newcomer, doomed: str
) -> None:
    title = f"Check the jet bridge after {doomed} again"
    key = ada.new_item(title)
    before = count(stack, "inbox_delivery", MENTION)
    ada.comment(key, "schedule tomorrow 10:00 for 2h", ada.bot_id(key))
    until(lambda: count(stack, "inbox_delivery", MENTION) > before, 15, "the delivery")
    die_and_recover(stack, doomed)
    assert len(ada.blocks(title, tomorrow())) == 1
    assert len([told for told in ada.answers(key) if "Scheduled" in told]) == 1
    assert len(ada.answers(key)) == 1


@pytest.mark.parametrize("doomed", steps(SYNC), indirect=True)
def test_a_worker_killed_while_it_brings_an_item_in_step_leaves_one_block(
    stack: Stack, ada: Newcomer, doomed: str
) -> None:
    title = f"Paint the stand line after {doomed} again"
    key = ada.new_item(title)
    ada.set_fields(key, start_date=tomorrow(), target_date=tomorrow())
    die_and_recover(stack, doomed)
    assert len(ada.blocks(title, tomorrow())) == 1
    assert count(stack, "sync_itemlink", f"item_key = '{key}' AND state = 'linked'") == 1
    assert count(stack, "sync_itemlink", "state = 'unconfirmed'") == 0


@pytest.mark.parametrize("deaths", [2, pytest.param(3, marks=pytest.mark.postgres)])
def test_a_worker_that_dies_again_and_again_loses_nothing(stack: Stack, ada: Newcomer, deaths: int) -> None:
    come_to_rest(stack)
    stack.kill(worker_of(stack, "inbox"))
    keys = [ada.new_item(f"Grease tug {deaths}{number}") for number in range(4)]
    for key in keys:
        ada.comment(key, "help", ada.bot_id(key))
    for point in ("inbox.ended_before_commit", "inbox.claimed", "inbox.handed_over")[:deaths]:
        spawn_doomed(stack, worker_of(stack, "inbox"), point)
        sweep(stack)
        await_death(stack, worker_of(stack, "inbox"))
        let_leases_end(stack, HELD["inbox"])
    stack.spawn(worker_of(stack, "inbox"))
    come_to_rest(stack)
    assert [len(ada.answers(key)) for key in keys] == [1, 1, 1, 1]
