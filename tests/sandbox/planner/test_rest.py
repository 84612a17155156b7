"""The connector endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.planner.conftest import Planner

PATH = "/v1/connectors/actions/blocks"
DAYS = {"projectId": "prj_ramp", "title": "Paint lines", "startDate": "2026-11-23", "endDate": "2026-11-24"}


def test_days_make_a_whole_day_block_with_an_inclusive_end(planner: Planner) -> None:
    answer = planner.call("POST", PATH, json=DAYS | {"notes": "Both stands", "externalId": "item-1"})
    block = answer.json()["block"]
    assert answer.status_code == 201
    assert (block["allDay"], block["startDate"], block["endDate"]) == (True, "2026-11-23", "2026-11-24")
    assert (block["start"], block["end"]) == ("2026-11-23T00:00:00+01:00", "2026-11-25T00:00:00+01:00")
    assert (block["notes"], block["externalId"]) == ("Both stands", "item-1")


def test_date_times_make_a_timed_block_in_the_projects_timezone(planner: Planner) -> None:
    body = {"projectId": "prj_fleet", "title": "Check", "start": "2026-11-23T10:00:00Z", "end": "2026-11-23T12:00:00Z"}
    block = planner.call("POST", PATH, json=body).json()["block"]
    assert (block["allDay"], block["timezone"]) == (False, "America/New_York")
    assert (block["start"], block["end"]) == ("2026-11-23T05:00:00-05:00", "2026-11-23T07:00:00-05:00")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"projectId": "prj_none"}, "projectId"),
        ({"projectId": None}, "projectId"),
        ({"title": ""}, "title"),
        ({"title": 7}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"startDate": None}, "startDate"),
        ({"startDate": "tomorrow"}, "startDate"),
        ({"endDate": "2026-11-22"}, "endDate"),
        ({"start": "2026-11-23T10:00:00Z", "end": "2026-11-23T10:00:00Z"}, "end"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"assigneeIds": ["per_nobody"]}, "assigneeIds"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named_with_422(planner: Planner, change: dict[str, Any], field: str) -> None:
    answer = planner.call("POST", PATH, json=DAYS | change)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_body_that_is_no_json_object_is_refused(planner: Planner) -> None:
    json_type = {"Content-Type": "application/json"}
    assert planner.call("POST", PATH, content=b"{", headers=json_type).status_code == 400
    assert planner.call("POST", PATH, json=[DAYS]).status_code == 400
    assert planner.call("POST", PATH, data={"title": "x"}).status_code == 415


def test_the_same_idempotency_key_makes_one_block(planner: Planner) -> None:
    key = {"Idempotency-Key": "create-item-1"}
    first, second = (planner.call("POST", PATH, json=DAYS, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert len(planner.store.find("blocks", title="Paint lines")) == 1


def test_the_same_idempotency_key_with_another_body_is_refused(planner: Planner) -> None:
    key = {"Idempotency-Key": "create-item-1"}
    planner.call("POST", PATH, json=DAYS, headers=key)
    answer = planner.call("POST", PATH, json=DAYS | {"title": "Other"}, headers=key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_without_a_key_every_call_makes_a_block(planner: Planner) -> None:
    for _ in range(2):
        planner.call("POST", PATH, json=DAYS)
    assert len(planner.store.find("blocks", title="Paint lines")) == 2


def test_the_generic_feed_is_an_envelope_with_the_newest_first(planner: Planner) -> None:
    block = planner.call("POST", PATH, json=DAYS).json()["block"]
    feed = planner.call("GET", "/v1/connectors/events", params={"limit": 1}).json()
    assert (feed["limit"], feed["hasMore"], len(feed["events"])) == (1, True, 1)
    assert (feed["events"][0]["type"], feed["events"][0]["data"]["block"]) == ("block.created", block)


def test_the_zapier_feed_is_a_bare_list_with_unique_ids(planner: Planner) -> None:
    planner.call("POST", PATH, json=DAYS)
    feed = planner.events()
    assert isinstance(feed, list)
    assert len({event["id"] for event in feed}) == len(feed) == 6
    assert feed[0]["data"]["block"]["title"] == "Paint lines"


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten"])
def test_a_limit_out_of_range_is_refused(planner: Planner, limit: str) -> None:
    answer = planner.call("GET", "/v1/connectors/events", params={"limit": limit})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")
