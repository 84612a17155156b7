"""Replay: deliveries that came to an end go back to the queue and are worked on once more.

The work itself is harmless to repeat: a delivery that is replayed repeats nobody but itself, a mention has one turn, an item
is looked at once however often it is asked for. So replaying twice is replaying once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.inbox.work import FINAL
from planeapp.installations import audit
from planeapp.installations.models import Installation
from planeapp.lib.errors import Refused
from planeapp.lib.wake import wake

LIMIT = 10_000
CHUNK = 500
ENDED = Q(state__in=FINAL) | Q(state=Delivery.State.FAILED, claimed_at=None)
NAMED = 20


@dataclass(frozen=True)
class Outcome:
    """How many deliveries were put back, and how many wait or are in hand anyway."""

    replayed: int
    left_alone: int


def ended(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Those that a replay would put back."""
    return rows.filter(ENDED)


def replay(
    rows: QuerySet[Delivery], installation: Installation | None, request: HttpRequest | None = None, **which: Any
) -> Outcome:
    """Put ``rows`` back, all or none, with one entry in the audit log; ``which`` says there what was asked for.

    Reach the rows through their workspace (``installation.deliveries``). Without an installation it is the operator's
    doing. Raises Refused when they are more than ``LIMIT``.
    """
    with transaction.atomic():
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[: LIMIT + 1])
        if len(ids) > LIMIT:
            told = f"These are more than {LIMIT:,} deliveries. Replay them in parts, by a shorter time range."
            raise Refused(f"more than {LIMIT} deliveries", person=told)
        done = sum(_put_back(ids[at : at + CHUNK]) for at in range(0, len(ids), CHUNK))
        outcome = Outcome(done, len(ids) - done)
        audit.record(
            "replayed", installation, request, **which, replayed=outcome.replayed, left_alone=outcome.left_alone
        )
        wake("inbox.work")
    return outcome


def named(ids: Sequence[UUID]) -> str:
    """Ids as the audit log names them; of many only the first."""
    told = ", ".join(str(one) for one in ids[:NAMED])
    return f"{told} and {len(ids) - NAMED} more" if len(ids) > NAMED else told


def _put_back(ids: Sequence[UUID]) -> int:
    """Locked in one order, so that two replays of the same rows wait for each other."""
    found = Delivery.objects.select_for_update().filter(ENDED, pk__in=ids).order_by("pk")
    held = list(found.values_list("pk", flat=True))
    return Delivery.objects.filter(pk__in=held).update(
        state=Delivery.State.WAITING, reason="", attempts=0, due_at=timezone.now(), finished_at=None
    )
