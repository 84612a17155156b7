from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from planeapp.installations.models import Credential
from planeapp.lib.claims import LEASE
from planeapp.lib.errors import FixSettings, Gone, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.plane.scopes import ScopeMissing
from planeapp.plane.side import PlaneSide
from planeapp.providers.base import Listing
from planeapp.sandbox.plane import work_items
from planeapp.sync import engine, snapshot
from planeapp.sync.links import Busy
from planeapp.sync.models import ItemLink, ProjectPair, SyncRun, TimelineEntry
from planeapp.sync.shapes import Plan
from tests.factories import ItemLinkFactory, TieFactory
from tests.fewer import all_but, allow, deny
from tests.sync.conftest import MONDAY, NOWHERE, WEDNESDAY, Bench


def codes(bench: Bench) -> list[str]:
    entries = TimelineEntry.objects.filter(item_id=bench.item).order_by("at", "id")
    return list(entries.values_list("code", flat=True))


@pytest.fixture
def linked(bench: Bench) -> Bench:
    """The item has its row, and everything so far is forgotten."""
    engine.run_item(bench.pair, bench.item)
    bench.world.calls.clear()
    TimelineEntry.objects.all().delete()
    return bench


# Create


def test_an_item_gets_a_row_that_carries_our_mark(bench: Bench) -> None:
    outcome = engine.run_item(bench.pair, bench.item)
    (row,), (link,) = bench.rows(), bench.links()
    workspace = bench.pair.connection.installation.workspace_id
    assert (row.mark, row.values["start"], row.values["end"]) == (f"plane:{workspace}/{bench.item}", MONDAY, WEDNESDAY)
    assert (link.remote_id, link.remote_url, link.state, link.made_by_us) == (row.id, row.url, "linked", True)
    assert dict(outcome.counts) == {"create vendor": 1}
    assert codes(bench) == ["created"]


def test_an_item_in_step_is_written_nowhere(linked: Bench) -> None:
    outcome = engine.run_item(linked.pair, linked.item)
    assert (linked.world.writes(), dict(outcome.counts)) == ([], {})
    assert codes(linked) == []


def test_an_item_that_is_held_back_says_why_once(bench: Bench) -> None:
    bench.patch(start_date=None, target_date=None)
    for _ in range(3):
        engine.run_item(bench.pair, bench.item)
    assert (bench.rows(), bench.links(), codes(bench)) == ([], [], ["no_dates"])


def test_a_lost_answer_after_a_create_leaves_one_row(bench: Bench) -> None:
    bench.world.lose_answer("create")
    first = engine.run_item(bench.pair, bench.item)
    assert first.failed[bench.item].code == "outcome_unknown"
    assert [link.state for link in bench.links()] == ["unconfirmed"]
    engine.run_item(bench.pair, bench.item)
    assert len(bench.rows()) == 1
    assert [link.state for link in bench.links()] == ["linked"]


def test_an_item_that_another_worker_is_making_is_left_to_it(bench: Bench) -> None:
    ItemLink.objects.create(pair=bench.pair, item_id=bench.item, state="unconfirmed", claimed_at=timezone.now())
    with pytest.raises(Busy) as busy:
        engine.run_item(bench.pair, bench.item)
    assert (busy.value.delay, bench.rows(), codes(bench)) == (0.5, [], [])


def test_an_item_whose_maker_died_long_ago_is_looked_for_and_then_made(bench: Bench) -> None:
    long_ago = timezone.now() - LEASE - timedelta(seconds=1)
    ItemLink.objects.create(pair=bench.pair, item_id=bench.item, state="unconfirmed", claimed_at=long_ago)
    engine.run_item(bench.pair, bench.item)
    assert [call[0] for call in bench.world.calls if call[0] in ("find", "create")] == ["find", "create"]
    assert len(bench.rows()) == 1


