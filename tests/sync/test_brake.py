from __future__ import annotations

import uuid

import pytest

from planeapp.sync import due, engine
from planeapp.sync.brake import DELETED, TooManyEnds
from planeapp.sync.due import Wish
from planeapp.sync.models import Due, ItemLink, RunChange, SyncRun
from planeapp.sync.tasks import work_due, work_pairs
from tests.factories import ItemLinkFactory
from tests.sync.conftest import Bench


def many(bench: Bench, count: int) -> list[str]:
    """So many linked items that are gone in Plane, whose rows are still there."""
    found = []
    for number in range(count):
        row = bench.world.put({"title": f"{number}"})
        ItemLinkFactory(pair=bench.pair, item_id=uuid.uuid4(), remote_id=row.id, theirs={"title": f"{number}"})
        found.append(str(bench.pair.links.get(remote_id=row.id).item_id))
    return found


def test_a_few_deletions_end_their_links(bench: Bench) -> None:
    items = many(bench, 5)
    for item in items:
        due.ask_all([Wish(bench.pair.pk, item)], reason=DELETED)
    Due.objects.update(due_at="2020-01-01T00:00:00Z")
    work_due()
    assert bench.pair.links.filter(state="unlinked").count() == 5


def test_300_deletions_told_one_by_one_stop_and_ask(bench: Bench) -> None:
    items = many(bench, 300)
    due.ask_all([Wish(bench.pair.pk, item) for item in items], reason=DELETED)
    Due.objects.update(due_at="2020-01-01T00:00:00Z")
    work_due()
    assert bench.pair.links.filter(state=ItemLink.State.LINKED).count() == 300
    Due.objects.update(due_at="2020-01-01T00:00:00Z")
    work_pairs()
    run = SyncRun.objects.get(whole=True)
    assert (run.state, bench.pair.links.filter(state="linked").count()) == ("stopped", 300)
    assert "end 300 of 300 links" in run.detail


def test_what_was_ended_within_the_hour_counts(bench: Bench) -> None:
    items = many(bench, 20)
    for item in items[:10]:
        engine.run_item(bench.pair, item)
    assert RunChange.objects.filter(kind="unlink").count() == 10
    with pytest.raises(TooManyEnds) as stopped:
        engine.run_item(bench.pair, items[10])
    assert (stopped.value.code, bench.pair.links.filter(state="linked").count()) == ("guard", 10)
