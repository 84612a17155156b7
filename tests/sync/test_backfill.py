"""A backfill between the sandbox Plane and the vendor in memory, in pages of three work items."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from planeapp.installations.gateways import plane_for
from planeapp.lib.errors import FixSettings, OutOfQuota
from planeapp.plane import gateway
from planeapp.sandbox.plane import work_items
from planeapp.sync import backfill, engine, jobs
from planeapp.sync.models import Job, SyncRun
from tests.factories import ItemLinkFactory
from tests.sync.conftest import MONDAY, Bench

PAGE = 3
ITEMS = 10


@pytest.fixture
def many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Ten work items, all of which may be made over there."""
    monkeypatch.setattr(gateway, "PER_PAGE", PAGE)
    monkeypatch.setattr(backfill, "PER_PAGE", PAGE)
    bench.world.hold = lambda values: ""
    plane = bench.sandbox.plane
    project, ada = bench.sandbox.row("project", identifier="CUST"), bench.sandbox.row("user", display_name="ada")
    for row in plane.live("work_item", project=project["id"]):
        if str(row["id"]) != bench.item:
            plane.store.delete("work_item", row["id"])
    for number in range(ITEMS - 1):
        work_items.create(plane, project, ada, {"name": f"Item {number}"})
    return bench


def work(job: Job) -> Job:
    """The worker comes by, now or as soon as the job is due."""
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    jobs.work_one(job)
    job.refresh_from_db()
    return job


def pages(bench: Bench) -> list[str]:
    """The cursors of the pages of work items that Plane was asked for."""
    asked = [one["query"] for one in bench.sandbox.requests("GET", "/work-items/") if "per_page" in one["query"]]
    return [query.partition("cursor=")[2].partition("&")[0] for query in asked]


def marks(bench: Bench) -> list[str]:
    return sorted(row.mark for row in bench.rows())


# Page by page


def test_everything_gets_a_row_page_by_page(many: Bench) -> None:
    job = work(jobs.ask_backfill(many.pair, "Ada"))
    assert (job.state, job.done, job.failed, job.total) == ("done", ITEMS, 0, ITEMS)
    assert len(pages(many)) == len(set(pages(many))) == 4
    assert len(set(marks(many))) == len(many.rows()) == ITEMS
    assert job.result is not None
    assert (job.result.kind, job.result.state, job.result.counts) == ("backfill", "done", {"create vendor": ITEMS})


def test_what_is_linked_already_costs_the_vendor_no_call(many: Bench) -> None:
    work(jobs.ask_backfill(many.pair))
    many.world.calls.clear()
    job = work(jobs.ask_backfill(many.pair))
    assert (job.state, many.world.calls) == ("done", [("list", "main", "")])
    assert job.result is not None and job.result.counts == {}


def test_what_the_filters_leave_out_is_seen_and_not_made(many: Bench) -> None:
    many.pair.options = {"filters": {"dated_from": "2026-11-01", "priorities": ["urgent"]}}
    many.pair.save()
    job = work(jobs.ask_backfill(many.pair))
    assert (job.state, job.done) == ("done", ITEMS)
    assert [row.values["priority"] for row in many.rows()] == ["urgent"]


def test_only_what_changed_since_is_taken(many: Bench) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        since = timezone.now() - timedelta(minutes=1)
        row = many.sandbox.row("work_item", id=many.item)
        stamp = timezone.now().isoformat().replace("+00:00", "Z")
        many.sandbox.plane.store.put("work_item", many.item, row | {"updated_at": stamp})
        job = work(jobs.ask_backfill(many.pair, since=since))
    assert (job.state, job.done, len(pages(many))) == ("done", 1, 1)
    assert [row.values["title"] for row in many.rows()] == [many.title]


def test_rows_that_carry_our_mark_from_an_earlier_life_are_adopted(many: Bench) -> None:
    work(jobs.ask_backfill(many.pair))
    before = marks(many)
    many.pair.links.all().delete()
    job = work(jobs.ask_backfill(many.pair))
    assert (job.state, marks(many)) == ("done", before)
    assert job.result is not None and job.result.counts == {"adopt vendor": ITEMS}
    assert {link.state for link in many.links()} == {"linked"}


def test_a_row_that_was_unlinked_stays_so(many: Bench) -> None:
    ItemLinkFactory(pair=many.pair, item_id=many.item, state="unlinked")
    work(jobs.ask_backfill(many.pair))
    assert len(many.rows()) == ITEMS - 1


# Stopped and gone on


class Killed(BaseException):
    """The worker's end."""


def killed_at(bench: Bench, create: int) -> None:
    """The worker dies in the middle of this create."""
    put, made = bench.world.put, []

    def put_or_die(*args: object, **more: object) -> object:
        made.append(args)
        if len(made) == create:
            raise Killed
        return put(*args, **more)  # type: ignore[arg-type]

    bench.world.put = put_or_die  # type: ignore[assignment, method-assign]