def test_a_whole_run_passes_by_what_another_worker_is_making(bench: Bench) -> None:
    ItemLink.objects.create(pair=bench.pair, item_id=bench.item, state="unconfirmed", claimed_at=timezone.now())
    run = engine.run_pair(bench.pair)
    assert (run.state, bench.rows()) == ("done", [])


@pytest.mark.parametrize("error", [RetryLater("down"), OutOfQuota("429", delay=9), ReconnectNeeded("401")])
def test_a_look_for_our_mark_that_fails_does_not_forget_that_a_row_may_be_there(bench: Bench, error: Any) -> None:
    bench.world.lose_answer("create")
    engine.run_item(bench.pair, bench.item)
    bench.world.fail("find", error)
    with pytest.raises(type(error)):
        engine.run_item(bench.pair, bench.item)
    engine.run_item(bench.pair, bench.item)
    assert len(bench.rows()) == 1


def test_a_create_that_was_lost_before_it_happened_is_made_in_the_end(bench: Bench) -> None:
    bench.world.fail("create", OutcomeUnknown("timeout"), OutcomeUnknown("timeout"))
    for _ in range(3):
        engine.run_item(bench.pair, bench.item)
    assert len(bench.rows()) == 1
    assert [link.state for link in bench.links()] == ["linked"]


def test_a_create_that_is_refused_leaves_no_link_and_says_why(bench: Bench) -> None:
    bench.world.fail("create", FixSettings("400", person="The template is missing."))
    outcome = engine.run_item(bench.pair, bench.item)
    assert (bench.rows(), bench.links(), codes(bench)) == ([], [], ["fix_settings"])
    assert outcome.failed[bench.item].person == "The template is missing."
    assert TimelineEntry.objects.get().text == "The template is missing."


@pytest.mark.parametrize("error", [RetryLater("down"), OutOfQuota("429"), ReconnectNeeded("401")])
def test_what_concerns_the_whole_connection_is_raised_and_leaves_no_link(bench: Bench, error: Any) -> None:
    bench.world.fail("create", error)
    with pytest.raises(type(error)):
        engine.run_item(bench.pair, bench.item)
    assert bench.links() == []


def test_a_worker_that_died_after_the_create_is_mended_by_the_next_run_over_the_pair(bench: Bench) -> None:
    bench.world.fail("create", OutcomeUnknown("killed"))
    engine.run_item(bench.pair, bench.item)
    mark = f"plane:{bench.pair.connection.installation.workspace_id}/{bench.item}"
    made = bench.world.put({"title": "made", "start": MONDAY, "end": WEDNESDAY}, mark=mark)
    run = engine.run_pair(bench.pair)
    assert run.counts == {"adopt vendor": 1}
    assert [(link.remote_id, link.state) for link in bench.links()] == [(made.id, "linked")]


def test_companies_that_an_item_is_tied_to_go_along(bench: Bench) -> None:
    TieFactory(connection=bench.pair.connection, project_id=bench.pair.project_id, item_id=bench.item, party_id="c-1")
    engine.run_item(bench.pair, bench.item)
    assert bench.rows()[0].values["parties"] == ("c-1",)


def test_times_that_somebody_asked_for_go_along_once(bench: Bench) -> None:
    ten, noon = datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC)
    engine.run_item(bench.pair, bench.item, {"starts_at": ten, "ends_at": noon})
    bench.world.calls.clear()
    engine.run_item(bench.pair, bench.item)
    assert (bench.rows()[0].values["starts_at"], bench.world.writes()) == (ten, [])


# Update


def test_a_change_in_plane_goes_to_the_row_alone(linked: Bench) -> None:
    linked.patch(name="Renamed")
    engine.run_item(linked.pair, linked.item)
    assert linked.rows()[0].values["title"] == "Renamed"
    assert len(linked.world.writes()) == 1
    assert codes(linked) == ["updated"]


