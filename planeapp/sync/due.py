"""What is due: rows that say which work item (or pair) has to be looked at, worked off by ``work_due``."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from planeapp.sync import brake, engine
from planeapp.sync import snapshot as reading
from planeapp.sync.brake import DELETED, TooManyEnds
from planeapp.sync.links import Busy
from planeapp.sync.models import Due, ProjectPair
from planeapp.sync.patience import Patience
from planeapp.sync.snapshot import Sides
from planeapp.sync.timeline import note
from planeapp.sync.told import Told, newest

log = structlog.get_logger(__name__)
FOLD = timedelta(milliseconds=300)  # one edit in Plane comes as one delivery per field, within this time
MAX_ATTEMPTS = 10
QUOTA_PAUSE = 60.0
PARKED_SECONDS = 60.0
BATCH = 8


TABLE = Due._meta.db_table
ASK = f"""
INSERT INTO {TABLE} (pair_id, item_id, asked, due_at, attempts, reason, told, told_version, told_at, only_told)
VALUES {{rows}}
ON CONFLICT (pair_id, item_id) DO UPDATE SET
    asked = {TABLE}.asked + 1, attempts = 0, due_at = {{sooner}}({TABLE}.due_at, excluded.due_at),
    told = CASE WHEN excluded.told_version > {TABLE}.told_version THEN excluded.told ELSE {TABLE}.told END,
    told_at = CASE WHEN excluded.told_version > {TABLE}.told_version THEN excluded.told_at ELSE {TABLE}.told_at END,
    told_version = CASE WHEN excluded.told_version > {TABLE}.told_version THEN excluded.told_version
        ELSE {TABLE}.told_version END,
    only_told = {TABLE}.only_told AND excluded.only_told,
    reason = CASE WHEN excluded.reason = '{DELETED}' THEN excluded.reason ELSE {TABLE}.reason END
