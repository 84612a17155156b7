"""One scenario over real HTTP on every set of tools that the sandbox's Planner can show, with no line that differs but what
a set cannot do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from planeapp.installations.models import Connection
from planeapp.providers import provider_class
from planeapp.sandbox.plane import work_items
from planeapp.sandbox.planner import times
from planeapp.sandbox.planner.profiles import PROFILES
from planeapp.sandbox.store import Doc
from planeapp.sync import choosing, conflicts, engine, preflight
from planeapp.sync.apply import Outcome
from planeapp.sync.models import ItemLink, ProjectPair, SyncRun, TimelineEntry
from planeapp.sync.snapshot import Sides
from tests.vendors import Talk, Team

FIRST, LAST = date(2026, 11, 23), date(2026, 11, 25)
LATER = date(2026, 12, 7)
CHANGING = ("classic", "days", "nested")
TIMED = ("classic", "nested", "readonly_epoch")
only = pytest.mark.parametrize


@dataclass
class Board:
    """CUST-1 and its block in Planner, as ``profile`` shows and takes blocks."""

    profile: str
    team: Team
    connection: Connection
    pair: ProjectPair
    clock: time_machine.Coordinates
    item_id: str
    others: list[str]
    seconds: int = 0

    @property
    def changes(self) -> bool:
        """Whether blocks can be changed with these tools."""
        return self.profile in CHANGING

    @property
    def item(self) -> Doc:
        """The work item as it is now."""
        return self.team.item()

    def edit(self, **values: Any) -> None:
        """Somebody changes the work item in Plane."""
        self.clock.shift(timedelta(seconds=5))
        work_items.update(self.team.vendors.rows, self.item, self.team.vendors.person("ada"), values, in_pages=True)

    def plan(self, first: date | None, last: date | None) -> None:
        """Somebody gives the work item days."""
        self.edit(start_date=first and first.isoformat(), target_date=last and last.isoformat())

    def change(self, **fields: Any) -> None:
        """Change Plane's row past its rules."""
        self.team.vendors.rows.change("work_item", self.item, self.team.vendors.person("ada")["id"], **fields)

    def drag(self, **fields: Any) -> None:
        """Somebody changes the block in Planner."""
        self.seconds += 5
        at = (timezone.now() + timedelta(seconds=self.seconds)).isoformat()
        blocks = self.team.vendors.planner.store
        blocks.put("blocks", self.block["id"], {**self.block, "updated_at": at, **fields})

    def move(self, first: date, last: date) -> None:
        """Somebody drags the block to other whole days."""
        self.drag(start=first.isoformat(), end=last.isoformat(), all_day=True)

    @property
    def blocks(self) -> list[Doc]:
        """All blocks that were not there before."""
        return [block for block in self.team.vendors.planner.store.all("blocks") if block["id"] not in self.others]

    @property
    def block(self) -> Doc:
        """The one block."""
        (found,) = self.blocks
        return found

    def sync(self) -> Outcome:
        """Look at the work item."""
        return engine.run_item(ProjectPair.objects.get(pk=self.pair.pk), self.item_id)

    def rule(self, direction: str = "both", winner: str = "plane", **options: Any) -> None:
        """The rule for the days, and the pair's options."""
        self.pair.rules = {name: {"direction": direction, "winner": winner} for name in ("start", "end")}
        self.pair.options = options
        self.pair.save()

    def link(self) -> ItemLink:
        """Our link."""
        return ItemLink.objects.get(pair=self.pair, item_id=self.item_id)

    def days(self) -> tuple[date, date]:
        """The days that the block touches."""
        return times.days(self.block)

    def planned(self) -> tuple[date, date]:
        """The work item's days."""
        return date.fromisoformat(self.item["start_date"]), date.fromisoformat(self.item["target_date"])

    def codes(self) -> list[str]:
        """Reason codes on the work item's timeline, oldest first."""
        entries = TimelineEntry.objects.filter(item_id=self.item_id).order_by("at", "id")
        return list(entries.values_list("code", flat=True))


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def board(profile: str, talk: Talk) -> Iterator[Board]:
    """Connected, everything confirmed, paired; CUST-1 has no days and no block yet."""
    team = talk.team
    team.vendors.planner.store.put("settings", "mcp", {"profile": profile})
    with time_machine.travel(timezone.now(), tick=False) as clock:
        connection = team.connect("planner")
        vendor = provider_class("planner")
        names = [one.name for one in vendor.confirmations(connection.report, connection.settings)]
        connection.settings = dict(vendor.confirm(connection.report, connection.settings, names))
        connection.report = dict(vendor.reconsidered(connection.report, connection.settings))
        connection.save()
        others = [block["id"] for block in team.vendors.planner.store.all("blocks")]
        found = Board(profile, team, connection, team.pair(connection), clock, team.item()["id"], others)
        found.plan(None, None)
        yield found