def test_a_change_of_the_row_goes_to_plane(linked: Bench) -> None:
    linked.world.edit(linked.rows()[0].id, start=date(2026, 11, 24), end=date(2026, 11, 30))
    engine.run_item(linked.pair, linked.item)
    record = linked.sandbox.plane.store.get("work_item", linked.item)
    assert (record["start_date"], record["target_date"]) == ("2026-11-24", "2026-11-30")
    assert linked.world.writes() == []


def test_our_own_write_to_plane_comes_back_as_nothing(linked: Bench) -> None:
    linked.world.edit(linked.rows()[0].id, title="Renamed over there")
    for _ in range(3):
        engine.run_item(linked.pair, linked.item)
    assert (linked.title, linked.world.writes(), codes(linked)) == ("Renamed over there", [], ["updated"])


def test_a_vendor_that_touches_versions_without_a_change_causes_no_write(linked: Bench) -> None:
    linked.world.edit(linked.rows()[0].id)
    outcome = engine.run_item(linked.pair, linked.item)
    assert (linked.world.writes(), dict(outcome.counts)) == ([], {})


def test_changes_on_both_sides_to_different_fields_both_arrive_and_rest(linked: Bench) -> None:
    linked.patch(name="From Plane")
    linked.world.edit(linked.rows()[0].id, end=date(2026, 11, 28))
    engine.run_item(linked.pair, linked.item)
    record = linked.sandbox.plane.store.get("work_item", linked.item)
    linked.world.calls.clear()
    outcome = engine.run_item(linked.pair, linked.item)
    assert (record["target_date"], linked.rows()[0].values["title"]) == ("2026-11-28", "From Plane")
    assert (linked.world.writes(), dict(outcome.counts)) == ([], {})


def test_a_change_that_failed_half_way_is_not_forgotten(linked: Bench) -> None:
    """The row got our title; Plane was busy when it was to get the row's dates."""
    linked.patch(name="From Plane")
    linked.world.edit(linked.rows()[0].id, end=date(2026, 11, 28))
    linked.sandbox.fault(method="PATCH", path="/work-items/", status=503)
    with pytest.raises(RetryLater):
        engine.run_item(linked.pair, linked.item)
    engine.run_item(linked.pair, linked.item)
    assert linked.sandbox.plane.store.get("work_item", linked.item)["target_date"] == "2026-11-28"


def test_a_conflict_waits_for_a_person_and_is_not_settled_by_another_change(linked: Bench) -> None:
    linked.pair.rules = {"title": {"direction": "both", "winner": "ask"}}
    linked.pair.save()
    linked.patch(name="Plane's", target_date="2026-11-27")
    linked.world.edit(linked.rows()[0].id, title="Vendor's")
    engine.run_item(linked.pair, linked.item)
    assert linked.rows()[0].values["end"] == date(2026, 11, 27)
    assert [held.code for held in engine.preview(linked.pair).held if held.item_id == linked.item] == ["conflict"]
    assert (linked.title, linked.rows()[0].values["title"]) == ("Plane's", "Vendor's")


def test_a_vendor_that_rewrites_what_it_is_given_is_not_written_to_again(linked: Bench) -> None:
    linked.patch(name="renamed")
    engine.run_item(linked.pair, linked.item)
    linked.world.edit(linked.rows()[0].id, title="RENAMED")
    link = linked.links()[0]
    link.theirs = {**link.theirs, "title": "RENAMED"}
    link.save()
    linked.world.calls.clear()
    engine.run_item(linked.pair, linked.item)
    assert (linked.world.writes(), linked.title) == ([], "renamed")


def test_a_lost_answer_after_an_update_ends_in_step(linked: Bench) -> None:
    linked.patch(name="Renamed")
    linked.world.lose_answer("update")
    assert engine.run_item(linked.pair, linked.item).failed[linked.item].code == "outcome_unknown"
    outcome = engine.run_item(linked.pair, linked.item)
    assert dict(outcome.counts) == {"agree plane": 1}
    assert len(linked.world.writes()) == 1


# Gone


