from __future__ import annotations

from planeapp.sync import engine
from planeapp.sync.switching import switched_on
from tests.sync.conftest import Bench

ON = {"priority": {"direction": "out", "winner": "plane"}}
OFF = {"priority": {"direction": "off", "winner": "plane"}}


def linked_without_priority(bench: Bench) -> str:
    bench.pair.rules = OFF
    bench.pair.save()
    bench.patch(priority="high")
    engine.run_item(bench.pair, bench.item)
    (row,) = bench.rows()
    assert "priority" not in row.values
    return row.id


def test_a_field_that_is_switched_on_reaches_rows_that_are_linked_already(bench: Bench) -> None:
    row = linked_without_priority(bench)
    bench.pair.rules = ON
    bench.pair.save()
    assert switched_on(bench.pair, OFF, ON) == 1
    engine.run_pair(bench.pair)
    assert bench.world.rows["main"][row].values["priority"] == "high"
    bench.world.calls.clear()
    engine.run_pair(bench.pair)
    assert bench.world.writes() == []


def test_a_field_that_only_comes_back_is_taken_from_over_there(bench: Bench) -> None:
    rules = {"title": {"direction": "off", "winner": "plane"}}
    bench.pair.rules = rules
    bench.pair.save()
    engine.run_item(bench.pair, bench.item)
    (row,) = bench.rows()
    bench.world.edit(row.id, title="Theirs")
    engine.run_pair(bench.pair)
    back = {"title": {"direction": "in", "winner": "plane"}}
    bench.pair.rules = back
    bench.pair.save()
    switched_on(bench.pair, rules, back)
    engine.run_pair(bench.pair)
    assert bench.title == "Theirs"


def test_other_changes_of_rules_touch_no_link(bench: Bench) -> None:
    engine.run_item(bench.pair, bench.item)
    (before,) = bench.links()
    assert switched_on(bench.pair, ON, {"priority": {"direction": "both", "winner": "ask"}}) == 0
    assert switched_on(bench.pair, {}, {}) == 0
    (after,) = bench.links()
    assert after.updated_at == before.updated_at
