"""The people whom a work item concerns, on its issue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from planeapp.providers.base import Item
from planeapp.providers.planhat.provider import Planhat
from planeapp.sandbox.store import Doc, Store
from planeapp.sync.plan import make_plan
from planeapp.sync.shapes import Link, Rule, Snapshot
from tests.providers.planhat.served import Watch

AGREED = {"title": "Fuel report", "parties": ("c1",), "state": "started"}


def planned(ours: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What is planned for an item that was linked before contacts were known."""
    link = Link("1", "i1", "r1", "linked", AGREED, AGREED, datetime(2026, 11, 1, tzinfo=UTC), made_by_us=True)
    snapshot = Snapshot(
        {"i1": Item("i1", AGREED | ours)},
        {"r1": Item("r1", AGREED | theirs)},
        [link],
        frozenset(),
        frozenset(),
        frozenset(),
    )
    rules = {known.name: Rule(known.default) for known in Planhat.fields}
    plan = make_plan(snapshot, Planhat.fields, rules, lambda values: "", lambda item_id: f"plane:{item_id}")
    return [(change.kind, dict(change.values)) for change in plan.changes]


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ({}, {}, []),
        ({}, {"contacts": ()}, []),
        ({}, {"contacts": ("e1",)}, []),
        ({"contacts": ()}, {"contacts": ()}, [("agree", {})]),
        ({"contacts": ("e1",)}, {"contacts": ("e1",)}, [("agree", {})]),
        ({"contacts": ("e1",)}, {"contacts": ()}, [("update", {"contacts": ("e1",)})]),
    ],
)
def test_links_from_before_are_written_only_when_there_is_something_to_say(
    ours: dict[str, Any], theirs: dict[str, Any], wanted: list[tuple[str, dict[str, Any]]]
) -> None:
    assert planned(ours, theirs) == wanted


def test_contacts_stand_on_the_issue_and_are_read_back_sorted(planhat: Planhat, store: Store, acme: Doc) -> None:
    ids = tuple(sorted(row["_id"] for row in store.find("endusers", companyId=acme["_id"])))
    values = {"title": "Fuel report", "parties": (acme["_id"],), "contacts": ids[::-1]}
    planhat.create("issues", values, "plane:w:1")
    assert [one["name"] for one in planhat.api.issues.read(store.all("issues")[0]["_id"])["endusers"]] == [
        "Jo Berg",
        "Mia Ek",
    ]  # type: ignore[index]
    (row,) = planhat.list("issues").items
    assert row.values["contacts"] == ids
    assert planhat.update("issues", row, {"contacts": ids[:1]}).values["contacts"] == ids[:1]


def test_an_issue_from_before_that_lacks_the_field_has_no_contacts(planhat: Planhat, store: Store, acme: Doc) -> None:
    planhat.create("issues", {"title": "Fuel report", "parties": (acme["_id"],)}, "plane:w:1")
    (issue,) = store.all("issues")
    store.put("issues", issue["_id"], {name: value for name, value in issue.items() if name != "enduserIds"})
    (row,) = planhat.list("issues").items
    single = planhat.get("issues", row.id)
    assert single is not None and row.values["contacts"] == single.values["contacts"] == ()


def test_the_list_of_issues_asks_for_contacts(planhat: Planhat, watch: Watch) -> None:
    planhat.list("issues")
    assert "enduserIds" in watch.seen[0][1]["select"].split(",")
