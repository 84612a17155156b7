from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from planeapp.dashboard.pair_check import EXAMPLES, Shown, in_words
from planeapp.providers.base import Field, Item
from planeapp.sync.preflight import Check
from planeapp.sync.shapes import Change, Held, Plan, Snapshot

FIELDS = (Field("title", "Title"), Field("start", "First day"), Field("notes", "Notes"))


def shown(*changes: Change, held: tuple[Held, ...] = (), missing: int = 0) -> Shown:
    """A check of these changes; item ``a`` is in Plane, row ``r`` over there."""
    ours = {"a": Item("a", {"title": "Belt", "key": "CUST-1"}, url="http://plane.invalid/CUST-1")}
    theirs = {"r": Item("r", {"title": "Old belt"})}
    return in_words(Check((), Plan(changes, held), Snapshot(ours, theirs, [], missing=missing), {}), "Shelf", FIELDS)


def change(kind: Any, side: Any = "vendor", item: str = "a", **more: Any) -> Change:
    """A change of an item with row ``r``."""
    return Change(kind, side, item, "r", **more)


@pytest.mark.parametrize(("made", "line"), [
    (change("create", values={"title": "Belt", "start": date(2026, 3, 2), "notes": None, "url": "http://x"}),
     "New in Shelf: Title “Belt”; First day Mon 02 Mar 2026"),
    (change("update", values={"title": "New"}, before={"title": "Old"}), "In Shelf: Title from “Old” to “New”"),
    (change("update", "plane", values={"start": date(2026, 3, 2)}, before={}),
     "In Plane: First day from nothing to Mon 02 Mar 2026"),
    (change("update", values={"notes": "<p>Bring <b>tape</b></p>"}, before={"notes": ""}),
     "In Shelf: Notes from nothing to “Bring tape”"),
    (change("adopt"), "Linked to its row, which is in Shelf already"),
    (change("show", "plane", values={"url": "http://x"}), "A link to its row is put on the work item"),
    (change("unlink", why="removed over there"), "No longer linked: removed over there"),
    (change("delete", why="no longer in Plane"), "Deleted in Shelf: no longer in Plane"),
])  # fmt: skip
def test_a_change_is_said_in_a_line(made: Change, line: str) -> None:
    [example] = shown(made).examples
    assert (example.key, example.title, example.url, example.lines) == (
        "CUST-1", "Belt", "http://plane.invalid/CUST-1", [line],
    )  # fmt: skip


def test_an_item_that_is_gone_has_its_rows_title() -> None:
    [example] = shown(change("unlink", "plane", item="gone", why="no longer in Plane")).examples
    assert (example.key, example.title) == ("", "Old belt")


def test_changes_of_one_item_stand_together_and_agreeing_is_no_change() -> None:
    found = shown(
        change("update", values={"title": "New"}), change("show", "plane"), change("agree", "plane", item="b")
    )
    assert [len(example.lines) for example in found.examples] == [2]


def test_there_are_so_many_examples_and_no_more() -> None:
    made = [Change("create", "vendor", f"item {number}") for number in range(30)]
    found = shown(*made)
    assert (len(found.examples), found.figures[0]) == (EXAMPLES, (30, "to be written in Shelf"))


def test_items_are_counted_on_each_side_once() -> None:
    found = shown(
        change("create"), change("update", "plane", values={"title": "x"}), change("update", "plane", item="b"),
        change("show", "plane"), change("unlink", item="c"), held=(Held("d", "no_dates"), Held("d", "conflict")),
    )  # fmt: skip
    assert [number for number, _ in found.figures] == [1, 2, 1]
    assert found.steps == [
        "1 new in Shelf",
        "2 changed in Plane",
        "1 linked on the work item",
        "1 no longer linked, gone in Shelf",
    ]


def test_a_run_that_the_guard_would_stop_is_told() -> None:
    assert shown().guard == ""
    assert "links" in shown(missing=500).guard
