"""Reading companies page by page, and what is kept so that little has to be asked for again."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from starlette.types import Receive, Scope, Send

from planeapp.lib.errors import OutOfQuota, RetryLater
from planeapp.providers.base import Company, CompanyPage
from planeapp.providers.planhat import companies, models
from planeapp.providers.planhat.provider import Planhat
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.store import Doc, Store
from tests.providers.planhat.conftest import KeptNotes, MakeAccess, allow, deny
from tests.providers.planhat.served import Exchange, Script, Watch

LIST = "GET /companies"


@pytest.fixture
def small(planhat: Planhat, monkeypatch: pytest.MonkeyPatch) -> Planhat:
    """The provider with pages of four companies."""
    monkeypatch.setattr(planhat.api.companies, "model", models.Model("companies", "Companies", 4))
    return planhat


def pages(planhat: Planhat) -> list[CompanyPage]:
    found = [planhat.companies()]
    while found[-1].following:
        found.append(planhat.companies(found[-1].following))
    return found


def everything(planhat: Planhat) -> dict[str, Company]:
    return {company.id: company for page in pages(planhat) for company in page.companies}


def test_all_companies_come_with_what_is_known_of_them(planhat: Planhat, acme: Doc, store: Store) -> None:
    found = everything(planhat)
    assert sorted(found) == sorted(row["_id"] for row in store.all("companies"))
    told = dict(found[acme["_id"]].values)
    assert (told["phase"], told["status"], told["health"], told["revenue"]) == ("live", "customer", 8.0, 120000.0)
    assert (told["owner"], told["owner_name"]) == ("ada@sandbox.test", "Ada Lovelace")
    assert acme["renewalDate"].startswith(told["renewal"]) and told["tags"] == ["east coast", "gold"]
    assert told["custom:Plan"] is None and found[acme["_id"]].domains == ("acme-air.example",)


def test_pages_overlap_and_each_company_is_told_once(small: Planhat, store: Store) -> None:
    found = pages(small)
    ids = [company.id for page in found for company in page.companies]
    assert sorted(ids) == sorted(row["_id"] for row in store.all("companies")) and len(found) == 5
    assert all(page.steady for page in found)


def test_a_company_that_goes_between_pages_makes_the_look_unsteady(small: Planhat, store: Store) -> None:
    first = small.companies()
    store.delete("companies", first.companies[0].id)
    assert not small.companies(first.following).steady


def test_a_list_that_ignores_the_offset_comes_to_an_end(script: Script, access: MakeAccess) -> None:
    script.answers = [(200, [{"_id": str(number)} for number in range(100)])]
    planhat = Planhat(access())
    page = planhat.companies(planhat.companies().following)
    assert page.following == "" and not page.steady


def test_a_page_asks_for_all_that_planhat_gives_and_for_the_fields_in_use_alone(planhat: Planhat, watch: Watch) -> None:
    planhat.companies()
    (query,) = [query for line, query in watch.seen if line == LIST]
    assert (query["limit"], query["sort"], query["offset"]) == ("5000", "_id", "0")
    assert set(query["select"].split(",")) == {*companies.BASE_FIELDS, "arr"}


def test_another_look_asks_for_neither_users_nor_custom_fields_again(
    planhat: Planhat, access: MakeAccess, watch: Watch
) -> None:
    planhat.companies()
    assert sorted(watch.lines) == [LIST, "GET /customfields", "GET /users"]
    watch.seen.clear()
    Planhat(access()).companies()
    assert watch.lines == [LIST]


def test_users_and_custom_fields_are_asked_for_again_after_a_day_or_when_a_new_one_turns_up(
    planhat: Planhat, access: MakeAccess, watch: Watch, notes: KeptNotes, sandbox: Api, acme: Doc
) -> None:
    planhat.companies()
    sandbox.custom_fields.make("company", "Region", "text")
    sandbox.companies.update(acme["_id"], {"custom": {"Region": "EMEA", "Never defined": 1}})
    watch.seen.clear()
    told = everything(Planhat(access()))[acme["_id"]].values
    assert told["custom:Region"] == "EMEA" and "custom:Never defined" not in told
    everything(Planhat(access()))
    assert watch.lines == [LIST, "GET /customfields", LIST]
    notes.age(86401)
    Planhat(access()).companies()
    assert sorted(watch.lines[3:]) == [LIST, "GET /customfields", "GET /users"]


def test_an_owner_who_has_left_still_has_an_address(planhat: Planhat, store: Store, acme: Doc) -> None:
    (dag,) = store.find("users", email="dag@sandbox.test")
    store.put("companies", acme["_id"], acme | {"owner": dag["_id"]})
    company = planhat.company(acme["_id"])
    assert company is not None and company.values["owner"] == "dag@sandbox.test"


def test_what_the_token_may_not_see_is_not_known_and_the_rest_is_told(
    planhat: Planhat, store: Store, acme: Doc
) -> None:
    allow(store, companies=["view"])
    store.put("companies", acme["_id"], acme | {"custom": {"Plan": "Pro", "Plane open items": 3}})
    told = everything(planhat)[acme["_id"]].values
    assert "owner" not in told and told["owner_name"] == "Ada"
    assert told["custom:Plan"] == "Pro" and "custom:Plane open items" not in told


def test_a_refusal_is_asked_about_again_after_an_hour(
    planhat: Planhat, access: MakeAccess, store: Store, watch: Watch, notes: KeptNotes
) -> None:
    allow(store, companies=["view"])
    planhat.companies()
    Planhat(access()).companies()
    assert watch.lines.count("GET /users") == 1
    notes.age(3601)
    Planhat(access()).companies()
    assert watch.lines.count("GET /users") == 2


def test_a_company_that_is_closed_to_the_token_is_left_out(planhat: Planhat, store: Store, acme: Doc) -> None:
    deny(store, acme)
    found = everything(planhat)
    assert acme["_id"] not in found and len(found) == len(store.all("companies")) - 1


def test_two_companies_of_one_name_are_two(planhat: Planhat) -> None:
    found = [company for company in everything(planhat).values() if company.name == "Northwind"]
    assert sorted(company.external_id for company in found) == ["northwind-1", "northwind-2"]


def test_another_external_id_leaves_it_the_same_company(planhat: Planhat, sandbox: Api, acme: Doc) -> None:
    sandbox.companies.update(acme["_id"], {"externalId": "acme-2"})
    assert everything(planhat)[acme["_id"]].external_id == "acme-2"


def test_a_company_that_is_gone_is_none(planhat: Planhat, sandbox: Api, acme: Doc) -> None:
    sandbox.companies.delete(acme["_id"])
    assert planhat.company(acme["_id"]) is None


def test_another_revenue_field_is_read_instead(sandbox: Api, access: MakeAccess, acme: Doc, watch: Watch) -> None:
    sandbox.custom_fields.make("company", "Net ARR", "number")
    sandbox.companies.update(acme["_id"], {"custom": {"Net ARR": 99}})
    custom, monthly = Planhat(access(revenue="custom:Net ARR")), Planhat(access(revenue="mrr"))
    assert everything(custom)[acme["_id"]].values["revenue"] == 99.0
    assert everything(monthly)[acme["_id"]].values["revenue"] == 10000.0
    assert "arr" not in watch.seen[-1][1].get("select", "").split(",")


def test_a_revenue_field_that_is_renamed_over_there_is_followed(
    sandbox: Api, access: MakeAccess, acme: Doc, notes: KeptNotes
) -> None:
    made = sandbox.custom_fields.make("company", "Net ARR", "number")
    sandbox.companies.update(acme["_id"], {"custom": {"Net ARR": 99}})
    Planhat(access(revenue="custom:Net ARR")).companies()
    sandbox.custom_fields.update(made["_id"], {"name": "ARR (net)"})
    notes.age(86401)
    assert everything(Planhat(access(revenue="custom:Net ARR")))[acme["_id"]].values["revenue"] == 99.0


def test_pages_of_text_are_left_out(planhat: Planhat, sandbox: Api, acme: Doc) -> None:
    sandbox.custom_fields.make("company", "Story", "rich text")
    sandbox.companies.update(acme["_id"], {"custom": {"Story": "<p>Once</p>"}})
    assert "custom:Story" not in everything(planhat)[acme["_id"]].values


def test_half_a_page_is_asked_for_when_a_whole_one_takes_too_long(script: Script, access: MakeAccess) -> None:
    script.answers = [(504, ""), (200, [{"_id": "1", "name": "Acme"}]), (200, [])]
    page = Planhat(access()).companies()
    limits = [seen.query.split("limit=")[1].split("&")[0] for seen in script.seen if "/companies" in seen.path]
    assert limits == ["5000", "2500"] and [company.name for company in page.companies] == ["Acme"]


def test_a_planhat_that_is_down_or_busy_is_not_asked_over_and_over(script: Script, access: MakeAccess) -> None:
    script.answers = [(500, "oops")]
    with pytest.raises(RetryLater):
        Planhat(access()).companies()
    assert len(script.seen) == 3
    script.answers = [(429, "")]
    with pytest.raises(OutOfQuota):
        Planhat(access()).companies()
    assert len(script.seen) == 4


@pytest.mark.parametrize("cursor", ["nonsense", "[1]", '{"a": 1}'])
def test_a_bookmark_that_is_not_ours_means_the_beginning(planhat: Planhat, store: Store, cursor: str) -> None:
    assert len(planhat.companies(cursor).companies) == len(store.all("companies"))


def test_twenty_thousand_companies_are_five_pages(
    server: tuple[Exchange, str], access: MakeAccess, notes: KeptNotes
) -> None:
    async def many(scope: Scope, receive: Receive, send: Send) -> None:
        first = int(parse_qs(scope["query_string"].decode())["offset"][0])
        rows = [{"_id": f"{number:05d}"} for number in range(first, min(first + 5000, 20_000))]
        await Script([(200, rows)])(scope, receive, send)

    notes.write("company_fields", {"rows": {}, "missing": [], "refused": True})
    notes.write("team", {"rows": {}, "missing": [], "refused": True})
    server[0].app = watch = Watch(many)
    ids = [company.id for page in pages(Planhat(access())) for company in page.companies]
    assert len(ids) == len(set(ids)) == 20_000 and watch.lines == [LIST] * 5


def test_bookmarks_stay_short(script: Script, access: MakeAccess) -> None:
    script.answers = [(200, [{"_id": f"{number:024x}"} for number in range(5000)])]
    assert 0 < len(Planhat(access()).companies().following) < 100
