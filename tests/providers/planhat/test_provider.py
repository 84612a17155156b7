"""Planhat as a provider, against the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutOfQuota, ReconnectNeeded
from planeapp.lib.http import Http
from planeapp.providers.base import Access, Provider, Write
from planeapp.providers.planhat.provider import Planhat
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.store import Doc, Store
from tests.providers.contract import ProviderContract
from tests.providers.misfortunes import HttpContract, MakeAt
from tests.providers.planhat.conftest import MakeAccess, allow, deny
from tests.providers.planhat.served import Exchange, Script, answer_lost

MARK = "plane:6e0c2a4e:0b7f5d2c/1#a"


def item(*companies: Doc, **more: Any) -> dict[str, Any]:
    parties = tuple(sorted(company["_id"] for company in companies))
    return {
        "title": "Fuel report",
        "key": "CUST-12",
        "parties": parties,
        "state": "started",
        "priority": "high",
        **more,
    }


class TestContract(HttpContract, ProviderContract):
    repeats_safely = True
    clearable = frozenset({"url"})
    home = "issues"

    @pytest.fixture
    def provider(self, planhat: Planhat) -> Provider:
        return planhat

    @pytest.fixture
    def at(self, http: Http) -> MakeAt:
        def token(slot: str = "main", *, refused: str = "") -> str:
            if refused:
                raise ReconnectNeeded("the token was refused")
            return self.secret

        return lambda url: Planhat(Access(http, url, token))

    @pytest.fixture
    def lose_answer(self, server: tuple[Exchange, str], sandbox: Api) -> Callable[[], None]:
        def lose() -> None:
            server[0].app = answer_lost(server[0], "PUT")

        return lose

    @pytest.fixture
    def values(self, acme: Doc) -> Mapping[str, Any]:
        return item(acme, notes="<p>Slow</p>", url="https://app.plane.so/acme/browse/CUST-12/")

    @pytest.fixture
    def changes(self, acme: Doc, globex: Doc) -> Mapping[str, Any]:
        return {"title": "Fuel report v2", "state": "completed", "parties": item(acme, globex)["parties"]}


def test_a_work_item_becomes_an_issue_on_its_companies(planhat: Planhat, store: Store, acme: Doc, globex: Doc) -> None:
    planhat.create("issues", item(acme, globex, notes="<h2>Why</h2>\n<p>Slow</p>"), MARK)
    (issue,) = store.all("issues")
    assert (issue["title"], issue["status"], issue["priority"]) == ("[CUST-12] Fuel report", "In progress", "High")
    assert (issue["source"], issue["sourceId"], issue["archived"]) == ("Plane", MARK, False)
    assert sorted(issue["companyIds"]) == sorted([acme["_id"], globex["_id"]])
    assert issue["description"] == "<p><strong>Why</strong></p><p>Slow</p>"


def test_an_item_without_company_is_held_back(planhat: Planhat) -> None:
    assert planhat.held_back({"title": "x", "parties": ()}) == "no_company"
    assert planhat.held_back({"title": "x"}) == "no_company"


def test_issues_of_other_trackers_are_not_listed(planhat: Planhat, sandbox: Api, acme: Doc) -> None:
    sandbox.issues.upsert([{"title": "Jira's", "sourceId": "10042", "companyIds": [acme["_id"]]}])
    ours = planhat.create("issues", item(acme), MARK)
    assert [row.id for row in planhat.list("issues").items] == [ours.id]


def test_a_deleted_item_stays_in_planhat_as_archived(planhat: Planhat, store: Store, acme: Doc) -> None:
    planhat.delete("issues", planhat.create("issues", item(acme), MARK))
    assert [issue["archived"] for issue in store.all("issues")] == [True]


def test_an_archived_issue_comes_back_when_its_item_is_linked_again(planhat: Planhat, store: Store, acme: Doc) -> None:
    first = planhat.create("issues", item(acme), MARK)
    planhat.delete("issues", first)
    again = planhat.create("issues", item(acme), MARK)
    assert again.id == first.id
    assert [row.id for row in planhat.list("issues").items] == [first.id]


def test_a_new_title_keeps_the_key_in_front(planhat: Planhat, store: Store, acme: Doc) -> None:
    made = planhat.create("issues", item(acme), MARK)
    updated = planhat.update("issues", made, {"title": "Taxi report"})
    assert store.all("issues")[0]["title"] == "[CUST-12] Taxi report"
    assert updated.values["title"] == "Taxi report"


def test_an_issue_knows_its_page_when_the_tenant_s_name_is_known(planhat: Planhat, acme: Doc) -> None:
    made = planhat.create("issues", item(acme), MARK)
    assert made.url == f"https://ws.planhat.com/sandbox/home/data-explorer/issue?preview=Issue.{made.id}"


def test_many_items_are_written_in_one_call_and_refused_one_by_one(planhat: Planhat, store: Store, acme: Doc) -> None:
    good, bad = item(acme), item(acme) | {"parties": ("no-such-company",)}
    outcome = planhat.write_many(
        "issues", [Write("plane:w:1", good), Write("plane:w:2", bad), Write("plane:w:3", good)]
    )
    assert isinstance(outcome["plane:w:2"], FixSettings) and "companyIds" in str(outcome["plane:w:2"])
    assert sorted(issue["sourceId"] for issue in store.all("issues")) == ["plane:w:1", "plane:w:3"]
    assert not isinstance(outcome["plane:w:1"], GroundcrewError) and outcome["plane:w:1"].mark == "plane:w:1"


def test_writing_many_unchanged_items_again_finds_their_ids(planhat: Planhat, acme: Doc) -> None:
    wanted = [Write(f"plane:w:{number}", item(acme)) for number in range(8)]
    first, again = planhat.write_many("issues", wanted), planhat.write_many("issues", wanted)
    ids = {mark: made.id for mark, made in first.items() if not isinstance(made, GroundcrewError)}
    assert len(ids) == 8
    assert {mark: made.id for mark, made in again.items() if not isinstance(made, GroundcrewError)} == ids


def test_rows_that_are_there_are_changed_in_the_same_call_as_new_ones_are_made(
    planhat: Planhat, store: Store, acme: Doc
) -> None:
    made = planhat.create("issues", item(acme), MARK)
    outcome = planhat.write_many("issues", [Write(MARK, {"state": "completed"}, made), Write("plane:w:9", item(acme))])
    changed = outcome[MARK]
    assert not isinstance(changed, GroundcrewError)
    assert (changed.id, changed.values["state"], changed.values["title"]) == (
        made.id,
        "completed",
        made.values["title"],
    )
    assert len(store.all("issues")) == 2


def test_a_company_that_is_closed_to_the_token_is_named_as_a_missing_permission(
    planhat: Planhat, store: Store, acme: Doc, globex: Doc
) -> None:
    deny(store, globex)
    with pytest.raises(FixSettings) as caught:
        planhat.create("issues", item(globex), MARK)
    assert caught.value.code == "no_permission" and "Issues" in caught.value.person


def test_updating_an_issue_that_a_person_archived_says_gone(planhat: Planhat, sandbox: Api, acme: Doc) -> None:
    made = planhat.create("issues", item(acme), MARK)
    sandbox.issues.update(made.id, {"archived": True})
    with pytest.raises(Gone):
        planhat.update("issues", made, {"state": "completed"})


def test_the_probe_shows_every_model_and_whose_token_it_is(planhat: Planhat, store: Store) -> None:
    report = planhat.probe()
    assert {line.state for line in report.lines} == {"ok"}
    assert [line.name for line in report.lines[:10]] == [
        *("myprofile", "companies", "leancompanies", "issues", "endusers", "users", "customfields", "conversations"),
        *("tasks", "calls"),
    ]
    assert report.abilities == {
        *("list", "get", "find", "create", "update", "delete", "parties", "companies", "update_company"),
        *("write_tallies", "tell", "contacts", "add_contact", "log_call"),
    }
    assert report.account == "Ada Lovelace (ada@sandbox.test)"
    assert store.all("issues") == []


def test_the_probe_names_the_models_that_the_token_may_not_see(planhat: Planhat, store: Store) -> None:
    allow(store, companies=["view"], users=["view"])
    report = planhat.probe()
    states = {line.name: line.state for line in report.lines}
    assert (states["companies"], states["issues"], states["endusers"]) == ("ok", "failed", "failed")
    assert (states["contacts_feature"], states["tell_feature"], states["figures_feature"]) == ("off", "off", "ok")
    assert report.abilities == {"parties", "companies", "update_company", "write_tallies", "log_call"}
    assert any("Invalid or unauthorized model" in line.detail for line in report.lines if line.name == "issues")


def test_an_account_without_the_profile_call_or_without_issues_is_reported_not_refused(
    script: Script, access: MakeAccess
) -> None:
    missing = (404, "<html>Cannot GET</html>")
    script.answers = [missing, *[(200, [])] * 2, missing, (500, "oops"), *[(200, [])] * 4, missing]
    report = Planhat(access({"api": "token"})).probe()
    states = {line.name: line.state for line in report.lines}
    assert (states["myprofile"], states["issues"], states["endusers"]) == ("absent", "absent", "failed")
    assert (states["calls"], states["calls_feature"]) == ("absent", "off")
    assert report.abilities == {"parties", "companies", "update_company", "write_tallies", "tell"}
    assert report.account == ""
    assert {request.method for request in script.seen} == {"GET"}


def test_the_probe_refuses_a_bad_token_and_mentions_the_region(sandbox: Api, access: MakeAccess) -> None:
    with pytest.raises(ReconnectNeeded) as caught:
        Planhat(access({"api": "wrong"})).probe()
    assert "region" in caught.value.person
    assert "wrong" not in str(caught.value)


def test_the_probe_stops_when_the_quota_is_used_up(planhat: Planhat, store: Store) -> None:
    store.put("settings", "limits", {"calls": 3})
    with pytest.raises(OutOfQuota):
        planhat.probe()


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("acme", "Acme Air"),
        ("ACME AIR", "Acme Air"),
        ("si/rius:1", "Sirius Ferries & Co"),
        ("umbrela", "Umbrella Ltd"),
        ("jo@globex.example", "Globex Cargo"),
        ("https://www.vandelay.example/about", "Vandelay Imports"),
    ],
)
def test_a_company_is_found_by_name_id_domain_or_nearly_so(planhat: Planhat, query: str, name: str) -> None:
    assert planhat.parties(query)[0].name == name


def test_two_companies_of_one_name_are_told_apart_by_their_external_ids(planhat: Planhat) -> None:
    found = [party for party in planhat.parties("northwind") if party.name == "Northwind"]
    assert sorted(dict(party.facts)["External id"] for party in found) == ["northwind-1", "northwind-2"]


def test_a_query_that_fits_nothing_finds_nothing(planhat: Planhat) -> None:
    assert list(planhat.parties("qqqqzzzz")) == []
    assert list(planhat.parties("  ")) == []


def test_companies_are_searched_in_the_full_list_where_the_lean_one_is_missing(
    script: Script, access: MakeAccess
) -> None:
    script.answers = [(404, "<html>no</html>"), (200, [{"_id": "c1", "name": "Acme"}])]
    assert [party.id for party in Planhat(access()).parties("acme")] == ["c1"]


def test_a_company_s_card_has_phase_health_owner_arr_and_renewal(planhat: Planhat, acme: Doc) -> None:
    party = planhat.party(acme["_id"])
    assert party is not None and party.name == "Acme Air"
    facts = dict(party.facts)
    assert (facts["Phase"], facts["Health"], facts["Owner"]) == ("live", "8 of 10", "Ada Lovelace")
    assert facts["ARR"] == "120,000" and acme["renewalDate"].startswith(facts["Renewal"])


def test_an_owner_that_the_token_may_not_see_is_said_to_be_hidden(planhat: Planhat, store: Store, acme: Doc) -> None:
    allow(store, companies=["view"])
    party = planhat.party(acme["_id"])
    assert party is not None and "not visible" in dict(party.facts)["Owner"]


def test_a_company_that_is_gone_is_none(planhat: Planhat) -> None:
    assert planhat.party("0123456789abcdef01234567") is None