def test_a_row_that_was_removed_is_unlinked_and_stays_away(linked: Bench) -> None:
    linked.world.remove(linked.rows()[0].id)
    for _ in range(3):
        engine.run_item(linked.pair, linked.item)
    assert [link.state for link in linked.links()] == ["unlinked"]
    assert (linked.rows(), linked.world.writes(), codes(linked)) == ([], [], ["unlinked", "unlinked"])


def test_an_item_that_was_removed_leaves_its_row_alone(linked: Bench) -> None:
    linked.sandbox.plane.store.delete("work_item", linked.item)
    engine.run_item(linked.pair, linked.item)
    assert [link.state for link in linked.links()] == ["unlinked"]
    assert (len(linked.rows()), linked.world.writes()) == (1, [])


def test_a_row_that_vanishes_before_it_is_written_is_told_and_mended_by_the_next_look(linked: Bench) -> None:
    linked.patch(name="Renamed")
    linked.world.fail("update", Gone("404"))
    assert engine.run_item(linked.pair, linked.item).failed[linked.item].code == "gone"
    engine.run_item(linked.pair, linked.item)
    assert linked.rows()[0].values["title"] == "Renamed"


def test_an_item_that_never_was_is_nothing_to_do(bench: Bench) -> None:
    assert dict(engine.run_item(bench.pair, NOWHERE).counts) == {}


# Whole pairs


def test_a_run_over_the_pair_keeps_a_record(bench: Bench) -> None:
    run = engine.run_pair(bench.pair)
    assert (run.state, run.counts, run.whole) == (SyncRun.State.DONE, {"create vendor": 1}, True)
    assert run.finished_at is not None
    assert run.entries.filter(code="created").count() == 1


def test_a_second_run_over_the_pair_writes_nothing(bench: Bench) -> None:
    engine.run_pair(bench.pair)
    bench.world.calls.clear()
    run = engine.run_pair(bench.pair)
    assert (run.counts, bench.world.calls) == ({}, [("list", "main", "")])


def test_a_preview_is_the_plan_of_the_run_and_writes_nothing(bench: Bench) -> None:
    found = engine.preview(bench.pair)
    assert isinstance(found, Plan)
    assert bench.world.writes() == []
    assert (SyncRun.objects.count(), ItemLink.objects.count(), TimelineEntry.objects.count()) == (0, 0, 0)
    assert found.counts["create vendor"] == 1
    assert engine.run_pair(bench.pair).counts["create vendor"] == 1


def test_one_items_failure_is_recorded_and_the_others_go_on(bench: Bench) -> None:
    bench.world.hold = lambda values: ""
    bench.world.fail("create", FixSettings("400"))
    run = engine.run_pair(bench.pair)
    assert run.state == SyncRun.State.DONE
    assert run.counts["failed"] == 1
    assert run.counts["create vendor"] == len(bench.rows()) > 1


@pytest.mark.parametrize("error", [RetryLater("down"), OutOfQuota("429"), ReconnectNeeded("401")])
def test_a_run_that_broke_off_says_why(bench: Bench, error: Any) -> None:
    bench.world.fail("list", error)
    with pytest.raises(type(error)):
        engine.run_pair(bench.pair)
    run = SyncRun.objects.get()
    bench.pair.refresh_from_db()
    assert (run.state, run.detail) == (SyncRun.State.FAILED, error.person)
    assert bench.pair.reconciled_at is None


def test_a_cut_listing_says_of_nothing_that_it_is_gone(linked: Bench) -> None:
    linked.world.cut_listing("main", linked.rows()[0].id)
    engine.run_pair(linked.pair)
    assert [link.state for link in linked.links()] == ["linked"]
    assert linked.world.writes() == []


def test_a_complete_listing_says_what_is_gone(linked: Bench) -> None:
    linked.world.remove(linked.rows()[0].id)
    assert engine.run_pair(linked.pair).counts == {"unlink vendor": 1}
    assert [link.state for link in linked.links()] == ["unlinked"]


