"""Single companies: create, read, update, delete, and looking them up."""

from __future__ import annotations

import pytest

from tests.sandbox.planhat.conftest import Running


def test_a_created_company_comes_back_whole_with_keys_nobody_asked_for(planhat: Running) -> None:
    answer = planhat.api.post("/companies", json={"name": "Oceanic", "externalId": "oc", "phase": "never heard of"})
    made = answer.json()
    assert answer.status_code == 200
    assert made["slug"] == "oceanic"
    assert made["phase"] == "never heard of"
    assert made["__v"] == 0
    assert {"shareable", "nrr30", "collaborators", "createDate", "lastUpdated"} <= made.keys()
    assert planhat.api.get(f"/companies/{made['_id']}").json() == made


def test_a_company_without_a_name_is_refused(planhat: Running) -> None:
    answer = planhat.api.post("/companies", json={"phase": "live"})
    assert (answer.status_code, "name" in answer.json()["message"]) == (400, True)


def test_a_taken_slug_ends_in_an_html_500(planhat: Running) -> None:
    answer = planhat.api.post("/companies", json={"name": "Acme Air"})
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "Failed to create company" in answer.text
    assert planhat.api.post("/companies", json={"name": "Acme Air", "slug": "acme-air-2"}).status_code == 200


def test_an_external_id_belongs_to_one_company(planhat: Running) -> None:
    answer = planhat.api.post("/companies", json={"name": "Other", "externalId": "acme"})
    assert (answer.status_code, "externalId" in answer.json()["message"]) == (400, True)


def test_an_update_changes_the_named_fields_only(planhat: Running) -> None:
    before = planhat.company()
    after = planhat.api.put(f"/companies/{before['_id']}", json={"phase": "renewal"}).json()
    assert after["phase"] == "renewal"
    assert after["phaseSince"] >= before["phaseSince"]
    moving = {"phase", "phaseSince", "updatedAt", "lastUpdated"}
    assert {k: v for k, v in after.items() if k not in moving} == {k: v for k, v in before.items() if k not in moving}


def test_an_update_that_changes_nothing_still_moves_updated_at(planhat: Running) -> None:
    before = planhat.company()
    planhat.clock.advance(5)
    after = planhat.api.put("/companies/extid-acme", json={"phase": before["phase"]}).json()
    assert after["updatedAt"] > before["updatedAt"]
    assert after["phaseSince"] == before["phaseSince"]


def test_an_id_in_the_body_of_a_single_update_is_refused(planhat: Running) -> None:
    ident = planhat.company()["_id"]
    assert planhat.api.put(f"/companies/{ident}", json={"_id": ident, "phase": "x"}).status_code == 400


def test_custom_values_merge_and_tags_are_replaced(planhat: Running) -> None:
    put = planhat.api.put
    put("/companies/extid-acme", json={"custom": {"Plan": "Pro", "Seats": 5}, "tags": ["a", "b"]})
    after = put("/companies/extid-acme", json={"custom": {"Plan": "Basic"}, "custom.Dotted": 1, "tags": ["c"]}).json()
    assert after["custom"] == {"Plan": "Basic", "Seats": 5, "Dotted": 1}
    assert after["tags"] == ["c"]


def test_an_empty_string_does_not_clear_a_custom_value_and_null_does(planhat: Running) -> None:
    put = planhat.api.put
    put("/companies/extid-acme", json={"custom": {"Go-live": "2026-01-01T00:00:00.000Z"}})
    assert put("/companies/extid-acme", json={"custom": {"Go-live": ""}}).json()["custom"] != {}
    assert put("/companies/extid-acme", json={"custom": {"Go-live": None}}).json()["custom"] == {}


def test_a_custom_key_without_a_definition_is_kept(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"custom": {"Nobody defined this 🚀": True}})
    assert planhat.company()["custom"] == {"Nobody defined this 🚀": True}


def test_custom_keys_that_differ_only_by_case_are_refused(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"custom": {"Plan": "Pro"}})
    assert planhat.api.put("/companies/extid-acme", json={"custom": {"plan": "Pro"}}).status_code == 400


