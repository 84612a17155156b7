from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from planeapp.providers.base import Field, Item
from planeapp.sync.plan import PLAIN, make_plan, outgoing
from planeapp.sync.shapes import Change, Decision, Held, Link, Plan, Policy, Rule, Snapshot

FIELDS = (Field("title", "Title", "both"), Field("start", "First day", "both"), Field("end", "Last day", "both"))
BOTH = {"title": Rule("both"), "start": Rule("both"), "end": Rule("both")}
BASE: dict[str, Any] = {"title": "a", "start": date(2026, 11, 2), "end": date(2026, 11, 4), "key": "CUST-1", "url": "u"}
LATER = date(2026, 11, 9)


def day(number: int) -> date:
    return date(2026, 11, number)


def nothing(values: Mapping[str, Any]) -> str:
    return ""


def mark(item_id: str) -> str:
    return f"plane:{item_id}"


def one(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None, *links: Link, **more: Any) -> Snapshot:
    """A snapshot of one item ``i`` and one row ``r``; None: not read."""
    return Snapshot(
        {} if ours is None else {"i": Item("i", ours)},
        {} if theirs is None else {"r": Item("r", theirs, mark=more.pop("mark", ""))},
        links,
        **more,
    )


def linked(ours: Mapping[str, Any] = BASE, theirs: Mapping[str, Any] = BASE, state: str = "linked") -> Link:
    return Link("l", "i", "r" if state == "linked" else "", state, ours, theirs)


def plan(
    snapshot: Snapshot, rules: Mapping[str, Rule] = BOTH, held_back: Any = nothing, policy: Policy = PLAIN
) -> Plan:  # fmt: skip
    return make_plan(snapshot, FIELDS, rules, held_back, mark, policy)


def rules(direction: str, winner: str = "plane") -> dict[str, Rule]:
    return {name: Rule(direction, winner) for name in BOTH}


def told(found: Plan) -> list[tuple[str, str, dict[str, Any]]]:
    return [(change.kind, change.side, dict(change.values)) for change in found.changes]


# The table of the module's text


def test_nothing_changed_is_nothing_to_do() -> None:
    assert plan(one(BASE, BASE, linked())) == Plan((), ())


def test_one_side_changed_updates_the_other() -> None:
    assert told(plan(one({**BASE, "title": "b"}, BASE, linked()))) == [("update", "vendor", {"title": "b"})]
    assert told(plan(one(BASE, {**BASE, "title": "b"}, linked()))) == [("update", "plane", {"title": "b"})]


def test_an_archived_item_is_held_back_and_its_row_left_alone() -> None:
    assert plan(one(None, BASE, linked(), archived=frozenset("i"))) == Plan((), (Held("i", "archived"),))


def test_an_archived_item_whose_row_is_gone_is_unlinked() -> None:
    found = plan(one(None, None, linked(), archived=frozenset("i"), gone_theirs=frozenset("r")))
    assert told(found) == [("unlink", "vendor", {})]


def test_both_changed_to_the_same_values_is_remembered_and_written_nowhere() -> None:
    moved = {**BASE, "title": "b"}
    found = plan(one(moved, moved, linked()))
    assert told(found) == [("agree", "plane", {})]
    assert found.counts == {}


WINNERS = [
    ("both", "plane", [("update", "vendor", {"title": "ours"})], []),
    ("both", "vendor", [("update", "plane", {"title": "theirs"})], []),
    ("both", "ask", [], ["conflict"]),
    ("both", "newest", [], ["conflict"]),
    ("out", "plane", [("update", "vendor", {"title": "ours"})], []),
    ("out", "vendor", [("update", "vendor", {"title": "ours"})], []),
    ("in", "plane", [("update", "plane", {"title": "theirs"})], []),
    ("in", "ask", [("update", "plane", {"title": "theirs"})], []),
    ("off", "plane", [], []),
    ("off", "ask", [], []),
]


@pytest.mark.parametrize(("direction", "winner", "changes", "held"), WINNERS)
def test_both_changed_apart_follows_the_rule(direction: str, winner: str, changes: list[Any], held: list[str]) -> None:
    snapshot = one({**BASE, "title": "ours"}, {**BASE, "title": "theirs"}, linked())
    found = plan(snapshot, rules(direction, winner))
    assert told(found) == changes
    assert [one.code for one in found.held] == held


