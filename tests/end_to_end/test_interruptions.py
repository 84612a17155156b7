"""Killed workers, lost answers, vendors that are down: what was accepted is done, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from tests.end_to_end.journey import Newcomer
from tests.harness import Stack, until

WORKER = "worker"


@pytest.fixture
def worker(stack: Stack, ada: Newcomer, request: pytest.FixtureRequest) -> Iterator[str]:
    """Name of the process that does this work; running again when the test ends."""
    name = WORKER if stack.embedded else str(request.param)
    yield name
    stack.control("planner", "faults", "DELETE")
    if name not in stack.running:
        stack.spawn(name)


def open_deliveries(stack: Stack) -> int:
    """Deliveries that were accepted and still wait."""
    told = stack.manage(
        "shell", "-v0", "-c",
        "from planeapp.inbox.models import Delivery; print(Delivery.objects.filter(state='waiting').count())",
    )  # fmt: skip
    return int(told.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("worker", ["worker_inbox"], indirect=True)
def test_a_mention_that_was_accepted_while_the_worker_was_dead_is_answered_once(
    stack: Stack, ada: Newcomer, worker: str
) -> None:
    key = ada.new_item("Count the life vests on the night flight")
    stack.kill(worker)
    ada.comment(key, "status", ada.bot_id(key))
    until(lambda: open_deliveries(stack) >= 1, 10, "the accepted delivery")
    assert ada.answers(key) == []
    stack.spawn(worker)
    until(lambda: ada.answers(key), 25, "the answer")
    until(lambda: open_deliveries(stack) == 0, 15, "all deliveries to end")
    assert len(ada.answers(key)) == 1


@pytest.mark.parametrize("worker", ["worker_bot"], indirect=True)
def test_a_worker_killed_while_the_vendor_makes_the_block_leaves_one_block_and_one_answer(
    stack: Stack, ada: Newcomer, worker: str
) -> None:
    title = "Walk the new stand with the fire crew"
    key = ada.new_item(title)
    stack.control("planner", "requests", "DELETE")
    stack.control("planner", "faults", path="/api/mcp", contains="createBlock", delay=30.0, after=True, drop=True)
    ada.comment(key, "schedule tomorrow 10:00 for 2h", ada.bot_id(key))
    until(lambda: _in_fault(stack), 15, "the worker to be in its call")
    stack.kill(worker)
    stack.control("planner", "faults", "DELETE")
    release(stack)
    stack.spawn(worker)
    until(lambda: [told for told in ada.answers(key) if "Scheduled" in told], 40, "the answer")
    assert len(ada.blocks(title, tomorrow())) == 1
    assert len([told for told in ada.answers(key) if "Scheduled" in told]) == 1


def test_a_lost_answer_to_a_create_makes_one_block(stack: Stack, ada: Newcomer) -> None:
    title = "Order two more tow bars"
    key = ada.new_item(title)
    stack.control("planner", "faults", path="/api/mcp", contains="createBlock", after=True, drop=True)
    ada.comment(key, "schedule tomorrow 14:00 for 1h", ada.bot_id(key))
    until(lambda: ada.blocks(title, tomorrow()), 20, "the block")
    until(
        lambda: [told for told in ada.answers(key) if "block" in told.lower() or "Scheduled" in told], 30, "the answer"
    )
    assert len(ada.blocks(title, tomorrow())) == 1


def test_a_vendor_that_is_down_gets_the_change_when_it_is_back(stack: Stack, ada: Newcomer) -> None:
    title = str(ada.item("CUST-2")["name"])
    stack.control("planner", "faults", path="/api/mcp", times=3, status=503, body="<html>busy</html>")
    ada.set_fields("CUST-2", start_date=tomorrow(3), target_date=tomorrow(3))
    until(
        lambda: [block for block in ada.blocks(title, tomorrow(3)) if str(block["data-start"]).startswith(tomorrow(3))],
        40,
        "the block",
    )
    assert len(ada.blocks(title, tomorrow(3))) == 1


def _in_fault(stack: Stack) -> bool:
    return any(request["fault"] for request in stack.control("planner", "requests", "GET")["requests"])


def release(stack: Stack) -> None:
    """Let other workers have what the dead one held at once, as two minutes of waiting would."""
    stack.manage("shell", "-v0", "-c", RELEASE)


def tomorrow(days: int = 1) -> str:
    """A date counted from today."""
    return (date.today() + timedelta(days=days)).isoformat()


RELEASE = """
from planeapp.lib.claims import release_all
from planeapp.bot.models import Turn
from planeapp.inbox.models import Delivery
from planeapp.sync.models import Due, ItemLink
for model in (Turn, Delivery, Due, ItemLink):
    release_all(model)
"""
