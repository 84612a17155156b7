"""The memory provider keeps the contract and fails on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from planeapp.lib.errors import Gone, OutcomeUnknown, RetryLater
from planeapp.providers.base import Item, Party, Place, Provider
from tests.providers.contract import DatedContract, MovedContract, ProviderContract
from tests.providers.memory import Memory, World, memory_access


@pytest.fixture
def world() -> World:
    return World(companies=[Party("c1", "Acme Holding"), Party("c2", "Acme")])


@pytest.fixture
def memory(world: World) -> Memory:
    return Memory(world=world)


class TestContract(DatedContract, MovedContract, ProviderContract):
    clearable = frozenset({"notes", "end", "people", "state", "priority", "url"})

    @pytest.fixture
    def provider(self, memory: Memory) -> Provider:
        return memory

    @pytest.fixture
    def move(self, world: World) -> Callable[[Item], str]:
        world.places.append(Place("other", "Other shelf"))

        def moved(item: Item) -> str:
            world.move(item.id, "other")
            return "other"

        return moved

    @pytest.fixture
    def lose_answer(self, world: World) -> Callable[[], None]:
        return lambda: world.lose_answer("create")

    @pytest.fixture
    def values(self) -> Mapping[str, Any]:
        return {
            "title": "Ship it",
            "notes": "<p>Today</p>",
            "state": "started",
            "priority": "high",
            "url": "https://app.plane.so/ws/browse/CUST-12/",
            "start": date(2026, 11, 23),
            "end": date(2026, 11, 24),
            "people": ("jo@example.com",),
        }

    @pytest.fixture
    def changes(self) -> Mapping[str, Any]:
        return {"title": "Ship it today", "end": date(2026, 11, 23)}


def test_a_planned_failure_happens_once_and_changes_nothing(world: World, memory: Memory) -> None:
    world.fail("create", RetryLater("busy"))
    with pytest.raises(RetryLater):
        memory.create("main", {"title": "a"}, "m")
    assert memory.list("main").items == ()
    assert memory.create("main", {"title": "a"}, "m").mark == "m"


def test_a_lost_answer_leaves_the_row_behind(world: World, memory: Memory) -> None:
    world.lose_answer("create")
    with pytest.raises(OutcomeUnknown):
        memory.create("main", {"title": "a"}, "m")
    assert [item.values["title"] for item in memory.find("main", "m")] == ["a"]


def test_a_cut_listing_hides_rows_and_says_that_it_is_incomplete(world: World, memory: Memory) -> None:
    kept, hidden = world.put({"title": "a"}), world.put({"title": "b"})
    world.cut_listing("main", hidden.id)
    cut = memory.list("main")
    world.mend_listing("main")
    assert (cut.items, cut.complete) == ((kept,), False)
    assert memory.list("main").complete and len(memory.list("main").items) == 2


def test_versions_move_with_edits_unless_the_world_lies_about_them(world: World) -> None:
    row = world.put({"title": "a"})
    moved = world.edit(row.id, title="b").version
    world.version_moves = False
    assert moved != row.version
    assert world.edit(row.id, title="c").version == moved


def test_every_call_is_counted_and_writes_can_be_told_apart(world: World, memory: Memory) -> None:
    made = memory.create("main", {"title": "a"}, "m")
    memory.list("main")
    memory.delete("main", made)
    assert world.writes() == [("create", "main", "m"), ("delete", "main", made.id)]
    assert ("list", "main", "") in world.calls


def test_an_update_of_a_removed_row_is_gone(world: World, memory: Memory) -> None:
    row = world.put({"title": "a"})
    world.remove(row.id)
    with pytest.raises(Gone):
        memory.update("main", row, {"title": "b"})


def test_the_named_world_is_shared_by_providers_made_from_settings() -> None:
    Memory(memory_access("shared")).create("main", {"title": "a"}, "m")
    assert len(Memory(memory_access("shared")).list("main").items) == 1
    assert Memory(memory_access("another")).list("main").items == ()


def test_the_closest_company_comes_first(memory: Memory) -> None:
    assert [party.id for party in memory.parties("acme")] == ["c2", "c1"]
    assert memory.party("c1") == Party("c1", "Acme Holding")
    assert memory.party("nobody") is None