def test_a_conflict_shows_the_base_and_both_values() -> None:
    found = plan(one({**BASE, "title": "ours"}, {**BASE, "title": "theirs"}, linked()), rules("both", "ask"))
    assert found.held == (Held("i", "conflict", {"title": ("a", "ours", "theirs")}, "l"),)


@pytest.mark.parametrize(
    ("direction", "ours", "theirs"),
    [
        ("off", [], []),
        ("out", [("update", "vendor", {"title": "b"})], [("agree", "plane", {})]),
        ("in", [("agree", "plane", {})], [("update", "plane", {"title": "b"})]),
    ],
)
def test_a_direction_lets_changes_through_one_way(direction: str, ours: list[Any], theirs: list[Any]) -> None:
    assert told(plan(one({**BASE, "title": "b"}, BASE, linked()), rules(direction))) == ours
    assert told(plan(one(BASE, {**BASE, "title": "b"}, linked()), rules(direction))) == theirs


def test_an_item_without_a_link_is_made_over_there() -> None:
    found = plan(one(BASE, None))
    assert told(found) == [("create", "vendor", BASE)]
    assert found.counts == {"create vendor": 1}


def test_an_item_that_the_provider_holds_back_is_left_with_its_reason() -> None:
    found = plan(one(BASE, None), held_back=lambda values: "no_dates")
    assert (found.changes, found.held) == ((), (Held("i", "no_dates"),))
    assert found.counts == {"held": 1}


def test_a_linked_item_is_kept_in_step_though_it_would_be_held_back_now() -> None:
    snapshot = one({**BASE, "title": "b"}, BASE, linked())
    assert told(plan(snapshot, held_back=lambda values: "no_dates")) == [("update", "vendor", {"title": "b"})]


def test_a_row_that_is_gone_is_unlinked_and_never_made_again() -> None:
    gone = plan(one(BASE, None, linked(), gone_theirs=frozenset("r")))
    after = plan(one(BASE, None, linked(state="unlinked")))
    assert told(gone) == [("unlink", "vendor", {})]
    assert (after.changes, after.held) == ((), (Held("i", "unlinked"),))


def test_an_item_that_is_gone_is_unlinked_and_its_row_never_deleted() -> None:
    gone = plan(one(None, BASE, linked(), gone_ours=frozenset("i")))
    after = plan(one(None, BASE, linked(state="unlinked")))
    assert told(gone) == [("unlink", "plane", {})]
    assert after == Plan((), ())


@pytest.mark.parametrize("sides", [(BASE, None), (None, BASE), (None, None)])
def test_what_was_not_read_is_not_thought_gone(sides: tuple[Any, Any]) -> None:
    assert plan(one(*sides, linked())) == Plan((), ())


def test_rows_of_their_own_are_left_alone() -> None:
    assert plan(one(None, BASE)) == Plan((), ())


# Marks


@pytest.mark.parametrize("links", [(), (linked(state="unconfirmed"),)])
def test_a_row_with_our_mark_is_adopted_rather_than_made_twice(links: tuple[Link, ...]) -> None:
    found = plan(one(BASE, BASE, *links, mark="plane:i"))
    assert [(change.kind, change.remote_id) for change in found.changes] == [("adopt", "r")]


def test_a_row_with_another_items_mark_is_not_adopted() -> None:
    assert told(plan(one(BASE, BASE, mark="plane:j"))) == [("create", "vendor", BASE)]


def test_an_unlinked_item_does_not_come_back_by_its_mark() -> None:
    found = plan(one(BASE, BASE, linked(state="unlinked"), mark="plane:i"))
    assert (found.changes, [one.code for one in found.held]) == ((), ["unlinked"])


def test_an_unconfirmed_write_that_is_not_found_is_made() -> None:
    assert told(plan(one(BASE, None, linked(state="unconfirmed")))) == [("create", "vendor", BASE)]


# Fields


