"""Doing what fired rules have decided: one firing at a time, one step at a time, each remembered when it is done.

Who is killed between two steps goes on at the next; who is killed within a step repeats it, which changes nothing that is
there (see ``actions``). One firing that fails leaves the others alone.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.customers import errands
from planeapp.customers.actions import Turn, perform
from planeapp.customers.models import Firing
from planeapp.installations.models import Connection
from planeapp.lib.claims import backoff, claim
from planeapp.lib.errors import GroundcrewError, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.sync.models import TimelineEntry

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 20
TURN_SECONDS = 60.0
SOON = timedelta(minutes=5)


def work_off(connection: Connection) -> None:
    """Do what is due, oldest first, for ``TURN_SECONDS``.

    Raises OutOfQuota and ReconnectNeeded as they come (the firing waits), RetryLater when one has to be tried again soon.
    """
    began = time.monotonic()
    while time.monotonic() - began < TURN_SECONDS:
        claimed = claim(workable(connection), 1)
        if not claimed:
            _come_back(connection)
            return
        with structlog.contextvars.bound_contextvars(firing=str(claimed[0].pk)):
            _work(claimed[0])
    errands.ask(connection, "fire")


def workable(connection: Connection) -> QuerySet[Firing]:
    """The connection's firings that are to be done; those of rules that are switched off are not."""
    return Firing.objects.filter(rule__connection=connection, rule__enabled=True, state=Firing.State.WAITING)


def _come_back(connection: Connection) -> None:
    now = timezone.now()
    later = (
        workable(connection).filter(claimed_at=None, due_at__gt=now, due_at__lt=now + SOON).order_by("due_at").first()
    )
    if later is not None:
        wait = (later.due_at - timezone.now()).total_seconds()
        raise RetryLater("a firing waits for its next try", delay=max(wait, 0.0) + 0.01, person=later.detail)


def _work(firing: Firing) -> None:
    try:
        while firing.done < len(firing.plan):
            _step(firing)
    except (OutOfQuota, ReconnectNeeded) as error:
        _held(firing).update(claimed_at=None, detail=error.person[:500])
        raise
    except RetryLater as error:
        _later(firing, error)
    except OutcomeUnknown as error:  # every step looks before it writes, so it is taken up again
        _later(firing, RetryLater(str(error), person=error.person))
    except GroundcrewError as error:
        log.warning("firing failed", code=error.code, detail=str(error))
        _finish(firing, Firing.State.FAILED, error.person)
    except Exception as error:  # whatever breaks for one firing, the others go on and this one comes back
        log.exception("firing broke")
        _later(firing, RetryLater(f"{type(error).__name__} on our side", person=GroundcrewError.default_person))
    else:
        _finish(firing, Firing.State.DONE)


def _step(firing: Firing) -> None:
    """Do the next step and remember it; what it says of single work items is remembered after each of these."""
    number = firing.done
    if len(firing.results) == number:
        firing.results.append({"items": {}})
    told: dict[str, str] = firing.results[number]["items"]
    mark = f"rule:{firing.pk}:{number}"
    found = perform(Turn(
        firing.rule.connection, firing.company, mark, firing.plan[number], told,
        keep=lambda: _save(firing), beat=lambda: _beat(firing),
    ))  # fmt: skip
    firing.results[number] = {"items": told, **found}
    firing.done += 1
    with transaction.atomic():
        _save(firing)
        if "item" in found:
            _note(firing, found)


def _beat(firing: Firing) -> None:
    """Renew the claim. RetryLater when the firing is not ours any more: another worker has it, or a person dropped it."""
    now = timezone.now()
    if not _held(firing).update(claimed_at=now):
        raise RetryLater(f"firing {firing.pk} is not ours any more")
    firing.claimed_at = now


def _save(firing: Firing) -> None:
    if not _held(firing).update(done=firing.done, results=firing.results):
        raise RetryLater(f"firing {firing.pk} is not ours any more")


def _later(firing: Firing, error: RetryLater) -> None:
    attempts = firing.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        _finish(firing, Firing.State.FAILED, error.person)
        return
    log.info("firing waits", code=error.code, detail=str(error))
    wait = timedelta(seconds=error.delay) if error.delay else backoff(attempts)
    _held(firing).update(
        claimed_at=None, attempts=attempts, due_at=timezone.now() + wait, detail=error.person[:500]
    )  # fmt: skip


def _finish(firing: Firing, state: str, detail: str = "") -> None:
    _held(firing).update(state=state, detail=detail[:500], finished_at=timezone.now(), claimed_at=None)


def _held(firing: Firing) -> QuerySet[Firing]:
    """The firing while it is ours and still to be done."""
    return Firing.objects.filter(pk=firing.pk, claimed_at=firing.claimed_at, state=Firing.State.WAITING)


def _note(firing: Firing, made: dict[str, Any]) -> None:
    connection, company = firing.rule.connection, firing.company
    TimelineEntry.objects.create(
        installation=connection.installation, connection=connection, item_id=made["item"], item_key=made["key"], code="rule",
        text=f"Made by the rule “{firing.rule.name}” for {company.name}."[:500], data={"firing": str(firing.pk)},
    )  # fmt: skip
