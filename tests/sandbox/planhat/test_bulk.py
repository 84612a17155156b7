"""Bulk upserts: what is matched, what is reported, and with which status."""

from __future__ import annotations

from typing import Any

from tests.sandbox.planhat.conftest import Running


def _put(planhat: Running, model: str, items: list[Any]) -> tuple[int, dict[str, Any]]:
    answer = planhat.api.put(f"/{model}", json=items)
    return answer.status_code, answer.json()


def test_new_records_are_inserted_with_their_keys_in_no_promised_order(planhat: Running) -> None:
    status, body = _put(planhat, "issues", [{"title": "A", "sourceId": "s1"}, {"title": "B", "sourceId": "s2"}])
    assert (status, body["created"], body["updated"]) == (200, 2, 0)
    assert [keys["sourceId"] for keys in body["insertsKeys"]] == ["s2", "s1"]
    assert body["upsertedIds"] == [keys["_id"] for keys in body["insertsKeys"]]


def test_a_hit_updates_and_an_unchanged_hit_is_a_nonupdate_that_still_moves_updated_at(planhat: Running) -> None:
    _put(planhat, "issues", [{"title": "A", "sourceId": "s1"}, {"title": "B", "sourceId": "s2"}])
    before = {row["sourceId"]: row["updatedAt"] for row in planhat.api.get("/issues").json()}
    planhat.clock.advance(1)
    _, body = _put(planhat, "issues", [{"title": "A", "sourceId": "s1"}, {"title": "New", "sourceId": "s2"}])
    assert (body["created"], body["updated"], body["nonupdates"]) == (0, 1, 1)
    assert body["modified"] == [keys["_id"] for keys in body["updatesKeys"]]
    after = {row["sourceId"]: row["updatedAt"] for row in planhat.api.get("/issues").json()}
    assert all(after[key] > before[key] for key in before)


def test_the_first_key_present_decides_and_a_miss_inserts(planhat: Running) -> None:
    _put(planhat, "companies", [{"externalId": "acme", "sourceId": "crm-unknown", "name": "Second Acme"}])
    assert len(planhat.api.get("/companies").json()) == 14  # refused: the external id is taken
    status, body = _put(planhat, "companies", [{"sourceId": "crm-unknown", "name": "Brand new"}])
    assert (status, body["created"]) == (200, 1)


def test_a_known_id_lets_an_external_id_change(planhat: Running) -> None:
    ident = planhat.company()["_id"]
    assert _put(planhat, "companies", [{"_id": ident, "externalId": "acme-2"}])[1]["updated"] == 1
    assert planhat.company("acme-2")["_id"] == ident


def test_a_record_without_a_key_is_inserted_again_each_time(planhat: Running) -> None:
    for _ in range(2):
        assert _put(planhat, "issues", [{"title": "No key", "externalId": "not a key of issues"}])[1]["created"] == 1
    assert len(planhat.api.get("/issues").json()) == 2


def test_some_failures_make_a_206_and_the_rest_goes_through(planhat: Running) -> None:
    status, body = _put(planhat, "issues", [{"title": "Good", "sourceId": "s1"}, {"sourceId": "s2"}])
    assert (status, body["created"]) == (206, 1)
    assert len(body["createdErrors"]) == 1
    assert "title" in body["createdErrors"][0]


def test_only_failures_make_a_400_with_the_same_body(planhat: Running) -> None:
    _put(planhat, "issues", [{"title": "Good", "sourceId": "s1"}])
    status, body = _put(planhat, "issues", [{"sourceId": "s1", "companyIds": "not a list"}, {"sourceId": "s2"}, "text"])
    assert status == 400
    assert (len(body["updatedErrors"]), len(body["createdErrors"])) == (1, 2)
    assert body["updatedErrors"][0]["sourceId"] == "s1"


def test_a_key_that_comes_twice_in_one_array_fails_the_second_time(planhat: Running) -> None:
    status, body = _put(planhat, "issues", [{"title": "A", "sourceId": "s1"}, {"title": "B", "sourceId": "s1"}])
    assert (status, body["created"]) == (206, 1)
    assert "Duplicated key" in body["updatedErrors"][0]["message"]
    assert [row["title"] for row in planhat.api.get("/issues").json()] == ["A"]


def test_a_missing_right_makes_a_403_and_fills_permission_errors(planhat: Running) -> None:
    client = planhat.token({"issues": ["view", "update"]})
    _put(planhat, "issues", [{"title": "Old", "sourceId": "s1"}])
    answer = client.put("/issues", json=[{"title": "Changed", "sourceId": "s1"}, {"title": "New", "sourceId": "s2"}])
    assert answer.status_code == 403
    assert [error["sourceId"] for error in answer.json()["permissionErrors"]] == ["s2"]
    assert [row["title"] for row in planhat.api.get("/issues").json()] == ["Changed"]


def test_a_closed_company_fails_its_own_records_only(planhat: Running) -> None:
    acme, closed = planhat.company()["_id"], planhat.company("hooli")["_id"]
    client = planhat.token(denied=[closed])
    items = [
        {"title": "A", "sourceId": "a", "companyIds": [acme]},
        {"title": "B", "sourceId": "b", "companyIds": [closed]},
    ]
    body = client.put("/issues", json=items).json()
    assert (body["created"], [error["sourceId"] for error in body["permissionErrors"]]) == (1, ["b"])


def test_a_taken_slug_in_bulk_is_an_error_of_that_record(planhat: Running) -> None:
    status, body = _put(
        planhat, "companies", [{"name": "Acme Air", "externalId": "x"}, {"name": "Fine", "externalId": "y"}]
    )
    assert (status, body["createdErrors"]) == (206, ["Failed to create company"])


def test_more_than_five_thousand_records_or_no_array_are_refused_whole(planhat: Running) -> None:
    assert planhat.api.put("/issues", json=[{"title": "T"}] * 5001).status_code == 400
    assert planhat.api.put("/issues", json={"title": "T"}).status_code == 400
    assert planhat.api.get("/issues").json() == []


def test_contacts_are_matched_by_email_inside_their_company(planhat: Running) -> None:
    globex = planhat.company("globex")["_id"]
    contact = {"email": "jo@acme-air.example", "companyId": "extid-acme", "position": "CEO"}
    assert _put(planhat, "endusers", [contact])[1]["updated"] == 1
    assert _put(planhat, "endusers", [contact | {"companyId": globex}, contact])[1]["created"] == 1


def test_tasks_need_a_key_in_bulk(planhat: Running) -> None:
    task = {"mainType": "task", "companyId": "extid-acme", "action": "Call"}
    status, body = _put(planhat, "tasks", [task, task | {"sourceId": "t1"}])
    assert (status, body["created"]) == (206, 1)


def test_definitions_of_custom_fields_have_no_bulk(planhat: Running) -> None:
    assert planhat.api.put("/customfields", json=[]).status_code == 404
