"""Contacts (endusers) and team members (users)."""

from __future__ import annotations

from tests.sandbox.planhat.conftest import Running


def test_a_contact_gets_its_name_from_its_parts(planhat: Running) -> None:
    body = {
        "companyId": planhat.company()["_id"],
        "email": "Kim@acme-air.example",
        "firstName": "Kim",
        "lastName": "Ek",
    }
    made = planhat.api.post("/endusers", json=body).json()
    assert (made["name"], made["companyName"], len(made["emailMd5"])) == ("Kim Ek", "Acme Air", 32)


def test_a_contact_needs_a_company_and_one_key(planhat: Running) -> None:
    assert planhat.api.post("/endusers", json={"email": "kim@nowhere.example"}).status_code == 400
    assert planhat.api.post("/endusers", json={"companyId": "extid-acme", "phone": "1"}).status_code == 400


def test_a_contact_without_company_is_placed_by_its_email_domain(planhat: Running) -> None:
    made = planhat.api.post("/endusers", json={"email": "kim@globex.example"}).json()
    assert made["companyId"] == planhat.company("globex")["_id"]


def test_contacts_are_listed_by_c_company_id_and_email(planhat: Running) -> None:
    acme = planhat.company()["_id"]
    for query in (f"c={acme}", f"companyId={acme}"):
        assert [row["firstName"] for row in planhat.api.get(f"/endusers?{query}").json()] == ["Jo", "Mia"]
    assert len(planhat.api.get("/endusers", params={"email": "jo@acme-air.example"}).json()) == 1


def test_a_second_contact_with_the_same_external_id_names_both_fields(planhat: Running) -> None:
    body = {"companyId": "extid-acme", "email": "x@acme-air.example", "externalId": "contact-1"}
    answer = planhat.api.post("/endusers", json=body)
    assert (answer.status_code, "externalId,email" in answer.json()["message"]) == (400, True)
    assert planhat.api.post("/endusers", json=body | {"companyId": "extid-globex"}).status_code == 200


def test_a_contacts_email_domain_becomes_a_domain_of_the_company(planhat: Running) -> None:
    planhat.api.post("/endusers", json={"companyId": "extid-acme", "email": "kim@acme.example"})
    assert planhat.company()["domains"] == ["acme-air.example", "acme.example"]


def test_a_contact_is_changed_and_deleted(planhat: Running) -> None:
    changed = planhat.api.put("/endusers/extid-contact-1", json={"position": "CEO", "featured": True}).json()
    assert (changed["position"], changed["email"]) == ("CEO", "jo@acme-air.example")
    assert planhat.api.delete(f"/endusers/{changed['_id']}").json()["n"] == 1


def test_a_user_is_found_by_email(planhat: Running) -> None:
    rows = planhat.api.get("/users", params={"email": "ada@sandbox.test"}).json()
    assert [row["nickName"] for row in rows] == ["Ada"]
    assert planhat.api.get("/users?email=nobody@sandbox.test").json() == []


def test_one_user_has_left_and_new_ones_start_inactive(planhat: Running) -> None:
    assert [row["nickName"] for row in planhat.api.get("/users").json() if row["removed"]] == ["Dag"]
    body = {"email": "e@sandbox.test", "firstName": "E", "lastName": "F", "nickName": "E"}
    assert planhat.api.post("/users", json=body).json()["inactive"] is True