def test_each_field_goes_its_own_way() -> None:
    mixed = {"title": Rule("out"), "start": Rule("in"), "end": Rule("off")}
    snapshot = one({**BASE, "title": "b", "end": day(20)}, {**BASE, "start": day(1)}, linked())
    found = plan(snapshot, mixed)
    assert told(found) == [("update", "vendor", {"title": "b"}), ("update", "plane", {"start": day(1)})]


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in BASE.items() if key != name}


def test_a_field_that_plane_does_not_have_is_not_compared() -> None:
    assert plan(one(without("title"), {**BASE, "title": "b"}, linked(ours=without("title")))) == Plan((), ())


def test_a_field_that_the_vendor_takes_but_never_tells_is_written_when_ours_changed_and_then_rests() -> None:
    theirs = without("title")
    changed = one({**BASE, "title": "b"}, theirs, linked(theirs=theirs))
    assert told(plan(changed)) == [("update", "vendor", {"title": "b"})]
    assert plan(one(BASE, theirs, linked(theirs=theirs))) == Plan((), ())


def test_an_emptied_field_is_a_change() -> None:
    assert told(plan(one({**BASE, "title": None}, BASE, linked()))) == [("update", "vendor", {"title": None})]


def test_what_a_vendor_rewrites_is_no_change() -> None:
    rewritten = {**BASE, "title": "A!"}
    assert plan(one(BASE, rewritten, linked(theirs=rewritten))) == Plan((), ())


def test_an_update_tells_what_stood_there() -> None:
    (change,) = plan(one({**BASE, "title": "b"}, BASE, linked())).changes
    assert (change.before, change.link_id, change.item_id, change.remote_id) == ({"title": "a"}, "l", "i", "r")


def test_a_new_row_starts_with_every_field_that_has_a_direction_and_with_key_and_url() -> None:
    assert outgoing(BASE, FIELDS, {**BOTH, "title": Rule("off")}) == {
        name: BASE[name] for name in BASE if name != "title"
    }
    assert outgoing({"key": "K"}, FIELDS, BOTH) == {"key": "K"}


# First and last day


def test_first_and_last_day_go_together() -> None:
    snapshot = one({**BASE, "start": LATER, "end": LATER}, BASE, linked())
    assert told(plan(snapshot)) == [("update", "vendor", {"start": LATER, "end": LATER})]
    assert told(plan(one({**BASE, "start": day(3)}, BASE, linked()))) == [
        ("update", "vendor", {"start": day(3), "end": BASE["end"]})
    ]


@pytest.mark.parametrize(("winner", "side"), [("plane", "vendor"), ("vendor", "plane")])
def test_a_span_whose_ends_were_moved_on_different_sides_follows_the_rule_and_is_not_swapped(
    winner: str, side: str
) -> None:
    ours, theirs = {**BASE, "start": day(3)}, {**BASE, "end": day(10)}
    source = ours if side == "vendor" else theirs
    found = plan(one(ours, theirs, linked()), rules("both", winner))
    assert told(found) == [("update", side, {"start": source["start"], "end": source["end"]})]


def test_a_span_that_a_person_decides_about_is_written_nowhere() -> None:
    found = plan(one({**BASE, "start": day(3)}, {**BASE, "end": day(10)}, linked()), rules("both", "ask"))
    assert found.changes == ()
    assert set(found.held[0].detail) == {"start", "end"}


def test_a_last_day_that_is_off_is_not_written_along() -> None:
    off = {**BOTH, "end": Rule("off")}
    assert told(plan(one({**BASE, "start": day(3)}, BASE, linked()), off)) == [("update", "vendor", {"start": day(3)})]


def test_a_last_day_that_the_other_side_does_not_know_is_not_emptied() -> None:
    theirs = without("end")
    found = plan(one(BASE, {**theirs, "start": day(3)}, linked(theirs=theirs)))
    assert told(found) == [("update", "plane", {"start": day(3)})]


