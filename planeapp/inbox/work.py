"""What happens to stored deliveries: read them, find the workspace, hand each new event to its handler, write down the end.

Handlers only write rows (what is due, what was said), in the same transaction as the mark that the event was seen and the
deliveries' ends: so an event has one effect however often it is delivered and whenever a worker dies.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.inbox.models import Delivery, Happening
from planeapp.inbox.routes import FOLDED, ROUTES
from planeapp.inbox.turns import BATCH, claim_turns
from planeapp.installations.models import Installation
from planeapp.lib.claims import backoff
from planeapp.lib.errors import RetryLater
from planeapp.lib.events import Event
from planeapp.lib.texts import storable
from planeapp.lib.wake import wake
from planeapp.plane import events as plane_events
from planeapp.providers import events_of

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 8
OPEN = [Delivery.State.WAITING, Delivery.State.FAILED]
FINAL = [Delivery.State.HANDLED, Delivery.State.IGNORED, Delivery.State.DEAD]


class LostClaim(Exception):
    """We held the deliveries for too long and somebody else has them now: all that we did is taken back."""


@dataclass
class Task:
    """One event of one delivery, and how it ended. ``state`` is ``""`` while it still has to be handled."""

    delivery: Delivery
    event: Event | None
    state: str = ""
    reason: str = ""

    @property
    def kind(self) -> str:
        """What happened, in our words."""
        return self.event.kind if self.event else ""

    def end(self, state: str, reason: str = "") -> None:
        """Write down how it ended."""
        self.state, self.reason = state, reason


@dataclass
class Known:
    """Installations that a batch has met, by workspace."""

    found: dict[str, Installation | None] = field(default_factory=dict)

    def of(self, delivery: Delivery, event: Event) -> Installation | None:
        """The installation that an event belongs to."""
        if delivery.connection is not None:
            return delivery.connection.installation
        if event.workspace not in self.found:
            self.found[event.workspace] = _installation(event.workspace)
        return self.found[event.workspace]


def open_deliveries() -> QuerySet[Delivery]:
    """Deliveries that have not come to their end."""
    return Delivery.objects.filter(state__in=OPEN)


def work_batch() -> int:
    """Work on one batch of due deliveries; gives their number. Talk goes first, then who has few.

    A full batch of several workspaces calls another worker to help.
    """
    batch = claim_turns()
    share = Counter(row.lane for row in batch)
    if len(batch) >= BATCH and len(share) > 1:
        wake("inbox.work")
    batch.sort(key=lambda row: (row.rank, share[row.lane], row.lane, str(row.connection_id), row.pk))
    for _, together in groupby(batch, key=lambda row: (row.rank, row.lane, row.connection_id)):
        work_together(list(together))
    return len(batch)


def work_together(deliveries: Sequence[Delivery], first: bool = True) -> None:
    """Bring claimed deliveries of one workspace to their ends in one transaction; each alone when one of them breaks."""
    first_one = deliveries[0]
    ids = {"delivery": str(first_one.pk), "request": first_one.headers.get("x-request-id")}
    with structlog.contextvars.bound_contextvars(**ids, deliveries=len(deliveries)):
        try:
            with transaction.atomic():
                tasks = [task for delivery in deliveries for task in _tasks(delivery)]
                _handle(tasks)
                _finish(deliveries, tasks)
        except LostClaim:
            log.warning("deliveries were taken over by another worker")
        except Exception as error:  # whatever a handler raises, the row must keep it and come back
            if len(deliveries) > 1:
                for delivery in deliveries:
                    work_together([delivery])
            elif first and isinstance(error, IntegrityError):
                work_together(deliveries, first=False)  # a copy was worked on beside us: now its mark can be seen
            else:
                _failed(deliveries[0], error)


# Reading


def _tasks(delivery: Delivery) -> list[Task]:
    try:
        events = read(delivery)
    except ValueError as error:
        return [Task(delivery, None, Delivery.State.DEAD, f"unreadable: {error}")]
    tasks = [Task(delivery, event) for event in events]
    return tasks or [Task(delivery, None, Delivery.State.IGNORED, "nothing in it for us")]


def read(delivery: Delivery) -> list[Event]:
    """What a delivery means; ValueError when it cannot be read."""
    raw = bytes(delivery.body)
    if delivery.connection is not None:
        return events_of(delivery.connection.provider).read(raw)
    return plane_events.read(raw, delivery.headers)


def _installation(workspace: str) -> Installation | None:
    try:
        return Installation.objects.filter(workspace_id=uuid.UUID(workspace)).first()
    except ValueError:
        return None


# Handling


def _handle(tasks: Sequence[Task]) -> None:
    known = Known()
    for task in tasks:
        if task.event is not None:
            _sort(task, task.event, known)
    for installation, theirs in _by_installation(_open(tasks)):
        _drop_repeated(installation, theirs)
        _hand_over(installation, _open(theirs))


def _open(tasks: Iterable[Task]) -> list[Task]:
    return [task for task in tasks if not task.state]


def _sort(task: Task, event: Event, known: Known) -> None:
    """End what needs no handler, with the reason."""
    installation = task.delivery.installation = known.of(task.delivery, event)
    if installation is None:
        task.end(Delivery.State.IGNORED, "unknown workspace")
    elif installation.status == Installation.Status.UNINSTALLED:
        task.end(Delivery.State.IGNORED, "the app is uninstalled there")
    elif installation.app_bot and event.actor == str(installation.app_bot):
        task.end(Delivery.State.IGNORED, "our own change")
    elif event.kind not in ROUTES:
        task.end(Delivery.State.IGNORED, str(event.data.get("reason") or f"unknown event {event.kind}"))


def _by_installation(tasks: Sequence[Task]) -> list[tuple[Installation, list[Task]]]:
    found: dict[object, tuple[Installation, list[Task]]] = {}
    for task in tasks:
        installation = task.delivery.installation
        if installation is not None:
            found.setdefault(installation.pk, (installation, []))[1].append(task)
    return list(found.values())


def _drop_repeated(installation: Installation, tasks: Sequence[Task]) -> None:
    """End what was delivered before, and mark the rest as seen. A delivery that is replayed repeats nobody but itself."""
    seen = {row.key: row for row in Happening.objects.filter(installation=installation, key__in=_keys(tasks))}
    fresh: list[Happening] = []
    for task in tasks:
        key, earlier = _key(task), seen.get(_key(task))
        if earlier is None:
            seen[key] = Happening(installation=installation, key=key, delivery=task.delivery)
            fresh.append(seen[key])
        elif earlier.delivery_id != task.delivery.pk and not _worn_out(task, earlier):
            task.end(Delivery.State.IGNORED, "delivered before")
        elif earlier.pk:
            Happening.objects.filter(pk=earlier.pk).update(at=timezone.now(), delivery=task.delivery)
    Happening.objects.bulk_create(fresh)


def _keys(tasks: Sequence[Task]) -> list[str]:
    return [_key(task) for task in tasks]


def _key(task: Task) -> str:
    return task.event.id[:200] if task.event else ""


def _worn_out(task: Task, earlier: Happening) -> bool:
    """Whether the same key means another happening by now."""
    window = task.event.repeats_within if task.event else None
    known = earlier.at is not None  # it has none while it is of this very batch
    return window is not None and known and earlier.at < timezone.now() - timedelta(seconds=window)


def _hand_over(installation: Installation, tasks: Sequence[Task]) -> None:
    """Give each handler its events, in order: of those that fold into one piece of work, the newest."""
    by_handler: dict[tuple[str, object], dict[tuple[object, ...], list[Task]]] = {}
    for number, task in enumerate(tasks):
        pieces = by_handler.setdefault((task.kind, task.delivery.connection_id), {})
        pieces.setdefault(_alike(task, number), []).append(task)
    for (kind, _), pieces in by_handler.items():
        newest = [piece[-1] for piece in pieces.values()]
        events = [task.event for task in newest if task.event is not None]
        reasons = ROUTES[kind](installation, newest[0].delivery.connection, events)
        for piece, reason in zip(pieces.values(), reasons, strict=True):
            _told(piece, reason)


def _alike(task: Task, number: int) -> tuple[object, ...]:
    """Equal for deliveries of one edit; what does not fold is like nothing else."""
    event = task.event
    if event is not None and event.subject and event.kind in FOLDED:
        return (event.subject, event.project)
    return (number,)


def _told(piece: Sequence[Task], reason: str) -> None:
    for task in piece:
        if reason:
            task.end(Delivery.State.IGNORED, reason)
        else:
            together = f"one piece of work with {len(piece) - 1} more" if len(piece) > 1 else ""
            task.end(Delivery.State.HANDLED, together)


# Ends


def _finish(deliveries: Sequence[Delivery], tasks: Sequence[Task]) -> None:
    """Write the ends, those that are alike together; LostClaim when a delivery is not ours any more."""
    by_delivery: dict[uuid.UUID, list[Task]] = {}
    for task in tasks:
        by_delivery.setdefault(task.delivery.pk, []).append(task)
    alike: dict[tuple[tuple[str, object], ...], list[uuid.UUID]] = {}
    for delivery in deliveries:
        end = _end(delivery, by_delivery[delivery.pk])
        alike.setdefault(tuple(end.items()), []).append(delivery.pk)
    claimed, now = deliveries[0].claimed_at, timezone.now()
    for end_of_all, ids in alike.items():
        ours = Delivery.objects.filter(pk__in=ids, claimed_at=claimed)
        if ours.update(**dict(end_of_all), claimed_at=None, finished_at=now) != len(ids):
            raise LostClaim


def _end(delivery: Delivery, tasks: Sequence[Task]) -> dict[str, object]:
    """The row's new values. One event that was handled makes the whole delivery handled."""
    main = next((task for task in tasks if task.state == Delivery.State.HANDLED), tasks[0])
    end: dict[str, object] = {
        "state": main.state, "reason": storable(main.reason, 500), "installation_id": delivery.installation_id,
    }  # fmt: skip
    kind = storable(", ".join(dict.fromkeys(_name(task) for task in tasks if task.event)), 60)
    subject = storable(next((task.event.subject for task in tasks if task.event and task.event.subject), ""), 100)
    told = {"kind": kind, "subject": subject}  # the door has seen the first event only, and perhaps with older eyes
    return end | {name: value for name, value in told.items() if value != getattr(delivery, name)}


