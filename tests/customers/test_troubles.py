"""Planhat as it is in real life, over HTTP: records that are refused, companies that change under us, mass changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from planeapp.customers import scan, tallies, ties
from planeapp.customers.cache import by_ids
from planeapp.customers.models import CompanyChange, CompanyRule, Firing
from planeapp.customers.options import Options, save_options
from planeapp.installations.models import Connection
from planeapp.sandbox.planhat.seed import CUSTOMERS
from planeapp.sync import engine
from planeapp.sync.models import ItemLink, ProjectPair, Tie, TimelineEntry
from tests.customers.factories import CompanyFactory
from tests.vendors import Team, team, vendors

__all__ = ["team", "vendors"]
pytestmark = pytest.mark.django_db
SKY = "Baggage"


@pytest.fixture
def planhat(team: Team) -> Connection:
    """Connected, and all companies read once."""
    connection = team.connect("planhat")
    scan.whole(connection)
    return connection


def company(team: Team, name: str) -> dict[str, Any]:
    found: dict[str, Any] = team.vendors.planhat.store.find("companies", name=name)[0]
    return found


def change(team: Team, which: str, **values: Any) -> dict[str, Any]:
    """Somebody changes a company in Planhat."""
    row = company(team, which)
    stamp = team.vendors.planhat.control.clock.now().strftime("%Y-%m-%dT%H:%M:%S.999Z")
    return team.vendors.planhat.store.put("companies", row["_id"], {**row, **values, "updatedAt": stamp})


def tied(team: Team, connection: Connection, **names: str) -> ProjectPair:
    """Work items of CUST, by ``n<number>``, tied to a company by its name."""
    pair = ties.pair_for(connection, str(team.project()["id"]))
    for number, name in names.items():
        item = team.item(int(number[1:]))
        row = by_ids(connection, [company(team, name)["_id"]])[company(team, name)["_id"]]
        ties.tie(connection, str(pair.project_id), item["id"], row)
    return pair


def linked(pair: ProjectPair) -> int:
    return pair.links.filter(state=ItemLink.State.LINKED).count()


def reason(team: Team, number: int) -> str:
    """The last line of a work item's timeline."""
    entry = TimelineEntry.objects.filter(item_id=team.item(number)["id"]).order_by("-at", "-id").first()
    return entry.text if entry else ""


# Refused records


def test_what_is_refused_has_its_reason_the_rest_goes_through_and_a_look_after_the_mend_brings_it(
    team: Team, planhat: Connection
) -> None:
    pair = tied(team, planhat, n1="Acme Air", n2="Globex Cargo", n4="Initech")
    store, closed = team.vendors.planhat.store, company(team, "Globex Cargo")["_id"]
    bad = CompanyFactory(connection=planhat, remote_id="no id at all")
    ties.tie(planhat, str(pair.project_id), team.item(3)["id"], bad)
    token = store.all("tokens")[0]
    store.put("tokens", token["token"], token | {"denied": [closed]})
    run = engine.run_pair(pair)
    assert (linked(pair), run.counts["failed"]) == (2, 2)
    assert "permission" in reason(team, 2).lower() or "may not do this" in reason(team, 2)
    assert "did not accept" in reason(team, 3)
    store.put("tokens", token["token"], token | {"denied": []})
    ties.move(planhat, bad.remote_id, by_ids(planhat, [closed])[closed])
    for number in (2, 3):
        assert engine.run_item(pair, team.item(number)["id"]).failed == {}
    assert linked(pair) == 4


def test_a_token_that_may_not_write_issues_is_told_on_the_run_and_nothing_else_stops(
    team: Team, planhat: Connection
) -> None:
    pair = tied(team, planhat, n1="Acme Air")
    save_options(planhat, Options(tallies=True))
    store = team.vendors.planhat.store
    token = store.all("tokens")[0]
    every = ["view", "create", "update", "remove"]
    models = dict.fromkeys(("companies", "users", "endusers", "customfields", "conversations", "tasks"), every)
    store.put("tokens", token["token"], token | {"models": models | {"issues": ["view"]}})
    failed = engine.run_item(pair, team.item(1)["id"]).failed[team.item(1)["id"]]
    assert failed.code == "no_permission" and "Issues" in failed.person
    scan.whole(planhat)
    tallies.work(planhat, "")
    store.put("tokens", token["token"], token)
    assert engine.run_item(pair, team.item(1)["id"]).failed == {}


# Companies that change under us