@pytest.fixture
def linked(board: Board) -> Board:
    """CUST-1 has days and its block."""
    board.plan(FIRST, LAST)
    board.sync()
    return board


# Making


def test_days_make_a_block_with_the_key_and_the_address_on_it(linked: Board) -> None:
    told = json.dumps(linked.block)
    assert linked.days() == (FIRST, LAST)
    assert "CUST-1" in told and f"{linked.team.vendors.plane.url}/sandbox/browse/CUST-1/" in told
    assert (linked.link().state, linked.codes()) == ("linked", ["created"])


def test_where_a_block_has_an_address_the_work_item_links_to_it(linked: Board) -> None:
    shown = [row["url"] for row in linked.team.vendors.rows.live("link", issue=linked.item_id)]
    assert linked.link().remote_url in ("", *shown)
    assert linked.link().shown == bool(linked.link().remote_url)


def test_what_is_in_step_is_written_nowhere(linked: Board) -> None:
    before = (linked.block, linked.item)
    for _ in range(2):
        assert dict(linked.sync().counts) == {}
    assert (linked.block, linked.item) == before


def test_a_lost_answer_to_the_create_makes_one_block(board: Board) -> None:
    board.plan(FIRST, LAST)
    board.team.vendors.planner.fault("/api/mcp", method="POST", contains=board.item_id, after=True, drop=True)
    for _ in range(3):
        board.sync()
    assert (len(board.blocks), board.link().state, board.days()) == (1, "linked", (FIRST, LAST))


# Moving


def test_a_moved_item_moves_its_block_where_the_tools_can_and_says_so_where_not(linked: Board) -> None:
    linked.plan(LATER, LATER)
    outcome = linked.sync()
    if linked.changes:
        assert linked.days() == (LATER, LATER)
        return
    assert (outcome.failed[linked.item_id].code, linked.days()) == ("not_offered", (FIRST, LAST))
    assert "7 December 2026" in TimelineEntry.objects.filter(item_id=linked.item_id).latest("at", "id").text


def test_a_moved_block_moves_its_item(linked: Board) -> None:
    linked.rule()
    linked.move(LATER, LATER)
    linked.sync()
    assert linked.planned() == (LATER, LATER)
    assert dict(linked.sync().counts) == {}


def test_a_block_that_ends_at_midnight_ends_on_the_day_before(linked: Board) -> None:
    linked.rule()
    linked.drag(start="2026-12-07T22:00:00+01:00", end="2026-12-08T00:00:00+01:00", all_day=False)
    linked.sync()
    assert linked.planned() == (LATER, LATER)


@only("winner", ["plane", "vendor", "newest", "ask"])
def test_both_sides_moved_at_once_follow_the_rule(linked: Board, winner: str) -> None:
    linked.rule("both", winner)
    linked.plan(date(2026, 12, 1), date(2026, 12, 2))
    linked.move(LATER, LATER)
    with closing(Sides(linked.pair)) as sides:
        row = sides.rows.get(linked.link().remote_id)
    wins = ("vendor" if row and row.version else "ask") if winner == "newest" else winner
    outcome = linked.sync()
    if wins == "vendor":
        assert linked.planned() == linked.days() == (LATER, LATER)
    elif wins == "ask":
        assert linked.days() != linked.planned()
        assert conflicts.open_in(linked.team.installation).count() == 1
    elif linked.changes:
        assert linked.planned() == linked.days() == (date(2026, 12, 1), date(2026, 12, 2))
    else:
        assert outcome.failed[linked.item_id].code == "not_offered"


def test_what_a_person_chose_in_a_conflict_is_written(linked: Board) -> None:
    linked.rule("both", "ask")
    linked.plan(date(2026, 12, 1), date(2026, 12, 2))
    linked.move(LATER, LATER)
    linked.sync()
    assert choosing.choose(conflicts.open_in(linked.team.installation), "vendor", "Ada") == 1
    linked.sync()
    assert linked.planned() == linked.days() == (LATER, LATER)
    assert conflicts.open_in(linked.team.installation).count() == 0


# Clocks that change


