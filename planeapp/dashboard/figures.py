"""What the charts of the overview are drawn from: what happened in a workspace on each of the last days.

A day that is over does not change any more, so its figures are counted once and remembered for a day; each look counts
today alone. (What is finished or given up later than ``SETTLED`` after midnight counts from the next counting on.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db.models import Case, CharField, Count, F, Q, QuerySet, Sum, UUIDField, Value, When
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.installations.models import CallCount, Installation
from planeapp.sync.models import TimelineEntry

DAYS = 14
SETTLED = timedelta(hours=1)
REMEMBERED_SECONDS = 24 * 3600
VERSION = 1
DONE = {"created", "updated", "linked", "rule"}
FAILED = {"error", "failed", "fix_settings", "reconnect_needed", "scope_missing", "tools_changed", "guard", "namesake"}
LATER = {"retry_later", "waiting_for_quota", "outcome_unknown"}
LAGS = {"lag0": timedelta(seconds=5), "lag1": timedelta(minutes=1), "lag2": timedelta(minutes=10)}
"""How long a message waited until it was worked on, at most; ``lag3`` is longer."""
Day = dict[str, int]
"""``kind|connection`` → how many. Kinds: ``done``, ``failed``, ``later``, ``dead``, ``lag0`` to ``lag3``, ``calls``, and
``busiest`` (calls in the busiest hour)."""


@dataclass(frozen=True)
class Figures:
    """Figures by day, oldest first, and the keys of the tokens that were used lately (see ``budgets.now``)."""

    days: Mapping[date, Day]
    keys: frozenset[str]

    def values(self, kind: str, connection: object = "") -> tuple[int, ...]:
        """One number per day. ``connection`` is an id, ``""`` for Plane's calls and for all of the workspace."""
        return tuple(day.get(f"{kind}|{connection}", 0) for day in self.days.values())


def of(installation: Installation) -> Figures:
    """The last ``DAYS`` days in the workspace's zone: one question to the database, one to the cache."""
    zone, now = ZoneInfo(installation.zone), timezone.now()
    today = now.astimezone(zone).date()
    wanted = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    name = f"overview:{VERSION}:{installation.pk}:{installation.zone}"
    known: dict[date, Day] = cache.get(name) or {}
    since = next(day for day in wanted if day not in known)
    rows = list(_rows(installation, datetime.combine(since, time(), zone), zone))
    fresh = _by_day(rows, zone)
    days = {day: fresh.get(day, {}) if day >= since else known[day] for day in wanted}
    over = {day: some for day, some in days.items() if _end(day, zone) + SETTLED < now}
    if over.keys() - known.keys():
        cache.set(name, over, REMEMBERED_SECONDS)
    return Figures(days, frozenset(str(row["what"]) for row in rows if row["part"] == "calls"))


def _end(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _rows(installation: Installation, since: datetime, zone: ZoneInfo) -> QuerySet[Any, dict[str, Any]]:
    """``part, moment, who, what, number``: what happened to items and messages by day, and calls by hour."""
    entries = TimelineEntry.objects.filter(installation=installation, at__gte=since, code__in=DONE | FAILED | LATER)
    messages = Delivery.objects.filter(installation=installation, received_at__gte=since)
    counts = CallCount.objects.filter(installation=installation, hour__gte=since)
    parts = [
        _columns("entry", entries, TruncDay("at", tzinfo=zone), F("connection_id"), F("code"), Count("*")),
        _columns("message", messages, TruncDay("received_at", tzinfo=zone), _nobody(), _outcome(), Count("*")),
        _columns("calls", counts, TruncHour("hour", tzinfo=zone), F("connection_id"), F("key"), Sum("calls")),
    ]
    return parts[0].union(*parts[1:], all=True)


def _columns(
    part: str, rows: QuerySet[Any], moment: Any, who: Any, what: Any, number: Any
) -> QuerySet[Any, dict[str, Any]]:
    named = rows.order_by().values(
        part=Value(part, output_field=CharField()), moment=moment, who=who, what=what,
    )  # fmt: skip
    return named.annotate(number=number)  # type: ignore[no-any-return]


def _nobody() -> Any:
    return Value(None, output_field=UUIDField())


def _outcome() -> Any:
    """What became of a message: given up, still open, or how long it waited."""
    steps = [When(finished_at__lte=F("received_at") + lag, then=Value(name)) for name, lag in LAGS.items()]
    unworked = When(Q(finished_at=None) | ~Q(state__in=["handled", "ignored"]), then=Value("open"))
    given_up = When(state=Delivery.State.DEAD, then=Value("dead"))
    return Case(given_up, unworked, *steps, default=Value("lag3"), output_field=CharField())


def _by_day(rows: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> dict[date, Day]:
    found: dict[date, Day] = defaultdict(lambda: defaultdict(int))
    hours: dict[tuple[datetime, str], int] = defaultdict(int)
    for row in rows:
        day, who = row["moment"].astimezone(zone).date(), str(row["who"] or "")
        if row["part"] == "calls":
            hours[row["moment"], who] += row["number"]
        else:
            found[day][f"{_kind(row['what'])}|{who}"] += row["number"]
    for (hour, who), number in hours.items():
        day = found[hour.astimezone(zone).date()]
        day[f"calls|{who}"] += number
        day[f"busiest|{who}"] = max(day[f"busiest|{who}"], number)
    return {day: dict(some) for day, some in found.items()}


def _kind(what: str) -> str:
    """A code of the timeline as what it means here; outcomes of messages as they are."""
    return next((name for name, codes in (("done", DONE), ("failed", FAILED), ("later", LATER)) if what in codes), what)