def _name(task: Task) -> str:
    """What the delivery is called: events that we have no use for keep the source's own name, so that they are counted."""
    told = task.event.data if task.event else {}
    own = str(told.get("event") or told.get("type") or "")
    return own if task.kind == "other" and own else task.kind


def _failed(delivery: Delivery, error: Exception) -> None:
    """Keep the fault on the row and say when it is tried again; after ``MAX_ATTEMPTS`` a person has to look."""
    log.error("delivery failed", error=type(error).__name__, exc_info=error)
    attempts, now = delivery.attempts + 1, timezone.now()
    what: dict[str, Any] = {"attempts": attempts, "claimed_at": None, "installation": delivery.installation}
    if attempts >= MAX_ATTEMPTS:
        reason = f"Given up after {attempts} tries: {type(error).__name__}"
        what |= {"state": Delivery.State.DEAD, "reason": reason, "finished_at": now}
    else:
        wait = timedelta(seconds=error.delay) if isinstance(error, RetryLater) and error.delay else backoff(attempts)
        reason = f"{type(error).__name__}: will be tried again"
        what |= {"state": Delivery.State.FAILED, "reason": reason, "due_at": now + wait}
    Delivery.objects.filter(pk=delivery.pk, claimed_at=delivery.claimed_at).update(**what)
