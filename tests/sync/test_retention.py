from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from planeapp.sync.models import Conflict, ItemLink, Job, RunChange, SyncRun, TimelineEntry
from planeapp.sync.retention import KEPT, LINES, QUIET, forget_old
from planeapp.sync.tasks import retain
from tests.factories import ItemLinkFactory, SyncRunFactory, TimelineEntryFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def ago(age: timedelta) -> datetime:
    return timezone.now() - age


def run(age: timedelta, changes: int = 0, **more: Any) -> SyncRun:
    """A run that began so long ago."""
    made: SyncRun = SyncRunFactory(**more)
    for _ in range(changes):
        RunChange.objects.create(run=made, kind="update", side="plane", item_id=made.pk)
    SyncRun.objects.filter(pk=made.pk).update(started_at=ago(age))
    return made


def left() -> set[SyncRun]:
    forget_old()
    return set(SyncRun.objects.all())


def test_runs_that_changed_nothing_go_first() -> None:
    run(QUIET + DAY)
    kept = {run(QUIET - DAY), run(QUIET + DAY, changes=1), run(KEPT - DAY, changes=1)}
    assert left() == kept


def test_before_images_go_with_their_run_when_it_can_no_longer_be_taken_back() -> None:
    old = run(KEPT + DAY, changes=3)
    assert forget_old() >= 4
    assert (SyncRun.objects.filter(pk=old.pk).exists(), RunChange.objects.count()) == (False, 0)


def test_a_run_that_goes_on_is_kept_and_one_that_was_killed_long_ago_is_not() -> None:
    run(KEPT + DAY, state="running")
    going_on = run(QUIET + DAY, state="running")
    assert left() == {going_on}


def test_a_run_that_took_another_back_stays_when_that_one_goes() -> None:
    undone = run(KEPT + DAY, changes=1)
    undo = run(DAY, changes=1, kind="undo", undoes=undone)
    assert left() == {undo}
    undo.refresh_from_db()
    assert undo.undoes is None


def test_links_outlive_the_runs_that_wrote_them() -> None:
    link = ItemLinkFactory()
    old = run(KEPT + DAY, pair=link.pair)
    RunChange.objects.create(run=old, kind="create", side="vendor", item_id=link.item_id, link=link)
    forget_old()
    assert ItemLink.objects.get() == link


def test_jobs_that_are_over_go_and_those_under_way_stay() -> None:
    pair = SyncRunFactory().pair
    over = Job.objects.create(pair=pair, kind="backfill", state="done", due_at=ago(KEPT), finished_at=ago(KEPT + DAY))
    under_way = Job.objects.create(pair=pair, kind="backfill", due_at=ago(KEPT + DAY))
    recent = Job.objects.create(pair=pair, kind="backfill", state="failed", due_at=ago(DAY), finished_at=ago(DAY))
    forget_old()
    assert set(Job.objects.all()) == {under_way, recent}
    assert over not in Job.objects.all()


def test_answered_conflicts_go_and_open_ones_stay_however_old() -> None:
    link = ItemLinkFactory()
    Conflict.objects.create(link=link, name="title", values={}, closed_at=ago(KEPT + DAY))
    recent = Conflict.objects.create(link=link, name="title", values={}, closed_at=ago(DAY))
    waiting = Conflict.objects.create(link=link, name="dates", values={})
    Conflict.objects.update(opened_at=ago(KEPT * 3))
    forget_old()
    assert set(Conflict.objects.all()) == {recent, waiting}


def test_timelines_are_kept_for_a_year() -> None:
    old, kept = TimelineEntryFactory(), TimelineEntryFactory()
    TimelineEntry.objects.filter(pk=old.pk).update(at=ago(LINES + DAY))
    TimelineEntry.objects.filter(pk=kept.pk).update(at=ago(LINES - DAY))
    assert retain() == 1
    assert TimelineEntry.objects.get() == kept


def test_so_many_rows_go_at_a_time_and_the_rest_with_the_next_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planeapp.sync.retention.BATCH", 2)
    for _ in range(3):
        run(QUIET + DAY)
    assert [forget_old() for _ in range(3)] == [2, 1, 0]
