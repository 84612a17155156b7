from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from planeapp.inbox import store as room
from planeapp.inbox.models import Delivery
from planeapp.inbox.store import LIMIT, LIMIT_BYTES, Row, Writer, store
from planeapp.lib.ids import time_ordered


def row(**more: Any) -> dict[str, Any]:
    now = timezone.now()
    plain = {
        "id": time_ordered(), "source": "plane", "connection": None, "lane": "w", "rank": 1, "kind": "item.changed",
        "subject": "i", "headers": {"user-agent": "é"}, "body": b"\x00{}", "received_at": now, "due_at": now,
    }  # fmt: skip
    return plain | more


class Disk:
    """Stands where the database is, aside from the loop: notes what is stored together; ``gate`` holds a commit up."""

    def __init__(self, refused: Sequence[object] = (), error: type[Exception] = DataError) -> None:
        self.batches: list[list[Row]] = []
        self.patience: list[bool] = []
        self.gate = threading.Event()
        self.gate.set()
        self.refused, self.error = refused, error

    async def aside(self, function: object, rows: list[Row], patient: bool) -> None:
        self.patience.append(patient)
        await asyncio.to_thread(self._commit, rows)

    def _commit(self, rows: list[Row]) -> None:
        self.gate.wait(10)
        self.batches.append(list(rows))
        if any(one["id"] in self.refused for one in rows):
            raise self.error("refused")


async def put_all(writer: Writer, disk: Disk, rows: Sequence[Row]) -> list[object]:
    """Puts the first, and the rest while its commit is held up."""
    disk.gate.clear()
    tasks = [asyncio.create_task(writer.put(one)) for one in rows]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    disk.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_all_that_arrive_during_one_commit_are_stored_together_by_the_next() -> None:
    disk = Disk()
    rows = [row() for _ in range(LIMIT + 30)]

    async def later() -> None:
        writer = Writer(disk.aside)
        disk.gate.clear()
        first = asyncio.create_task(writer.put(rows[0]))
        await asyncio.sleep(0.01)
        rest = [asyncio.create_task(writer.put(one)) for one in rows[1:]]
        await asyncio.sleep(0.01)
        disk.gate.set()
        await asyncio.gather(first, *rest)

    asyncio.run(later())
    assert [len(batch) for batch in disk.batches] == [1, LIMIT, 29]
    assert [one for batch in disk.batches for one in batch] == rows


def test_large_bodies_go_into_statements_of_their_own() -> None:
    disk, large = Disk(), b"x" * (LIMIT_BYTES // 2)
    rows = [row(body=body) for body in (b"{}", large, large, large, large * 3, b"{}")]
    asyncio.run(put_all(Writer(disk.aside), disk, rows))
    assert [one for batch in disk.batches for one in batch] == rows
    assert [len(batch) for batch in disk.batches][-4:] == [2, 2, 1, 1]


def test_nobody_is_answered_before_their_commit() -> None:
    disk = Disk()

    async def held() -> tuple[bool, bool]:
        disk.gate.clear()
        task = asyncio.create_task(Writer(disk.aside).put(row()))
        await asyncio.sleep(0.02)
        before = task.done()
        disk.gate.set()
        await task
        return before, task.done()

    assert asyncio.run(held()) == (False, True)


@pytest.mark.parametrize("bad", [0, 3, 7])
def test_a_row_that_the_database_refuses_is_refused_alone(bad: int) -> None:
    rows = [row() for _ in range(8)]
    disk = Disk(refused=[rows[bad]["id"]])
    answers = asyncio.run(put_all(Writer(disk.aside), disk, rows))
    assert [isinstance(answer, DataError) for answer in answers] == [number == bad for number in range(8)]


def test_only_the_first_to_find_the_database_down_waits_for_it() -> None:
    disk, rows = Disk(error=OperationalError), [row() for _ in range(3)]
    disk.refused = [one["id"] for one in rows[:2]]

    async def one_after_the_other() -> None:
        writer = Writer(disk.aside)
        for one in [*rows, row()]:
            await asyncio.gather(writer.put(one), return_exceptions=True)

    asyncio.run(one_after_the_other())
    assert disk.patience == [True, False, False, True]


def test_a_database_that_is_down_is_told_to_everybody_who_waits() -> None:
    rows = [row() for _ in range(5)]
    disk = Disk(refused=[one["id"] for one in rows], error=OperationalError)
    answers = asyncio.run(put_all(Writer(disk.aside), disk, rows))
    assert [type(answer) for answer in answers] == [OperationalError] * 5


def test_after_a_failure_the_next_row_is_stored_as_if_nothing_had_been() -> None:
    first, second = row(), row()
    disk = Disk(refused=[first["id"]], error=OperationalError)

    async def both() -> None:
        writer = Writer(disk.aside)
        with pytest.raises(OperationalError):
            await writer.put(first)
        await writer.put(second)

    asyncio.run(both())
    assert disk.batches[-1] == [second]


def test_the_row_of_a_sender_who_went_away_is_stored_and_holds_up_nobody() -> None:
    disk, rows = Disk(), [row() for _ in range(3)]

    async def leave() -> None:
        writer = Writer(disk.aside)
        disk.gate.clear()
        tasks = [asyncio.create_task(writer.put(one)) for one in rows]
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        disk.gate.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [task.cancelled() for task in tasks] == [False, True, False]

    asyncio.run(leave())
    assert [one for batch in disk.batches for one in batch] == rows


# In the database


@pytest.mark.django_db
def test_many_rows_are_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    rows = [row() for _ in range(LIMIT)]
    with django_assert_num_queries(1):
        store(rows)
    assert set(Delivery.objects.values_list("pk", flat=True)) == {one["id"] for one in rows}


@pytest.mark.django_db
def test_a_row_is_stored_as_it_was_given() -> None:
    given = row()
    store([given])
    found = Delivery.objects.values(*given).get()
    assert found | {"body": bytes(found["body"])} == given
    assert Delivery.objects.get().state == "waiting"


@pytest.mark.django_db
def test_a_row_stored_again_after_a_lost_answer_stays_as_it_is() -> None:
    given = row()
    store([given])
    Delivery.objects.update(state="handled")
    store([given, row()])
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["handled", "waiting"]


@pytest.mark.django_db
def test_a_database_that_comes_back_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PAUSES", (0.0, 0.0, 0.0))
    times: list[str] = []

    def down_twice(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        times.append(sql)
        if len(times) < 3:
            raise OperationalError("restarting")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(down_twice):
        store([row()])
    assert (len(times), Delivery.objects.count()) == (3, 1)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_delivery_of_a_connection_that_was_just_removed_keeps_no_neighbour_out() -> None:
    rows = [row(), row(connection=uuid.uuid4()), row(lane="x" * 65), row()]

    async def aside(function: Any, *arguments: Any) -> Any:
        return await asyncio.to_thread(_then_close, function, *arguments)

    async def together() -> list[object]:
        writer = Writer(aside)
        return await asyncio.gather(*(writer.put(one) for one in rows), return_exceptions=True)

    answers = asyncio.run(together())
    assert [answer is None for answer in answers] == [True, False, False, True]
    assert set(Delivery.objects.values_list("pk", flat=True)) == {rows[0]["id"], rows[3]["id"]}


def _then_close(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    finally:
        connection.close()


@pytest.mark.django_db
def test_workers_are_woken_after_the_rows_are_stored(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    woken: list[tuple[str, int]] = []
    monkeypatch.setattr(room, "nudge", lambda task: woken.append((task, Delivery.objects.count())))
    store([row(), row()])
    assert woken == [("inbox.work", 2)]