def test_times_that_somebody_asked_for_are_written_where_they_differ() -> None:
    ten = datetime(2026, 11, 2, 10, tzinfo=UTC)
    asked = {**BASE, "starts_at": ten, "ends_at": ten + timedelta(hours=2)}
    assert told(plan(one(asked, BASE, linked()))) == [
        ("update", "vendor", {"starts_at": ten, "ends_at": asked["ends_at"]})
    ]
    assert plan(one(asked, asked, linked(theirs=asked))) == Plan((), ())
    assert told(plan(one(asked, None))) == [("create", "vendor", asked)]


# As a value


def test_a_plan_says_in_one_line_what_it_would_do() -> None:
    changes = (Change("create", "vendor", "i"), Change("create", "vendor", "j"), Change("agree", "plane", "k"))
    assert repr(Plan(changes, (Held("x", "no_dates"),))) == "<Plan 2 create vendor, 1 held>"
    assert repr(Plan((), ())) == "<Plan nothing to do>"


# Closed in Plane


def test_what_plane_does_not_let_us_write_is_held_back_and_the_rest_is_planned() -> None:
    closed = {**BOTH, "title": Rule("both", closed="scope_missing")}
    found = plan(one(BASE, BASE | {"title": "b", "start": day(3)}, linked()), closed)
    assert told(found) == [("update", "plane", {"start": day(3), "end": day(4)})]
    assert found.held == (Held("i", "scope_missing", {"title": ("a", "a", "b")}, "l"),)


def test_what_is_closed_in_plane_still_goes_out() -> None:
    closed = {name: Rule("both", closed="scope_missing") for name in BOTH}
    found = plan(one(BASE | {"title": "b"}, BASE, linked()), closed)
    assert (told(found), found.held) == ([("update", "vendor", {"title": "b"})], ())


# The newest wins


def written(ours: str, theirs: str) -> Snapshot:
    """Both sides changed the title; these are the moments at which the rows were last written."""
    mine = Item("i", {**BASE, "title": "ours"}, version=ours)
    their = Item("r", {**BASE, "title": "theirs"}, version=theirs)
    return Snapshot({"i": mine}, {"r": their}, [linked()])


@pytest.mark.parametrize(
    ("ours", "theirs", "written_to"),
    [
        ("2026-11-20T12:00:01+00:00", "2026-11-20T12:00:00Z", ["vendor"]),
        ("2026-11-20T12:00:00+00:00", "2026-11-20T12:00:01Z", ["plane"]),
        ("2026-11-20T13:00:00+02:00", "2026-11-20T12:00:00+00:00", ["plane"]),  # an hour earlier in fact
        ("2026-11-20T12:00:00+00:00", "2026-11-20T12:00:00+00:00", []),
        ("2026-11-20T12:00:00", "2026-11-20T11:00:00+00:00", []),  # a time without its zone tells nothing
        ("7", "2026-11-20T12:00:00+00:00", []),
        ("", "", []),
    ],
)
def test_the_newest_wins_where_both_rows_tell_when_they_were_written(
    ours: str, theirs: str, written_to: list[str]
) -> None:
    found = plan(written(ours, theirs), rules("both", "newest"))
    assert [change.side for change in found.changes] == written_to
    assert [held.code for held in found.held] == ([] if written_to else ["conflict"])


# Several rows of one item


def row_link(number: int, first: int, last: int, ours: Mapping[str, Any] = BASE) -> Link:
    """Link ``l<number>`` of item ``i``, agreed on while its row went from day ``first`` to day ``last``."""
    return Link(f"l{number}", "i", f"r{number}", "linked", ours, {**BASE, "start": day(first), "end": day(last)})


TWO = (row_link(1, 2, 3), row_link(2, 3, 4))  # together day 2 to 4, as in BASE


def several(ours: Mapping[str, Any], *rows: tuple[int, int], links: tuple[Link, ...] = TWO, **more: Any) -> Snapshot:
    """Item ``i`` whose rows ``r1``, ``r2`` … go from one day to another now."""
    theirs = {
        f"r{number}": Item(f"r{number}", {**BASE, "start": day(first), "end": day(last)})
        for number, (first, last) in enumerate(rows, 1)
    }
    return Snapshot({"i": Item("i", ours)}, theirs, links, **more)


def test_several_rows_in_step_are_nothing_to_do() -> None:
    assert plan(several(BASE, (2, 3), (3, 4))) == Plan((), ())


