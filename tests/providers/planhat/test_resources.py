"""Every call of the API page, and those beyond it that we use, against the sandbox."""

from __future__ import annotations

import pytest

from planeapp.lib.errors import FixSettings, RetryLater
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.store import Doc, Store
from tests.providers.planhat.conftest import WORLD
from tests.providers.planhat.served import Exchange, Script, answer_lost


def test_the_profile_is_that_of_the_token_s_user(sandbox: Api) -> None:
    profile = sandbox.my_profile()
    assert profile is not None and profile["nickName"] == "Ada"


def test_a_company_is_created_read_changed_and_deleted(sandbox: Api) -> None:
    made = sandbox.companies.create({"name": "Zenith", "externalId": "z/1", "phase": "onboarding", "tags": ["Gold"]})
    changed = sandbox.companies.update(made["_id"], {"phase": "live", "custom": {"Plan": "Big"}})
    assert (changed["phase"], changed["tags"], changed["custom"]) == ("live", ["Gold"], {"Plan": "Big"})
    assert sandbox.companies.delete(made["_id"]) and sandbox.companies.read(made["_id"]) is None
    assert not sandbox.companies.delete(made["_id"])


def test_companies_are_listed_with_the_selected_fields(sandbox: Api, store: Store) -> None:
    scan = sandbox.companies.all(select=("name",))
    assert len(scan.records) == len(store.all("companies"))
    assert {name for record in scan.records for name in record} == {"_id", "name"}


def test_lean_companies_are_found_by_exact_external_id_only(sandbox: Api, store: Store, acme: Doc) -> None:
    assert [one["_id"] for one in sandbox.lean_companies(external_id="acme")] == [acme["_id"]]
    assert sandbox.lean_companies(external_id="ACME") == []
    assert len(sandbox.lean_companies()) == len(store.all("companies"))


def test_a_filter_that_planhat_ignores_does_not_find_the_wrong_company(script: Script, told: Api) -> None:
    script.answers = [(200, [{"_id": "c1", "name": "First of all", "externalId": "other"}])]
    assert told.lean_companies(external_id="mine") == []


def test_a_lookup_that_answers_with_another_record_finds_nothing(script: Script, told: Api) -> None:
    script.answers = [(200, {"_id": "c1", "sourceId": "plane:w:10"})]
    assert told.issues.by_key("sourceId", "plane:w:1") is None
    assert told.issues.by_key("sourceId", "") is None


def test_a_user_is_found_by_exact_email_in_any_case(sandbox: Api) -> None:
    user = sandbox.users.by_email(" Ada@Sandbox.test ")
    assert user is not None and user["nickName"] == "Ada"
    assert sandbox.users.by_email("ada@sandbox") is None
    assert sandbox.users.by_email("") is None


def test_a_plus_in_an_email_arrives_as_a_plus(script: Script, told: Api) -> None:
    told.users.by_email("ada+test@sandbox.test")
    assert "email=ada%2Btest%40sandbox.test" in script.seen[0].query


def test_a_user_who_left_is_not_found(sandbox: Api) -> None:
    assert sandbox.users.by_email("dag@sandbox.test") is None


def test_a_contact_is_created_read_changed_and_deleted(sandbox: Api, acme: Doc) -> None:
    made = sandbox.endusers.create({"companyId": acme["_id"], "email": "kim@acme.example", "phone": "1"})
    assert sandbox.endusers.update(made["_id"], {"position": "CFO"})["position"] == "CFO"
    found = sandbox.endusers.read(made["_id"])
    assert found is not None and found["phone"] == "1"
    assert sandbox.endusers.delete(made["_id"]) and sandbox.endusers.read(made["_id"]) is None


def test_contacts_of_a_company_are_its_own(sandbox: Api, acme: Doc) -> None:
    scan = sandbox.endusers.of_company(acme["_id"])
    assert sorted(one["firstName"] for one in scan.records) == ["Jo", "Mia"]


def test_contacts_are_asked_for_with_both_filters_and_picked_here(script: Script, told: Api) -> None:
    script.answers = [(200, [{"_id": "1", "companyId": "c1"}, {"_id": "2", "companyId": "c2"}])]
    assert [one["_id"] for one in told.endusers.of_company("c1").records] == ["1"]
    assert {"c=c1", "companyId=c1"} <= set(script.seen[0].query.split("&"))


CALL = {"nr": "+46 70 123 45 67", "externalUserId": "max123", "start": "2016-10-17T14:00:00.000Z", "waiting": 10}


def test_a_call_is_created_read_changed_and_deleted(sandbox: Api) -> None:
    made = sandbox.calls.create(CALL)
    assert sandbox.calls.update(made["_id"], {"waiting": 20})["waiting"] == 20
    found = sandbox.calls.read(made["_id"])
    assert found is not None and found["nr"] == CALL["nr"]
    assert sandbox.calls.delete(made["_id"]) and sandbox.calls.read(made["_id"]) is None


def test_a_call_by_the_open_endpoint_needs_the_tenant_alone(sandbox: Api, store: Store) -> None:
    assert sandbox.calls.create_open(WORLD.planhat_tenant, CALL) == {}
    assert [call["externalUserId"] for call in store.all("calls")] == ["max123"]


def test_an_account_without_calls_says_so(script: Script, told: Api) -> None:
    script.answers = [(404, "<html>Cannot POST /calls</html>")]
    with pytest.raises(FixSettings) as caught:
        told.calls.create(CALL)
    assert caught.value.code == "not_available" and "Calls" in caught.value.person


def test_issues_of_a_company_are_those_that_name_it(sandbox: Api, acme: Doc, globex: Doc) -> None:
    both, one = [acme["_id"], globex["_id"]], [globex["_id"]]
    sandbox.issues.upsert(
        [
            {"title": "a", "sourceId": "plane:w:1", "companyIds": both},
            {"title": "b", "sourceId": "plane:w:2", "companyIds": one},
        ]
    )
    assert [issue["title"] for issue in sandbox.issues.of_company(acme["_id"]).records] == ["a"]


def test_a_custom_field_that_is_there_already_is_given_back(sandbox: Api) -> None:
    first = sandbox.custom_fields.make("company", "Open in Plane", "number")
    again = sandbox.custom_fields.make("company", "open in plane", "number")
    assert first["_id"] == again["_id"] and first["isHidden"] is False
    assert [one["name"] for one in sandbox.custom_fields.of("company")].count("Open in Plane") == 1


def test_a_custom_field_whose_answer_was_lost_is_looked_for_and_not_made_twice(
    sandbox: Api, server: tuple[Exchange, str], store: Store
) -> None:
    server[0].app = answer_lost(server[0], "POST")
    assert sandbox.custom_fields.make("company", "Open in Plane", "number")["type"] == "number"
    assert [one["name"] for one in store.all("customfields")].count("Open in Plane") == 1


def test_a_custom_field_that_was_not_made_after_all_is_made_later(script: Script, told: Api) -> None:
    script.answers = [(504, ""), (200, [])]
    with pytest.raises(RetryLater):
        told.custom_fields.make("company", "Open in Plane", "number")