def test_computed_fields_cannot_be_written(planhat: Running) -> None:
    after = planhat.api.put(
        "/companies/extid-acme", json={"arr": 1, "domains": ["x.example"], "createDate": "2000"}
    ).json()
    assert (after["arr"], after["domains"]) == (120000, ["acme-air.example"])
    assert not after["createDate"].startswith("2000")


def test_fields_that_begin_with_custom_are_not_custom_fields(planhat: Running) -> None:
    after = planhat.api.put("/companies/extid-acme", json={"customerTo": "2027-01-01T00:00:00.000Z"}).json()
    assert after["customerTo"] == "2027-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "body", [{"tags": "gold"}, {"phase": {"a": 1}}, {"owner": "not-an-id"}, {"custom": {"A": {}}}, []]
)
def test_values_of_the_wrong_type_are_refused(planhat: Running, body: object) -> None:
    answer = planhat.api.put("/companies/extid-acme", json=body)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])


def test_the_prefixes_find_by_external_and_source_id(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"sourceId": "crm/1#a"})
    assert planhat.api.get("/companies/srcid-crm%2F1%23a").json()["name"] == "Acme Air"
    assert planhat.api.get("/companies/extid-si%2Frius%3A1").json()["name"] == "Sirius Ferries & Co"
    assert planhat.api.get("/companies/ext-acme").status_code == 404


@pytest.mark.parametrize("path", ["/companies/", "/companies/extid-", "/companies/srcid-"])
def test_an_empty_id_falls_through_to_the_list(planhat: Running, path: str) -> None:
    assert len(planhat.api.get(path).json()) == 14


def test_a_missing_company_is_a_404_with_a_message(planhat: Running) -> None:
    answer = planhat.api.get("/companies/0123456789abcdef01234567")
    assert (answer.status_code, answer.json()) == (404, {"message": "No such document"})


def test_a_delete_answers_with_counts_and_takes_the_id_alone(planhat: Running) -> None:
    ident = planhat.company()["_id"]
    assert planhat.api.delete("/companies/extid-acme").json()["deletedCount"] == 0
    assert planhat.api.delete(f"/companies/{ident}").json() == {"n": 1, "ok": 1, "deletedCount": 1}
    assert planhat.api.delete(f"/companies/{ident}").json() == {"n": 0, "ok": 1, "deletedCount": 0}
    assert planhat.api.get(f"/companies/{ident}").status_code == 404


def test_the_owner_is_a_string_on_one_company_and_an_object_in_the_list(planhat: Running) -> None:
    one = planhat.company()
    listed = next(row for row in planhat.api.get("/companies").json() if row["_id"] == one["_id"])
    assert isinstance(one["owner"], str)
    assert listed["owner"] == {"_id": one["owner"], "nickName": "Ada"}


def test_list_and_single_read_have_different_fields(planhat: Running) -> None:
    one, listed = planhat.company(), planhat.api.get("/companies").json()[0]
    assert "followers" in one and "followers" not in listed
    assert "renewalDaysFromNow" in listed and "renewalDaysFromNow" not in one


def test_lean_companies_filter_by_external_id_source_id_and_status(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"sourceId": "crm1"})
    acme = planhat.company()
    row = {"_id": acme["_id"], "name": "Acme Air", "externalId": "acme", "sourceId": "crm1", "slug": "acme-air"}
    assert planhat.api.get("/leancompanies?externalId=acme").json() == [row]
    assert planhat.api.get("/leancompanies?sourceId=crm1").json() == [row]
    assert planhat.api.get("/leancompanies?externalId=nobody").json() == []
    assert [c["name"] for c in planhat.api.get("/leancompanies?status=canceled").json()] == ["Cyberdyne"]


def test_lean_companies_come_all_at_once_with_empty_external_ids(planhat: Running) -> None:
    planhat.api.put("/companies", json=[{"name": f"Company {n}", "externalId": f"n{n}"} for n in range(200)])
    rows = planhat.api.get("/leancompanies").json()
    assert len(rows) == 214
    assert {row["name"]: row["externalId"] for row in rows}["Vandelay Imports"] == ""
