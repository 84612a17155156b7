"""Whatever two systems do to each other and to us: in the end all is in step, nothing is there twice, nothing comes back.

A machine draws what people do on both sides, what goes wrong in each call (refused, lost, killed, overtaken by somebody
else), and when the engine looks. ``STATE_MACHINE_EXAMPLES=5000`` draws other examples than the suite's, for as long.
"""

from __future__ import annotations

import os
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from planeapp.lib.claims import LEASE
from planeapp.lib.errors import FixSettings, GroundcrewError, OutcomeUnknown, OutOfQuota, RetryLater
from planeapp.providers import PROVIDERS
from planeapp.providers.base import Item, Values
from planeapp.sync import choosing, conflicts, engine, jobs
from planeapp.sync.models import Conflict, ItemLink, Job, SyncRun
from planeapp.sync.values import from_json
from tests.factories import ConnectionFactory, InstallationFactory, ProjectPairFactory
from tests.plane.memory_side import MemorySide, Project
from tests.providers.memory import WORLDS, World

FIELDS = ("title", "notes", "start", "end", "priority", "state")
SPAN = ("start", "end")
DAY_ONE = date(2026, 1, 1)
SOME = st.integers(0, 5)
LONG = int(os.environ.get("STATE_MACHINE_EXAMPLES", "0"))


class Killed(BaseException):
    """The worker's process ends here."""


ERRORS: dict[str, Callable[[], BaseException]] = {
    "refused": lambda: FixSettings("400"),
    "down": lambda: RetryLater("503"),
    "quota": lambda: OutOfQuota("429", delay=1),
    "killed": lambda: Killed(),
}
LOST: dict[str, Callable[[], BaseException]] = {"lost": lambda: OutcomeUnknown("no answer"), "killed": lambda: Killed()}
READS = ("list", "get", "find", "archived", "page")
WRITES = ("create", "update", "delete", "show", "unshow")
SIDES = st.sampled_from(["plane", "vendor"])
WHAT = st.sampled_from(["title", "notes", "span", "span", "start", "end", "no days", "priority", "state"])


def a_rule(direction: str | None = None) -> st.SearchStrategy[dict[str, str]]:
    ways = st.sampled_from(["both", "both", "out", "in", "off"]) if direction is None else st.just(direction)
    winners = st.sampled_from(["plane", "vendor", "newest", "ask", "ask"])
    return st.fixed_dictionaries({"direction": ways, "winner": winners})


def loud(values: Values) -> dict[str, Any]:
    """A vendor that rewrites titles."""
    return {name: value.upper() if name == "title" and value else value for name, value in values.items()}


def plain(value: Any) -> Any:
    """A value without what a rewriting vendor does to it."""
    return value.casefold() if isinstance(value, str) else value