@pytest.mark.parametrize(
    ("rows", "written"),
    [
        (((1, 3), (3, 4)), {"start": day(1)}),
        (((2, 3), (3, 20)), {"end": day(20)}),
        (((10, 12), (11, 20)), {"start": day(10), "end": day(20)}),
        (((2, 4), (3, 3)), None),  # moved within the same days
    ],
)
def test_planes_days_are_those_from_the_first_beginning_to_the_last_end(rows: Any, written: Any) -> None:
    changes = told(plan(several(BASE, *rows)))
    writes = [values for kind, side, values in changes if kind == "update"]
    assert writes == ([] if written is None else [written])
    assert all(side == "plane" for _, side, _ in changes)


def test_after_the_rows_moved_every_link_remembers_it() -> None:
    found = plan(several(BASE, (1, 3), (3, 4)))
    assert [(change.kind, change.link_id) for change in found.changes] == [("update", "l1"), ("agree", "l2")]


def test_planes_days_that_moved_cannot_say_which_row_is_meant() -> None:
    found = plan(several({**BASE, "end": day(9)}, (2, 3), (3, 4)))
    detail = {"start": (day(2), day(2), day(2)), "end": (day(4), day(9), day(4))}
    assert found == Plan((), (Held("i", "several", detail, "l1"), Held("i", "several", detail, "l2")))
    assert found.counts == {"held": 1}


@pytest.mark.parametrize(
    ("direction", "winner", "writes", "held"),
    [
        ("both", "plane", [], {"several"}),
        ("both", "vendor", [{"end": day(20)}], set()),
        ("both", "ask", [], {"several"}),
        ("in", "plane", [{"end": day(20)}], set()),
        ("out", "vendor", [], set()),
        ("off", "vendor", [], set()),
    ],
)
def test_days_that_moved_on_both_sides_follow_the_winner(
    direction: str, winner: str, writes: list[Any], held: set[str]
) -> None:
    found = plan(several({**BASE, "end": day(9)}, (2, 3), (3, 20)), rules(direction, winner))
    assert [values for kind, _, values in told(found) if kind == "update"] == writes
    assert {one.code for one in found.held} == held


def test_days_that_come_in_alone_are_not_held_though_plane_moved_its_own() -> None:
    found = plan(several({**BASE, "end": day(9)}, (2, 3), (3, 4)), rules("in"))
    assert {kind for kind, _, _ in told(found)} == {"agree"}
    assert found.held == ()


def test_a_last_day_that_does_not_come_in_is_not_written_with_the_first() -> None:
    mixed = {**BOTH, "end": Rule("out")}
    assert ("update", "plane", {"start": day(1)}) in told(plan(several(BASE, (1, 3), (3, 20)), mixed))


def test_days_of_several_rows_that_plane_does_not_let_us_write_are_held_back() -> None:
    closed = {**BOTH, "start": Rule("both", closed="scope_missing")}
    found = plan(several(BASE, (1, 3), (3, 4)), closed)
    assert (found.changes, {one.code for one in found.held}) == ((), {"scope_missing"})


def test_other_fields_go_to_every_row() -> None:
    found = plan(several({**BASE, "title": "b"}, (2, 3), (3, 4)))
    assert [(change.link_id, change.values) for change in found.changes] == [
        ("l1", {"title": "b"}), ("l2", {"title": "b"})
    ]  # fmt: skip


def test_a_row_that_is_gone_is_unlinked_and_the_others_go_on_as_the_only_ones() -> None:
    gone = replace(several(BASE, (2, 3), (3, 4)), gone_theirs=frozenset({"r2"}))
    del gone.theirs["r2"]  # type: ignore[attr-defined]
    assert [(change.kind, change.link_id) for change in plan(gone).changes] == [("unlink", "l2")]
    left = replace(TWO[1], state="unlinked")
    after = plan(several({**BASE, "end": day(9)}, (2, 3), links=(TWO[0], left)))
    assert told(after) == [("update", "vendor", {"start": day(2), "end": day(9)})]


