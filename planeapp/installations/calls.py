"""Calls counted by what they were made for.

A call only adds to a sum in this process. The sums are written with one statement: when the oldest has been held for
``HELD_SECONDS``, at the end of a task (every few seconds each worker has one) or request, and when the process ends. So a
killed process loses a few seconds of counts. The limit does not depend on them: its window (``planeapp.lib.budget``) is
exact.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from celery.signals import task_postrun
from django.core.signals import request_finished
from django.db import Error, IntegrityError, close_old_connections, connection, transaction
from django.dispatch import receiver
from django.utils import timezone

from planeapp.installations.models import CallCount, Connection, Installation

log = structlog.get_logger(__name__)
HELD_SECONDS = 5.0
JUST_COUNTED_SECONDS = 1.0
TABLE = CallCount._meta.db_table
COLUMNS = ("installation", "connection", "key", "purpose", "hour", "calls", "refused")
ADD = f"""
INSERT INTO {TABLE} (installation_id, connection_id, key, purpose, hour, calls, refused) VALUES {{rows}}
ON CONFLICT (key, purpose, hour) DO UPDATE SET
    calls = {TABLE}.calls + excluded.calls, refused = {TABLE}.refused + excluded.refused
"""  # noqa: S608 - made of our own table's name


@dataclass(frozen=True)
class Token:
    """Whose token it is (``connection`` None: Plane's), and the ``key`` of its budget."""

    installation: UUID
    connection: UUID | None
    key: str


@dataclass(frozen=True)
class Kind:
    """What is counted in one row."""

    token: Token
    purpose: str
    hour: datetime


class Held:
    """Sums that are not written yet; safe for threads."""

    def __init__(self) -> None:
        self.calls: Counter[Kind] = Counter()
        self.refused: Counter[Kind] = Counter()
        self.since = 0.0
        self._lock = threading.Lock()

    def add(self, calls: Counter[Kind], refused: Counter[Kind]) -> None:
        """Add to the sums."""
        with self._lock:
            if not self.calls:
                self.since = time.monotonic()
            self.calls.update(calls)
            self.refused.update(refused)

    def take(self) -> tuple[Counter[Kind], Counter[Kind]]:
        """Calls and refused ones; nothing is held then."""
        with self._lock:
            taken = self.calls, self.refused
            self.calls, self.refused = Counter(), Counter()
        return taken

    def of(self, installation: UUID) -> list[tuple[Kind, int, int]]:
        """What is held of a workspace's calls: ``(kind, calls, refused)``."""
        with self._lock:
            return [
                (kind, count, self.refused[kind])
                for kind, count in self.calls.items()
                if kind.token.installation == installation
            ]

    def waits(self, seconds: float) -> bool:
        """Whether something has been held for so long."""
        return bool(self.calls) and time.monotonic() - self.since >= seconds


held = Held()


@dataclass(frozen=True)
class TokenTally:
    """A token's tally; see :class:`planeapp.lib.budget.Tally`."""

    token: Token

    def __call__(self, purpose: str, *, refused: bool) -> None:
        """One more call."""
        kind = Kind(self.token, purpose, timezone.now().replace(minute=0, second=0, microsecond=0))
        held.add(Counter([kind]), Counter([kind] if refused else []))
        if held.waits(HELD_SECONDS):
            flush_beside()


def flush() -> None:
    """Write what is held, in a transaction of its own (RuntimeError within another one). What cannot be written just now
    is held on to."""
    calls, refused = held.take()
    if not calls:
        return
    try:
        _write_known(calls, refused)
    except Error as error:
        log.warning("counts of calls wait for the database", error=type(error).__name__)
        held.add(calls, refused)


def flush_beside() -> None:
    """Write what is held, unless somebody's transaction is open: counts neither fall with it nor keep their lock in it."""
    if held.calls and not connection.in_atomic_block:
        flush()


def _write_known(calls: Counter[Kind], refused: Counter[Kind]) -> None:
    """Leave out what was erased since; that may happen while we write, and then once more."""
    for tries_left in (1, 0):
        known = _known({kind.token for kind in calls})
        try:
            with transaction.atomic(durable=True):
                _write({kind: (count, refused[kind]) for kind, count in calls.items() if kind.token in known})
            return
        except IntegrityError:
            if not tries_left:
                raise


def _known(tokens: set[Token]) -> set[Token]:
    installations = set(
        Installation.objects.filter(pk__in={one.installation for one in tokens}).values_list("pk", flat=True)
    )
    theirs = Connection.objects.filter(pk__in={one.connection for one in tokens if one.connection})
    connections = {None, *theirs.values_list("pk", flat=True)}
    return {one for one in tokens if one.installation in installations and one.connection in connections}


def _write(counts: dict[Kind, tuple[int, int]]) -> None:
    if not counts:
        return
    rows = [
        (kind.token.installation, kind.token.connection, kind.token.key, kind.purpose, kind.hour, *numbers)
        for kind, numbers in sorted(counts.items(), key=_order)
    ]
    with connection.cursor() as cursor:
        places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
        cursor.execute(
            ADD.format(rows=places), [_prepared(*cell) for row in rows for cell in zip(COLUMNS, row, strict=True)]
        )


def _order(entry: tuple[Kind, tuple[int, int]]) -> tuple[str, str, datetime]:
    """The same for all writers, so that two of them never wait for each other."""
    kind, _ = entry
    return kind.token.key, kind.purpose, kind.hour


def _prepared(field: str, value: object) -> Any:
    return CallCount._meta.get_field(field).get_db_prep_save(value, connection)  # type: ignore[union-attr]


@receiver(request_finished)
def request_ended(**_: object) -> None:
    """Write what is held at the end of a request: nobody knows when this process gets the next one."""
    _work_ended(0.0)


@task_postrun.connect
def task_ended(**_: object) -> None:
    """Write what is held at the end of a task, unless it is only just counted: tasks come often, the next one writes it."""
    _work_ended(JUST_COUNTED_SECONDS)


def _work_ended(seconds: float) -> None:
    if held.waits(seconds) and not connection.in_atomic_block:
        flush()
        close_old_connections()  # those who do so for every request and task may have been here already


atexit.register(flush_beside)
