"""What holds for every snapshot, every set of rules and every policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.providers.base import Item, Values
from planeapp.sync.plan import PLAIN
from planeapp.sync.shapes import Change, Decision, Link, Plan, Policy, Rule, Snapshot
from planeapp.sync.verdicts import SPAN
from tests.sync.test_plan import BOTH, day, linked, mark, one, plan, rules

titles = st.sampled_from([None, "a", "b", "c"])
days = st.sampled_from([None, day(1), day(2), day(3)])
values = st.fixed_dictionaries({"title": titles, "start": days, "end": days})
some_rules = st.fixed_dictionaries({
    name: st.builds(
        Rule,
        st.sampled_from(["off", "out", "in", "both"]),
        st.sampled_from(["plane", "vendor", "newest", "ask"]),
        st.sampled_from(["", "", "", "scope_missing"]),
    )
    for name in BOTH
})  # fmt: skip
policies = st.builds(
    Policy,
    filtered=st.sampled_from([lambda told: "", lambda told: "title c" if told.get("title") == "c" else ""]),
    deletes=st.booleans(),
    shows=st.booleans(),
)
decisions = st.dictionaries(
    st.sampled_from(sorted(BOTH)),
    st.builds(Decision, st.sampled_from(["plane", "vendor"]), titles | days, titles | days),
)


@st.composite
def snapshots(draw: st.DrawFn, rows: int = 1) -> Snapshot:
    """Items ``i j k`` and their rows ``ri0``, ``ri1`` …; each item is linked to at most ``rows`` of them."""
    row_ids = [f"r{name}{number}" for name in "ijk" for number in range(rows)]
    ours = {name: Item(name, draw(values)) for name in draw(st.sets(st.sampled_from("ijk")))}
    theirs = {name: Item(name, draw(values)) for name in sorted(draw(st.sets(st.sampled_from(row_ids))))}
    marked = {key: replace(row, mark=draw(st.sampled_from(["", mark(key[1])]))) for key, row in theirs.items()}
    links = [draw(links_to(row_id)) for row_id in sorted(draw(st.sets(st.sampled_from(row_ids))))]
    links += [Link(f"u{name}", name, "", "unconfirmed") for name in draw(st.sets(st.sampled_from("ijk")))]
    gone_ours = frozenset(name for name in "ijk" if name not in ours and draw(st.booleans()))
    away = sorted({link.remote_id for link in links if link.remote_id} - theirs.keys())
    fates = {row_id: draw(st.sampled_from(["gone", "moved", "unseen"])) for row_id in away}
    gone, moved = (frozenset(row for row, fate in fates.items() if fate == wanted) for wanted in ("gone", "moved"))
    archived = frozenset(name for name in "ijk" if name not in ours and name not in gone_ours and draw(st.booleans()))
    return Snapshot(ours, marked, links, gone_ours, gone, archived, moved)


@st.composite
def links_to(draw: st.DrawFn, row_id: str) -> Link:
    state = draw(st.sampled_from(["linked", "linked", "unlinked"]))
    return Link(
        f"l{row_id}", row_id[1], row_id, state, draw(values), draw(values), made_by_us=draw(st.booleans()),
        url=draw(st.sampled_from(["", "https://row"])), shown=draw(st.booleans()), decided=draw(decisions),
    )  # fmt: skip


class InMemory:
    """Applies plans to a snapshot the way a run does to the two systems, one change after the other."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.ours, self.theirs = dict(snapshot.ours), dict(snapshot.theirs)
        self.links = {link.id: link for link in snapshot.links}
        self.gone = snapshot.gone_ours, snapshot.gone_theirs, snapshot.archived, snapshot.moved
        self.open: dict[str, set[str]] = {}

    def snapshot(self) -> Snapshot:
        return Snapshot(self.ours, self.theirs, list(self.links.values()), *self.gone)

    def apply(self, found: Plan) -> None:
        self.open = {link_id: set() for link_id in self.links}
        for change in found.changes:
            if change.kind in ("update", "agree"):
                self.open[change.link_id] |= change.values.keys()
        for held in found.held:
            if held.link_id:
                self.open[held.link_id] |= held.detail.keys()
        for change in found.changes:
            getattr(self, change.kind)(change)

    def create(self, change: Change) -> None:
        row = Item(f"made-{change.item_id}", change.values, mark=mark(change.item_id))
        self._link(change.item_id, row, self.ours[change.item_id].values, row.values)

    def adopt(self, change: Change) -> None:
        row, mine = self.theirs[change.remote_id], self.ours[change.item_id].values
        linked = [link for link in self.links.values() if (link.item_id, link.state) == (change.item_id, "linked")]
        if linked:  # its days are not agreed yet
            theirs = {name: value for name, value in row.values.items() if name not in SPAN}
            self._link(change.item_id, row, {**mine, **theirs}, theirs)
        else:
            self._link(change.item_id, row, row.values, row.values)

    def _link(self, item_id: str, row: Item, ours: Values, theirs: Values) -> None:
        self.theirs[row.id] = row
        self.links = {
            key: link for key, link in self.links.items() if (link.item_id, link.state) != (item_id, "unconfirmed")
        }
        self.links[f"n{row.id}"] = Link(f"n{row.id}", item_id, row.id, "linked", ours, theirs)

    def update(self, change: Change) -> None:
        side, key = (self.theirs, change.remote_id) if change.side == "vendor" else (self.ours, change.item_id)
        side[key] = replace(side[key], values={**side[key].values, **change.values})
        self.agree(change)

    def agree(self, change: Change) -> None:
        keep = self.open[change.link_id]
        keep -= change.values.keys()
        link = self.links[change.link_id]
        ours = {**self.ours[change.item_id].values, **{name: link.ours.get(name) for name in keep}}
        theirs = {**self.theirs[change.remote_id].values, **{name: link.theirs.get(name) for name in keep}}
        self.links[change.link_id] = replace(link, ours=ours, theirs=theirs)

    def show(self, change: Change) -> None:
        self.links[change.link_id] = replace(self.links[change.link_id], shown=True)

    def unlink(self, change: Change) -> None:
        self.links[change.link_id] = replace(self.links[change.link_id], state="unlinked")

    def delete(self, change: Change) -> None:
        del self.theirs[change.remote_id]
        self.unlink(change)