def test_while_a_row_is_out_of_sight_nothing_of_its_item_is_compared() -> None:
    cut = several({**BASE, "title": "b"}, (1, 3))
    assert plan(cut) == Plan((), ())


def test_a_second_row_with_our_mark_is_adopted_as_one_more() -> None:
    theirs = {"r": Item("r", BASE, mark="plane:i"), "copy": Item("copy", BASE, mark="plane:i")}
    found = plan(Snapshot({"i": Item("i", BASE)}, theirs, [linked()]))
    assert [(change.kind, change.remote_id, change.before) for change in found.changes] == [("adopt", "copy", BASE)]


def test_rows_of_an_item_that_somebody_unlinked_are_not_adopted() -> None:
    links = [linked(), replace(linked(), id="l2", remote_id="old", state="unlinked")]
    theirs = {"r": Item("r", BASE), "copy": Item("copy", BASE, mark="plane:i")}
    assert plan(Snapshot({"i": Item("i", BASE)}, theirs, links)) == Plan((), ())


# Rows in another place


def test_a_row_that_lies_in_another_place_is_left_alone_with_its_item() -> None:
    found = plan(one({**BASE, "title": "b"}, None, linked(), moved=frozenset("r")))
    assert found == Plan((), (Held("i", "moved_over_there"),))


def test_the_other_rows_of_an_item_wait_too_for_the_one_that_lies_elsewhere() -> None:
    away = several({**BASE, "title": "b"}, (1, 3), moved=frozenset({"r2"}))
    assert plan(away) == Plan((), (Held("i", "moved_over_there"),))


def test_an_item_that_is_gone_ends_its_link_wherever_the_row_lies() -> None:
    found = plan(one(None, None, linked(), gone_ours=frozenset("i"), moved=frozenset("r")))
    assert told(found) == [("unlink", "plane", {})]


# Filters


def leaves_out(values: Mapping[str, Any]) -> str:
    return "state backlog"


FILTERED = Policy(filtered=leaves_out)


def test_a_new_item_that_the_filters_leave_out_is_not_made() -> None:
    assert plan(one(BASE, None), policy=FILTERED) == Plan((), (Held("i", "filtered", text="state backlog"),))


def test_a_linked_item_that_the_filters_leave_out_rests_with_its_row() -> None:
    found = plan(one({**BASE, "title": "b"}, BASE, linked()), policy=FILTERED)
    assert found == Plan((), (Held("i", "filtered", text="state backlog"),))


def test_what_is_gone_is_unlinked_though_the_filters_leave_it_out() -> None:
    found = plan(one(BASE, None, linked(), gone_theirs=frozenset("r")), policy=FILTERED)
    assert told(found) == [("unlink", "vendor", {})]


def test_an_item_that_comes_back_through_the_filters_goes_on_from_what_was_agreed_last() -> None:
    assert told(plan(one({**BASE, "title": "b"}, BASE, linked()))) == [("update", "vendor", {"title": "b"})]


# Placing


def test_a_new_row_gets_the_times_that_the_pair_places_it_at_and_an_old_one_does_not() -> None:
    ten = datetime(2026, 11, 2, 10, tzinfo=UTC)
    places = Policy(placed=lambda values: {**values, "starts_at": ten})
    assert plan(one(BASE, None), policy=places).changes[0].values["starts_at"] == ten
    assert plan(one(BASE, BASE, linked()), policy=places) == Plan((), ())


# What becomes of our rows


DELETES = Policy(deletes=True)


def gone(theirs: Mapping[str, Any] | None = BASE, *, ours: bool = True) -> Snapshot:
    """The item is gone; its row was made by us unless told otherwise."""
    return one(None, theirs, replace(linked(), made_by_us=ours), gone_ours=frozenset("i"))


def test_by_the_pairs_rule_a_row_that_we_made_goes_with_its_item() -> None:
    (change,) = plan(gone(), policy=DELETES).changes
    assert (change.kind, change.side, change.remote_id, change.before) == ("delete", "vendor", "r", BASE)
    assert plan(gone(), policy=DELETES).counts == {"delete vendor": 1}


