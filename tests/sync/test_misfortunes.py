"""What the state machine found, each as a story of its own (see ``test_state_machine.py``)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from planeapp.lib.errors import OutcomeUnknown
from planeapp.providers.base import Item
from planeapp.sync import conflicts, engine, jobs
from planeapp.sync.models import Conflict, ItemLink, Job, ProjectPair, SyncRun
from tests.factories import ConnectionFactory, ProjectPairFactory
from tests.plane.memory_side import MemorySide, Project
from tests.providers.memory import World

ITEM = str(uuid.UUID(int=1))
DAYS = {"start": date(2026, 11, 23), "end": date(2026, 11, 25)}


@dataclass
class Both:
    """One work item, and the two sides in memory."""

    world: World
    project: Project
    pair: ProjectPair

    @property
    def row(self) -> Item:
        """The one row."""
        (found,) = self.world.rows["main"].values()
        return found

    @property
    def titles(self) -> tuple[Any, Any]:
        """Plane's title and the row's."""
        return self.project.items[ITEM].values["title"], self.row.values["title"]

    @property
    def link(self) -> ItemLink:
        """The one link."""
        return self.pair.links.get()

    def rule(self, direction: str, winner: str) -> None:
        """The rule for titles."""
        self.pair.rules = {"title": {"direction": direction, "winner": winner}}
        self.pair.save()

    def look(self, times: int = 1) -> None:
        """Look at the work item."""
        for _ in range(times):
            engine.run_item(self.pair, ITEM)

    def undo(self) -> Job:
        """Take the newest run back, until that is over."""
        job = jobs.ask_undo(SyncRun.objects.filter(changes__isnull=False).latest("started_at"), "Ada")
        for _ in range(3):
            Job.objects.update(due_at=timezone.now())
            jobs.work_one(only=job)
        job.refresh_from_db()
        return job


@pytest.fixture
def both(db: None, world: World, monkeypatch: pytest.MonkeyPatch) -> Both:
    pair = ProjectPairFactory(connection=ConnectionFactory(provider="memory", settings={"world": "sync"}))
    found = Both(world, Project(), pair)
    side = MemorySide(found.project, str(pair.connection.installation.workspace_id))
    monkeypatch.setattr("planeapp.sync.snapshot.side_for", lambda installation: side)
    found.project.put(ITEM, title="As agreed", key="CUST-1", **DAYS)
    return found


@pytest.fixture
def lost(both: Both) -> Both:
    """The row was made, we never heard of it, and a person has renamed it since."""
    both.world.lose_answer("create")
    both.look()
    both.world.edit(both.row.id, title="Theirs")
    return both


@pytest.mark.parametrize("sweep", [True, False])
def test_a_row_that_was_renamed_before_we_found_it_again_is_asked_about_where_that_is_the_rule(
    lost: Both, sweep: bool
) -> None:
    lost.rule("both", "ask")
    if sweep:
        engine.run_pair(lost.pair)
    lost.look(2)
    assert lost.titles == ("As agreed", "Theirs")
    assert conflicts.open_in(lost.pair.connection.installation).count() == 1


@pytest.mark.parametrize(
    ("direction", "winner", "stays"),
    [
        ("both", "plane", "As agreed"),
        ("both", "vendor", "Theirs"),
        ("out", "vendor", "As agreed"),
        ("in", "plane", "Theirs"),
    ],
)
def test_a_row_that_was_renamed_before_we_found_it_again_follows_the_fields_rule(
    lost: Both, direction: str, winner: str, stays: str
) -> None:
    lost.rule(direction, winner)
    lost.look(3)
    assert lost.titles == (stays, stays)
    assert not Conflict.objects.exists()


def test_a_field_that_was_emptied_before_we_found_the_row_again_is_asked_about_too(lost: Both) -> None:
    lost.rule("both", "ask")
    lost.project.edit(ITEM, title=None)
    lost.look(3)
    assert conflicts.open_in(lost.pair.connection.installation).count() == 1


def test_an_undo_whose_answer_was_lost_does_not_reach_the_other_side(both: Both) -> None:
    both.look()
    both.project.edit(ITEM, title="Renamed")
    both.look()
    both.world.lose_answer("update")
    assert both.undo().state == Job.State.DONE
    both.look(2)
    assert both.titles == ("Renamed", "As agreed")


def test_an_undo_whose_last_answer_was_lost_is_taken_up_again(both: Both) -> None:
    both.look()
    both.project.fail_after("unshow", OutcomeUnknown("no answer"))
    assert both.undo().state == Job.State.DONE
    assert (both.world.rows["main"], both.project.links[ITEM]) == ({}, {})
    assert (both.link.state, both.link.shown) == (ItemLink.State.UNLINKED, False)


def test_a_row_that_an_undo_made_again_is_shown_on_its_work_item_again(both: Both) -> None:
    both.look()
    both.undo()
    both.undo()
    both.look()
    assert list(both.project.links[ITEM]) == [both.row.url]
    assert both.link.state == ItemLink.State.LINKED


def test_a_row_that_a_person_copied_stays_when_ours_goes_with_its_work_item(both: Both) -> None:
    both.pair.options = {"deletes": "delete"}
    both.pair.save()
    both.look()
    copy = both.world.copy(both.row.id)
    for _ in range(2):
        engine.run_pair(both.pair)
    both.project.remove(ITEM)
    engine.run_pair(both.pair)
    assert both.row == copy
    assert set(both.pair.links.values_list("state", flat=True)) == {"unlinked"}
