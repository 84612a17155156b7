"""Webhooks v1: captured deliveries of a real server."""

from __future__ import annotations

import json

import pytest

from tests.plane.conftest import captured, delivery, told

BOT = "c05dee0f-8235-48d9-b338-0f4a1be063d3"
CUST = "e0e8542b-2eb3-40a7-8f8b-313a23e04424"
ADA = "f38baf15-9533-4630-b0e0-554e3e295433"


def test_a_new_item_names_item_project_and_actor_and_carries_the_record() -> None:
    event = delivery("001")
    assert (event.subject, event.project, event.actor) == ("9069aca0-a438-448b-b145-f44730efc27d", CUST, BOT)
    assert (event.data["field"], event.data["item"]["name"]) == ("", "Export button does nothing")
    assert "description_binary" not in event.data["item"]


@pytest.mark.parametrize(("name", "field"), [("003", "state"), ("023", "state_id"), ("025", "assignee_ids")])
def test_a_changed_field_keeps_the_name_that_the_caller_used(name: str, field: str) -> None:
    assert delivery(name).data["field"] == field


def test_a_comment_belongs_to_its_work_item_and_brings_its_html() -> None:
    event = delivery("009")
    assert (event.kind, event.subject, event.actor) == ("comment.written", "9069aca0-a438-448b-b145-f44730efc27d", ADA)
    assert (event.data["edited"], event.data["old_html"]) == (False, None)
    assert BOT in event.data["html"]


def test_an_edited_comment_brings_its_old_html() -> None:
    event = delivery("031")
    assert event.data["edited"] is True
    assert "health score" in event.data["old_html"]
    assert "ARR" in event.data["html"]


def test_the_second_form_of_an_edited_comment_asks_for_nothing() -> None:
    body = json.loads(captured("031")["body_raw"])
    body["activity"]["field"] = "comment_json"
    assert told(body).kind == "other"


def test_the_same_change_delivered_by_two_webhooks_has_one_id() -> None:
    body = json.loads(captured("003")["body_raw"])
    twin = {**body, "webhook_id": "another"}
    assert told(body).id == told(twin).id == delivery("003").id


def test_a_later_change_to_the_same_value_has_another_id() -> None:
    body = json.loads(captured("003")["body_raw"])
    later = {**body, "data": {**body["data"], "updated_at": "2026-12-01T00:00:00Z"}}
    assert told(body).id != told(later).id


@pytest.mark.parametrize("action", ["delete", "deleted"])
def test_a_deleted_item_is_named_by_its_id(action: str) -> None:
    event = told({"event": "issue", "action": action, "workspace_id": "w", "data": {"id": "i"}})
    assert (event.kind, event.subject, event.workspace) == ("item.deleted", "i", "w")


def test_the_older_action_words_mean_the_same() -> None:
    body = json.loads(captured("009")["body_raw"]) | {"action": "create"}
    assert told(body).id == delivery("009").id


def test_project_deletion_names_the_project() -> None:
    event = delivery("021")
    assert (event.kind, event.project) == ("project.changed", "7e649139-5097-4a16-ba9f-43636f00e884")
    assert event.data["action"] == "deleted"


def test_an_unknown_event_is_kept_with_its_name() -> None:
    event = told({"event": "sticky", "action": "created", "data": {}}, "sticky")
    assert (event.kind, event.data["event"]) == ("other", "sticky.created")