@pytest.mark.parametrize(
    ("snapshot", "policy", "why"),
    [
        (gone(), PLAIN, "no longer in Plane"),
        (gone(None), DELETES, "no longer in Plane"),
        (gone(ours=False), DELETES, "no longer in Plane; its counterpart was not made by us, so it stays"),
        (gone({**BASE, "title": "b"}), DELETES, "no longer in Plane; its counterpart was changed since, so it stays"),
    ],
)
def test_every_other_row_stays_and_is_told_why(snapshot: Snapshot, policy: Policy, why: str) -> None:
    assert [(change.kind, change.why) for change in plan(snapshot, policy=policy).changes] == [("unlink", why)]


def test_a_row_whose_notes_the_vendor_does_not_compare_goes_all_the_same() -> None:
    assert told(plan(gone({**BASE, "key": "another"}), policy=DELETES)) == [("delete", "vendor", {})]


# The row's address on the work item


SHOWS = Policy(shows=True)


@pytest.mark.parametrize(
    ("link", "policy", "count"),
    [
        (replace(linked(), url="https://row"), SHOWS, 1),
        (replace(linked(), url="https://row", shown=True), SHOWS, 0),
        (linked(), SHOWS, 0),
        (replace(linked(), url="https://row"), PLAIN, 0),
    ],
)
def test_an_address_that_does_not_stand_on_the_item_yet_is_put_there(link: Link, policy: Policy, count: int) -> None:
    expected = [("show", "plane", {"url": "https://row"})] * count
    assert told(plan(one(BASE, BASE, link), policy=policy)) == expected


# What a person chose


def chosen(stays: Any, mine: str = "ours", their: str = "theirs") -> Link:
    return replace(linked(), decided={"title": Decision(stays, mine, their)})


APART = ({**BASE, "title": "ours"}, {**BASE, "title": "theirs"})


@pytest.mark.parametrize(
    ("stays", "change"), [("plane", ("update", "vendor", {"title": "ours"})),
                          ("vendor", ("update", "plane", {"title": "theirs"}))]
)  # fmt: skip
def test_a_choice_between_these_very_values_is_written(stays: str, change: Any) -> None:
    found = plan(one(*APART, chosen(stays)), rules("both", "ask"))
    assert (told(found), found.held) == ([change], ())


@pytest.mark.parametrize("old", [{"mine": "older"}, {"their": "older"}])
def test_a_choice_between_values_that_moved_on_is_asked_again(old: dict[str, str]) -> None:
    found = plan(one(*APART, chosen("plane", **old)), rules("both", "ask"))
    assert (found.changes, [one.code for one in found.held]) == ((), ["conflict"])


def test_a_choice_does_not_overrule_a_rule() -> None:
    assert told(plan(one(*APART, chosen("vendor")), rules("both", "plane"))) == [
        ("update", "vendor", {"title": "ours"})
    ]


SPANS = ({**BASE, "start": day(3)}, {**BASE, "end": day(10)})


def chosen_span(**moved_on: Any) -> Link:
    decided = {"start": Decision("vendor", day(3), day(2)), "end": Decision("vendor", day(4), day(10))}
    return replace(linked(), decided=decided | moved_on)


def test_a_choice_about_days_is_written_for_both_ends() -> None:
    found = plan(one(*SPANS, chosen_span()), rules("both", "ask"))
    assert told(found) == [("update", "plane", {"start": day(2), "end": day(10)})]


def test_a_choice_about_days_of_which_one_end_moved_on_is_asked_again_for_both() -> None:
    link = chosen_span(end=Decision("vendor", day(4), day(9)))
    found = plan(one(*SPANS, link), rules("both", "ask"))
    assert (found.changes, set(found.held[0].detail)) == ((), {"start", "end"})


# Before-images


def test_a_field_that_the_vendor_never_tells_stood_as_we_wrote_it_last() -> None:
    (change,) = plan(one({**BASE, "title": "b"}, without("title"), linked(theirs=without("title")))).changes
    assert change.before == {"title": "a"}


def test_before_images_name_every_written_field() -> None:
    for change in plan(one({**BASE, "title": "b"}, {**BASE, "end": day(9)}, linked())).changes:
        assert change.before.keys() == change.values.keys()
