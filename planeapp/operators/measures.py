"""What ``/metrics`` shows, each time read anew from the database (and Redis): every web process gives the same figures.

At most ten queries, each about as dear as what a worker asks every ten seconds. Labels name vendors, queues and states,
never a workspace, a connection or a person.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, F, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from planeapp.bot.answering import open_turns
from planeapp.customers import errands
from planeapp.customers.models import Firing
from planeapp.inbox.models import Delivery
from planeapp.inbox.work import open_deliveries
from planeapp.installations import budgets
from planeapp.installations.models import CallCount, Connection, Credential, Installation, Silence
from planeapp.lib.budget import Terms, Window
from planeapp.lib.prometheus import Family
from planeapp.operators import signs
from planeapp.plane.quota import TERMS
from planeapp.providers import PROVIDERS, provider_class
from planeapp.sync import due, jobs
from planeapp.sync.models import Conflict, SyncRun

RECENT = timedelta(minutes=5)
HOUR = timedelta(hours=1)
PLANE = "plane"


def families() -> Iterator[Family]:
    """All of them."""
    now = timezone.now()
    yield from _queues(now)
    yield from _ingest(now)
    yield from _calls(now)
    yield from _tokens(now)
    yield _runs(now)
    yield from _open()
    yield _standing()
    yield _workers()


def queue_rows(now: datetime) -> list[tuple[str, str, int, float]]:
    """``(queue, what, rows that wait, seconds for which the oldest is overdue)``. One query.

    Work of a connection that is paused or has to be connected anew does not count: nobody could do it.
    """
    waiting = {
        ("inbox", "deliveries"): open_deliveries(),
        ("bot", "turns"): open_turns(),
        ("live", "items"): due.workable().exclude(item_id=""),
        ("bulk", "pairs"): due.workable().filter(item_id=""),
        ("bulk", "jobs"): jobs.workable(),
        ("bulk", "errands"): errands.workable(),
        ("bulk", "firings"): _firings(),
    }
    parts = [_waiting(queue, what, rows, now) for (queue, what), rows in waiting.items()]
    found = parts[0].union(*parts[1:], all=True)
    return [(row["queue"], row["what"], row["rows"], _age(row["oldest"], now)) for row in found]


def _firings() -> QuerySet[Firing]:
    return Firing.objects.filter(
        state=Firing.State.WAITING, rule__enabled=True, rule__connection__status=Connection.Status.ACTIVE
    )


def _waiting(queue: str, what: str, rows: QuerySet[Any], now: datetime) -> Any:
    """One row, also when nothing waits."""
    named = rows.order_by().annotate(queue=_text(queue), what=_text(what)).values("queue", "what")
    return named.annotate(rows=Count("*"), oldest=Min("due_at", filter=Q(due_at__lte=now)))


def _text(word: str) -> Value:
    return Value(word, output_field=CharField())


def _age(at: datetime | None, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0) if at else 0.0


def _queues(now: datetime) -> Iterator[Family]:
    length = Family("groundcrew_queue_length", "Rows that wait for a worker.")
    age = Family("groundcrew_queue_age_seconds", "For how long the oldest waiting row has been due.")
    for queue, what, rows, seconds in queue_rows(now):
        length.add(rows, queue=queue, work=what)
        age.add(seconds, queue=queue, work=what)
    yield from (length, age)


def _ingest(now: datetime) -> Iterator[Family]:
    recent = Family("groundcrew_deliveries_recent", "Deliveries received in the last 5 minutes, by how they stand.")
    rows = Delivery.objects.filter(received_at__gte=now - RECENT).order_by()
    for row in rows.values("source", "connection__provider", "state").annotate(number=Count("*")):
        source = row["connection__provider"] or row["source"]
        recent.add(row["number"], source=source, outcome=row["state"])
    dead = Family("groundcrew_dead_letters", "Deliveries that were given up and are still kept.")
    dead.add(dead_letters())
    yield from (recent, dead)


def dead_letters() -> int:
    """How many deliveries of known workspaces were given up: asked per workspace, which an index answers."""
    mine = Delivery.objects.filter(installation=OuterRef("pk"), state=Delivery.State.DEAD).order_by()
    number = mine.values("installation").annotate(number=Count("*")).values("number")
    rows = Installation.objects.annotate(dead=Coalesce(Subquery(number), 0)).aggregate(sum=Sum("dead"))
    return rows["sum"] or 0


def _calls(now: datetime) -> Iterator[Family]:
    """Calls of the hour, and how the tokens that were used of late stand with the vendor's limit."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    made: dict[tuple[str, str], int] = defaultdict(int)
    refused: dict[tuple[str, str], int] = defaultdict(int)
    tokens: dict[str, str] = {}
    rows = CallCount.objects.filter(hour__gte=this_hour - HOUR)
    for key, provider, purpose, hour, calls, away in rows.values_list(
        "key", "connection__provider", "purpose", "hour", "calls", "refused"
    ):
        vendor = provider or PLANE
        tokens[key] = vendor
        if hour == this_hour:
            made[vendor, purpose] += calls
            refused[vendor, purpose] += away
    yield _counter("groundcrew_vendor_calls_total", "Calls to a vendor; begins anew with each hour of UTC.", made)
    yield _counter("groundcrew_vendor_calls_refused_total", "Calls that the vendor turned away (429).", refused)
    yield from _budgets(tokens)


