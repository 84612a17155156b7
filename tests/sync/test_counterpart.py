from __future__ import annotations

from typing import Any

import pytest

from planeapp.providers.base import Item
from planeapp.sync import engine
from planeapp.sync.counterpart import Counterpart
from tests.providers.memory import Memory, World
from tests.sync.conftest import Bench

PEOPLE = {"ada@plane.test": "a.lovelace@office.test", "milo@plane.test": "milo@office.test"}
OURS = ("ada@plane.test", "gus@plane.test")
THEIRS = ("a.lovelace@office.test", "gus@plane.test")


@pytest.fixture
def office() -> World:
    return World()


@pytest.fixture
def rows(office: World) -> Counterpart:
    return Counterpart(Memory(world=office), "main", PEOPLE)


def stored(office: World) -> Any:
    (row,) = office.rows["main"].values()
    return row.values["people"]


def test_people_go_out_under_the_addresses_that_they_use_over_there(office: World, rows: Counterpart) -> None:
    row = rows.create({"title": "a", "people": OURS}, "mark")
    assert (stored(office), row.values["people"]) == (THEIRS, OURS)


def test_a_change_of_people_goes_out_and_comes_back_translated(office: World, rows: Counterpart) -> None:
    row = rows.create({"people": OURS}, "mark")
    changed = rows.update(row, {"people": ("milo@plane.test",)})
    assert (stored(office), changed.values["people"]) == (("milo@office.test",), ("milo@plane.test",))


@pytest.mark.parametrize("read", ["list", "get", "find"])
def test_people_come_in_under_their_addresses_in_plane(office: World, rows: Counterpart, read: str) -> None:
    made = office.put({"people": ("milo@office.test", "zoe@office.test")}, mark="mark")
    found: dict[str, Any] = {
        "list": lambda: rows.list().items[0],
        "get": lambda: rows.get(made.id),
        "find": lambda: rows.find("mark")[0],
    }
    assert found[read]().values["people"] == ("milo@plane.test", "zoe@office.test")


def test_addresses_stay_sorted_so_that_translating_is_no_change(office: World, rows: Counterpart) -> None:
    people = ("ada@plane.test", "milo@plane.test", "bob@x.test")
    row = rows.create({"people": tuple(sorted(people))}, "mark")
    assert stored(office) == ("a.lovelace@office.test", "bob@x.test", "milo@office.test")
    assert row.values["people"] == tuple(sorted(people))


@pytest.mark.parametrize("people", [(), None])
def test_nobody_stays_nobody(office: World, rows: Counterpart, people: Any) -> None:
    assert rows.create({"people": people}, "mark").values["people"] == people
    assert rows.create({"title": "a"}, "mark").values == {"title": "a"}


def test_the_vendor_hears_a_row_as_it_told_it(office: World, rows: Counterpart) -> None:
    """An update and a delete are given the row as last read, which must not look changed to the vendor."""
    heard: list[Item] = []

    class Listening(Memory):
        def update(self, place: str, item: Item, values: Any) -> Item:
            heard.append(item)
            return super().update(place, item, values)

        def delete(self, place: str, item: Item) -> None:
            heard.append(item)
            super().delete(place, item)

    rows = Counterpart(Listening(world=office), "main", PEOPLE)
    row = rows.create({"people": OURS}, "mark")
    rows.update(row, {"title": "b"})
    rows.delete(row)
    assert [item.values["people"] for item in heard] == [THEIRS, THEIRS]
    assert office.rows["main"] == {}


def test_a_row_lies_elsewhere_only_when_it_says_so(office: World, rows: Counterpart) -> None:
    row = office.put({"title": "a"})
    assert not rows.elsewhere(row)
    office.move(row.id, "attic")
    moved = rows.get(row.id)
    assert moved is not None and rows.elsewhere(moved)
    assert rows.get("never") is None


def test_a_listing_stays_incomplete(office: World, rows: Counterpart) -> None:
    office.put({"people": ("milo@office.test",)})
    office.cut_listing()
    assert not rows.list().complete


def test_an_item_whose_person_uses_two_addresses_stays_in_step(bench: Bench) -> None:
    milo = bench.sandbox.row("user", display_name="milo")
    bench.pair.options = {"people": {milo["email"]: "m@office.test"}}
    bench.pair.save()
    bench.patch(assignees=[str(milo["id"])])
    engine.run_item(bench.pair, bench.item)
    bench.world.calls.clear()
    outcome = engine.run_item(bench.pair, bench.item)
    assert bench.rows()[0].values["people"] == ("m@office.test",)
    assert (bench.links()[0].theirs["people"], dict(outcome.counts)) == ([milo["email"]], {})