@settings(max_examples=150, deadline=None)
@given(snapshots(rows=3), some_rules, policies)
def test_planning_is_pure(snapshot: Snapshot, given_rules: dict[str, Rule], policy: Policy) -> None:
    before = repr(snapshot)
    assert plan(snapshot, given_rules, policy=policy) == plan(snapshot, given_rules, policy=policy)
    assert repr(snapshot) == before


@settings(max_examples=200, deadline=None)
@given(snapshots(), some_rules)
def test_a_plan_that_was_applied_leaves_nothing_to_do_but_what_waits_for_a_person(
    snapshot: Snapshot, given_rules: dict[str, Rule]
) -> None:
    adopted = {change.item_id for change in plan(snapshot, given_rules).changes if change.kind == "adopt"}
    world = InMemory(snapshot)
    first = plan(snapshot, given_rules)
    world.apply(first)
    second = plan(world.snapshot(), given_rules)
    assert {change.item_id for change in second.changes} <= adopted  # where both differed, the next look writes
    assert {(held.item_id, held.code) for held in second.held} >= {(held.item_id, held.code) for held in first.held}


@settings(max_examples=200, deadline=None)
@given(snapshots(rows=3), some_rules, policies)
def test_items_with_several_rows_come_to_rest_under_every_policy(
    snapshot: Snapshot, given_rules: dict[str, Rule], policy: Policy
) -> None:
    """A field that several rows changed to different values takes one more round for each of them."""
    world = InMemory(snapshot)
    for _ in range(4):
        world.apply(plan(world.snapshot(), given_rules, policy=policy))
    assert plan(world.snapshot(), given_rules, policy=policy).changes == ()


