"""The budget of each token: in Redis where there is one, else in our own database (embedded, one machine)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial, reduce
from operator import or_
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from planeapp.installations import calls
from planeapp.installations.models import CallCount, CallWindow, Connection, Installation
from planeapp.lib import budget
from planeapp.lib.budget import Budget
from planeapp.lib.budget_redis import RedisStore
from planeapp.plane.quota import TERMS
from planeapp.providers import provider_class
from planeapp.providers.base import BudgetFunction

T = TypeVar("T")
KEPT = timedelta(days=1)
COUNTS_KEPT = timedelta(days=90)
PLANE_SLOT = "bot"


class Store(budget.Store, Protocol):
    """A store that can forget, and be read at once for many."""

    def read_many(self, keys: Sequence[str]) -> dict[str, str | bytes | None]:
        """What is kept under each of ``keys``; empty when the store cannot be reached."""

    def forget(self, owners: Collection[str]) -> object:
        """Delete every window whose key is ``<owner>:…``."""


class TableStore:
    """Windows as rows of a table."""

    def change(self, key: str, turn: Callable[[str | bytes | None], tuple[str, T]]) -> T | None:
        """See :class:`planeapp.lib.budget.Store`."""
        with transaction.atomic():
            CallWindow.objects.get_or_create(key=key)
            row = CallWindow.objects.select_for_update().get(key=key)
            row.state, result = turn(row.state)
            row.save()
        return result

    def read(self, key: str) -> str | bytes | None:
        """See :class:`planeapp.lib.budget.Store`."""
        return CallWindow.objects.filter(key=key).values_list("state", flat=True).first()

    def read_many(self, keys: Sequence[str]) -> dict[str, str | bytes | None]:
        """What is kept under each of ``keys``; None where nothing is."""
        found = dict(CallWindow.objects.filter(key__in=keys).values_list("key", "state"))
        return {key: found.get(key) for key in keys}

    def forget(self, owners: Collection[str]) -> int:
        """Delete every window whose key is ``<owner>:…``; gives their number."""
        theirs = reduce(or_, (Q(key__startswith=f"{owner}:") for owner in owners), Q(pk__in=()))
        return CallWindow.objects.filter(theirs).delete()[0]


@cache
def _redis(url: str) -> RedisStore:
    return RedisStore(url)


def store() -> Store:
    """Where this process keeps count."""
    return _redis(settings.REDIS_URL) if settings.REDIS_URL else TableStore()


def of_installation(installation: Installation, slot: str = PLANE_SLOT) -> Budget:
    """Plane's calls with a token of an installation."""
    token = calls.Token(installation.pk, None, f"{installation.pk}:{slot}")
    return Budget(token.key, store(), TERMS, calls.TokenTally(token))


def _of_connection(connection: Connection, slot: str = "main") -> Budget:
    token = calls.Token(connection.installation_id, connection.pk, f"{connection.pk}:{slot}")
    return Budget(token.key, store(), provider_class(connection.provider).terms, calls.TokenTally(token))


def of_connection(connection: Connection) -> BudgetFunction:
    """A provider's calls with the tokens of a connection, by slot."""
    return partial(_of_connection, connection)


class Calls(NamedTuple):
    """A number of calls, and how many of them the vendor turned away (429)."""

    calls: int = 0
    refused: int = 0

    def and_more(self, more: Calls) -> Calls:
        """Both together."""
        return Calls(self.calls + more.calls, self.refused + more.refused)


@dataclass(frozen=True)
class Used:
    """The calls of a connection (None: Plane's) for one purpose."""

    connection: UUID | None
    purpose: str
    total: Calls