class Machine(RuleBasedStateMachine):
    """Two systems, our rows, and what has to hold. ``wrong`` collects what was broken inside a run."""

    # What every example begins with

    def __init__(self, use: Callable[[MemorySide], None]) -> None:
        super().__init__()
        self.clock = time_machine.travel(datetime(2026, 11, 21, 12, tzinfo=UTC), tick=False)
        self.now = self.clock.start()
        self.database = transaction.atomic()
        self.database.__enter__()
        self.world, self.project = World(hold=self._hold), Project()
        WORLDS["machine"] = self.world
        self.world.watch, self.project.watch = self._vendor_is_written, self._plane_is_written
        self.world.next_version = self.project.next_version = self._version
        self.lie = 0
        installation = InstallationFactory()
        connection = ConnectionFactory(installation=installation, provider="memory", settings={"world": "machine"})
        self.pair = ProjectPairFactory(connection=connection)
        self.side = MemorySide(self.project, str(installation.workspace_id))
        use(self.side)
        self.known: list[str] = []  # ids of all work items that ever were
        self.copies: set[str] = set()  # rows that a person copied
        self.removed: set[str] = set()  # work items whose row (known to us) a person removed
        self.deleted: set[str] = set()
        self.raced: set[str] = set()  # work items and rows that somebody touched in the middle of a run
        self.parted: set[tuple[str, str]] = set()  # work item and field that an undo left apart
        self.restored: set[tuple[str, str, Any]] = set()  # row, field and value that an undo put back
        self.held: dict[tuple[str, str], set[Any]] = defaultdict(set)  # all values that a row's field ever had
        self.edits: dict[tuple[str, str], int] = {}  # when a person changed it last
        self.undoing = False
        self.wrong: list[str] = []
        self.count = 0

    @initialize(
        rules=st.fixed_dictionaries({name: a_rule() for name in ("title", "notes", "priority", "state")}),
        span=a_rule(), end=st.one_of(st.none(), st.none(), a_rule()), deletes=st.booleans(), filtered=st.booleans(),
        rewrites=st.booleans(), late=st.booleans(),
    )  # fmt: skip
    def begin(
        self, rules: dict[str, Any], span: dict[str, str], end: dict[str, str] | None, deletes: bool, filtered: bool,
        rewrites: bool, late: bool,
    ) -> None:  # fmt: skip
        self.pair.rules = {**rules, "start": span, "end": end or span}
        filters = {"filters": {"priorities": ["high", "urgent", "none"]}} if filtered else {}
        self.pair.options = {"deletes": "delete" if deletes else "unlink", **filters}
        self.pair.save()
        self.world.late = late
        if rewrites:
            self.world.rewrite = loud
        self._new_item()

    def teardown(self) -> None:
        try:
            if self.known:
                self._settle()
        finally:
            transaction.set_rollback(True)
            self.database.__exit__(None, None, None)
            self.clock.stop()

    # People

    @rule()
    @precondition(lambda self: len(self.known) < 4)
    def a_person_makes_an_item(self) -> None:
        self._new_item()

    @rule(some=SOME, what=WHAT)
    def a_person_edits_an_item(self, some: int, what: str) -> None:
        if item := self._one(list(self.project.items.values()), some):
            self._edit_item(item, self._values(what))

    @rule(some=SOME, what=WHAT)
    def a_person_edits_a_row(self, some: int, what: str) -> None:
        if row := self._one(self._rows(), some):
            self._edit_row(row, self._values(what))

    @rule(some=SOME, what=WHAT)
    def both_sides_are_edited_at_once(self, some: int, what: str) -> None:
        item = self.project.items.get(self._pick(some))
        for row in [row for row in self._rows() if item and self._item_of(row) == item.id]:
            self._edit_item(item, self._values(what))
            self._edit_row(row, self._values(what))

    @rule(some=SOME, what=st.sampled_from(FIELDS))
    def a_person_writes_the_same_on_both_sides(self, some: int, what: str) -> None:
        if row := self._one(self._rows(), some):
            item = self.project.items.get(self._item_of(row))
            if item:
                self._edit_row(row, {what: item.values.get(what)})

    @rule(some=SOME)
    def a_person_deletes_an_item(self, some: int) -> None:
        self._delete(self._pick(some))

    @rule(some=SOME)
    def a_person_archives_an_item(self, some: int) -> None:
        if self._pick(some) in self.project.items:
            self.project.archive(self._pick(some))

    @rule(some=SOME)
    def a_person_restores_an_item(self, some: int) -> None:
        self.project.restore(self._pick(some))

    @rule(some=SOME)
    def a_person_removes_a_row(self, some: int) -> None:
        if row := self._one(self._rows(), some):
            self._remove(row)

    @rule(some=SOME)
    def a_person_copies_a_row(self, some: int) -> None:
        if (row := self._one(self._rows(), some)) and row.id in self.world.rows["main"]:
            copy = self.world.copy(row.id)
            self.copies.add(copy.id)
            self.edits |= {(copy.id, name): self.edits[row.id, name] for name in FIELDS if (row.id, name) in self.edits}

    @rule(some=SOME)
    def a_person_drags_a_row_away_or_back(self, some: int) -> None:
        row = self._one(self._rows(), some)
        if row and row.id in self.world.rows["other"]:
            self.world.move(row.id, "main", "other")
        elif row and ItemLink.objects.filter(remote_id=row.id).exists():
            self.world.move(row.id, "other")

    @rule(some=SOME, side=SIDES)
    def a_person_chooses(self, some: int, side: str) -> None:
        if found := self._one(list(conflicts.open_in(self.pair.connection.installation)), some):
            choosing.choose([found], side, "Ada")

    @rule(some=SOME)
    def a_person_takes_a_run_back(self, some: int) -> None:
        runs = list(SyncRun.objects.filter(changes__isnull=False).distinct().order_by("-started_at"))
        if run := self._one(runs, some):
            jobs.ask_undo(run, "Ada")
            self._work_jobs()

    # Misfortunes

    @rule(side=SIDES, method=st.sampled_from([*READS, *WRITES, *WRITES]), error=st.sampled_from(sorted(ERRORS)))
    def a_call_will_fail(self, side: str, method: str, error: str) -> None:
        self._luck(side).fail(method, ERRORS[error]())

    @rule(side=SIDES, method=st.sampled_from(WRITES), error=st.sampled_from(sorted(LOST)))
    def an_answer_will_be_lost(self, side: str, method: str, error: str) -> None:
        self._luck(side).fail_after(method, LOST[error]())

    @rule(side=SIDES, some=SOME)
    def a_listing_is_cut(self, side: str, some: int) -> None:
        if side == "plane":
            self.project.cut_listing(self._pick(some))
        else:
            self.world.cut_listing("main", *[row.id for row in self._rows() if self._item_of(row) == self._pick(some)])

    @rule()
    def listings_are_whole_again_and_in_another_order(self) -> None:
        self.project.mend_listing()
        self.world.mend_listing()
        self.world.arrange = self.project.arrange = lambda items: items[1:] + items[:1]

    @rule(lie=st.sampled_from([0, 0, -1, 1]))
    def versions_lie(self, lie: int) -> None:
        self.lie = lie

    @rule(shut=st.sampled_from([set(), {"title"}, set(FIELDS), {"links"}]))
    def plane_allows_less_or_more(self, shut: set[str]) -> None:
        self.project.shut = shut

    @rule(
        side=SIDES, method=st.sampled_from(["get", "list", "create", "update", "update", "show"]), some=SOME, what=WHAT,
        act=st.sampled_from(["edit item", "edit row", "delete", "remove", "run item", "run pair", "archive"]),
    )  # fmt: skip
    def something_will_happen_meanwhile(self, side: str, method: str, some: int, what: str, act: str) -> None:
        self._luck(side).meanwhile(method, lambda: self._happens(act, some, what))

    # The engine looks

    @rule(some=SOME)
    def a_webhook_comes_late_or_twice(self, some: int) -> None:
        self._engine(lambda: engine.run_item(self.pair, self._pick(some)))

    @rule(forced=st.booleans())
    def a_sweep_comes_by(self, forced: bool) -> None:
        self._engine(lambda: engine.run_pair(self.pair, forced=forced))

    @rule()
    def a_backfill_goes_on(self) -> None:
        jobs.ask_backfill(self.pair)
        self._work_jobs()

    @rule()
    def jobs_go_on(self) -> None:
        self._work_jobs()

    @rule()
    def an_hour_goes_by(self) -> None:
        self.now.shift(timedelta(hours=1))

    # What always holds

    @invariant()
    def nothing_was_broken_inside_a_run(self) -> None:
        assert not self.wrong

    @invariant()
    def no_item_has_two_rows_that_we_made(self) -> None:
        marks = [row.mark for row in self._rows() if row.id not in self.copies]
        assert len(marks) == len(set(marks))

    @invariant()
    def no_job_broke(self) -> None:
        assert not Job.objects.filter(detail=GroundcrewError.default_person).exists()

    def _vendor_is_written(self, method: str, what: str, values: Values) -> None:
        self._remember()
        if method == "create":
            item = what.rpartition("/")[2]
            if not self.undoing and item in (self.removed | self.deleted) - self.raced:
                self.wrong.append(f"{item} was made again")
        elif method == "delete" and not self.undoing:
            item = self._item_of(self._row(what))
            if item not in self.deleted | self.raced or what in self.copies or "delete" not in str(self.pair.options):
                self.wrong.append(f"{what} was deleted")
        elif method == "update":
            self._check_update("vendor", what, self._item_of(self._row(what)), values)

    def _plane_is_written(self, method: str, what: str, values: Values) -> None:
        self._remember()
        if method != "update":
            self.wrong.append(f"{method} in Plane")
        else:
            self._check_update("plane", what, what, values)

    def _check_update(self, side: str, row_id: str, item: str, values: Values) -> None:
        """Only where the field's direction leads, and where a person has to be asked nothing that nobody saw is lost."""
        if self.undoing:
            self.restored |= {(row_id, name, plain(value)) for name, value in values.items()}
            return
        ways = ("out", "both") if side == "vendor" else ("in", "both")
        stood = (self._row(row_id) if side == "vendor" else self.project.items[item]).values
        for name in values.keys() & self.pair.rules.keys():
            field_rule = self.pair.rules[name]
            if field_rule["direction"] not in ways:
                self.wrong.append(f"{name} was written to {side} against its direction")
            asks = field_rule == {"direction": "both", "winner": "ask"} and plain(stood.get(name)) != plain(
                values[name]
            )
            if asks and item not in self.raced and not self._was_seen(side, row_id, item, name, stood.get(name)):
                self.wrong.append(f"{name} of {row_id} was overwritten unasked")

    def _was_seen(self, side: str, row_id: str, item: str, name: str, value: Any) -> bool:
        """Whether the other side ever held the value that is overwritten now, or a person chose between the two."""
        links = ItemLink.objects.filter(pair=self.pair, item_id=item).exclude(remote_id="")
        others = [item] if side == "vendor" else [link.remote_id for link in links]
        if (row_id, name, plain(value)) in self.restored or len(others) > 1:
            return True
        if any(plain(value) in self.held[other, name] for other in others):
            return True
        mine = self.project.items[item].values.get(name)
        return any(
            from_json({name: found.values[name][1]})[name] == mine
            for found in Conflict.objects.filter(link__in=links).exclude(choice="")
            if name in found.values
        )

    # In the end

    def _settle(self) -> None:
        """All misfortunes stop, and after some quiet sweeps nothing is written any more."""
        self.world.calm()
        self.project.calm()
        self.listings_are_whole_again_and_in_another_order()
        self.project.shut, self.world.late = set(), False
        self.now.shift(LEASE * 2)
        while Job.objects.filter(state=Job.State.WAITING).exists():
            self._work_jobs()
        for _ in range(5):
            self.world.calls.clear()
            self.project.calls.clear()
            self._engine(lambda: engine.run_pair(self.pair, forced=True), swallow=False)
            if not self.world.writes() + self.project.writes():
                break
        else:
            raise AssertionError("it never comes to rest")
        self.nothing_was_broken_inside_a_run()
        self.no_item_has_two_rows_that_we_made()
        for item in self.project.items.values():
            self._must_be_in_step(item)

    def _must_be_in_step(self, item: Item) -> None:
        links = list(self.pair.links.filter(item_id=item.id))
        live = [link for link in links if link.state == ItemLink.State.LINKED]
        if item.id in self.project.hidden or engine.Sides(self.pair).policy.filtered(item.values):
            return
        if not links:
            assert self._hold(item.values), "an item without a row"
        if len(live) != 1 or live[0].remote_id not in self.world.rows["main"]:
            return
        row, open_fields = self._row(live[0].remote_id), self._open(live[0])
        for name in set(FIELDS) - open_fields - {name for known, name in self.parted if known == item.id}:
            mine, their = item.values.get(name), row.values.get(name)
            if self._should_be_equal(name, item.id, row.id):
                assert plain(mine) == plain(their), f"{name} of {item.id}: {mine!r} and {their!r}"
        assert self.project.links[item.id].get(row.url) or self.removed or self.deleted

    def _should_be_equal(self, name: str, item_id: str, row_id: str) -> bool:
        mine, their = self.edits.get((item_id, name), 0), self.edits.get((row_id, name), 0)
        way = self.pair.rules[name]["direction"]
        told = name in ("title", "notes", *SPAN)  # of the others there are too few values to tell a change by
        return way == "both" or (told and ((way == "out" and mine >= their) or (way == "in" and their > mine)))

    def _open(self, link: ItemLink) -> set[str]:
        return {name for found in Conflict.objects.filter(link=link, closed_at=None) for name in found.values}

    # How it is done

    def _hold(self, values: Values) -> str:
        return "" if values.get("start") or values.get("end") else "no_dates"

    def _version(self, last: str) -> str:
        return (datetime.now(UTC) + timedelta(days=self.lie)).isoformat() if self.lie >= 0 else last

    def _new_item(self) -> None:
        self.count += 1
        values = {"title": f"item {self.count}", "notes": None, "priority": "none", "state": "backlog", **self._days()}
        item = self.project.put(str(uuid.UUID(int=self.count)), key=f"CUST-{self.count}", **values)
        self.known.append(item.id)

    def _days(self) -> dict[str, date]:
        self.count += 1
        first = DAY_ONE + timedelta(days=20 * self.count)
        return {"start": first, "end": first + timedelta(days=self.count % 7)}

    def _values(self, what: str) -> dict[str, Any]:
        """New values that never were there before, where there are enough of them."""
        self.count += 1
        some: dict[str, dict[str, Any]] = {
            "span": self._days(), "start": {"start": self._days()["start"]}, "end": {"end": self._days()["end"]},
            "no days": {"start": None, "end": None},
            "priority": {"priority": ("urgent", "high", "low", "none")[self.count % 4]},
            "state": {"state": ("backlog", "started", "completed")[self.count % 3]},
        }  # fmt: skip
        return some.get(what) or {what: f"{what} {self.count}"}

    def _one(self, found: list[Any], some: int) -> Any:
        return found[some % len(found)] if found else None

    def _pick(self, some: int) -> str:
        return self.known[some % len(self.known)]

    def _rows(self) -> list[Item]:
        return [row for place in ("main", "other") for row in self.world.rows[place].values()]

    def _row(self, row_id: str) -> Item:
        return next(row for row in self._rows() if row.id == row_id)

    def _item_of(self, row: Item) -> str:
        return row.mark.rpartition("/")[2]

    def _luck(self, side: str) -> Any:
        return self.project if side == "plane" else self.world

    def _edit_item(self, item: Item, values: Values) -> None:
        self._remember()
        self.project.edit(item.id, **values)
        self._edited(item, values)

    def _edit_row(self, row: Item, values: Values) -> None:
        self._remember()
        self.world.edit(row.id, "main" if row.id in self.world.rows["main"] else "other", **values)
        self._edited(row, values)

    def _edited(self, stood: Item, values: Values) -> None:
        self.count += 1
        self.edits |= {(stood.id, name): self.count for name in values if values[name] != stood.values.get(name)}
        self._remember()

    def _remember(self) -> None:
        for row in [*self.project.items.values(), *self._rows()]:
            for name in FIELDS:
                self.held[row.id, name].add(plain(row.values.get(name)))

    def _delete(self, item: str) -> None:
        if item in self.project.items:
            self.project.remove(item)
            self.deleted.add(item)

    def _remove(self, row: Item) -> None:
        self.world.remove(row.id, "main" if row.id in self.world.rows["main"] else "other")
        if ItemLink.objects.filter(remote_id=row.id).exists():
            self.removed.add(self._item_of(row))

    def _happens(self, act: str, some: int, what: str) -> None:
        """Somebody else is at the same rows while our call is on its way."""
        before, self.undoing = self.undoing, False
        self.now.shift(timedelta(seconds=1))
        row, item = self._one(self._rows(), some), self._pick(some)
        self.raced |= {item, self._item_of(row) if row else ""}
        if act == "run item":
            self._quietly(lambda: engine.run_item(self.pair, item))
        elif act == "run pair":
            self._quietly(lambda: engine.run_pair(self.pair))
        elif act == "edit item" and item in self.project.items:
            self._edit_item(self.project.items[item], self._values(what))
        elif act == "edit row" and row:
            self._edit_row(row, self._values(what))
        elif act == "delete":
            self._delete(item)
        elif act == "archive" and item in self.project.items:
            self.project.archive(item)
        elif act == "remove" and row:
            self._remove(row)
        self.now.shift(timedelta(seconds=1))
        self.undoing = before

    def _engine(self, work: Callable[[], object], swallow: bool = True) -> None:
        """Let the engine work; what the sides' misfortunes made of it is told by what stands there afterwards."""
        self.now.shift(timedelta(seconds=1))
        self._quietly(work) if swallow else work()
        self.raced.clear()
        self.now.shift(timedelta(seconds=1))

    def _quietly(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (GroundcrewError, Killed) as error:
            self.last_error = error

    def _work_jobs(self) -> None:
        """Go on with every job that waits, and note what an undo leaves apart."""
        self.now.shift(timedelta(hours=2))
        for job in Job.objects.filter(state=Job.State.WAITING).order_by("created_at"):
            if job.run is not None:
                self._will_part(job.run)
            self.undoing = job.kind == Job.Kind.UNDO
            self._engine(lambda job=job: jobs.work_one(only=job))
            self.undoing = False

    def _will_part(self, run: SyncRun) -> None:
        for change in run.changes.all():
            names = {*change.after, *change.before}
            self.parted |= {(str(change.item_id), name) for name in names | set(SPAN if names & set(SPAN) else ())}


@pytest.fixture
def machine(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Machine]]:
    """Makes a machine whose Plane and whose vendor live in memory."""
    monkeypatch.setitem(PROVIDERS, "memory", "tests.providers.memory.Memory")
    yield lambda: Machine(lambda side: monkeypatch.setattr("planeapp.sync.snapshot.side_for", lambda _: side))
    WORLDS.pop("machine", None)


BOUNDS = settings(
    max_examples=LONG or 30, stateful_step_count=40 if LONG else 25, derandomize=not LONG, deadline=None, database=None,
    suppress_health_check=list(HealthCheck), print_blob=bool(LONG),
)  # fmt: skip


def test_two_systems_always_end_in_step_with_nothing_twice_and_nothing_back_from_the_dead(
    machine: Callable[[], Machine],
) -> None:
    run_state_machine_as_test(machine, settings=BOUNDS)
