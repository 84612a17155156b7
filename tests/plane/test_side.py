"""Plane as one side of a sync, against the sandbox over HTTP."""

from __future__ import annotations

import json
from datetime import date

import pytest

from planeapp.lib.errors import Gone
from planeapp.plane.gateway import Plane
from planeapp.plane.scopes import ScopeMissing
from planeapp.plane.side import TAKES, PlaneSide
from planeapp.providers.base import Access
from tests.plane.conftest import Sandbox, Token, captured

FIRST, LAST = date(2027, 3, 1), date(2027, 3, 3)


def test_a_project_is_listed_whole_with_keys_and_addresses(sandbox: Sandbox, side: PlaneSide, project: str) -> None:
    listing = side.list(project)
    assert listing.complete
    assert len(listing.items) == len(sandbox.plane.live("work_item", project=project))
    first = next(item for item in listing.items if item.values["key"] == "CUST-1")
    assert first.url == first.values["url"] == "https://app.plane.so/sandbox/browse/CUST-1/"
    assert first.version


def test_archived_items_and_drafts_are_left_out(sandbox: Sandbox, side: PlaneSide, project: str, item: str) -> None:
    row = sandbox.row("work_item", id=item)
    sandbox.plane.store.put("work_item", item, row | {"is_draft": True})
    assert item not in [found.id for found in side.list(project).items]


def test_archived_items_are_listed_by_themselves(
    sandbox: Sandbox, side: PlaneSide, project: str, item: str
) -> None:  # fmt: skip
    assert side.archived(project) == (frozenset(), True)
    row = sandbox.row("work_item", id=item)
    sandbox.plane.store.put("work_item", item, row | {"archived_at": "2026-01-01"})
    assert side.archived(project) == (frozenset({item}), True)


def test_an_item_tells_who_changed_it_last(sandbox: Sandbox, side: PlaneSide, project: str, item: str) -> None:
    milo = sandbox.row("user", display_name="milo")
    sandbox.plane.change("work_item", sandbox.row("work_item", id=item), milo["id"], name="Changed")
    found = side.get(project, item)
    assert found and found.by == milo["id"]


def test_an_item_is_read_or_gone(side: PlaneSide, project: str, item: str) -> None:
    found = side.get(project, item)
    assert found
    assert found.id == item
    assert side.get(project, "00000000-0000-0000-0000-000000000009") is None


def test_values_are_written_and_read_back(side: PlaneSide, project: str, item: str) -> None:
    found = side.get(project, item)
    assert found
    wanted = {
        "title": "Belt 4",
        "start": FIRST,
        "end": LAST,
        "state": "completed",
        "priority": "low",
        "people": ("ada@sandbox.test",),
    }
    saved = side.update(project, found, {**wanted, "labels": ("bug", "Acme")})
    assert {name: saved.values[name] for name in wanted} == wanted
    assert saved.values["labels"] == ("Acme", "bug")
    assert side.get(project, item) == saved or side.get(project, item).values == saved.values  # type: ignore[union-attr]


def test_what_did_not_change_is_not_written(sandbox: Sandbox, side: PlaneSide, project: str, item: str) -> None:
    found = side.get(project, item)
    assert found
    assert side.update(project, found, dict(found.values)) is found
    assert sandbox.requests("PATCH") == []


def test_only_what_changed_is_sent(sandbox: Sandbox, side: PlaneSide, project: str, item: str) -> None:
    found = side.get(project, item)
    assert found
    side.update(project, found, {**found.values, "end": LAST, "start": FIRST})
    assert json.loads(sandbox.requests("PATCH")[-1]["body"]) == {
        "start_date": "2027-03-01",
        "target_date": "2027-03-03",
    }


def test_an_item_is_made_once_and_found_by_its_mark(side: PlaneSide, project: str) -> None:
    first = side.create(project, {"title": "New", "start": FIRST, "end": LAST}, "planner:b1")
    again = side.create(project, {"title": "New"}, "planner:b1")
    assert (again.id, first.mark) == (first.id, "planner:b1")
    assert [found.id for found in side.find(project, "planner:b1")] == [first.id]
    assert side.find(project, "planner:b2") == ()


def test_an_item_without_a_title_gets_one(side: PlaneSide, project: str) -> None:
    assert side.create(project, {"title": ""}, "planner:b1").values["title"] == "Untitled"


def test_an_archived_item_under_our_mark_is_not_made_again(sandbox: Sandbox, side: PlaneSide, project: str) -> None:
    made = side.create(project, {"title": "New"}, "planner:b1")
    row = json.dumps(sandbox.row("work_item", id=made.id) | {"archived_at": "2026-01-01"})
    sandbox.fault(method="GET", path=f"/work-items/{made.id}/", status=200, body=row)
    with pytest.raises(Gone):
        side.create(project, {"title": "New"}, "planner:b1")


def test_a_project_is_looked_up_once_for_all_its_items(sandbox: Sandbox, side: PlaneSide, project: str) -> None:
    side.list(project)
    side.list(project)
    for part in ("/states/", "/project-members/", "/labels/", f"/projects/{project}/"):
        assert len([call for call in sandbox.requests("GET", part) if call["path"].endswith(part)]) == 1


def test_a_webhooks_record_reads_like_the_apis(sandbox: Sandbox, side: PlaneSide, project: str) -> None:
    item = side.read(project, json.loads(captured("001")["body_raw"])["data"])
    assert item
    assert (item.values["state"], item.values["key"]) == ("backlog", "CUST-1")


def test_the_mark_for_vendors_names_workspace_and_item(side: PlaneSide) -> None:
    assert side.mark_of("i1") == f"plane:{side.workspace_id}/i1"
    assert side.url_of("") == ""


# Fewer scopes


def without(sandbox: Sandbox, side: PlaneSide, *scopes: str) -> PlaneSide:
    """The side of a bot whose token is known to lack these."""
    access = Access(sandbox.http, sandbox.url, Token(sandbox.token()))
    return PlaneSide(Plane(access, "sandbox", lacks=scopes), side.workspace_id, side.app_url)


def test_what_may_not_be_written_is_said_to_be_closed(sandbox: Sandbox, side: PlaneSide) -> None:
    assert {side.closed(name) for name in (*TAKES, "parties")} == {""}
    shut = without(sandbox, side, "projects.work_items:write")
    assert ({shut.closed(name) for name in TAKES}, shut.closed("parties")) == ({"scope_missing"}, "")
    unknown = without(sandbox, side, "projects.members:read")
    assert [name for name in TAKES if unknown.closed(name)] == ["people"]


def test_people_and_labels_that_may_not_be_known_are_left_out_and_the_rest_is_read(
    sandbox: Sandbox, side: PlaneSide, project: str, item: str
) -> None:
    less = without(sandbox, side, "projects.members:read", "projects.labels:read")
    full, found = side.get(project, item), less.get(project, item)
    assert full and found
    assert full.values.keys() - found.values.keys() == {"people", "labels", "reporter"}
    assert found.values["title"] == full.values["title"]


def test_a_write_that_plane_would_refuse_is_not_sent(
    sandbox: Sandbox, side: PlaneSide, project: str, item: str
) -> None:
    less, found = without(sandbox, side, "projects.work_items:write"), side.get(project, item)
    assert found
    with pytest.raises(ScopeMissing):
        less.update(project, found, {"start": FIRST})
    assert not sandbox.requests("PATCH")
