"""What is due: rows that say which work item (or pair) has to be looked at, worked off by ``work_due``."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.installations.models import Connection, Installation
from planeapp.lib.budget import Reserved, sweeping
from planeapp.lib.claims import backoff, claim
from planeapp.lib.errors import GroundcrewError, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.lib.wake import wake
from planeapp.sync import engine
from planeapp.sync.apply import Busy
from planeapp.sync.models import Due, ProjectPair
from planeapp.sync.patience import Patience
from planeapp.sync.timeline import note

log = structlog.get_logger(__name__)
FOLD = timedelta(milliseconds=300)  # one edit in Plane comes as one delivery per field, within this time
MAX_ATTEMPTS = 10
QUOTA_PAUSE = 60.0
PARKED_SECONDS = 60.0
BATCH = 3


TABLE = Due._meta.db_table
ASK = f"""
INSERT INTO {TABLE} (pair_id, item_id, asked, due_at, attempts, reason) VALUES {{rows}}
ON CONFLICT (pair_id, item_id) DO UPDATE SET
    asked = {TABLE}.asked + 1, attempts = 0, due_at = {{sooner}}({TABLE}.due_at, excluded.due_at)
"""  # noqa: S608 - made of our own table's name


def ask(pair: ProjectPair, item_id: str = "", delay: timedelta = FOLD, reason: str = "") -> None:
    """Say that an item (or, without one, the whole pair) has to be looked at. Any number of wishes make one look."""
    ask_all([(pair.pk, item_id)], delay, reason)


def ask_all(wishes: Collection[tuple[UUID, str]], delay: timedelta = FOLD, reason: str = "") -> None:
    """Say it of many: ``(pair's id, item's id or "")``.

    One statement: wishes come in bursts, and a worker may be finishing with a row at this moment. The earlier time stays,
    so that wishes without end cannot put the look off.
    """
    if not wishes:
        return
    due_at, rows = _prepared("due_at", timezone.now() + delay), sorted(set(wishes), key=str)  # one order: no deadlock
    values = [part for pair, item_id in rows for part in (_prepared("pair", pair), item_id, due_at, reason[:200])]
    places = ", ".join(["(%s, %s, 1, %s, 0, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(ASK.format(rows=places, sooner="LEAST" if connection.vendor == "postgresql" else "min"), values)
    for task in sorted({"sync.work_due" if item_id else "sync.work_pairs" for _, item_id in rows}):
        wake(task)


def _prepared(field: str, value: object) -> Any:
    return Due._meta.get_field(field).get_db_prep_save(value, connection)  # type: ignore[union-attr]


def ask_everything(installation: Installation) -> None:
    """Look at every pair of a workspace: after a reinstall or a reconnect nobody knows what was missed.

    It counts as the first look, so that no webhook is blamed for what it could not tell meanwhile.
    """
    pairs = ProjectPair.objects.filter(connection__installation=installation)
    pairs.update(reconciled_at=None)
    for pair in pairs.filter(enabled=True):
        ask(pair, reason="connected again")


def workable() -> QuerySet[Due]:
    """Rows whose connection may be used now."""
    now = timezone.now()
    return (
        Due.objects.filter(pair__enabled=True, pair__connection__status=Connection.Status.ACTIVE)
        .filter(pair__connection__installation__status="active")
        .exclude(pair__connection__paused_until__gt=now)
    )


def work_batch(whole: bool) -> int:
    """Work off a batch of due rows: whole pairs, or single items; gives their number."""
    rows = workable()
    limit, task = (1, "sync.work_pairs") if whole else (BATCH, "sync.work_due")
    claimed = claim(rows.filter(item_id="") if whole else rows.exclude(item_id=""), limit)
    if len(claimed) == limit:
        wake(task)  # there may be more: another worker looks beside us
    for row in claimed:
        _work(row)
    return len(claimed)


def _work(row: Due) -> None:
    pair = ProjectPair.objects.select_related("connection__installation").get(pk=row.pair_id)
    with structlog.contextvars.bound_contextvars(pair=str(pair.pk), item=row.item_id):
        try:
            if row.item_id:
                outcome = engine.run_item(pair, row.item_id)
                failed = outcome.failed.get(row.item_id)
                if failed is not None and failed.code == "outcome_unknown":
                    raise RetryLater(str(failed), delay=5)
            else:
                with sweeping(Patience(row)):
                    engine.run_pair(pair)
        except Reserved as error:
            _stand_aside(row, error)
        except OutOfQuota as error:
            _pause(row, pair, error)
        except ReconnectNeeded as error:
            _park(row, pair, error)
        except RetryLater as error:
            _again(row, pair, error)
        except GroundcrewError as error:
            _say(row, pair, error)
            _done(row)
        except Exception as error:  # whatever breaks for one item, the others go on and this one comes back
            log.exception("sync broke")
            _again(row, pair, RetryLater(f"{type(error).__name__} on our side", person=GroundcrewError.default_person))
        else:
            _done(row)


def _done(row: Due) -> None:
    """Forget the row, unless somebody asked again meanwhile: then it is due once more."""
    if not Due.objects.filter(pk=row.pk, asked=row.asked).delete()[0]:
        Due.objects.filter(pk=row.pk).update(claimed_at=None)


def _stand_aside(row: Due, error: Reserved) -> None:
    """What is left of the limit is for live work: only this row waits, the connection goes on."""
    log.info("sweep waits for quota", delay=error.delay)
    until = timezone.now() + timedelta(seconds=error.delay or QUOTA_PAUSE)
    Due.objects.filter(pk=row.pk).update(claimed_at=None, due_at=until)


def _pause(row: Due, pair: ProjectPair, error: OutOfQuota) -> None:
    until = timezone.now() + timedelta(seconds=error.delay or QUOTA_PAUSE)
    Connection.objects.filter(pk=pair.connection_id).update(paused_until=until)
    Due.objects.filter(pk=row.pk).update(claimed_at=None, due_at=until)
    _say(row, pair, error)


def _park(row: Due, pair: ProjectPair, error: ReconnectNeeded) -> None:
    """The row waits until the connection is mended: ``workable`` leaves it out until then.

    Where a refusal did not reach the connection's status, it is looked at again after a while, not at once for ever.
    """
    Due.objects.filter(pk=row.pk).update(claimed_at=None, due_at=timezone.now() + timedelta(seconds=PARKED_SECONDS))
    _say(row, pair, error)


def _again(row: Due, pair: ProjectPair, error: RetryLater) -> None:
    attempts = row.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        _say(row, pair, error)
        _done(row)  # the reconcile sweep comes by again
        return
    wait = timedelta(seconds=error.delay) if error.delay else backoff(attempts)
    Due.objects.filter(pk=row.pk).update(claimed_at=None, attempts=attempts, due_at=timezone.now() + wait)
    if attempts == 1 and error.code != Busy.code:  # that is between us and us
        _say(row, pair, error)


def _say(row: Due, pair: ProjectPair, error: GroundcrewError) -> None:
    log.warning("sync held up", code=error.code, detail=str(error))
    note(pair, error.code, error.person, item_id=row.item_id)