"""  # noqa: S608 - made of our own table's name
COLUMNS = ("pair", "item_id", "due_at", "reason", "told", "told_version", "told_at", "only_told")


@dataclass(frozen=True)
class Wish:
    """A pair and a work item of it (``""``: all of it), with what a delivery told of the item."""

    pair: UUID
    item_id: str = ""
    told: Told | None = None


def ask(pair: ProjectPair, item_id: str = "", delay: timedelta = FOLD, reason: str = "") -> None:
    """Say that an item (or, without one, the whole pair) has to be looked at. Any number of wishes make one look."""
    ask_all([Wish(pair.pk, item_id)], delay, reason)


def ask_all(wishes: Collection[Wish], delay: timedelta = FOLD, reason: str = "") -> None:
    """Say it of many.

    One statement: wishes come in bursts, and a worker may be finishing with a row at this moment. The earlier time stays,
    so that wishes without end cannot put the look off.
    """
    if not wishes:
        return
    due_at, rows = timezone.now() + delay, _folded(wishes)
    values = [part for wish in rows for part in _row(wish, due_at, reason)]
    places = ", ".join(["(%s, %s, 1, %s, 0, %s, %s, %s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(ASK.format(rows=places, sooner="LEAST" if connection.vendor == "postgresql" else "min"), values)
    for task in sorted({"sync.work_due" if wish.item_id else "sync.work_pairs" for wish in rows}):
        wake(task)


def _folded(wishes: Collection[Wish]) -> list[Wish]:
    """One wish for each row, with the newest telling; always in one order, so that two workers cannot lock each other."""
    found: dict[tuple[str, str], list[Wish]] = {}
    for wish in wishes:
        found.setdefault((str(wish.pair), wish.item_id), []).append(wish)
    return [_one(found[key]) for key in sorted(found)]


def _one(wishes: list[Wish]) -> Wish:
    tellings = [wish.told for wish in wishes if wish.told is not None]
    told = newest(tellings) if len(tellings) == len(wishes) else None
    return Wish(wishes[0].pair, wishes[0].item_id, told)


def _row(wish: Wish, due_at: datetime, reason: str) -> list[Any]:
    told = wish.told or Told()
    row = (wish.pair, wish.item_id, due_at, reason[:200], told.record, told.version, timezone.now(), bool(wish.told))
    return [_prepared(name, value) for name, value in zip(COLUMNS, row, strict=True)]


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
    """Work off a batch of due rows: one whole pair, or items of one pair with one session; gives their number."""
    rows = workable().filter(item_id="") if whole else workable().exclude(item_id="")
    claimed = claim(rows, 1)
    if not claimed:
        return 0
    wake("sync.work_pairs" if whole else "sync.work_due")  # there may be more: another worker looks beside us
    if not whole:
        claimed += claim(rows.filter(pair=claimed[0].pair_id), BATCH - 1)
    pair = ProjectPair.objects.select_related("connection__installation").get(pk=claimed[0].pair_id)
    with closing(Sides(pair)) as sides:
        for row in claimed:
            if _keep(row):
                _work(row, sides)
    return len(claimed)


def _work(row: Due, sides: Sides) -> None:
    pair = sides.pair
    with structlog.contextvars.bound_contextvars(pair=str(pair.pk), item=row.item_id, run=None):
        try:
            if row.item_id:
                _look(row, sides)
            else:
                patience = Patience(row)
                with sweeping(patience):
                    engine.run_pair(pair, beat=patience.beat)
        except Reserved as error:
            _stand_aside(row, error)
        except OutOfQuota as error:
            _pause(row, pair, error)
        except ReconnectNeeded as error:
            _park(row, pair, error)
        except RetryLater as error:
            _again(row, pair, error)
        except TooManyEnds as error:
            log.warning("single looks end nothing more", detail=str(error))
            _done(row)
            if brake.hand_over(pair):
                ask(pair, reason=DELETED)  # a look at all of it counts them, stops and asks
        except GroundcrewError as error:
            _say(row, pair, error)
            _done(row)
        except Exception as error:  # whatever breaks for one item, the others go on and this one comes back
            log.exception("sync broke")
            _again(row, pair, RetryLater(f"{type(error).__name__} on our side", person=GroundcrewError.default_person))
        else:
            _done(row)


def _look(row: Due, sides: Sides) -> None:
    """Bring one item in step; a delivery that tells nothing new costs nothing."""
    told = Told.kept(row)
    if row.only_told and reading.old_news(sides, row.item_id, told):
        return
    failed = engine.run_item_of(sides, row.item_id, None, told).failed.get(row.item_id)
    if failed is not None and failed.code == "outcome_unknown":
        raise RetryLater(str(failed), delay=5)


def _held(row: Due) -> QuerySet[Due]:
    """The row while it is ours: after a long wait another worker may have it, and what that one decides counts."""
    return Due.objects.filter(pk=row.pk, claimed_at=row.claimed_at)


def _keep(row: Due) -> bool:
    """Renew the claim of a row that waited in the batch; false when another worker has it by now."""
    now = timezone.now()
    if not _held(row).update(claimed_at=now):
        return False
    row.claimed_at = now
    return True


def _done(row: Due) -> None:
    """Forget the row, unless somebody asked again meanwhile: then it is due once more."""
    if not _held(row).filter(asked=row.asked).delete()[0]:
        _held(row).update(claimed_at=None)


def _stand_aside(row: Due, error: Reserved) -> None:
    """What is left of the limit is for live work: only this row waits, the connection goes on."""
    log.info("sweep waits for quota", delay=error.delay)
    until = timezone.now() + timedelta(seconds=error.delay or QUOTA_PAUSE)
    _held(row).update(claimed_at=None, due_at=until)


def _pause(row: Due, pair: ProjectPair, error: OutOfQuota) -> None:
    _held(row).update(claimed_at=None, due_at=pause(pair, error))
    _say(row, pair, error)


def pause(pair: ProjectPair, error: OutOfQuota) -> datetime:
    """No work for this connection (others go on) until its vendor wants calls again; gives that time."""
    until = timezone.now() + timedelta(seconds=error.delay or QUOTA_PAUSE)
    Connection.objects.filter(pk=pair.connection_id).update(paused_until=until)
    return until


def _park(row: Due, pair: ProjectPair, error: ReconnectNeeded) -> None:
    """The row waits until the connection is mended: ``workable`` leaves it out until then.

    Where a refusal did not reach the connection's status, it is looked at again after a while, not at once for ever.
    """
    _held(row).update(claimed_at=None, due_at=timezone.now() + timedelta(seconds=PARKED_SECONDS))
    _say(row, pair, error)


def _again(row: Due, pair: ProjectPair, error: RetryLater) -> None:
    attempts = row.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        _say(row, pair, error)
        _done(row)  # the reconcile sweep comes by again
        return
    wait = timedelta(seconds=error.delay) if error.delay else backoff(attempts)
    _held(row).update(claimed_at=None, attempts=attempts, due_at=timezone.now() + wait)
    if attempts == 1 and error.code != Busy.code:  # that is between us and us
        _say(row, pair, error)


def _say(row: Due, pair: ProjectPair, error: GroundcrewError) -> None:
    log.warning("sync held up", code=error.code, detail=str(error))
    note(pair, error.code, error.person, item_id=row.item_id)
