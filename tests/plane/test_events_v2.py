"""Webhooks v2, with the oddities of the published samples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plane.conftest import told


def v2(event: str, data: dict[str, Any], before: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A v2 body."""
    head = {"version": "v2", "delivery_id": "d1", "event_id": "e1", "entity_id": "i1", "entity_type": "issue"}
    ends = {"webhook_id": "h1", "workspace_id": "w1", "data": data, "previous_attributes": before or {}}
    return {**head, "event": event, **ends, **more}


@pytest.mark.parametrize("name", ["workitem.updated", "WebhookScope.ScopeChoices.WORK_ITEM_UPDATED"])
def test_v2_names_an_update_in_two_spellings(name: str) -> None:
    event = told(v2(name, {"id": "i1", "project_id": "p1", "updated_by_id": "u1"}, {"state_id": "s0"}))
    assert (event.kind, event.subject, event.project, event.actor) == ("item.changed", "i1", "p1", "u1")
    assert (event.data["field"], event.data["item"]) == ("state_id", {})


def test_v2_events_are_told_apart_by_webhook_and_event_never_by_delivery() -> None:
    body = v2("workitem.updated", {}, {"name": "x"})
    assert told(body).id == told({**body, "delivery_id": "d2"}).id == "v2:h1:e1"
    assert told({**body, "webhook_id": "h2"}).id != told(body).id


def test_the_word_none_of_v2_is_no_value() -> None:
    event = told(v2("workitem.updated", {"project_id": "None", "updated_by_id": "None"}, {"name": "x"}))
    assert (event.project, event.actor) == ("", "")


def test_a_v2_update_of_the_last_activity_alone_asks_for_nothing() -> None:
    event = told(v2("workitem.updated", {"id": "i1"}, {"last_activity_at": "2026-01-01 00:00:00+00"}))
    assert (event.kind, event.data["reason"]) == ("other", "only the time of the last activity moved")
    assert told(v2("workitem.updated", {}, {"last_activity_at": "x", "name": "y"})).kind == "item.changed"


def test_a_v2_deletion_is_named_by_the_entity_and_the_old_row() -> None:
    event = told(v2("workitem.deleted", {}, {"id": "i1", "project_id": "p1"}))
    assert (event.kind, event.subject, event.project, event.actor) == ("item.deleted", "i1", "p1", "")


def test_an_archived_item_of_v2_is_read_again() -> None:
    assert told(v2("workitem.archived", {"id": "i1"})).data["field"] == "archived_at"


def test_a_v2_comment_sits_inside_its_work_item_without_html() -> None:
    comment = {"id": "c1", "actor_id": "u1", "issue_id": "i1", "comment_stripped": "hi"}
    event = told(v2("workitem.comment.created", {"id": "i1", "comment": comment}))
    assert (event.kind, event.subject, event.project, event.actor) == ("comment.written", "i1", "", "u1")
    assert (event.data["comment_id"], event.data["html"], event.data["edited"]) == ("c1", None, False)


def test_a_v2_enum_name_of_a_comment_is_understood() -> None:
    event = told(v2("WebhookScope.ScopeChoices.WORK_ITEM_COMMENT_UPDATED", {"comment": {"id": "c1"}}))
    assert (event.kind, event.data["edited"]) == ("comment.written", True)


def test_v2_links_are_stored_and_ask_for_nothing() -> None:
    event = told(v2("workitem.link.created", {"id": "l1"}))
    assert (event.kind, event.data["event"]) == ("other", "workitem.link.created")
