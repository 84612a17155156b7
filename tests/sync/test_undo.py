"""Runs that are taken back: both sides as they were, and what a person did meanwhile left alone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.lib.errors import FixSettings, OutcomeUnknown, RetryLater
from planeapp.sync import engine, jobs
from planeapp.sync.models import Conflict, ItemLink, Job, RunChange, SyncRun, TimelineEntry
from planeapp.sync.undo import Return, returning
from tests.sync.conftest import MONDAY, WEDNESDAY, Bench

LATER = date(2026, 11, 30)


@pytest.fixture
def linked(bench: Bench) -> Bench:
    """The item has its row; notes and state move out, and a row that we made goes with its item."""
    bench.pair.options = {"deletes": "delete"}
    bench.pair.save()
    engine.run_pair(bench.pair)
    bench.world.calls.clear()
    return bench


def latest() -> SyncRun:
    return SyncRun.objects.filter(kind=SyncRun.Kind.SYNC).latest("started_at")


def undo(run: SyncRun, who: str = "Ada") -> Job:
    job = jobs.ask_undo(run, who)
    go_on(job)
    return job


def go_on(job: Job) -> None:
    """The worker comes by, now or as soon as the job is due."""
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    jobs.work_one(job)
    job.refresh_from_db()


def rests(bench: Bench) -> bool:
    """Whether a run over the pair now writes nothing on either side."""
    bench.world.calls.clear()
    patches = len(bench.sandbox.requests("PATCH"))
    run = engine.run_pair(bench.pair)
    assert (run.state, run.counts) == ("done", {})
    return bench.world.writes() == [] and len(bench.sandbox.requests("PATCH")) == patches


def item_of(bench: Bench) -> dict[str, Any]:
    return bench.sandbox.plane.store.get("work_item", bench.item) or {}


def kept(run: SyncRun) -> list[str]:
    return list(run.changes.exclude(kept="").values_list("kept", flat=True))


def shown_on(bench: Bench) -> list[str]:
    return [str(row["url"]) for row in bench.sandbox.plane.live("link", issue=bench.item)]


# What goes back


@settings(max_examples=300, deadline=None)
@given(*[st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 1, 2])) for _ in range(3)])
def test_only_what_still_stands_as_written_goes_back_to_what_it_was(
    before: dict[str, Any], after: dict[str, Any], now: dict[str, Any]
) -> None:
    found = returning(before, after, now)
    assert set(found.restore) | set(found.changed) <= set(after)
    assert not set(found.restore) & set(found.changed)
    assert all(now.get(name) == after[name] and value == before.get(name) for name, value in found.restore.items())
    assert all(now.get(name) not in (after[name], before.get(name)) for name in found.changed)
    afterwards = {**now, **found.restore}
    assert all(afterwards.get(name) == before.get(name) for name in after if name not in found.changed)
    assert returning(before, after, afterwards).restore == {}


def test_what_never_came_or_went_back_by_itself_is_nobodys_change() -> None:
    assert returning({"title": "a"}, {"title": "b"}, {"title": "a"}) == Return({}, ())


# Each kind of change


def test_a_new_row_is_removed_again_with_its_link_on_the_item(bench: Bench) -> None:
    engine.run_pair(bench.pair)
    job = undo(latest())
    assert (job.state, job.done, job.failed, bench.rows()) == ("done", 1, 0, [])
    assert [(link.state, link.shown) for link in bench.links()] == [("unlinked", False)]
    assert shown_on(bench) == []
    assert rests(bench)


def test_an_update_over_there_goes_back_and_is_not_written_again(linked: Bench) -> None:
    title = linked.title
    linked.patch(name="Renamed", start_date="2026-11-24")
    engine.run_pair(linked.pair)
    undo(latest())
    (row,) = linked.rows()
    assert (row.values["title"], row.values["start"], row.values["end"]) == (title, MONDAY, WEDNESDAY)
    assert linked.title == "Renamed"
    assert rests(linked)


def test_an_update_in_plane_goes_back_and_is_not_written_again(linked: Bench) -> None:
    title = linked.title
    linked.world.edit(linked.rows()[0].id, title="Theirs", start=LATER, end=LATER)
    engine.run_pair(linked.pair)
    assert linked.title == "Theirs"
    undo(latest())
    record = item_of(linked)
    assert (record["name"], record["start_date"], record["target_date"]) == (title, "2026-11-23", "2026-11-25")
    assert linked.rows()[0].values["title"] == "Theirs"
    assert rests(linked)


def test_what_a_run_carried_over_moves_again_when_it_changes_once_more(linked: Bench) -> None:
    linked.patch(name="Renamed")
    engine.run_pair(linked.pair)
    undo(latest())
    linked.patch(name="Renamed once more")
    engine.run_pair(linked.pair)
    assert linked.rows()[0].values["title"] == "Renamed once more"


def test_an_adopted_row_is_let_go_and_stays(bench: Bench) -> None:
    mark = f"plane:{bench.pair.connection.installation.workspace_id}/{bench.item}"
    values = {"title": bench.title, "start": MONDAY, "end": WEDNESDAY}
    bench.world.put(values, mark=mark)
    run = engine.run_pair(bench.pair)
    assert run.counts == {"adopt vendor": 1}
    undo(run)
    assert [row.values for row in bench.rows()] == [values]
    assert ([link.state for link in bench.links()], shown_on(bench)) == (["unlinked"], [])
    assert rests(bench)


def test_an_unlinked_pair_is_linked_again_when_both_are_back(linked: Bench) -> None:
    (row,) = linked.rows()
    linked.world.remove(row.id)
    engine.run_pair(linked.pair)
    linked.world.rows["main"][row.id] = row
    undo(latest())
    assert [link.state for link in linked.links()] == ["linked"]
    assert rests(linked)


def test_an_unlinked_pair_whose_row_is_still_gone_stays_unlinked(linked: Bench) -> None:
    linked.world.remove(linked.rows()[0].id)
    run = engine.run_pair(linked.pair)
    job = undo(run)
    assert (job.failed, kept(run)) == (1, ["It is no longer there."])
    assert rests(linked)


def test_an_unlinked_pair_whose_item_is_gone_stays_unlinked(linked: Bench) -> None:
    linked.world.edit(linked.rows()[0].id, title="Changed, so it is not deleted")
    linked.sandbox.plane.store.delete("work_item", linked.item)
    run = engine.run_pair(linked.pair)
    undo(run)
    assert kept(run) == ["The work item is no longer there, so it cannot be linked again."]


def test_a_removed_row_is_made_again_as_it_was(linked: Bench) -> None:
    (row,) = linked.rows()
    linked.sandbox.plane.store.delete("work_item", linked.item)
    run = engine.run_pair(linked.pair)
    assert (run.counts, linked.rows()) == ({"delete vendor": 1}, [])
    undo(run)
    (made,) = linked.rows()
    assert (made.values, made.mark) == (row.values, row.mark)
    assert rests(linked)


def test_several_removed_rows_of_one_item_are_all_made_again(linked: Bench) -> None:
    (row,) = linked.rows()
    linked.world.put(row.values, mark=row.mark)
    engine.run_pair(linked.pair)
    engine.run_pair(linked.pair)
    linked.pair.links.update(made_by_us=True)
    linked.sandbox.plane.store.delete("work_item", linked.item)
    run = engine.run_pair(linked.pair)
    assert run.counts == {"delete vendor": 2}
    assert undo(run).state == "done"
    assert [made.mark for made in linked.rows()] == [row.mark] * 2
    assert len({link.remote_id for link in linked.links()} & {made.id for made in linked.rows()}) == 2


def test_a_copy_that_a_person_made_is_not_deleted_with_its_work_item(linked: Bench) -> None:
    (row,) = linked.rows()
    copy = linked.world.put(row.values, mark=row.mark)
    engine.run_pair(linked.pair)
    engine.run_pair(linked.pair)
    linked.sandbox.plane.store.delete("work_item", linked.item)
    run = engine.run_pair(linked.pair)
    assert run.counts == {"delete vendor": 1, "unlink plane": 1}
    assert [left.id for left in linked.rows()] == [copy.id]


def test_the_timeline_tells_what_was_taken_back(linked: Bench) -> None:
    linked.patch(name="Renamed")
    engine.run_pair(linked.pair)
    undo(latest())
    assert TimelineEntry.objects.get(code="undone").text == "Taken back: a change in Memory."


def test_the_conflicts_of_a_link_that_is_let_go_are_over(bench: Bench) -> None:
    bench.pair.rules = {"title": {"direction": "both", "winner": "ask"}}
    bench.pair.save()
    run = engine.run_pair(bench.pair)
    undo_later = jobs.ask_undo(run)
    bench.patch(name="Plane's")
    bench.world.edit(bench.rows()[0].id, notes="theirs")
    bench.world.edit(bench.rows()[0].id, title="Theirs")
    engine.run_item(bench.pair, bench.item)
    assert Conflict.objects.filter(closed_at=None).exists()
    bench.world.edit(bench.rows()[0].id, **{name: run.changes.get().after[name] for name in ("title", "notes")})
    go_on(undo_later)
    assert (bench.rows(), Conflict.objects.filter(closed_at=None).exists()) == ([], False)


# What a person did since


def test_what_a_person_changed_since_is_kept_and_told_by_name(linked: Bench) -> None:
    linked.patch(name="Renamed", start_date="2026-11-24")
    run = engine.run_pair(linked.pair)
    linked.world.edit(linked.rows()[0].id, title="By hand")
    job = undo(run)
    (row,) = linked.rows()
    assert (row.values["title"], row.values["start"], job.failed) == ("By hand", MONDAY, 0)
    assert kept(run) == ["Changed since, so left as it is: title (now By hand)."]
    assert "title (now By hand)" in TimelineEntry.objects.get(code="undone").text


def test_a_change_of_which_nothing_stands_any_more_is_left_as_it_is(linked: Bench) -> None:
    linked.patch(name="Renamed")
    run = engine.run_pair(linked.pair)
    linked.world.edit(linked.rows()[0].id, title="By hand")
    job = undo(run)
    assert (job.state, job.failed, linked.rows()[0].values["title"]) == ("done", 1, "By hand")
    assert job.result.counts == {"undone": 0, "kept": 1}


def test_a_new_row_that_a_person_changed_is_not_removed(bench: Bench) -> None:
    run = engine.run_pair(bench.pair)
    bench.world.edit(bench.rows()[0].id, end=LATER)
    undo(run)
    assert len(bench.rows()) == 1
    assert kept(run) == ["Changed since, so it is not removed: end (now Mon 30 Nov 2026)."]
    assert [link.state for link in bench.links()] == ["linked"]


def test_a_row_that_a_person_dragged_to_another_place_is_left_there(bench: Bench) -> None:
    run = engine.run_pair(bench.pair)
    bench.world.move(bench.rows()[0].id, "elsewhere")
    undo(run)
    assert len(bench.world.rows["elsewhere"]) == 1
    assert kept(run) == ["It lies in another place now, so it is left as it is."]


def test_a_new_row_that_is_gone_already_is_only_unlinked(bench: Bench) -> None:
    run = engine.run_pair(bench.pair)
    bench.world.remove(bench.rows()[0].id)
    assert undo(run).failed == 0
    assert ([link.state for link in bench.links()], shown_on(bench)) == (["unlinked"], [])


def test_a_new_row_whose_item_is_gone_is_removed(bench: Bench) -> None:
    run = engine.run_pair(bench.pair)
    bench.sandbox.plane.store.delete("work_item", bench.item)
    assert undo(run).state == "done"
    assert (bench.rows(), [link.state for link in bench.links()]) == ([], ["unlinked"])


# Again and back again


def test_undoing_twice_does_nothing_the_second_time(linked: Bench) -> None:
    linked.patch(name="Renamed")
    run = engine.run_pair(linked.pair)
    undo(run)
    linked.world.calls.clear()
    second = undo(run)
    assert (second.state, second.done, second.total, linked.world.writes()) == ("done", 0, 0, [])


def test_while_an_undo_is_under_way_asking_again_gives_the_same_one(linked: Bench) -> None:
    assert jobs.ask_undo(latest()) == jobs.ask_undo(latest())


def test_an_undo_can_be_taken_back_too(linked: Bench) -> None:
    linked.patch(name="Renamed")
    run = engine.run_pair(linked.pair)
    first = undo(run)
    undo(first.result)
    assert linked.rows()[0].values["title"] == "Renamed"
    assert rests(linked)


def test_taking_back_the_removal_of_a_new_row_makes_it_again_and_links_it(bench: Bench) -> None:
    run = engine.run_pair(bench.pair)
    first = undo(run)
    undo(first.result)
    assert [row.values["title"] for row in bench.rows()] == [bench.title]
    assert [(link.state, link.remote_id) for link in bench.links()] == [("linked", bench.rows()[0].id)]
    engine.run_pair(bench.pair)
    assert shown_on(bench) == [bench.rows()[0].url]
    assert rests(bench)


# What goes wrong


@pytest.fixture
def three(bench: Bench) -> SyncRun:
    """A run that made three rows."""
    number = int(item_of(bench)["sequence_id"])
    kept = {f"CUST-{number + more}" for more in range(3)}
    bench.world.hold = lambda values: "" if values.get("key") in kept else "no_dates"
    run = engine.run_pair(bench.pair)
    assert run.counts == {"create vendor": 3}
    bench.world.calls.clear()
    return run


def test_an_undo_that_was_killed_goes_on_at_its_bookmark(bench: Bench, three: SyncRun) -> None:
    class Killed(BaseException):
        pass

    job = jobs.ask_undo(three)
    delete, asked = bench.world.remove, []

    def killed_at_the_second(item_id: str, place: str = "main") -> None:
        asked.append(item_id)
        if len(asked) == 2:
            raise Killed
        delete(item_id, place)

    bench.world.remove = killed_at_the_second  # type: ignore[method-assign]
    with pytest.raises(Killed):
        go_on(job)
    job.refresh_from_db()
    assert (job.done, job.state, job.claimed_at is not None) == (1, "waiting", True)
    Job.objects.update(claimed_at=None)
    go_on(job)
    assert (job.state, job.done, job.failed, bench.rows()) == ("done", 3, 0, [])
    assert len(asked) == len(set(asked)) + 1 == 4  # only the one in whose middle it was killed is asked for again


def test_an_undo_during_which_the_vendor_is_down_waits_and_goes_on(bench: Bench, three: SyncRun) -> None:
    bench.world.fail("delete", RetryLater("down"))
    job = undo(three)
    assert (job.state, job.done, job.attempts, len(bench.rows())) == ("waiting", 0, 1, 3)
    assert job.due_at > timezone.now()
    go_on(job)
    assert (job.state, job.done, bench.rows()) == ("done", 3, [])


def test_what_the_vendor_will_not_remove_is_kept_with_its_words_and_the_rest_goes_on(
    bench: Bench, three: SyncRun
) -> None:
    bench.world.fail("delete", FixSettings("403", person="Memory does not let us remove rows."))
    job = undo(three)
    assert (job.state, job.done, job.failed, len(bench.rows())) == ("done", 3, 1, 1)
    assert kept(three) == ["Memory does not let us remove rows."]
    assert job.result.counts == {"undone": 2, "kept": 1}
    states = {link.remote_id: link.state for link in bench.links()}
    assert states[bench.rows()[0].id] == "linked"


def test_taking_back_an_undo_does_not_make_a_row_twice_that_was_never_removed(bench: Bench, three: SyncRun) -> None:
    bench.world.fail("delete", FixSettings("403"))
    first = undo(three)
    undo(first.result)
    assert len(bench.rows()) == 3
    assert {link.state for link in bench.links()} == {"linked"}


def test_a_create_that_was_never_confirmed_is_found_by_its_mark_and_removed(bench: Bench) -> None:
    bench.world.lose_answer("create")
    run = engine.run_pair(bench.pair)
    assert [(change.done, change.remote_id) for change in run.changes.all()] == [(False, "")]
    undo(run)
    assert (bench.rows(), [link.state for link in bench.links()]) == ([], ["unlinked"])
    assert rests(bench)


def test_a_create_that_never_happened_is_nothing_to_take_back(bench: Bench) -> None:
    bench.world.fail("create", OutcomeUnknown("timeout"))
    run = engine.run_pair(bench.pair)
    job = undo(run)
    assert (job.state, job.failed, bench.world.rows["main"]) == ("done", 0, {})


def test_a_create_that_was_refused_does_not_take_away_what_a_later_run_made(bench: Bench) -> None:
    bench.world.fail("create", FixSettings("400"))
    refused = engine.run_pair(bench.pair)
    engine.run_pair(bench.pair)
    undo(refused)
    assert len(bench.rows()) == 1
    assert [link.state for link in bench.links()] == ["linked"]


def test_an_update_that_never_happened_is_nothing_to_take_back(linked: Bench) -> None:
    title = linked.title
    linked.patch(name="Renamed")
    linked.world.fail("update", FixSettings("400"))
    run = engine.run_pair(linked.pair)
    job = undo(run)
    assert (job.failed, kept(run), linked.rows()[0].values["title"]) == (0, [], title)


def test_an_answer_that_is_lost_while_a_new_row_is_removed_ends_in_its_removal(bench: Bench) -> None:
    run = engine.run_pair(bench.pair)
    bench.world.lose_answer("delete")
    job = undo(run)
    assert (job.state, job.done) == ("waiting", 0)
    go_on(job)
    assert (job.state, job.failed, bench.rows(), shown_on(bench)) == ("done", 0, [], [])
    assert rests(bench)


def test_an_answer_that_is_lost_while_an_update_goes_back_is_not_written_again(linked: Bench) -> None:
    title = linked.title
    linked.patch(name="Renamed")
    run = engine.run_pair(linked.pair)
    linked.world.lose_answer("update")
    job = undo(run)
    go_on(job)
    assert (job.state, job.failed, linked.rows()[0].values["title"]) == ("done", 0, title)
    assert rests(linked)


def test_an_answer_that_is_lost_while_a_removed_row_is_made_again_leaves_one_row(linked: Bench) -> None:
    linked.sandbox.plane.store.delete("work_item", linked.item)
    run = engine.run_pair(linked.pair)
    linked.world.lose_answer("create")
    job = undo(run)
    go_on(job)
    assert (job.state, job.failed, len(linked.rows())) == ("done", 0, 1)
    assert rests(linked)


def test_a_link_at_which_another_worker_is_busy_is_waited_for(linked: Bench) -> None:
    linked.patch(name="Renamed")
    run = engine.run_pair(linked.pair)
    ItemLink.objects.update(claimed_at=timezone.now())
    job = undo(run)
    assert (job.state, job.done, linked.rows()[0].values["title"]) == ("waiting", 0, "Renamed")
    ItemLink.objects.update(claimed_at=None)
    go_on(job)
    assert (job.state, job.done) == ("done", 1)
    assert [link.claimed_at for link in linked.links()] == [None]


# Which runs are kept


def test_a_look_at_one_item_keeps_a_run_only_when_it_changed_something(linked: Bench) -> None:
    SyncRun.objects.all().delete()
    engine.run_item(linked.pair, linked.item)
    assert not SyncRun.objects.exists()
    linked.patch(name="Renamed")
    engine.run_item(linked.pair, linked.item)
    engine.run_item(linked.pair, linked.item)
    run = SyncRun.objects.get()
    assert (run.state, run.whole, run.counts) == ("done", False, {"update vendor": 1})
    assert run.finished_at is not None
    undo(run)
    assert linked.rows()[0].values["title"] != "Renamed"


def test_a_look_at_one_item_that_breaks_off_does_not_count_as_running_for_ever(linked: Bench) -> None:
    SyncRun.objects.all().delete()
    linked.patch(name="Renamed")
    linked.world.fail("update", RetryLater("down", person="It is down."))
    with pytest.raises(RetryLater):
        engine.run_item(linked.pair, linked.item)
    run = SyncRun.objects.get()
    assert (run.state, run.detail, run.finished_at is not None) == ("failed", "It is down.", True)


def test_before_each_write_its_before_image_is_kept(linked: Bench) -> None:
    title = linked.title
    linked.patch(name="Renamed")
    linked.world.fail("update", RetryLater("down"))
    with pytest.raises(RetryLater):
        engine.run_item(linked.pair, linked.item)
    change = RunChange.objects.latest("pk")
    assert (change.before, change.after, change.done) == ({"title": title}, {"title": "Renamed"}, False)
