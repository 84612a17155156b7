"""A look before rules are used: it says what a run would do, and does nothing of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.apps import apps

from planeapp.installations import budgets
from planeapp.installations.models import CallCount, CallWindow
from planeapp.lib.errors import ReconnectNeeded
from planeapp.sync import engine, preflight
from planeapp.sync.models import SyncRun
from planeapp.sync.options import Options
from planeapp.sync.snapshot import Sides
from tests.fewer import deny
from tests.providers.memory import Memory
from tests.sync.conftest import Bench

COUNTED = (CallWindow, CallCount)
PLAIN = Options()


def everything_stored() -> dict[str, list[Any]]:
    """Every row of every table, but for counts of calls."""
    tables = [model for model in apps.get_models() if model not in COUNTED]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in tables}


def everything_in_plane(bench: Bench) -> Any:
    kinds = ("work_item", "link", "comment", "label", "activity")
    return repr([bench.sandbox.plane.live(kind) for kind in kinds])


def lines(check: preflight.Check) -> dict[str, tuple[int, int, int]]:
    """Field → written over there, written in Plane, held; fields without any left out."""
    return {line.name: told for line in check.fields if any(told := (line.out, line.back, line.held))}


@pytest.fixture
def linked(bench: Bench) -> Bench:
    engine.run_pair(bench.pair)
    return bench


def test_a_look_writes_nothing_anywhere(linked: Bench) -> None:
    linked.patch(name="Renamed")
    linked.world.edit(linked.rows()[0].id, notes="<p>theirs</p>")
    before, in_plane = everything_stored(), everything_in_plane(linked)
    linked.world.calls.clear()
    rules = {"title": {"direction": "both", "winner": "ask"}, "state": {"direction": "off"}}
    found = preflight.check(linked.pair, rules, Options(deletes="delete", show_link=False))
    assert found.plan.changes
    assert everything_stored() == before
    assert everything_in_plane(linked) == in_plane
    assert linked.world.writes() == []
    assert linked.sandbox.requests("DELETE") == []


def test_a_first_look_at_a_pair_writes_nothing_either(bench: Bench) -> None:
    engine.preview(bench.pair)  # the bot's token is fetched
    before = everything_stored()
    preflight.check(bench.pair, {}, PLAIN)
    assert (everything_stored(), bench.rows(), SyncRun.objects.count()) == (before, [], 0)


def test_the_plan_is_the_one_that_a_run_with_these_rules_applies(linked: Bench) -> None:
    linked.patch(name="Renamed")
    linked.world.edit(linked.rows()[0].id, notes="<p>theirs</p>")
    rules = {"title": {"direction": "off"}, "notes": {"direction": "both"}}
    found = preflight.check(linked.pair, rules, PLAIN)
    linked.pair.rules = rules
    linked.pair.save()
    assert engine.run_pair(linked.pair).counts == {"update plane": 1}
    assert [dict(change.values) for change in found.plan.changes] == [{"notes": "<p>theirs</p>"}]


def test_each_field_says_how_many_items_would_be_written_on_each_side(linked: Bench) -> None:
    linked.patch(name="Renamed", priority="low")
    linked.world.edit(linked.rows()[0].id, start=date(2026, 11, 24))
    found = preflight.check(linked.pair, {}, PLAIN)
    assert lines(found) == {"title": (1, 0, 0), "priority": (1, 0, 0), "start": (0, 1, 0), "end": (0, 1, 0)}


def test_a_new_row_counts_for_every_field_that_it_starts_with(bench: Bench) -> None:
    found = lines(preflight.check(bench.pair, {"notes": {"direction": "off"}}, PLAIN))
    assert found["title"] == found["start"] == (1, 0, 0)
    assert "notes" not in found


def test_a_field_that_waits_for_a_person_is_counted(linked: Bench) -> None:
    linked.patch(name="Ours")
    linked.world.edit(linked.rows()[0].id, title="Theirs")
    found = preflight.check(linked.pair, {"title": {"direction": "both", "winner": "ask"}}, PLAIN)
    assert lines(found)["title"] == (0, 0, 1)
    assert found.held["Both sides changed the same field; a person has to choose."] == 1


def test_items_that_are_left_out_are_counted_by_their_reason(bench: Bench) -> None:
    items = len(bench.sandbox.plane.live("work_item", project=str(bench.pair.project_id)))
    found = preflight.check(bench.pair, {}, PLAIN)
    assert found.held == {"It has neither a start nor a target date.": items - 1}
    filtered = preflight.check(bench.pair, {}, Options.model_validate({"filters": {"dated_from": "2027-01-01"}}))
    assert filtered.held["The filters of its project leave it out: before 2027-01-01."] >= 1
    assert (filtered.plan.changes, sum(filtered.held.values())) == ((), items)


def test_each_field_tells_the_rule_that_it_was_looked_at_with(bench: Bench) -> None:
    found = preflight.check(bench.pair, {"title": {"direction": "out", "winner": "newest"}}, PLAIN)
    by_name = {line.name: line for line in found.fields}
    assert list(by_name) == [known.name for known in Memory.fields]
    assert (by_name["title"].rule.direction, by_name["title"].rule.winner) == ("out", "newest")
    assert (by_name["state"].label, by_name["state"].rule.direction) == ("State", "out")


# What cannot work


def reasons(bench: Bench, rules: Any) -> dict[str, str]:
    return {line.name: line.reason for line in preflight.check(bench.pair, rules, PLAIN).fields if line.reason}


def test_where_all_can_be_kept_in_step_nothing_is_objected_to(bench: Bench) -> None:
    assert reasons(bench, {}) == {}


def test_a_direction_that_the_field_does_not_have_is_objected_to(bench: Bench) -> None:
    rules = {"url": {"direction": "both"}}
    assert reasons(bench, rules) == {"url": "Memory cannot have link kept in step in this direction."}


def test_what_plane_does_not_let_us_write_is_objected_to_where_it_would_come_in(bench: Bench) -> None:
    deny(bench.sandbox.plane, bench.pair.connection.installation, "projects.work_items:write")
    rules = {"title": {"direction": "in"}, "notes": {"direction": "out"}, "start": {"direction": "off"}}
    found = reasons(bench, rules)
    assert found == {"title": preflight.CANNOT_WRITE, "end": preflight.CANNOT_WRITE}


@pytest.mark.parametrize(
    ("direction", "objected"), [("off", False), ("out", True), ("in", False), ("both", True)]
)  # fmt: skip
def test_what_the_provider_cannot_do_is_told_in_its_words(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, direction: str, objected: bool
) -> None:
    def objection(provider: Memory, name: str, way: str) -> str:
        return "Memory cannot write titles." if (name, way) == ("title", "out") else ""

    monkeypatch.setattr(Memory, "objection", objection)
    rules = {"title": {"direction": direction}}
    assert reasons(bench, rules) == ({"title": "Memory cannot write titles."} if objected else {})


def test_objections_are_told_for_a_pair_as_it_stands(bench: Bench) -> None:
    bench.pair.rules = {"url": {"direction": "in"}}
    assert set(preflight.objections(Sides(bench.pair))) == {"url"}


def test_a_look_that_the_vendor_refuses_says_so(bench: Bench) -> None:
    bench.world.fail("list", ReconnectNeeded("401"))
    with pytest.raises(ReconnectNeeded):
        preflight.check(bench.pair, {}, PLAIN)


def test_the_calls_of_a_look_are_counted_as_a_previews(bench: Bench) -> None:
    preflight.check(bench.pair, {}, PLAIN)
    used = budgets.used(bench.pair.connection.installation)
    assert {one.purpose for one in used} == {"preview"}
