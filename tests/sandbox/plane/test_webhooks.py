"""Webhooks of the first format: one per changed field, signed over the raw body, in the captured shape."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from planeapp.sandbox.plane import work_items
from tests.harness import until

from .conftest import Listener, Sandbox

CAPTURED = Path(__file__).parents[2] / "fixtures" / "plane_webhooks"


def captured(name: str) -> dict[str, Any]:
    return json.loads(json.loads(next(CAPTURED.glob(f"*{name}.json")).read_text())["body_raw"])


def page_form(sandbox: Sandbox, item: dict[str, Any], user: str = "ada", **form: Any) -> int:
    key = work_items.key_of(sandbox.plane, item)
    return sandbox.http.post(
        f"/sandbox/browse/{key}/", data=form, headers={"Cookie": f"sandbox_user={user}"}
    ).status_code


def test_a_created_item_is_told_in_the_captured_shape(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.install()
    with sandbox.person_api("ada") as ada:
        ada.post(f"projects/{sandbox.project()['id']}/work-items/", json={"name": "New belt"})
    [body] = listener.wait(1)
    there = captured("001_issue_created")
    assert list(body) == list(there)
    assert list(body["data"]) == list(there["data"])
    assert body["activity"].keys() == there["activity"].keys()
    assert body["data"]["state"].keys() == there["data"]["state"].keys()


def test_a_delivery_is_signed_over_its_raw_bytes(sandbox: Sandbox, listener: Listener) -> None:
    installation = sandbox.install()
    page_form(sandbox, sandbox.item(), name="Ümlaut")
    listener.wait(1)
    headers, raw = listener.taken[0]
    assert headers["x-plane-signature"] == hmac.new(b"plane_wh_sandbox", raw, hashlib.sha256).hexdigest()
    assert raw == json.dumps(json.loads(raw)).encode() and b"\\u00dc" in raw
    assert headers["x-plane-event"] == "issue" and headers["user-agent"] == "Autopilot" and headers["x-plane-delivery"]
    assert json.loads(raw)["webhook_id"] == installation["webhook"]


def test_five_changed_fields_are_five_deliveries_in_the_words_of_the_api(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.install()
    item, project = sandbox.item(), sandbox.project()
    done = sandbox.plane.live("state", project=project["id"], name="Done")[0]["id"]
    change = {"name": "x", "priority": "low", "state": done, "labels": [], "target_date": "2027-01-15"}
    with sandbox.person_api("ada") as ada:
        assert ada.patch(sandbox.item_path(item), json=change).status_code == 200
    bodies = listener.wait(5)
    assert {body["activity"]["field"]: body["activity"]["new_value"] for body in bodies} == change
    assert len({json.dumps(body["data"]["labels"]) for body in bodies}) == 1
    assert all(body["activity"]["actor"]["display_name"] == "ada" for body in bodies)


def test_the_pages_say_state_id_label_ids_and_assignee_ids(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.install()
    item, project = sandbox.item(), sandbox.project()
    done = sandbox.plane.live("state", project=project["id"], name="Done")[0]["id"]
    form = {"name": item["name"], "state": done, "labels_shown": "1", "assignees_shown": "1", "start_date": ""}
    assert page_form(sandbox, item, **form) == 303
    assert {body["activity"]["field"] for body in listener.wait(4)} == {
        "state_id",
        "label_ids",
        "assignee_ids",
        "start_date",
    }


def test_equal_values_unknown_fields_deletes_and_archives_are_not_told(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.install()
    item = sandbox.item()
    with sandbox.person_api("ada") as ada:
        ada.patch(sandbox.item_path(item), json={"name": item["name"], "state_id": "x"})
        ada.post(sandbox.item_path(item) + "links/", json={"url": "https://example.com/"})
        ada.delete(sandbox.item_path(item))
    page_form(sandbox, sandbox.item("INTG"), name="The only one told")
    [body] = listener.wait(1)
    assert body["data"]["name"] == "The only one told"
    until(lambda: not sandbox.plane.store.all("delivery"), 5, "the sender to note the answer")


def test_only_workspaces_with_the_app_are_told_of(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.install("other", by="olga")
    page_form(sandbox, sandbox.item(), name="Not told")
    page_form_other = sandbox.http.post(
        "/other/browse/QUIET-1/", data={"name": "Told"}, headers={"Cookie": "sandbox_user=olga"}
    )
    assert page_form_other.status_code == 303
    assert [body["data"]["name"] for body in listener.wait(1)] == ["Told"]


def test_a_comment_is_told_in_the_captured_shape_and_its_edit_by_field(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.install()
    path = sandbox.item_path(sandbox.item()) + "comments/"
    with sandbox.person_api("milo") as milo:
        row = milo.post(path, json={"comment_html": "<p>one</p>"}).json()
        [made] = listener.wait(1)
        milo.patch(f"{path}{row['id']}/", json={"comment_html": "<p>two</p>"})
    edited = listener.wait(2)[1]
    assert list(made["data"]) == list(captured("010_comment_created_plain")["data"])
    assert (made["event"], made["action"]) == ("issue_comment", "created")
    assert edited["activity"]["field"] == "comment_html" and edited["activity"]["old_value"] == "<p>one</p>"


def test_a_deleted_project_is_told_with_its_id_alone(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.install()
    project = sandbox.project("INTG")
    with sandbox.person_api("ada") as ada:
        assert ada.delete(f"projects/{project['id']}/").status_code == 204
    [body] = listener.wait(1)
    assert (body["event"], body["action"], body["data"]) == ("project", "deleted", {"id": project["id"]})
