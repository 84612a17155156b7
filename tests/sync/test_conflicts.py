"""The conflict inbox, from the run that finds a conflict to the one that writes what a person chose."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from planeapp.lib.errors import FixSettings, RetryLater
from planeapp.sync import conflicts, due, engine
from planeapp.sync.backfill import work as backfill_work
from planeapp.sync.choosing import choose
from planeapp.sync.jobs import ask_backfill
from planeapp.sync.models import Conflict, Due
from tests.factories import InstallationFactory
from tests.sync.conftest import MONDAY, WEDNESDAY, Bench

ASK = {name: {"direction": "both", "winner": "ask"} for name in ("title", "notes", "start", "end")}
LATER = date(2026, 11, 30)


@pytest.fixture
def asking(bench: Bench) -> Bench:
    """The item is linked, and a person is asked about everything."""
    bench.pair.rules = ASK
    bench.pair.save()
    look(bench)
    return bench


@pytest.fixture
def apart(asking: Bench) -> Bench:
    """Both sides have changed the title, and a look has found it."""
    differ(asking, "Plane's", "Theirs")
    look(asking)
    return asking


def look(bench: Bench) -> None:
    engine.run_item(bench.pair, bench.item)


def differ(bench: Bench, mine: str, their: str) -> None:
    bench.patch(name=mine)
    bench.world.edit(bench.rows()[0].id, title=their)


def titles(bench: Bench) -> tuple[str, str]:
    return bench.title, bench.rows()[0].values["title"]


def still_open(bench: Bench) -> list[Conflict]:
    return list(conflicts.open_in(bench.pair.connection.installation))


# Found


def test_a_conflict_shows_what_was_agreed_and_what_each_side_holds(apart: Bench) -> None:
    (conflict,) = still_open(apart)
    (agreed, mine, their) = conflict.values["title"]
    assert (conflict.name, str(conflict.link.item_id)) == ("title", apart.item)
    assert (agreed, mine, their) == (apart.links()[0].ours["title"], "Plane's", "Theirs")
    assert titles(apart) == ("Plane's", "Theirs")


def test_looking_again_finds_the_same_conflict(apart: Bench) -> None:
    before = still_open(apart)
    look(apart)
    engine.run_pair(apart.pair)
    assert still_open(apart) == before
    assert Conflict.objects.count() == 1


def test_each_field_is_a_question_of_its_own_and_first_and_last_day_are_one(asking: Bench) -> None:
    differ(asking, "Plane's", "Theirs")
    asking.patch(start_date="2026-11-24")
    asking.world.edit(asking.rows()[0].id, end=LATER)
    look(asking)
    found = {conflict.name: sorted(conflict.values) for conflict in still_open(asking)}
    assert found == {"dates": ["end", "start"], "title": ["title"]}


def test_the_inbox_of_a_workspace_shows_its_own_alone(apart: Bench) -> None:
    assert list(conflicts.open_in(InstallationFactory())) == []


def test_a_preview_opens_no_conflict(asking: Bench) -> None:
    differ(asking, "Plane's", "Theirs")
    assert engine.preview(asking.pair).counts == {"held": len(engine.preview(asking.pair).held)}
    assert not Conflict.objects.exists()


# Chosen


@pytest.mark.parametrize(("choice", "title"), [("plane", "Plane's"), ("vendor", "Theirs")])
def test_a_choice_writes_the_other_side_with_the_next_look(apart: Bench, choice: str, title: str) -> None:
    assert choose(still_open(apart), choice, "Ada") == 1
    assert (still_open(apart), titles(apart)) == ([], ("Plane's", "Theirs"))
    assert Due.objects.get().item_id == apart.item
    look(apart)
    assert titles(apart) == (title, title)
    conflict = Conflict.objects.get()
    assert (conflict.choice, conflict.chosen_by) == (choice, "Ada")
    assert conflict.chosen_at is not None and conflict.closed_at is not None


def test_after_a_choice_was_written_both_sides_rest(apart: Bench) -> None:
    choose(still_open(apart), "plane", "Ada")
    look(apart)
    apart.world.calls.clear()
    look(apart)
    assert (apart.world.writes(), still_open(apart)) == ([], [])


@pytest.mark.parametrize(("choice", "days"), [("plane", ("2026-11-24", WEDNESDAY)), ("vendor", ("2026-11-23", LATER))])
def test_a_choice_about_days_moves_both_ends(asking: Bench, choice: str, days: tuple[str, date]) -> None:
    asking.patch(start_date="2026-11-24")
    asking.world.edit(asking.rows()[0].id, end=LATER)
    look(asking)
    choose(still_open(asking), choice, "Ada")
    look(asking)
    row, item = asking.rows()[0], asking.sandbox.plane.store.get("work_item", asking.item)
    assert (item["start_date"], row.values["end"]) == days
    assert (row.values["start"].isoformat(), item["target_date"]) == (item["start_date"], row.values["end"].isoformat())


def test_all_are_chosen_alike_at_once(asking: Bench) -> None:
    differ(asking, "Plane's", "Theirs")
    asking.patch(start_date="2026-11-24")
    asking.world.edit(asking.rows()[0].id, end=LATER, notes="<p>theirs</p>")
    asking.patch(description_html="<p>ours</p>")
    look(asking)
    assert choose(conflicts.open_in(asking.pair.connection.installation), "vendor", "Ada") == 3
    assert Due.objects.count() == 1
    look(asking)
    assert titles(asking) == ("Theirs", "Theirs")
    assert asking.rows()[0].values["start"] == MONDAY
    assert Conflict.objects.filter(closed_at=None).count() == 0


def test_of_two_who_choose_the_first_counts(apart: Bench) -> None:
    known = still_open(apart)
    assert (choose(known, "plane", "Ada"), choose(known, "vendor", "Milo")) == (1, 0)
    assert Conflict.objects.get().chosen_by == "Ada"


@pytest.mark.parametrize("side", ["plane", "vendor"])
def test_values_that_changed_again_after_the_choice_are_asked_about_again(apart: Bench, side: str) -> None:
    choose(still_open(apart), "plane", "Ada")
    if side == "plane":
        apart.patch(name="Plane's second")
    else:
        apart.world.edit(apart.rows()[0].id, title="Their second")
    before = titles(apart)
    look(apart)
    (conflict,) = still_open(apart)
    assert (titles(apart), conflict.choice, conflict.chosen_by) == (before, "", "")
    assert before[1 if side == "vendor" else 0] in conflict.values["title"]


@pytest.mark.parametrize("error", [RetryLater("down"), FixSettings("400")])
def test_a_choice_that_could_not_be_written_is_not_forgotten(apart: Bench, error: Exception) -> None:
    choose(still_open(apart), "plane", "Ada")
    apart.world.fail("update", error)
    if isinstance(error, RetryLater):
        with pytest.raises(RetryLater):
            look(apart)
    else:
        look(apart)
    assert (titles(apart), still_open(apart)) == (("Plane's", "Theirs"), [])
    look(apart)
    assert titles(apart) == ("Plane's", "Plane's")


# Over


def test_a_conflict_closes_by_itself_when_a_person_makes_both_equal(apart: Bench) -> None:
    apart.patch(name="Theirs")
    look(apart)
    assert still_open(apart) == []
    assert Conflict.objects.get().closed_at is not None


def test_a_conflict_closes_when_the_rule_no_longer_asks(apart: Bench) -> None:
    apart.pair.rules = {**ASK, "title": {"direction": "both", "winner": "plane"}}
    apart.pair.save()
    look(apart)
    assert (still_open(apart), titles(apart)) == ([], ("Plane's", "Plane's"))


def test_the_same_fields_may_disagree_once_more_later(apart: Bench) -> None:
    choose(still_open(apart), "plane", "Ada")
    look(apart)
    differ(apart, "Again Plane's", "Again theirs")
    look(apart)
    assert [conflict.values["title"][1:] for conflict in still_open(apart)] == [["Again Plane's", "Again theirs"]]
    assert Conflict.objects.count() == 2


def remove_row(bench: Bench) -> None:
    bench.world.remove(bench.rows()[0].id)


def remove_item(bench: Bench) -> None:
    bench.sandbox.plane.store.delete("work_item", bench.item)


@pytest.mark.parametrize("remove", [remove_row, remove_item])
def test_the_conflicts_of_a_link_that_ended_are_over(apart: Bench, remove: Any) -> None:
    remove(apart)
    look(apart)
    assert [link.state for link in apart.links()] == ["unlinked"]
    assert (still_open(apart), Conflict.objects.filter(closed_at=None).count()) == ([], 0)


def test_a_conflict_stays_open_while_one_side_is_out_of_sight(apart: Bench) -> None:
    (row,) = apart.rows()
    apart.world.cut_listing("main", row.id)
    engine.run_pair(apart.pair)
    apart.world.mend_listing()
    apart.world.move(row.id, "elsewhere")
    look(apart)
    assert len(still_open(apart)) == 1


def test_a_backfill_that_reads_the_item_alone_leaves_its_conflict_open(apart: Bench) -> None:
    job = ask_backfill(apart.pair)
    assert backfill_work(job, lambda: True, lambda: True)
    assert len(still_open(apart)) == 1


def test_a_choice_is_worked_off_like_any_other_wish(apart: Bench) -> None:
    choose(still_open(apart), "vendor", "Ada")
    Due.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert due.work_batch(whole=False) == 1
    assert titles(apart) == ("Theirs", "Theirs")
