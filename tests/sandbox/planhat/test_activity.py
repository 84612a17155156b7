"""Notes, tasks, tickets, definitions of custom fields, metrics."""

from __future__ import annotations

from typing import Any

from tests.sandbox.planhat.conftest import Running


def _task(planhat: Running, **more: Any) -> dict[str, Any]:
    body = {"mainType": "task", "companyId": "extid-acme", "action": "Follow up", **more}
    made: dict[str, Any] = planhat.api.post("/tasks", json=body).json()
    return made


def test_a_note_is_a_conversation_and_reserved_types_become_notes(planhat: Running) -> None:
    for kind in ("note", "email", "made up"):
        made = planhat.api.post(
            "/conversations", json={"companyId": "extid-acme", "type": kind, "subject": "Hi"}
        ).json()
        assert made["type"] == "note"
    assert len(planhat.api.get(f"/conversations?companyId={planhat.company()['_id']}").json()) == 3


def test_a_note_is_found_by_external_id_changed_and_deleted(planhat: Running) -> None:
    planhat.api.post(
        "/conversations", json={"companyId": "extid-acme", "externalId": "n1", "description": "<p>Shipped</p>"}
    )
    after = planhat.api.put("/conversations/extid-n1", json={"subject": "News"}).json()
    assert (after["subject"], after["snippet"]) == ("News", "Shipped")
    assert planhat.api.delete(f"/conversations/{after['_id']}").json()["ok"] == 1


def test_a_done_task_leaves_the_default_list_and_becomes_a_conversation(planhat: Running) -> None:
    task = _task(planhat, status="To Do")
    planhat.api.put(f"/tasks/{task['_id']}", json={"status": "Done"})
    assert planhat.api.get("/tasks").json() == []
    assert [row["_id"] for row in planhat.api.get("/tasks?isArchived=true").json()] == [task["_id"]]
    assert planhat.api.get(f"/conversations/{task['_id']}").json()["subject"] == "Follow up"


def test_a_task_done_in_lower_case_fails_with_a_500(planhat: Running) -> None:
    answer = planhat.api.put(f"/tasks/{_task(planhat)['_id']}", json={"status": "done"})
    assert (answer.status_code, "Failed to execute task status update" in answer.text) == (500, True)


def test_tickets_are_upserted_by_source_id_and_listed_as_conversations(planhat: Running) -> None:
    ticket = {"sourceId": "z1", "email": "jo@acme-air.example", "title": "Help"}
    first = planhat.api.put("/tickets", json=ticket).json()
    second = planhat.api.put("/tickets", json=[ticket | {"title": "Help!"}]).json()[0]
    assert first["_id"] == second["_id"]
    assert second["companyId"] == planhat.company()["_id"]
    assert [row["title"] for row in planhat.api.get("/tickets").json()] == ["Help!"]
    assert planhat.api.delete(f"/tickets/{first['_id']}").json()["deletedCount"] == 1


def test_a_ticket_without_email_is_dropped_without_a_word(planhat: Running) -> None:
    assert planhat.api.put("/tickets", json=[{"sourceId": "z1", "title": "Help"}]).json() == []
    assert planhat.api.get("/tickets").json() == []


def test_definitions_are_created_listed_by_parent_and_deleted(planhat: Running) -> None:
    body = {"name": "Open items", "type": "number", "parent": "company", "isHidden": False}
    made = planhat.api.post("/customfields", json=body).json()
    planhat.api.post("/customfields", json=body | {"parent": "issue"})
    names = [row["name"] for row in planhat.api.get("/customfields?parent=company").json()]
    assert names == ["Plan", "Go-live", "Open items"]
    assert planhat.api.delete(f"/customfields/{made['_id']}").json()["n"] == 1


def test_a_definition_needs_its_four_fields_a_known_type_and_a_free_name(planhat: Running) -> None:
    body = {"name": "Open items", "type": "number", "parent": "company", "isHidden": False}
    wrong = [{k: v for k, v in body.items() if k != "isHidden"}, body | {"type": "integer"}, body | {"name": "plan"}]
    assert [planhat.api.post("/customfields", json=one).status_code for one in wrong] == [400, 400, 400]


def test_a_renamed_definition_takes_its_values_along(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"custom": {"Plan": "Pro"}})
    ident = planhat.api.get("/customfields?parent=company").json()[0]["_id"]
    planhat.api.put(f"/customfields/{ident}", json={"name": "Subscription"})
    assert planhat.company()["custom"] == {"Subscription": "Pro"}


def test_metrics_are_pushed_openly_and_read_with_the_token(planhat: Running) -> None:
    rows = [{"dimensionId": "open", "value": 3, "externalId": "acme", "model": "Company"}, {"value": 1}]
    answer = planhat.client().post(f"/dimensiondata/{planhat.world.planhat_tenant}", json=rows).json()
    assert (answer["processed"], len(answer["errors"])) == (1, 1)
    read = planhat.api.get("/dimensiondata", params={"cId": planhat.company()["_id"], "dimid": "open"}).json()
    assert [row["value"] for row in read] == [3]


def test_activities_are_always_answered_with_200(planhat: Running) -> None:
    assert planhat.client().post(f"/analytics/{planhat.world.planhat_tenant}", json={"nonsense": 1}).status_code == 200
    assert (
        planhat.client().post(f"/analytics/bulk/{planhat.world.planhat_tenant}", json=[{}, {}]).json()["processed"] == 2
    )
