from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest

from planeapp.lib.errors import FixSettings, GroundcrewError, RetryLater
from planeapp.providers import PROVIDERS
from planeapp.providers.base import Item, Write
from planeapp.sync import engine
from planeapp.sync.models import ItemLink, RunChange, SyncRun, TimelineEntry
from tests.providers.memory import Memory
from tests.sync.conftest import Bench


class Bulk(Memory):
    """Writes up to four rows a call, by their marks; titles in ``refused`` are not taken."""

    key: ClassVar[str] = "bulk"
    bulk: ClassVar[int] = 4
    refused: ClassVar[set[str]] = set()

    def write_many(self, place: str, writes: Sequence[Write]) -> Mapping[str, Item | GroundcrewError]:
        self.world.begin("write_many", place, str(len(writes)))
        told = {one.mark: self._one(place, one) for one in writes}
        self.world.end("write_many")
        return told

    def _one(self, place: str, one: Write) -> Item | GroundcrewError:
        if one.values.get("title") in self.refused:
            return FixSettings("bad field", person="This field is not taken.")
        known = one.row or next((row for row in self.world.rows[place].values() if row.mark == one.mark), None)
        return (
            self.world.edit(known.id, place, **one.values)
            if known
            else self.world.put(one.values, place=place, mark=one.mark)
        )


@pytest.fixture
def many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Ten new items beside the one that the bench knows, all of them free to go."""
    monkeypatch.setitem(PROVIDERS, "memory", f"{__name__}.Bulk")
    monkeypatch.setattr(Bulk, "refused", set())
    bench.world.hold = lambda values: "" if str(values.get("title")).startswith("Many") else "no_dates"
    for number in range(10):
        bench.sandbox.gateway().create_item(str(bench.pair.project_id), name=f"Many {number}")
    return bench


def writes(bench: Bench) -> list[str]:
    return [what for method, _, what in bench.world.calls if method == "write_many"]


def test_new_rows_are_made_with_as_few_calls_as_can_be(many: Bench) -> None:
    run = engine.run_pair(many.pair)
    assert writes(many) == ["4", "4", "2"]
    assert (run.counts["create vendor"], many.pair.links.filter(state="linked", made_by_us=True).count()) == (10, 10)
    assert RunChange.objects.filter(run=run, kind="create", done=True).count() == 10
    assert TimelineEntry.objects.filter(code="created").count() == 10


def test_what_is_in_step_is_written_nowhere_and_changes_go_together(many: Bench) -> None:
    engine.run_pair(many.pair)
    many.world.calls.clear()
    engine.run_pair(many.pair)
    assert writes(many) == []
    for item in many.pair.links.values_list("item_id", flat=True)[:5]:
        many.sandbox.gateway().update_item(str(many.pair.project_id), str(item), priority="high")
    run = engine.run_pair(many.pair)
    assert (writes(many), run.counts["update vendor"]) == (["4", "1"], 5)
    assert sum(row.values.get("priority") == "high" for row in many.rows()) == 5


def test_one_bad_record_lets_the_others_through_and_says_why(many: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bulk, "refused", {"Many 3"})
    run = engine.run_pair(many.pair)
    assert (run.counts["create vendor"], run.counts["failed"]) == (9, 1)
    assert TimelineEntry.objects.get(code="fix_settings").text == "This field is not taken."
    assert not many.pair.links.exclude(state="linked").exists()
    monkeypatch.setattr(Bulk, "refused", set())
    assert engine.run_pair(many.pair).counts == {"create vendor": 1}


def test_a_lost_answer_of_a_bulk_write_leaves_one_row_for_each(many: Bench) -> None:
    many.world.fail("write_many", RetryLater("down"))
    with pytest.raises(RetryLater):
        engine.run_pair(many.pair)
    assert many.pair.links.filter(state=ItemLink.State.UNCONFIRMED, claimed_at=None).count() == 4
    run = engine.run_pair(many.pair)
    assert (run.state, len(many.rows()), many.pair.links.filter(state="linked").count()) == (SyncRun.State.DONE, 10, 10)


def test_an_item_at_which_another_worker_is_stays_out_of_the_bulk(many: Bench) -> None:
    engine.run_pair(many.pair)
    link = many.pair.links.order_by("item_key").first()
    assert link is not None
    for item in many.pair.links.values_list("item_id", flat=True)[:2]:
        many.sandbox.gateway().update_item(str(many.pair.project_id), str(item), priority="high")
    many.world.calls.clear()
    busy = many.pair.links.filter(item_id__in=many.pair.links.values_list("item_id", flat=True)[:1])
    busy.update(claimed_at="2099-01-01T00:00:00Z")
    run = engine.run_pair(many.pair)
    assert (writes(many), run.counts) == (["1"], {"update vendor": 1})


def test_single_items_are_written_by_themselves(many: Bench) -> None:
    item = many.sandbox.gateway().create_item(str(many.pair.project_id), name="Many alone").record["id"]
    engine.run_item(many.pair, item)
    assert (writes(many), len(many.rows())) == ([], 1)
