"""Works off errands.

Calls made for an errand are a sweep's: they leave room for work behind which a person waits. Whatever stops it (a limit, a
vendor that is down, a killed worker), the row stays and the work goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.customers.book import connections, has_companies
from planeapp.customers.errands import TASK, workable
from planeapp.customers.models import Errand
from planeapp.customers.work import KINDS
from planeapp.lib.budget import sweeping
from planeapp.lib.claims import backoff, claim
from planeapp.lib.errors import GroundcrewError, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.lib.wake import wake
from planeapp.sync.patience import Patience

log = structlog.get_logger(__name__)
QUOTA_PAUSE = 60.0
PARKED = timedelta(minutes=5)
LONGEST_WAIT = 60.0
MAX_ATTEMPTS = 10


def plan() -> int:
    """Give every connection with companies its recurring errands; gives the number of new ones.

    The first ones come at once, in the order of ``KINDS``: what is read is there before it is matched.
    """
    now, wanted = timezone.now(), []
    recurring = [kind for kind, errand in KINDS.items() if errand.every is not None]
    for connection in filter(has_companies, connections()):
        known = set(Errand.objects.filter(connection=connection, key="").values_list("kind", flat=True))
        wanted += [Errand(connection=connection, kind=kind, due_at=now) for kind in recurring if kind not in known]
    Errand.objects.bulk_create(wanted, ignore_conflicts=True)
    if wanted:
        wake(TASK)
    return len(wanted)


def work_one() -> Errand | None:
    """Do the errand that is due first; None when nothing is due."""
    claimed = claim(workable(), 1)
    if not claimed:
        return None
    row = Errand.objects.select_related("connection__installation").get(pk=claimed[0].pk)
    wake(TASK)  # there may be more: another worker looks beside us
    with structlog.contextvars.bound_contextvars(errand=row.kind, connection=row.connection_id):
        _work(row)
    return row


def _work(row: Errand) -> None:
    errand = KINDS.get(row.kind)
    if errand is None or not has_companies(row.connection):
        _over(row, None)
        return
    try:
        with sweeping(Patience(row, LONGEST_WAIT), name=errand.purpose):
            errand.work(row.connection, row.key)
    except ReconnectNeeded as error:
        _wait(row, error, PARKED)
    except RetryLater as error:
        _again(row, error)
    except GroundcrewError as error:
        log.warning("errand ends", code=error.code, detail=str(error))
        _over(row, errand.every, error.person)
    except Exception as error:  # whatever breaks in one errand, the others go on and this one comes back
        log.exception("errand broke")
        _again(row, RetryLater(f"{type(error).__name__} on our side", person=GroundcrewError.default_person))
    else:
        _over(row, errand.every)


def _again(row: Errand, error: RetryLater) -> None:
    """Later: when the limit allows it, or after a while that grows."""
    if isinstance(error, OutOfQuota):
        # Whose limit it is (the vendor's or Plane's) the budgets know; what needs no call of theirs may go on.
        _wait(row, error, timedelta(seconds=error.delay or QUOTA_PAUSE))
        return
    attempts = row.attempts + 1
    every = KINDS[row.kind].every
    if attempts >= MAX_ATTEMPTS and every is None:
        log.error("errand given up", code=error.code, detail=str(error))
        _held(row).delete()
        return
    wait = timedelta(seconds=error.delay) if error.delay else backoff(attempts)
    _wait(row, error, wait, attempts)


def _wait(row: Errand, error: GroundcrewError, delay: timedelta, attempts: int | None = None) -> None:
    log.info("errand waits", code=error.code, detail=str(error), seconds=delay.total_seconds())
    changes: Mapping[str, object] = {} if attempts is None else {"attempts": attempts}
    _held(row).update(claimed_at=None, due_at=timezone.now() + delay, detail=error.person[:500], **changes)


def _over(row: Errand, every: timedelta | None, detail: str = "") -> None:
    """Done for this time. Asked for again meanwhile, it is due once more."""
    mine = _held(row).filter(asked=row.asked)
    if every is None and not detail:
        done = mine.delete()[0]
    else:
        later = timezone.now() + (every or timedelta(days=1))
        done = mine.update(claimed_at=None, attempts=0, due_at=later, detail=detail[:500])
    if not done:
        _held(row).update(claimed_at=None)


def _held(row: Errand) -> QuerySet[Errand]:
    """The row while it is ours."""
    return Errand.objects.filter(pk=row.pk, claimed_at=row.claimed_at)
