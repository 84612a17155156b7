"""Writing deliveries down: one INSERT for all that arrived while the one before was being committed.

A single commit waits for the disk however many rows it holds, so a busy process answers many senders per commit, and an
idle one commits each row at once. Nobody is answered before the commit that holds their row.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
import structlog
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from psycopg.types.json import Jsonb

from planeapp.inbox.models import Delivery
from planeapp.lib.wake import nudge

log = structlog.get_logger(__name__)
Row = Mapping[str, Any]
LIMIT = 100
LIMIT_BYTES = 4 * 1024 * 1024  # a statement takes several times its bodies' size in memory
PAUSES = (0.0, 0.2, 0.4, 0.8)  # seconds: a database that restarts is waited for, since some senders never retry
NAMES = ("id", "source", "connection", "lane", "rank", "kind", "subject", "headers", "body", "received_at", "due_at")
FIELDS: tuple[Any, ...] = tuple(Delivery._meta.get_field(name) for name in NAMES)


def store(rows: Sequence[Row], patient: bool = True) -> None:
    """Insert the rows in one statement, and wake the workers. A row that is there already stays as it is.

    Raises OperationalError or InterfaceError when the database cannot be reached: within a few seconds, or at once for
    callers that are not ``patient`` (others have waited in vain just now).
    """
    for pause in PAUSES if patient else ():
        try:
            _insert(rows)
            break
        except (OperationalError, InterfaceError) as error:
            log.warning("deliveries not stored yet", error=type(error).__name__, rows=len(rows))
            _fresh_connection()
            time.sleep(pause)
    else:
        _insert(rows)
    nudge("inbox.work")


def _insert(rows: Sequence[Row]) -> None:
    with _cursor() as cursor:
        cursor.execute(_statement(len(rows)), [value for row in rows for value in _values(row)])


@cache
def _statement(rows: int) -> str:
    columns = ", ".join(field.column for field in FIELDS)
    places = ", ".join(["(" + ", ".join(["%s"] * len(FIELDS)) + ")"] * rows)
    return f"INSERT INTO {Delivery._meta.db_table} ({columns}) VALUES {places} ON CONFLICT (id) DO NOTHING"  # noqa: S608


def _cursor() -> Any:
    """PostgreSQL gets the values apart from the statement: a body written out inside it costs twice the time."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with connection.wrap_database_errors:
        return make(psycopg.Cursor(connection.connection))  # type: ignore[arg-type]  # its own kind of cursor


def _values(row: Row) -> list[Any]:
    if connection.vendor != "postgresql":
        return [field.get_db_prep_save(row[field.name], connection) for field in FIELDS]
    return [Jsonb(row[name]) if name == "headers" else row[name] for name in NAMES]


def _fresh_connection() -> None:
    if not connection.in_atomic_block:
        connection.close()


class Writer:
    """Collects rows on the event loop and stores them aside, a batch at a time.

    ``aside`` runs a function in another thread (always the same one, whose database connection stays open).
    """

    def __init__(self, aside: Callable[..., Awaitable[Any]]) -> None:
        self.aside = aside
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._busy: asyncio.Task[None] | None = None
        self._patient = True

    async def put(self, row: Row) -> None:
        """Return when the row is committed; raises what storing it raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        if self._busy is None:
            self._busy = asyncio.create_task(self._drain())
        await done

    async def _drain(self) -> None:
        try:
            while self._waiting:
                size = _fitting(self._waiting)
                batch, self._waiting = self._waiting[:size], self._waiting[size:]
                await self._store(batch)
        finally:
            self._busy = None

    async def _store(self, batch: list[tuple[Row, asyncio.Future[None]]]) -> None:
        try:
            await self.aside(store, [row for row, _ in batch], self._patient)
        except (DataError, IntegrityError) as error:  # such as a connection that was removed a moment ago
            await self._apart(batch, error)
        except Exception as error:
            self._patient = False
            _settle(batch, error)
        else:
            self._patient = True
            _settle(batch, None)

    async def _apart(self, batch: list[tuple[Row, asyncio.Future[None]]], error: Exception) -> None:
        """One row that the database refuses must not keep its neighbours out."""
        if len(batch) == 1:
            _settle(batch, error)
            return
        for one in batch:
            await self._store([one])


def _fitting(waiting: Sequence[tuple[Row, asyncio.Future[None]]]) -> int:
    """How many of the first rows go into one statement: at least one."""
    room, number = LIMIT_BYTES, 0
    for row, _ in waiting[:LIMIT]:
        room -= len(row["body"])
        if number and room < 0:
            break
        number += 1
    return number


def _settle(batch: list[tuple[Row, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, done in batch:
        if done.cancelled():
            continue  # the sender went away; its row is stored all the same
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
