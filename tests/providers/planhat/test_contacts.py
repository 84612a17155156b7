"""A company's people: read, and added at most once."""

from __future__ import annotations

import pytest

from planeapp.lib.errors import FixSettings, Gone, RetryLater
from planeapp.providers.base import Contact
from planeapp.providers.planhat.provider import Planhat
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.store import Doc, Store
from tests.providers.planhat.conftest import MakeAccess, allow
from tests.providers.planhat.served import Exchange, Script, Watch, answer_lost

KIM = "kim@acme-air.example"


def test_a_company_s_people_come_by_name(planhat: Planhat, acme: Doc) -> None:
    jo, mia = planhat.contacts(acme["_id"])
    assert jo == Contact(jo.id, "Jo Berg", "jo@acme-air.example", "+46 70 123 45 67", "CTO") and jo.id
    assert mia.name == "Mia Ek"


def test_who_was_archived_is_left_out(planhat: Planhat, sandbox: Api, acme: Doc) -> None:
    jo = planhat.contacts(acme["_id"])[0]
    sandbox.endusers.update(jo.id, {"archived": True})
    assert [one.name for one in planhat.contacts(acme["_id"])] == ["Mia Ek"]


def test_a_person_is_added_to_a_company(planhat: Planhat, store: Store, acme: Doc) -> None:
    made = planhat.add_contact(acme["_id"], f" {KIM.upper()} ", "Kim van Dyk")
    (row,) = store.find("endusers", email=KIM)
    assert made == Contact(row["_id"], "Kim van Dyk", KIM) and row["companyId"] == acme["_id"]
    assert (row["firstName"], row["lastName"]) == ("Kim", "van Dyk")


def test_who_is_there_already_is_given_back(planhat: Planhat, watch: Watch, acme: Doc) -> None:
    assert planhat.add_contact(acme["_id"], "JO@acme-air.example").name == "Jo Berg"
    assert watch.lines == ["GET /endusers"]


def test_another_address_of_somebody_counts_too(planhat: Planhat, sandbox: Api, acme: Doc) -> None:
    jo = planhat.contacts(acme["_id"])[0]
    sandbox.endusers.update(jo.id, {"otherEmails": ["Joanna@acme-air.example"]})
    assert planhat.add_contact(acme["_id"], "joanna@acme-air.example").id == jo.id


def test_who_was_added_can_be_taken_back_however_often(planhat: Planhat, store: Store, acme: Doc) -> None:
    ident = planhat.add_contact(acme["_id"], KIM).id
    for _ in range(2):
        planhat.remove_contact(ident)
    assert store.find("endusers", email=KIM) == []


def test_one_person_may_be_at_two_companies(planhat: Planhat, store: Store, acme: Doc, globex: Doc) -> None:
    ids = {planhat.add_contact(company["_id"], KIM).id for company in (acme, globex)}
    assert len(ids) == 2 == len(store.find("endusers", email=KIM))


def test_a_lost_answer_leaves_one_person(
    planhat: Planhat, server: tuple[Exchange, str], store: Store, acme: Doc
) -> None:
    server[0].app = answer_lost(server[0], "POST")
    made = planhat.add_contact(acme["_id"], KIM)
    assert [row["_id"] for row in store.find("endusers", email=KIM)] == [made.id]


def test_a_post_that_came_to_nothing_is_tried_later(script: Script, access: MakeAccess) -> None:
    script.answers = [(200, []), (200, {"_id": "c1"}), (504, ""), (200, [])]
    with pytest.raises(RetryLater):
        Planhat(access()).add_contact("c1", KIM)
    assert [seen.method for seen in script.seen].count("POST") == 1


def test_somebody_who_was_faster_is_no_error(script: Script, access: MakeAccess) -> None:
    duplicate = (400, {"message": "Duplicate endusers: another record has the same externalId,email"})
    there = [{"_id": "e1", "companyId": "c1", "email": KIM}]
    script.answers = [(200, []), (200, {"_id": "c1"}), duplicate, (200, there)]
    assert Planhat(access()).add_contact("c1", KIM).id == "e1"


def test_a_refusal_that_leaves_nobody_is_shown(script: Script, access: MakeAccess) -> None:
    script.answers = [(200, []), (200, {"_id": "c1"}), (400, {"message": "email is blocked"}), (200, [])]
    with pytest.raises(FixSettings) as caught:
        Planhat(access()).add_contact("c1", KIM)
    assert "email is blocked" in caught.value.person


def test_an_answer_without_a_body_is_looked_up(script: Script, access: MakeAccess) -> None:
    there = [{"_id": "e1", "companyId": "c1", "email": KIM}]
    script.answers = [(200, []), (200, {"_id": "c1"}), (200, ""), (200, there)]
    assert Planhat(access()).add_contact("c1", KIM) == Contact("e1", KIM, KIM)


def test_nobody_is_added_to_a_company_that_is_gone(planhat: Planhat, store: Store) -> None:
    before = len(store.all("endusers"))
    with pytest.raises(Gone):
        planhat.add_contact("0123456789abcdef01234567", KIM)
    assert len(store.all("endusers")) == before


@pytest.mark.parametrize("email", ["", "kim", "kim at acme@x"])
def test_what_is_no_address_is_refused_before_anything_is_asked(planhat: Planhat, watch: Watch, email: str) -> None:
    with pytest.raises(FixSettings):
        planhat.add_contact("c1", email)
    assert watch.seen == []


def test_a_missing_right_names_the_contacts(planhat: Planhat, store: Store, acme: Doc) -> None:
    allow(store, companies=["view"], endusers=["view"])
    with pytest.raises(FixSettings) as caught:
        planhat.add_contact(acme["_id"], KIM)
    assert caught.value.code == "no_permission" and "Contacts" in caught.value.person