def _counter(name: str, text: str, values: dict[tuple[str, str], int]) -> Family:
    family = Family(name, text, "counter")
    for (vendor, purpose), number in sorted(values.items()):
        family.add(number, vendor=vendor, purpose=purpose)
    return family


def _budgets(tokens: dict[str, str]) -> Iterator[Family]:
    known = Family("groundcrew_vendor_tokens", "Tokens that were used in this hour or the last.")
    most = Family("groundcrew_vendor_budget_used_ratio", "Of the token that has least left: used part of its limit.")
    paused = Family("groundcrew_vendor_tokens_paused", "Tokens that the vendor wants no call with just now (429).")
    windows: dict[str, list[Window]] = defaultdict(list)
    at = time.time()
    for key, text in budgets.store().read_many(sorted(tokens)).items():
        windows[tokens[key]].append(Window.load(text, _terms(tokens[key]), at))
    for vendor in (PLANE, *sorted(PROVIDERS)):
        known.add(len([one for one in tokens.values() if one == vendor]), vendor=vendor)
        most.add(max((_used(window) for window in windows[vendor]), default=0.0), vendor=vendor)
        paused.add(sum(window.shut_until > at for window in windows[vendor]), vendor=vendor)
    yield from (known, most, paused)


def _terms(vendor: str) -> Terms:
    return provider_class(vendor).terms if vendor in PROVIDERS else TERMS


def _used(window: Window) -> float:
    return (window.used + window.others) / window.limit if window.limit else 0.0


def _tokens(now: datetime) -> Iterator[Family]:
    states = Family("groundcrew_credentials", "Stored credentials by what they are and how they stand.")
    renewed = Family("groundcrew_token_refreshes_recent", "Credentials that were granted or renewed in the last hour.")
    fresh = Count("pk", filter=Q(refreshed_at__gte=now - HOUR))
    numbers: dict[str, int] = defaultdict(int)
    rows = Credential.objects.order_by().values("slot", "state").annotate(number=Count("*"), fresh=fresh)
    for row in rows:
        states.add(row["number"], slot=row["slot"], state=row["state"])
        numbers[row["slot"]] += row["fresh"]
    for slot, number in sorted(numbers.items()):
        renewed.add(number, slot=slot)
    yield from (states, renewed)


def _runs(now: datetime) -> Family:
    family = Family("groundcrew_runs_recent", "Runs that began in the last hour, by kind and how they stand.")
    rows = SyncRun.objects.filter(started_at__gte=now - HOUR).order_by()
    for row in rows.values("kind", "state").annotate(number=Count("*")):
        family.add(row["number"], kind=row["kind"], state=row["state"])
    return family


def _open() -> Iterator[Family]:
    """What waits for a person. One query."""
    conflicts = _named("conflicts", Conflict.objects.filter(closed_at=None))
    silences = _named("silences", Silence.objects.exclude(told_at=None))
    stopped = _named("firings_held", Firing.objects.filter(state=Firing.State.HELD))
    numbers = {row["what"]: row["number"] for row in conflicts.union(silences, stopped, all=True)}
    yield _one("groundcrew_conflicts_open", "Conflicts that nobody has answered.", numbers["conflicts"])
    yield _one("groundcrew_silences", "Webhooks that fell silent, so that admins were told.", numbers["silences"])
    yield _one("groundcrew_firings_held", "Rules' actions that are held back.", numbers["firings_held"])


def _named(what: str, rows: QuerySet[Any]) -> Any:
    return rows.order_by().annotate(what=_text(what)).values("what").annotate(number=Count("*"))


def _one(name: str, text: str, value: float) -> Family:
    family = Family(name, text)
    family.add(value)
    return family


def _standing() -> Family:
    """Installations (vendor ``plane``) and connections. One query."""
    family = Family("groundcrew_connections", "Installations (vendor plane) and connections by status.")
    ours = _by_status(Installation.objects.annotate(vendor=_text(PLANE)))
    theirs = _by_status(Connection.objects.annotate(vendor=F("provider")))
    for row in ours.union(theirs, all=True):
        family.add(row["number"], vendor=row["vendor"], status=row["status"])
    return family


def _by_status(rows: QuerySet[Any]) -> Any:
    return rows.order_by().values("vendor", "status").annotate(number=Count("*"))


def _workers() -> Family:
    family = Family("groundcrew_workers", "Processes that gave a sign of life within the last minute, by queue.")
    for queue, number in signs.alive().items():
        family.add(number, queue=queue)
    return family