@only("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_whole_days_stay_whole_where_the_clocks_change(board: Board, day: date) -> None:
    board.plan(day, day)
    board.sync()
    assert board.days() == (day, day)
    assert dict(board.sync().counts) == {}
    board.rule()
    board.move(day, day + timedelta(days=1))
    board.sync()
    assert board.planned() == (day, day + timedelta(days=1))


@only(("day", "hours"), [(date(2026, 3, 29), 3), (date(2026, 10, 25), 5)])
def test_hours_are_real_hours_where_the_clocks_change(board: Board, day: date, hours: int) -> None:
    timing = {"mode": "times", "opens": "01:00", "closes": "05:00", "weekdays": [0, 1, 2, 3, 4, 5, 6]}
    board.rule(timing=timing)
    board.plan(day, day)
    board.sync()
    begin, finish = times.span(board.block)
    if board.profile not in TIMED:
        assert (board.days(), board.block["all_day"]) == ((day, day), True)
        return
    assert finish.astimezone(UTC) - begin.astimezone(UTC) == timedelta(hours=hours)
    assert (begin.date(), begin.hour, finish.hour) == (day, 1, 5)
    assert dict(board.sync().counts) == {}
    assert board.planned() == (day, day)


# Out of sight


def test_a_block_that_was_dragged_to_another_project_is_left_alone_until_it_is_back(linked: Board) -> None:
    linked.rule()
    linked.drag(project_id="prj_winter")
    linked.edit(name="Meanwhile")
    before = linked.block
    for _ in range(2):
        assert dict(linked.sync().counts) == {}
    assert (linked.block, linked.link().state, linked.codes()[-1]) == (before, "linked", "moved_over_there")
    linked.drag(project_id="prj_ramp", start=LATER.isoformat(), end=LATER.isoformat(), all_day=True)
    linked.sync()
    assert linked.planned() == (LATER, LATER)
    assert ("Meanwhile" in json.dumps(linked.block)) == linked.changes


def test_an_archived_item_leaves_its_block_alone_until_it_is_restored(linked: Board) -> None:
    before = linked.block
    linked.change(archived_at="2026-11-21")
    linked.sync()
    assert (linked.block, linked.link().state, linked.codes()[-1]) == (before, "linked", "archived")
    linked.change(archived_at=None, start_date=LATER.isoformat(), target_date=LATER.isoformat())
    linked.sync()
    assert linked.days() == ((LATER, LATER) if linked.changes else (FIRST, LAST))


def test_an_item_that_is_deleted_leaves_its_block_where_it_is(linked: Board) -> None:
    work_items.delete(linked.team.vendors.rows, linked.item, linked.team.vendors.person("ada"))
    linked.sync()
    assert (linked.link().state, linked.days()) == ("unlinked", (FIRST, LAST))


def test_an_item_that_moved_to_another_project_leaves_its_block_where_it_is(linked: Board) -> None:
    mine = linked.team.project()["id"]
    linked.change(project=next(row["id"] for row in linked.team.vendors.rows.live("project") if row["id"] != mine))
    linked.sync()
    assert (linked.link().state, linked.days()) == ("unlinked", (FIRST, LAST))


def test_a_block_that_somebody_deleted_is_not_made_again(linked: Board) -> None:
    linked.team.vendors.planner.store.delete("blocks", linked.block["id"])
    for _ in range(2):
        linked.sync()
    assert (linked.blocks, linked.link().state) == ([], "unlinked")


def test_where_the_rule_is_to_delete_the_block_goes_with_its_item_or_the_reason_is_told(linked: Board) -> None:
    linked.rule(deletes="delete")
    work_items.delete(linked.team.vendors.rows, linked.item, linked.team.vendors.person("ada"))
    outcome = linked.sync()
    if linked.changes:
        assert (linked.blocks, linked.link().state) == ([], "unlinked")
        return
    assert (outcome.failed[linked.item_id].code, linked.days()) == ("not_offered", (FIRST, LAST))


# What a set of tools cannot do


def test_what_cannot_be_done_stands_in_the_report_and_in_the_look_before(linked: Board) -> None:
    states = {line["name"]: line["state"] for line in linked.connection.report["lines"]}
    assert (states["can_update_block"] == "ok", states["can_delete_block"] == "ok") == (linked.changes, linked.changes)
    linked.rule("both")
    with closing(Sides(linked.pair)) as sides:
        objections = preflight.objections(sides)
    assert ({"start", "end"} <= objections.keys()) is not linked.changes


@only("profile", ["classic"], indirect=True)
def test_three_hundred_items_that_vanish_at_once_stop_the_run_before_its_first_write(linked: Board) -> None:
    rows, ada = linked.team.vendors.rows, linked.team.vendors.person("ada")
    days = {"start_date": FIRST.isoformat(), "target_date": LAST.isoformat()}
    made = [work_items.create(rows, linked.team.project(), ada, {"name": f"Gate {n}", **days}) for n in range(300)]
    linked.rule(deletes="delete")
    engine.run_pair(linked.pair)
    before = linked.blocks
    for item in made:
        work_items.delete(rows, item, ada)
    run = engine.run_pair(linked.pair)
    assert (run.state, len(before) > 300, linked.blocks == before) == (SyncRun.State.STOPPED, True, True)
    assert "300 of" in run.detail