def used(installation: Installation, days: int = 14) -> list[Used]:
    """What the calls of the last days were made for: Plane's first, then by connection; the most frequent purpose first.

    Only looks. What other processes counted in the last seconds may be missing.
    """
    since = timezone.now() - timedelta(days=days)
    rows = CallCount.objects.filter(installation=installation, hour__gte=since).order_by()
    found: dict[tuple[UUID | None, str], Calls] = defaultdict(Calls)
    for row in rows.values("connection", "purpose").annotate(made=Sum("calls"), away=Sum("refused")):
        found[row["connection"], row["purpose"]] = Calls(row["made"], row["away"])
    for kind, made, away in calls.held.of(installation.pk):
        key = kind.token.connection, kind.purpose
        found[key] = found[key].and_more(Calls(made, away))
    every = [Used(connection, purpose, total) for (connection, purpose), total in found.items()]
    return sorted(every, key=lambda one: (str(one.connection or ""), -one.total.calls, one.purpose))


@dataclass(frozen=True)
class Standing:
    """How the limit of one token stands.

    ``limit`` calls in ``seconds`` (None: not known), of which ``used`` are ours and ``others`` somebody else's;
    ``remaining`` are left to live work (None: not known). ``resets_at``: when all of it is free again (None: it is).
    ``paused_until``: the vendor wants no call before (429). ``sweep_rate``: calls a second that sweeps may make in the long
    run, for an ETA (None: not known). ``sweep_at``: when a sweep finds room (None: now).
    """

    connection: Connection | None
    slot: str
    limit: int | None
    seconds: float
    used: int
    others: int
    remaining: int | None
    resets_at: datetime | None
    paused_until: datetime | None
    sweep_rate: float | None
    sweep_at: datetime | None


def now(installation: Installation, lately: Collection[str] | None = None) -> list[Standing]:
    """The tokens that were used in the last day, and Plane's in any case; Plane's first. Only looks: keeps no window for it.

    ``lately``: the keys of those tokens, for whoever knows them already.
    """
    if lately is None:
        recent = CallCount.objects.filter(installation=installation, hour__gte=timezone.now() - KEPT)
        lately = set(recent.values_list("key", flat=True))
    keys = {*lately, *(kind.token.key for kind, _, _ in calls.held.of(installation.pk))}
    connections = {str(one.pk): one for one in installation.connections.all()}
    found = [_standing(None, PLANE_SLOT, of_installation(installation))]
    for owner, _, slot in sorted(key.partition(":") for key in keys):
        if owner in connections:
            found.append(_standing(connections[owner], slot, _of_connection(connections[owner], slot)))
    return found


def _standing(connection: Connection | None, slot: str, of_token: Budget) -> Standing:
    at, terms, window = time.time(), of_token.terms, of_token.window()
    room = window.share(at, terms, sweep=False)
    free_at = max([window.others_until if window.others else 0.0, *(second + terms.seconds for second in window.taken)])
    delay = window.delay(at, terms, sweep=True)
    return Standing(
        connection, slot, window.limit, terms.seconds, window.used, window.others,
        remaining=None if room is None else max(room - window.used, 0),
        resets_at=_moment(free_at, at), paused_until=_moment(window.shut_until, at),
        sweep_rate=window.rate(at, terms, sweep=True), sweep_at=_moment(at + delay, at),
    )  # fmt: skip


def _moment(seconds: float, at: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds > at else None


def erase(installation: Installation) -> int:
    """Delete the windows of all tokens of a workspace, before its connections go; gives the number of rows that went.

    Counts of calls go with the rows that they belong to.
    """
    owners = [installation.pk, *installation.connections.values_list("pk", flat=True)]
    names = [str(owner) for owner in owners]
    here = store()
    if not isinstance(here, TableStore):
        here.forget(names)
    return TableStore().forget(names)


def forget_old() -> int:
    """Delete windows that nobody has used for a day, and old counts; gives their number."""
    at = timezone.now()
    windows = CallWindow.objects.filter(updated_at__lt=at - KEPT).delete()[0]
    return windows + CallCount.objects.filter(hour__lt=at - COUNTS_KEPT).delete()[0]