@settings(max_examples=150, deadline=None)
@given(values, values, values, st.sampled_from(["plane", "vendor"]))
def test_two_way_fields_end_up_equal_when_both_started_equal(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], winner: str
) -> None:
    world = InMemory(one(ours, theirs, linked(base, base)))
    world.apply(plan(world.snapshot(), rules("both", winner)))
    assert world.ours["i"].values == world.theirs["r"].values


@settings(max_examples=150, deadline=None)
@given(values, values, values, st.sampled_from(["plane", "vendor"]))
def test_a_choice_in_a_conflict_makes_both_sides_equal(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], stays: Any
) -> None:
    decided = {name: Decision(stays, ours[name], theirs[name]) for name in BOTH}
    world = InMemory(one(ours, theirs, replace(linked(base, base), decided=decided)))
    found = plan(world.snapshot(), rules("both", "ask"))
    world.apply(found)
    assert found.held == ()
    assert world.ours["i"].values == world.theirs["r"].values


@settings(max_examples=150, deadline=None)
@given(snapshots(rows=3), some_rules, policies)
def test_no_field_is_written_against_its_direction_or_into_what_is_closed(
    snapshot: Snapshot, given_rules: dict[str, Rule], policy: Policy
) -> None:
    allowed = {"vendor": ("out", "both"), "plane": ("in", "both")}
    for change in plan(snapshot, given_rules, policy=policy).changes:
        if change.kind == "update":
            assert all(given_rules[name].direction in allowed[change.side] for name in change.values)
            assert change.side == "vendor" or not any(given_rules[name].closed for name in change.values)


@settings(max_examples=150, deadline=None)
@given(snapshots(rows=3), some_rules, policies)
def test_only_rows_that_we_made_and_nobody_changed_are_deleted_and_only_by_the_rule(
    snapshot: Snapshot, given_rules: dict[str, Rule], policy: Policy
) -> None:
    links = {link.id: link for link in snapshot.links}
    for change in plan(snapshot, given_rules, policy=policy).changes:
        if change.kind != "delete":
            continue
        link, row = links[change.link_id], snapshot.theirs[change.remote_id]
        assert policy.deletes and link.made_by_us and link.item_id in snapshot.gone_ours
        assert all(row.values.get(name) == link.theirs.get(name) for name in BOTH)
        assert change.before == row.values


@settings(max_examples=150, deadline=None)
@given(snapshots(rows=3), some_rules, policies)
def test_what_is_archived_elsewhere_or_filtered_is_neither_written_nor_made(
    snapshot: Snapshot, given_rules: dict[str, Rule], policy: Policy
) -> None:
    for change in plan(snapshot, given_rules, policy=policy).changes:
        if change.kind not in ("update", "agree", "create", "delete", "show"):
            continue
        assert change.item_id not in snapshot.archived
        assert change.remote_id not in snapshot.moved
        item = snapshot.ours.get(change.item_id)
        assert item is None or not policy.filtered(item.values)


@settings(max_examples=150, deadline=None)
@given(snapshots(rows=3), some_rules, policies)
def test_a_plan_counts_what_it_writes_and_the_items_that_wait(
    snapshot: Snapshot, given_rules: dict[str, Rule], policy: Policy
) -> None:
    found = plan(snapshot, given_rules, policy=policy)
    writes = Counter(f"{change.kind} {change.side}" for change in found.changes if change.kind != "agree")
    waiting = {held.item_id for held in found.held}
    assert found.counts == {**writes, **({"held": len(waiting)} if waiting else {})}
    assert list(found.counts) == sorted(found.counts)


@settings(max_examples=150, deadline=None)
@given(snapshots(rows=3), some_rules)
def test_every_update_brings_its_before_image(snapshot: Snapshot, given_rules: Mapping[str, Rule]) -> None:
    for change in plan(snapshot, given_rules, policy=PLAIN).changes:
        if change.kind == "update":
            assert change.before.keys() == change.values.keys()
            stood = snapshot.theirs[change.remote_id] if change.side == "vendor" else snapshot.ours[change.item_id]
            assert all(change.before[name] == stood.values[name] for name in change.before)
