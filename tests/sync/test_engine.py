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
from planeapp.sync import engine, snapshot
from planeapp.sync.apply import Busy
from planeapp.sync.models import ItemLink, SyncRun, TimelineEntry
from planeapp.sync.plan import Plan
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
