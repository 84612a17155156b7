"""Looks into a running product's database from outside, and moves its leases by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from typing import Any

from tests.harness import Stack

CLAIMED = ("inbox_delivery", "bot_turn", "sync_due", "sync_itemlink")
HELD = {
    "inbox": ("inbox_delivery",),
    "bot": ("bot_turn", "sync_itemlink"),
    "sync": ("sync_due", "sync_itemlink"),
}
"""What the worker that comes by a fault point may hold when it dies there."""
OPEN = {
    "inbox_delivery": "state IN ('waiting', 'failed')",
    "bot_turn": "state IN ('heard', 'acted')",
    "sync_due": "item_id <> ''",
}


def rows(stack: Stack, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement (and commit); gives what it selected."""
    url = stack.env["DATABASE_URL"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as connection, connection:
            return connection.execute(statement).fetchall()
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def count(stack: Stack, table: str, where: str = "1 = 1") -> int:
    """Number of rows."""
    return int(rows(stack, f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


def let_leases_end(stack: Stack, tables: Collection[str] = CLAIMED) -> None:
    """As if several minutes went by since whoever holds rows of these tables took them.

    Only for what a dead worker held: a healthy one at work must keep its claims.
    """
    for table in tables:
        rows(stack, f"UPDATE {table} SET claimed_at = {_earlier(stack)} WHERE claimed_at IS NOT NULL")


def bring_forward(stack: Stack) -> None:
    """What is to be tried again later is due now."""
    for table in ("inbox_delivery", "bot_turn", "sync_due"):
        rows(stack, f"UPDATE {table} SET due_at = {_earlier(stack)} WHERE {OPEN[table]}")


def _earlier(stack: Stack) -> str:
    if stack.env["DATABASE_URL"].startswith("sqlite"):
        return "strftime('%Y-%m-%d %H:%M:%f', 'now', '-10 minutes')"
    return "now() - interval '10 minutes'"


def unfinished(stack: Stack) -> dict[str, int]:
    """What still has to be worked on, by table; empty when all is at rest."""
    found = {table: count(stack, table, where) for table, where in OPEN.items()}
    return {table: number for table, number in found.items() if number}