def test_a_backfill_that_was_killed_in_a_page_reads_that_page_again_and_makes_no_row_twice(many: Bench) -> None:
    job = jobs.ask_backfill(many.pair)
    killed_at(many, 5)
    with pytest.raises(Killed):
        work(job)
    job.refresh_from_db()
    assert (job.done, len(many.rows()), len(pages(many))) == (PAGE, 4, 2)
    Job.objects.update(claimed_at=None)
    many.pair.links.update(claimed_at=None)
    work(job)
    assert (job.state, job.done, job.total, job.failed) == ("done", ITEMS, ITEMS, 0)
    assert len(set(marks(many))) == len(many.rows()) == ITEMS
    assert len(pages(many)) == 5 and len(set(pages(many))) == 4
    assert len([call for call in many.world.calls if call[0] == "list"]) == 1
    assert job.result is not None and job.result.counts == {"create vendor": ITEMS}


def test_a_limit_that_is_used_up_pauses_the_backfill_and_it_goes_on(many: Bench) -> None:
    job = jobs.ask_backfill(many.pair)
    many.world.fail("create", OutOfQuota("429", delay=120))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        jobs.work_one(job)
        job.refresh_from_db()
        assert (job.state, job.attempts, jobs.work_one(job)) == ("waiting", 0, None)
        clock.shift(121)
        jobs.work_one(job)
    job.refresh_from_db()
    assert (job.state, len(set(marks(many))), len(many.rows())) == ("done", ITEMS, ITEMS)


def test_a_failed_item_is_counted_and_the_rest_go_on(many: Bench) -> None:
    many.world.fail("create", FixSettings("400", person="No."))
    job = work(jobs.ask_backfill(many.pair))
    assert (job.state, job.done, job.failed, len(many.rows())) == ("done", ITEMS, 1, ITEMS - 1)


def test_a_backfill_that_is_ended_stops_and_its_rows_stay(many: Bench) -> None:
    job = jobs.ask_backfill(many.pair)
    put = many.world.put

    def put_and_end(*args: object, **more: object) -> object:
        jobs.end(Job.objects.get())
        return put(*args, **more)  # type: ignore[arg-type]

    many.world.put = put_and_end  # type: ignore[assignment, method-assign]
    work(job)
    assert (job.state, len(many.rows())) == ("ended", 1)
    assert SyncRun.objects.get().state == "done"
    assert work(job).state == "ended"
    assert len(many.rows()) == 1


def test_a_backfill_that_finds_nothing_to_do_hears_all_the_same_that_it_was_ended(many: Bench) -> None:
    many.world.hold = lambda values: "no_dates"
    job = jobs.ask_backfill(many.pair)
    beats = iter([True, False])
    assert not backfill.work(job, lambda: next(beats), lambda: True)
    assert len(pages(many)) == 1


def test_when_its_turn_is_over_a_backfill_goes_on_at_the_next_page_later(many: Bench) -> None:
    job = jobs.ask_backfill(many.pair)
    turns = iter([True, True, False])
    assert not backfill.work(job, lambda: True, lambda: next(turns))
    assert (job.done, len(many.rows())) == (2 * PAGE, 2 * PAGE)
    assert work(job).state == "done"
    assert len(pages(many)) == len(set(pages(many))) == 4


def test_a_backfill_makes_nothing_that_live_work_has_made_meanwhile(many: Bench) -> None:
    job = jobs.ask_backfill(many.pair)
    turns = iter([True, False])
    backfill.work(job, lambda: True, lambda: next(turns))
    engine.run_pair(many.pair)
    work(job)
    assert len(set(marks(many))) == len(many.rows()) == ITEMS


def test_what_a_backfill_made_can_be_taken_back(many: Bench) -> None:
    job = work(jobs.ask_backfill(many.pair))
    assert job.result is not None
    undo = jobs.ask_undo(job.result)
    assert undo.total == ITEMS
    work(undo)
    assert (undo.state, undo.done, many.rows()) == ("done", ITEMS, [])


# How long it takes


def half_done(bench: Bench) -> Job:
    """Six of ten items are made."""
    job = jobs.ask_backfill(bench.pair)
    turns = iter([True, True, False])
    backfill.work(job, lambda: True, lambda: next(turns))
    return job


def test_before_anything_is_known_the_time_left_is_not_either(many: Bench) -> None:
    assert backfill.eta(jobs.ask_backfill(many.pair)) is None


def test_the_time_left_follows_the_limit_that_a_sweep_may_use(many: Bench) -> None:
    """Plane allows 60 calls a minute; of the vendor in memory no limit is known."""
    many.sandbox.plane.store.put("settings", "limits", {"per_minute": 60})
    with time_machine.travel(timezone.now(), tick=False):
        job = half_done(many)
        plane_for(many.pair.connection.installation).me()
        rate = backfill._rates(job)["plane"]
        left = backfill.eta(job)
    calls = (ITEMS - 2 * PAGE) * (1 / PAGE + 1)
    assert 0 < rate <= 1
    assert left == timedelta(seconds=round(calls / rate))


def test_a_backfill_at_its_end_has_no_time_left(many: Bench) -> None:
    job = work(jobs.ask_backfill(many.pair))
    assert backfill.eta(job) == timedelta(0)


def test_nothing_is_dated_by_the_backfill(many: Bench) -> None:
    many.patch(start_date="2026-11-23", target_date=None)
    work(jobs.ask_backfill(many.pair))
    row = next(row for row in many.rows() if row.values["title"] == many.title)
    assert (row.values["start"], row.values["end"]) == (MONDAY, None)
    assert not any(isinstance(value, datetime) for value in row.values.values())
