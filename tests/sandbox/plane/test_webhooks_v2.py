"""Webhooks of the second format, with the oddities of the published samples."""

from __future__ import annotations

import pytest

from .conftest import Listener, Sandbox


@pytest.fixture
def second(sandbox: Sandbox) -> Sandbox:
    sandbox.plane.store.put("settings", "webhooks", {"format": "v2"})
    sandbox.install()
    return sandbox


def test_an_update_is_one_delivery_named_by_an_enum_path(second: Sandbox, listener: Listener) -> None:
    item = second.item()
    with second.person_api("ada") as ada:
        ada.patch(second.item_path(item), json={"priority": "low", "target_date": None})
    [body] = listener.wait(1)
    assert body["version"] == "v2" and body["event"] == "WebhookScope.ScopeChoices.WORK_ITEM_UPDATED"
    assert body["previous_attributes"].keys() == {"priority", "target_date"}
    assert body["data"]["target_date"] == "None" and "description_html" not in body["data"]
    assert body["data"]["state_id"] == item["state"] and body["entity_id"] == item["id"]
    assert listener.taken[0][0]["x-plane-event"] == body["event"] and "activity" not in body


def test_a_comment_sits_in_its_work_item_without_html(second: Sandbox, listener: Listener) -> None:
    item = second.item()
    with second.person_api("milo") as milo:
        milo.post(second.item_path(item) + "comments/", json={"comment_html": "<p>Hi <b>you</b></p>"})
    bodies = {body["event"]: body for body in listener.wait(2)}
    comment = bodies["workitem.comment.created"]
    assert comment["entity_type"] == "issue" and comment["entity_id"] == comment["data"]["id"] == item["id"]
    assert (
        comment["data"]["comment"]["comment_stripped"] == "Hi you" and comment["data"]["comment"]["edited_at"] is None
    )
    stirred = bodies["WebhookScope.ScopeChoices.WORK_ITEM_UPDATED"]
    assert stirred["previous_attributes"].keys() == {"last_activity_at"}


def test_a_deleted_item_leaves_its_old_row_behind(second: Sandbox, listener: Listener) -> None:
    item = second.item()
    with second.person_api("ada") as ada:
        ada.delete(second.item_path(item))
    [body] = listener.wait(1)
    assert (body["event"], body["data"], body["entity_id"]) == ("workitem.deleted", {}, item["id"])
    assert body["previous_attributes"]["name"] == item["name"]


def test_a_link_is_told_with_the_work_item_as_its_entity(second: Sandbox, listener: Listener) -> None:
    item = second.item()
    with second.person_api("ada") as ada:
        ada.post(second.item_path(item) + "links/", json={"url": "https://example.com/"})
    [body] = listener.wait(1)
    assert (body["event"], body["entity_type"], body["entity_id"]) == (
        "workitem.link.created",
        "issue_link",
        item["id"],
    )


def test_both_formats_can_be_sent_at_once(second: Sandbox, listener: Listener) -> None:
    second.plane.store.put("settings", "webhooks", {"format": "both"})
    with second.person_api("ada") as ada:
        ada.patch(second.item_path(second.item()), json={"priority": "low"})
    assert {body.get("version", "v1") for body in listener.wait(2)} == {"v1", "v2"}
