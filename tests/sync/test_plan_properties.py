"""What holds for every snapshot and every set of rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.providers.base import Item
from planeapp.sync.plan import Change, Link, Plan, Rule, Snapshot
from tests.sync.test_plan import BOTH, day, linked, mark, one, plan, rules

titles = st.sampled_from([None, "a", "b", "c"])
days = st.sampled_from([None, day(1), day(2), day(3)])
values = st.fixed_dictionaries({"title": titles, "start": days, "end": days})
some_rules = st.fixed_dictionaries({
    name: st.builds(Rule, st.sampled_from(["off", "out", "in", "both"]), st.sampled_from(["plane", "vendor", "ask"]))
    for name in BOTH
})  # fmt: skip


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    ours = {name: Item(name, draw(values)) for name in draw(st.sets(st.sampled_from("ijk")))}
    theirs = {f"r{name}": Item(f"r{name}", draw(values)) for name in draw(st.sets(st.sampled_from("ijk")))}
    marked = {key: replace(row, mark=draw(st.sampled_from(["", mark(key[1])]))) for key, row in theirs.items()}
    links = [
        Link(f"l{name}", name, f"r{name}" if state != "unconfirmed" else "", state, draw(values), draw(values))
        for name in draw(st.sets(st.sampled_from("ijk")))
        for state in [draw(st.sampled_from(["linked", "unlinked", "unconfirmed"]))]
    ]
    gone_ours = frozenset(link.item_id for link in links if link.item_id not in ours and draw(st.booleans()))
    gone_theirs = frozenset(link.remote_id for link in links if link.remote_id not in theirs and draw(st.booleans()))
    return Snapshot(ours, marked, links, gone_ours, gone_theirs)


class InMemory:
    """Applies plans to a snapshot the way a run does to the two systems."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.ours, self.theirs = dict(snapshot.ours), dict(snapshot.theirs)
        self.links = {link.id: link for link in snapshot.links}
        self.gone = snapshot.gone_ours, snapshot.gone_theirs

    def snapshot(self) -> Snapshot:
        return Snapshot(self.ours, self.theirs, list(self.links.values()), *self.gone)

    def apply(self, found: Plan) -> None:
        for change in found.changes:
            getattr(self, change.kind)(change)
        for change in found.changes:
            self.settle(change, {name for held in found.held if held.link_id == change.link_id for name in held.detail})

    def settle(self, change: Change, keep: set[str]) -> None:
        if change.kind not in ("update", "agree"):
            return
        link = self.links[change.link_id]
        ours, theirs = dict(self.ours[change.item_id].values), dict(self.theirs[change.remote_id].values)
        ours |= {name: link.ours.get(name) for name in keep}
        theirs |= {name: link.theirs.get(name) for name in keep}
        self.links[change.link_id] = replace(link, ours=ours, theirs=theirs)

    def create(self, change: Change) -> None:
        self._link(change.item_id, Item(f"made-{change.item_id}", change.values, mark=mark(change.item_id)))

    def adopt(self, change: Change) -> None:
        self._link(change.item_id, self.theirs[change.remote_id])

    def _link(self, item_id: str, row: Item) -> None:
        self.theirs[row.id] = row
        self.links = {
            key: link for key, link in self.links.items() if (link.item_id, link.state) != (item_id, "unconfirmed")
        }
        self.links[f"n{item_id}"] = Link(
            f"n{item_id}", item_id, row.id, "linked", self.ours[item_id].values, row.values
        )

    def update(self, change: Change) -> None:
        side, key = (self.theirs, change.remote_id) if change.side == "vendor" else (self.ours, change.item_id)
        side[key] = replace(side[key], values={**side[key].values, **change.values})

    def agree(self, change: Change) -> None:
        pass

    def unlink(self, change: Change) -> None:
        self.links[change.link_id] = replace(self.links[change.link_id], state="unlinked")


@settings(max_examples=300, deadline=None)
@given(snapshots(), some_rules)
def test_planning_is_pure(snapshot: Snapshot, given_rules: dict[str, Rule]) -> None:
    before = repr(snapshot)
    assert plan(snapshot, given_rules) == plan(snapshot, given_rules)
    assert repr(snapshot) == before


@settings(max_examples=500, deadline=None)
@given(snapshots(), some_rules)
def test_a_plan_that_was_applied_leaves_nothing_to_do_but_what_waits_for_a_person(
    snapshot: Snapshot, given_rules: dict[str, Rule]
) -> None:
    world = InMemory(snapshot)
    first = plan(snapshot, given_rules)
    world.apply(first)
    second = plan(world.snapshot(), given_rules)
    assert second.counts.keys() <= {"held"}
    assert {(held.item_id, held.code) for held in second.held} >= {(held.item_id, held.code) for held in first.held}


@settings(max_examples=300, deadline=None)
@given(values, values, values, st.sampled_from(["plane", "vendor"]))
def test_two_way_fields_end_up_equal_when_both_started_equal(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], winner: str
) -> None:
    world = InMemory(one(ours, theirs, linked(base, base)))
    world.apply(plan(world.snapshot(), rules("both", winner)))
    assert world.ours["i"].values == world.theirs["r"].values


@settings(max_examples=300, deadline=None)
@given(snapshots(), some_rules)
def test_nothing_is_ever_deleted_and_no_field_is_written_against_its_direction(
    snapshot: Snapshot, given_rules: dict[str, Rule]
) -> None:
    allowed = {"vendor": ("out", "both"), "plane": ("in", "both")}
    for change in plan(snapshot, given_rules).changes:
        assert change.kind in ("create", "adopt", "update", "agree", "unlink")
        if change.kind == "update":
            assert all(given_rules[name].direction in allowed[change.side] for name in change.values)