def test_a_renamed_company_keeps_its_work_and_its_new_name_shows(team: Team, planhat: Connection) -> None:
    pair = tied(team, planhat, n1="Acme Air")
    engine.run_pair(pair)
    change(team, "Acme Air", name="Acme Aviation")
    scan.whole(planhat)
    assert Tie.objects.get().party_name == "Acme Aviation"
    team.vendors.planhat.control.requests.clear()
    engine.run_pair(pair)
    assert team.vendors.planhat.asked("PUT") == []


def test_another_external_id_changes_nothing_for_the_work(team: Team, planhat: Connection) -> None:
    tied(team, planhat, n1="Acme Air")
    change(team, "Acme Air", externalId="acme-2")
    scan.whole(planhat)
    assert CompanyChange.objects.get(field="external_id").after == "acme-2"
    assert Tie.objects.get().state == Tie.State.ACTIVE


def test_a_company_that_was_merged_into_another_frees_its_work_until_a_person_moves_it(
    team: Team, planhat: Connection
) -> None:
    pair = tied(team, planhat, n1="Acme Air", n2="Acme Air")
    engine.run_pair(pair)
    old = company(team, "Acme Air")
    team.vendors.planhat.store.delete("companies", old["_id"])
    scan.one(planhat, old["_id"])
    assert set(Tie.objects.values_list("state", flat=True)) == {Tie.State.GONE}
    heir = by_ids(planhat, [company(team, "Globex Cargo")["_id"]]).popitem()[1]
    assert ties.move(planhat, old["_id"], heir) == 2
    engine.run_pair(pair)
    issues = [row for row in team.vendors.planhat.store.all("issues") if "plane:" in str(row.get("sourceId"))]
    assert [row["companyIds"] for row in issues] == [[heir.remote_id], [heir.remote_id]]


def test_a_phase_in_other_letter_case_is_no_change_and_fires_nothing(team: Team, planhat: Connection) -> None:
    CompanyRule.objects.create(
        connection=planhat, name="Live", enabled=True, armed_at="2026-01-01T00:00:00Z",
        when={"field": "phase", "test": "becomes", "value": "LIVE"}, only=[], then=[{"do": "comment", "text": "Hello"}],
    )  # fmt: skip
    change(team, "Acme Air", phase="Live")
    scan.whole(planhat)
    assert not CompanyChange.objects.filter(field="phase").exists() and not Firing.objects.exists()
    change(team, "Initech", phase="Live")
    scan.whole(planhat)
    assert Firing.objects.get().company.name == "Initech"


def test_two_companies_of_one_name_stay_two(team: Team, planhat: Connection) -> None:
    twins = planhat.companies.filter(name="Northwind")
    assert twins.count() == 2 and planhat.companies.count() == len(CUSTOMERS)


def test_our_figures_follow_a_field_that_is_renamed_over_there(team: Team, planhat: Connection) -> None:
    pair = tied(team, planhat, n1="Acme Air")
    save_options(planhat, Options(tallies=True))
    engine.run_pair(pair)
    tallies.work(planhat, "")
    store = team.vendors.planhat.store
    field = next(row for row in store.all("customfields") if re.search("open", row["name"], re.IGNORECASE))
    before = company(team, "Acme Air")
    store.put("customfields", field["_id"], field | {"name": "Open work"})
    custom = {name: value for name, value in before["custom"].items() if name != field["name"]} | {"Open work": 1}
    store.put("companies", before["_id"], before | {"custom": custom})
    tied(team, planhat, n2="Acme Air")
    engine.run_pair(pair)
    tallies.work(planhat, "")
    assert company(team, "Acme Air")["custom"]["Open work"] == 2
    assert field["name"] not in company(team, "Acme Air")["custom"]


def test_three_hundred_items_that_a_person_moves_at_once_are_written_in_one_bulk_call(
    team: Team, planhat: Connection
) -> None:
    rows, pattern = team.vendors.rows, team.item(1)
    pair = tied(team, planhat)
    acme, globex = (by_ids(planhat, [company(team, name)["_id"]]).popitem()[1] for name in ("Acme Air", "Globex Cargo"))
    for number in range(300):
        ident = f"00000000-0000-4000-8000-{number:012}"
        rows.store.put(
            "work_item", ident, {**pattern, "id": ident, "sequence_id": 5000 + number, "name": f"{SKY} {number}"}
        )
        ties.tie(planhat, str(pair.project_id), ident, acme)
    engine.run_pair(pair)
    team.vendors.planhat.control.requests.clear()
    ties.move(planhat, acme.remote_id, globex)
    run = engine.run_pair(ProjectPair.objects.get(pk=pair.pk))
    assert (run.state, run.counts) == ("done", {"update vendor": 300})
    assert len(team.vendors.planhat.asked("PUT", "/issues")) == 1