def test_an_item_that_only_the_listing_left_out_is_not_gone(linked: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlaneSide, "list", lambda side, project: Listing((), complete=True))
    assert engine.run_pair(linked.pair).counts == {}
    assert [link.state for link in linked.links()] == ["linked"]


def test_after_a_project_was_emptied_each_sweep_looks_at_some_of_the_items(
    linked: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    for _ in range(4):
        ItemLinkFactory(pair=linked.pair, remote_id=linked.world.put({"title": "Old"}).id)
    monkeypatch.setattr(snapshot, "LOOKS", 3)
    assert [engine.run_pair(linked.pair).counts.get("unlink plane") for _ in range(3)] == [3, 1, None]


def emptied(bench: Bench) -> None:
    """Somebody over there removes twelve rows at once, of fourteen, and the items of the two others are gone too."""
    for _ in range(13):
        ItemLinkFactory(pair=bench.pair, remote_id=bench.world.put({"title": "Old"}).id, item_id=uuid.uuid4())
    for link in list(bench.links())[:12]:
        bench.world.remove(link.remote_id)


def test_a_run_that_would_end_most_links_stops_before_its_first_write_and_says_the_numbers(linked: Bench) -> None:
    emptied(linked)
    run = engine.run_pair(linked.pair)
    assert (run.state, run.counts["unlink vendor"]) == (SyncRun.State.STOPPED, 12)
    assert run.detail.startswith("It would end 14 of 14 links")
    assert {link.state for link in linked.links()} == {"linked"}
    assert linked.world.writes() == []
    assert TimelineEntry.objects.get(code="guard").run == run


def test_a_stopped_run_is_run_once_when_a_person_allows_it(linked: Bench) -> None:
    emptied(linked)
    linked.pair.allow_once = True
    linked.pair.save()
    assert engine.run_pair(linked.pair).state == SyncRun.State.DONE
    linked.pair.refresh_from_db()
    assert linked.pair.allow_once is False


def test_an_ordinary_run_leaves_the_permission_for_the_one_it_was_meant_for(linked: Bench) -> None:
    linked.pair.allow_once = True
    linked.pair.save()
    engine.run_pair(linked.pair)
    linked.pair.refresh_from_db()
    assert linked.pair.allow_once is True


def test_a_forced_run_asks_nobody(linked: Bench) -> None:
    emptied(linked)
    assert engine.run_pair(linked.pair, forced=True).counts["unlink vendor"] == 12


def test_a_list_of_archived_items_that_shifted_says_of_nothing_that_it_is_gone(linked: Bench) -> None:
    linked.sandbox.plane.store.delete("work_item", linked.item)
    cut = '{"results": [], "total_count": 7, "next_page_results": false}'
    linked.sandbox.fault(path="/archived-work-items/", status=200, body=cut)
    assert engine.run_pair(linked.pair).counts == {}
    assert engine.run_pair(linked.pair).counts == {"unlink plane": 1}


def test_a_single_look_tells_an_archived_item_from_a_deleted_one(linked: Bench) -> None:
    row = linked.sandbox.row("work_item", id=linked.item)
    linked.sandbox.plane.store.put("work_item", linked.item, row | {"archived_at": "2026-11-21"})
    engine.run_item(linked.pair, linked.item)
    assert ([link.state for link in linked.links()], codes(linked)) == (["linked"], ["archived"])


# Fewer scopes than asked for

LATER = date(2026, 12, 7)


def moved_over_there(linked: Bench) -> None:
    (row,) = linked.rows()
    linked.world.rows["main"][row.id] = replace(row, values={**row.values, "start": LATER, "end": LATER})


def test_a_move_over_there_is_held_back_with_a_reason_and_no_call_while_plane_allows_no_writing(linked: Bench) -> None:
    deny(linked.sandbox.plane, linked.pair.connection.installation, "projects.work_items:write")
    moved_over_there(linked)
    before = len(linked.sandbox.requests("PATCH"))
    for _ in range(2):
        assert dict(engine.run_item(linked.pair, linked.item).counts) == {}
    assert codes(linked) == ["scope_missing"]
    assert engine.preview(linked.pair).held[0].code == "scope_missing"
    assert (len(linked.sandbox.requests("PATCH")), linked.world.writes()) == (before, [])


def test_what_was_held_back_is_written_once_a_new_token_allows_it(linked: Bench) -> None:
    installation = linked.pair.connection.installation
    deny(linked.sandbox.plane, installation, "projects.work_items:write")
    moved_over_there(linked)
    engine.run_item(linked.pair, linked.item)
    allow(linked.sandbox.plane, installation, all_but())
    Credential.objects.update(expires_at=timezone.now())
    assert dict(engine.run_item(linked.pair, linked.item).counts) == {"update plane": 1}
    assert linked.sandbox.plane.store.get("work_item", linked.item)["target_date"] == LATER.isoformat()


def test_items_that_may_not_be_read_cost_no_call_and_say_why(linked: Bench) -> None:
    deny(linked.sandbox.plane, linked.pair.connection.installation, "projects.work_items:read")
    before = len(linked.sandbox.requests("GET"))
    for look in (lambda: engine.run_item(linked.pair, linked.item), lambda: engine.preview(linked.pair)):
        with pytest.raises(ScopeMissing, match="not sent") as caught:
            look()
        assert "projects.work_items:read" in caught.value.person
    assert (len(linked.sandbox.requests("GET")), linked.world.calls) == (before, [])


# The row's address on the work item


def addresses(bench: Bench) -> list[tuple[str, str]]:
    """Links on the work item in Plane: address and title."""
    return [(row["url"], row["title"]) for row in bench.sandbox.plane.live("link", issue=bench.item)]


def test_a_new_row_is_shown_on_its_work_item_once(bench: Bench) -> None:
    for _ in range(2):
        engine.run_pair(bench.pair)
    (row,), (link,) = bench.rows(), bench.links()
    assert addresses(bench) == [(row.url, f"Memory: {link.item_key}")]
    assert link.shown
    assert len(bench.sandbox.requests("POST", "/links/")) == 1


def test_a_pair_that_does_not_want_it_shows_nothing(bench: Bench) -> None:
    bench.pair.options = {"show_link": False}
    bench.pair.save()
    engine.run_pair(bench.pair)
    assert (addresses(bench), [link.shown for link in bench.links()]) == ([], [False])


def test_rows_from_before_are_shown_by_the_next_look_and_the_run_counts_it(linked: Bench) -> None:
    linked.sandbox.plane.store.delete("link", linked.sandbox.row("link", issue=linked.item)["id"])
    linked.pair.links.update(shown=False)
    assert engine.run_pair(linked.pair).counts == {"show plane": 1}
    assert len(addresses(linked)) == 1
    assert engine.run_pair(linked.pair).counts == {}


def test_an_address_that_a_person_put_there_already_is_not_put_twice(linked: Bench) -> None:
    linked.pair.links.update(shown=False)
    engine.run_item(linked.pair, linked.item)
    assert len(addresses(linked)) == 1
    assert linked.links()[0].shown


@pytest.mark.parametrize(("status", "raised"), [(503, True), (400, False)])
def test_an_address_that_could_not_be_put_there_is_mended_by_the_next_look(
    bench: Bench, status: int, raised: bool
) -> None:
    bench.sandbox.fault(method="POST", path="/links/", status=status, body='{"error": "no"}')
    if raised:
        with pytest.raises(RetryLater):
            engine.run_item(bench.pair, bench.item)
    else:
        engine.run_item(bench.pair, bench.item)
    assert ([link.state for link in bench.links()], addresses(bench)) == (["linked"], [])
    engine.run_item(bench.pair, bench.item)
    assert (len(addresses(bench)), len(bench.rows())) == (1, 1)


# Several rows of one item


def copied(linked: Bench, start: date, end: date) -> str:
    """Somebody over there copies the row, mark and all, to other days; two looks later it is one more of the item's."""
    (row,) = linked.rows()
    made = linked.world.put({**row.values, "start": start, "end": end}, mark=row.mark)
    assert engine.run_pair(linked.pair).counts["adopt vendor"] == 1
    engine.run_pair(linked.pair)
    return made.id


def days_in_plane(bench: Bench) -> tuple[str, str]:
    record = bench.sandbox.plane.store.get("work_item", bench.item)
    assert record
    return record["start_date"], record["target_date"]


def test_a_copy_of_a_row_is_one_more_of_the_item_and_planes_days_go_around_both(linked: Bench) -> None:
    copied(linked, date(2026, 11, 26), date(2026, 11, 30))
    assert days_in_plane(linked) == ("2026-11-23", "2026-11-30")
    assert [link.state for link in linked.links()] == ["linked", "linked"]
    assert engine.run_pair(linked.pair).counts == {}
    assert linked.world.writes() == []


def test_one_of_several_rows_that_moves_over_there_moves_planes_days(linked: Bench) -> None:
    copy = copied(linked, date(2026, 11, 26), date(2026, 11, 30))
    linked.world.edit(copy, start=date(2026, 12, 7), end=date(2026, 12, 9))
    engine.run_item(linked.pair, linked.item)
    assert days_in_plane(linked) == ("2026-11-23", "2026-12-09")
    assert dict(engine.run_item(linked.pair, linked.item).counts) == {}


def test_several_rows_of_which_one_moved_while_plane_was_busy_are_not_forgotten(linked: Bench) -> None:
    copy = copied(linked, date(2026, 11, 26), date(2026, 11, 30))
    linked.patch(name="Renamed")
    linked.world.edit(copy, end=date(2026, 12, 9))
    linked.sandbox.fault(method="PATCH", path="/work-items/", status=400, body='{"error": "no"}')
    assert engine.run_item(linked.pair, linked.item).failed
    engine.run_item(linked.pair, linked.item)
    assert days_in_plane(linked) == ("2026-11-23", "2026-12-09")
    assert {row.values["title"] for row in linked.rows()} == {"Renamed"}


def test_planes_days_that_move_wait_for_a_person_while_there_are_several_rows(linked: Bench) -> None:
    copied(linked, date(2026, 11, 26), date(2026, 11, 30))
    linked.patch(target_date="2026-12-24", name="Renamed")
    engine.run_item(linked.pair, linked.item)
    assert codes(linked)[-3:] == ["several", "updated", "updated"]
    assert {row.values["end"] for row in linked.rows()} == {WEDNESDAY, date(2026, 11, 30)}
    assert [held.code for held in engine.preview(linked.pair).held if held.item_id == linked.item] == ["several"] * 2


# Rows in another place


def test_a_row_that_was_dragged_away_is_left_alone_until_it_is_back(linked: Bench) -> None:
    (row,) = linked.rows()
    linked.world.move(row.id, "attic")
    linked.patch(name="Renamed")
    for _ in range(2):
        engine.run_pair(linked.pair)
        engine.run_item(linked.pair, linked.item)
    assert (linked.world.writes(), codes(linked), linked.rows()) == ([], ["moved_over_there"], [])
    linked.world.move(row.id, "main", place="attic")
    linked.world.rows["main"][row.id] = replace(linked.rows()[0], place="")
    engine.run_pair(linked.pair)
    assert linked.rows()[0].values["title"] == "Renamed"


# Adopting


def test_where_an_adopted_row_and_its_item_differ_the_next_look_writes_planes_values(bench: Bench) -> None:
    mark = f"plane:{bench.pair.connection.installation.workspace_id}/{bench.item}"
    bench.world.put({"title": "Old name", "notes": "Old", "start": LATER, "end": LATER}, mark=mark)
    title = bench.title
    assert engine.run_pair(bench.pair).counts == {"adopt vendor": 1}
    engine.run_pair(bench.pair)
    (row,) = bench.rows()
    assert (row.values["title"], row.values["start"], row.values["end"]) == (title, MONDAY, WEDNESDAY)
    assert (bench.title, days_in_plane(bench)) == (title, ("2026-11-23", "2026-11-25"))
    assert engine.run_pair(bench.pair).counts == {}


# Taken over


def test_a_run_that_another_worker_took_over_stops_before_its_next_write(bench: Bench) -> None:
    bench.world.hold = lambda values: ""
    beats = iter([True, True, False])
    with pytest.raises(Busy):
        engine.run_pair(bench.pair, beat=lambda: next(beats))
    run = SyncRun.objects.get()
    assert (run.state, len(bench.rows()), run.changes.filter(done=True).count()) == ("failed", 2, 2)
    bench.pair.refresh_from_db()
    assert bench.pair.reconciled_at is None


# Three hundred at once


MANY = 300


@pytest.fixture
def crowd(linked: Bench) -> Bench:
    """Three hundred more work items, linked to rows that look as they do."""
    plane, ada = linked.sandbox.plane, linked.sandbox.row("user", display_name="ada")
    project = linked.sandbox.row("project", identifier="CUST")
    linked.pair.options = {"show_link": False}
    linked.pair.rules = {
        name: {"direction": "off"} for name in ("notes", "state", "priority", "people", "parties", "url")
    }
    linked.pair.save()
    made = [work_items.create(plane, project, ada, {"name": f"Item {number}"}) for number in range(MANY)]
    rows = [linked.world.put({"title": item["name"], "start": None, "end": None}) for item in made]
    ItemLink.objects.bulk_create(
        ItemLink(
            pair=linked.pair, item_id=item["id"], remote_id=row.id, made_by_us=True, ours=row.values, theirs=row.values
        )
        for item, row in zip(made, rows, strict=True)
    )
    assert engine.run_pair(linked.pair).counts == {}
    return linked


def emptied_over_there(bench: Bench) -> None:
    for link in bench.links()[1:]:
        bench.world.remove(link.remote_id)


def emptied_in_plane(bench: Bench) -> None:
    for link in bench.links()[1:]:
        bench.sandbox.plane.store.delete("work_item", str(link.item_id))


@pytest.mark.parametrize(
    ("empty", "ended"), [(emptied_over_there, "unlink vendor"), (emptied_in_plane, "unlink plane")]
)
def test_three_hundred_deletes_at_once_stop_with_their_number_and_all_end_once_a_person_allows_it(
    crowd: Bench, empty: Any, ended: str
) -> None:
    empty(crowd)
    for _ in range(2):
        run = engine.run_pair(crowd.pair)
        assert (run.state, run.counts[ended]) == ("stopped", snapshot.LOOKS)
        assert run.detail.startswith(f"It would end {MANY} of {MANY + 1} links")
    assert {link.state for link in crowd.links()} == {"linked"}
    assert crowd.world.writes() == []
    ProjectPair.objects.update(allow_once=True)
    crowd.pair.refresh_from_db()
    assert engine.run_pair(crowd.pair).counts == {ended: MANY}
    assert [link.state for link in crowd.links()].count("unlinked") == MANY
    crowd.pair.refresh_from_db()
    assert engine.run_pair(crowd.pair).counts == {}
    assert crowd.pair.allow_once is False


def test_rows_that_would_be_deleted_with_their_items_count_as_ends_too(crowd: Bench) -> None:
    crowd.pair.options = {"show_link": False, "deletes": "delete"}
    crowd.pair.save()
    emptied_in_plane(crowd)
    run = engine.run_pair(crowd.pair)
    assert (run.state, run.counts["delete vendor"], len(crowd.rows())) == ("stopped", snapshot.LOOKS, MANY + 1)
    assert f"end {MANY} of {MANY + 1} links" in run.detail
