"""What changed lately: only where the order of the list is proved, and never a change that is missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from planeapp.providers.planhat.provider import Planhat
from planeapp.providers.planhat.recent import NOTE
from planeapp.sandbox.planhat.tenant import iso
from planeapp.sandbox.store import Doc, Store
from tests.providers.planhat.conftest import KeptNotes, MakeAccess
from tests.providers.planhat.served import Script, Watch

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def aged(planhat: Planhat, store: Store) -> Planhat:
    """Companies that changed an hour apart from each other, the last of them at ``NOW``."""
    rows = store.all("companies")
    for number, row in enumerate(rows):
        stamp = iso(NOW - timedelta(hours=len(rows) - 1 - number))
        store.put("companies", row["_id"], row | {"updatedAt": stamp, "lastUpdated": stamp})
    return planhat


def touch(store: Store, company: Doc, minutes: float = 5, **more: Any) -> None:
    stamp = iso(NOW + timedelta(minutes=minutes))
    store.put("companies", company["_id"], company | {"updatedAt": stamp, "lastUpdated": stamp, **more})


def mark_of(planhat: Planhat) -> str:
    told = planhat.recent_companies("")
    assert told is not None and list(told[0]) == []
    return told[1]


def test_what_changed_since_the_mark_comes_newest_last(aged: Planhat, store: Store, acme: Doc, globex: Doc) -> None:
    mark = mark_of(aged)
    assert mark == f"updatedAt {iso(NOW)}" and len(mark) < 100
    touch(store, globex, 9, phase="renewal")
    touch(store, acme, 5)
    told = aged.recent_companies(mark)
    assert told is not None
    assert [company.id for company in told[0]][-2:] == [acme["_id"], globex["_id"]]
    assert told[0][-1].values["phase"] == "renewal" and told[1] == f"updatedAt {iso(NOW + timedelta(minutes=9))}"


def test_nothing_new_tells_only_the_last_minutes_once_more(aged: Planhat, store: Store) -> None:
    told = aged.recent_companies(mark_of(aged))
    assert told is not None and [company.id for company in told[0]] == [store.all("companies")[-1]["_id"]]


def test_a_look_costs_one_call_once_the_order_is_proved(aged: Planhat, access: MakeAccess, watch: Watch) -> None:
    mark = mark_of(aged)
    aged.recent_companies(mark)
    watch.seen.clear()
    Planhat(access()).recent_companies(mark)
    assert watch.lines == ["GET /companies"]


def test_a_tenant_that_ignores_the_order_is_asked_about_it_once_a_day(
    aged: Planhat, access: MakeAccess, store: Store, watch: Watch, notes: KeptNotes
) -> None:
    store.put("settings", "quirks", {"unsorted": ["companies"]})
    assert aged.recent_companies("") is None
    watch.seen.clear()
    assert Planhat(access()).recent_companies("") is None and watch.seen == []
    notes.age(86401)
    store.put("settings", "quirks", {})
    assert Planhat(access()).recent_companies("") is not None


def test_an_order_that_is_lost_later_is_noticed(aged: Planhat, store: Store, notes: KeptNotes, acme: Doc) -> None:
    mark = mark_of(aged)
    touch(store, acme)
    store.put("settings", "quirks", {"unsorted": ["companies"]})
    assert aged.recent_companies(mark) is None
    assert notes.values[NOTE][0] == ""


def test_lists_without_one_stamp_are_ordered_by_the_other(aged: Planhat, store: Store, acme: Doc) -> None:
    for row in store.all("companies"):
        store.put("companies", row["_id"], {name: value for name, value in row.items() if name != "updatedAt"})
    mark = mark_of(aged)
    assert mark.startswith("lastUpdated ")
    store.put("companies", acme["_id"], acme | {"lastUpdated": iso(NOW + timedelta(minutes=3)), "updatedAt": None})
    told = aged.recent_companies(mark)
    assert told is not None and told[0][-1].id == acme["_id"]


def test_lists_without_any_stamp_cannot_be_trusted(aged: Planhat, store: Store) -> None:
    for row in store.all("companies"):
        store.put("companies", row["_id"], row | {"updatedAt": None, "lastUpdated": None})
    assert aged.recent_companies("") is None


def test_equal_stamps_prove_no_order(aged: Planhat, store: Store) -> None:
    for row in store.all("companies"):
        store.put("companies", row["_id"], row | {"updatedAt": iso(NOW), "lastUpdated": iso(NOW)})
    assert aged.recent_companies("") is None


def test_the_newest_being_deleted_is_no_loss_of_order(aged: Planhat, store: Store) -> None:
    mark = mark_of(aged)
    store.delete("companies", store.all("companies")[-1]["_id"])
    assert aged.recent_companies(mark) == ([], f"updatedAt {iso(NOW - timedelta(hours=1))}")


@pytest.mark.parametrize("mark", ["lastUpdated 2026-11-23T10:00:00.000Z", "updatedAt", "updatedAt soon", "x"])
def test_a_mark_that_fits_no_more_has_everything_read(aged: Planhat, mark: str) -> None:
    mark_of(aged)
    assert aged.recent_companies(mark) is None


def stamped(first: int, last: int) -> list[dict[str, str]]:
    """Companies that changed a minute apart from each other, newest first."""
    return [{"_id": f"{n:05d}", "updatedAt": iso(NOW - timedelta(minutes=n))} for n in range(first, last)]


@pytest.fixture
def known(script: Script, access: MakeAccess, notes: KeptNotes) -> Planhat:
    """A provider that has proved the order, with nothing to ask for beside companies."""
    notes.write(NOTE, "updatedAt")
    notes.write("company_fields", {"rows": {}, "missing": [], "refused": True})
    return Planhat(access())


def test_many_changes_take_a_second_larger_page(known: Planhat, script: Script) -> None:
    script.answers = [(200, stamped(0, 100)), (200, stamped(99, 450))]
    told = known.recent_companies(f"updatedAt {iso(NOW - timedelta(minutes=300))}")
    assert told is not None and [company.id for company in told[0]] == [f"{n:05d}" for n in range(302, -1, -1)]
    assert "limit=5000" in script.seen[1].query and "offset=99" in script.seen[1].query


@pytest.mark.parametrize("second", [stamped(99, 5099), stamped(101, 300)])
def test_very_many_changes_or_rows_that_moved_have_everything_read(
    known: Planhat, script: Script, second: list[dict[str, str]]
) -> None:
    script.answers = [(200, stamped(0, 100)), (200, second)]
    assert known.recent_companies(f"updatedAt {iso(NOW - timedelta(days=30))}") is None
