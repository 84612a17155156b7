"""Who may open what: every address of the product, asked by everybody. A new page needs a line in ``EXPECTED``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from planeapp.customers.models import CompanyRule
from planeapp.installations.models import Connection, Credential
from planeapp.sync.models import Conflict, Job, ProjectPair, Tie
from tests.customers.factories import CompanyFactory, CompanyRuleFactory, FiringFactory, KnowingConnectionFactory
from tests.factories import (
    AlertFactory,
    ConflictFactory,
    ConnectionFactory,
    DeliveryFactory,
    JobFactory,
    MembershipFactory,
    ProjectPairFactory,
    RunChangeFactory,
    TieFactory,
)
from tests.vendors import Team

WHO = ("anonymous", "guest", "member", "admin", "stranger")
EVERYBODY = (200,) * 5
SIGN_IN = 302
NO_GET, NO_POST = (405,) * 5, (405,) * 5
LOOK = (SIGN_IN, 403, 200, 200, 404)
CHANGE = (SIGN_IN, 403, 403, 200, 404)

OF_COMPANIES = {
    "item_companies", "untie", "companies", "read_companies", "agree_companies_gone", "company", "tie_item", "add_contact",
    "retry_company", "company_matching", "decide_matches", "choose_company", "company_rules", "new_company_rule",
    "company_rule", "switch_rule", "delete_rule", "settle_held", "firings", "retry_firing", "company_options",
    "hand_push",
}  # fmt: skip
"""Pages that only connections with companies have."""

# name → what a GET and a POST answer, for each of WHO in that order
EXPECTED: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "home": (EVERYBODY, NO_POST),
    "setup": ((302,) * 5, NO_POST),
    "signin": (EVERYBODY, (302,) * 5),
    "signout": (NO_GET, (302,) * 5),
    "confirm": (EVERYBODY, NO_POST),
    "problem": ((302,) * 5, NO_POST),
    "done": (EVERYBODY, NO_POST),
    "receipt": ((302,) * 5, NO_POST),
    "plane_callback": ((302,) * 5, NO_POST),
    "provider_callback": ((302,) * 5, NO_POST),
    "client_document": (EVERYBODY, NO_POST),
    "workspaces": ((SIGN_IN, 302, 302, 302, 302), NO_POST),  # straight on to the only one
    "privacy": (EVERYBODY, NO_POST),
    "support": (EVERYBODY, NO_POST),
    "terms": (EVERYBODY, NO_POST),
    "overview": (LOOK, NO_POST),
    "activity": (LOOK, NO_POST),
    "activity_csv": (LOOK, NO_POST),
    "alerts": (CHANGE, (SIGN_IN, 403, 403, 302, 404)),  # every field of the form may be left empty
    "test_mail": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "alert_seen": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "members": (LOOK, NO_POST),
    "ask_members": (NO_GET, (SIGN_IN, 403, 302, 302, 404)),
    "settings_file": (CHANGE, (SIGN_IN, 403, 403, 422, 404)),
    "settings_download": (CHANGE, NO_POST),
    "data_export": (CHANGE, CHANGE),
    "item": (LOOK, NO_POST),
    "bot_help": (LOOK, NO_POST),
    "deliveries": (LOOK, NO_POST),
    "delivery": (LOOK, NO_POST),
    "replay": (CHANGE, (SIGN_IN, 403, 403, 302, 404)),
    "replay_one": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "conflicts": (LOOK, NO_POST),
    "choose": (NO_GET, (SIGN_IN, 403, 403, 422, 404)),
    "runs": (LOOK, NO_POST),
    "run": (LOOK, NO_POST),
    "undo": (CHANGE, (SIGN_IN, 403, 403, 302, 404)),
    "jobs": (LOOK, NO_POST),
    "end_job": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "backfill": (CHANGE, (SIGN_IN, 403, 403, 302, 404)),
    "audit": (CHANGE, NO_POST),
    "audit_csv": (CHANGE, NO_POST),
    "uninstall": (CHANGE, (SIGN_IN, 403, 403, 422, 404)),
    "connect": (CHANGE, (SIGN_IN, 403, 403, 422, 404)),
    "probe": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "consent": (NO_GET, (SIGN_IN, 403, 403, 200, 404)),  # the page whose link leaves
    "hand_push": (CHANGE, (SIGN_IN, 403, 403, 200, 404)),  # shows the new secret at once, and only then
    "vendor_settings": (CHANGE, (SIGN_IN, 403, 403, 302, 404)),  # every field of the form may be left empty
    "confirm_tools": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "try_out": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "pairs": (CHANGE, (SIGN_IN, 403, 403, 422, 404)),
    "pair": (LOOK, (SIGN_IN, 403, 403, 422, 404)),
    "remove_pair": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "sync_pair": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "allow_run": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "look_again": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "item_companies": (CHANGE, (SIGN_IN, 403, 403, 422, 404)),
    "untie": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "companies": (LOOK, NO_POST),
    "read_companies": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "agree_companies_gone": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "company": (LOOK, NO_POST),
    "tie_item": (NO_GET, (SIGN_IN, 403, 403, 422, 404)),
    "add_contact": (NO_GET, (SIGN_IN, 403, 403, 422, 404)),
    "retry_company": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "company_matching": (LOOK, NO_POST),
    "decide_matches": (NO_GET, (SIGN_IN, 403, 403, 404, 404)),  # without a button that says what to do
    "choose_company": ((SIGN_IN, 403, 403, 404, 404), (SIGN_IN, 403, 403, 404, 404)),  # without a line to choose for
    "company_rules": (LOOK, NO_POST),
    "new_company_rule": (LOOK, (SIGN_IN, 403, 403, 422, 404)),
    "company_rule": (LOOK, (SIGN_IN, 403, 403, 422, 404)),
    "switch_rule": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "delete_rule": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "settle_held": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "firings": (LOOK, NO_POST),
    "retry_firing": (NO_GET, (SIGN_IN, 403, 403, 302, 404)),
    "company_options": (LOOK, (SIGN_IN, 403, 403, 422, 404)),
    "healthz": (EVERYBODY, NO_POST),
    "readyz": (EVERYBODY, NO_POST),
    "metrics": ((404,) * 5, NO_POST),  # closed while no token is set
}


def patterns(resolver: Any = None, known: dict[str, Any] | None = None) -> Iterator[tuple[str, set[str]]]:
    """Every address of the product: its name and the names of its parts."""
    for found in (resolver or get_resolver()).url_patterns:
        parts = {**(known or {}), **found.pattern.converters}
        if isinstance(found, URLResolver):
            yield from patterns(found, parts)
        elif isinstance(found, URLPattern):
            yield str(found.name), set(parts)


PAGES = dict(patterns())


@pytest.fixture
def place(team: Team) -> dict[str, Any]:
    """Something for every part of an address: a connected Planner with a pair, and an item with a customer."""
    pair = team.pair(team.connect("planner"))
    knowing = KnowingConnectionFactory(installation=team.installation)
    TieFactory(connection=knowing, item_id=team.item()["id"], project_id=team.project()["id"])
    return {
        "slug": team.installation.slug, "provider": "planner", "pair_id": pair.pk, "item_id": team.item()["id"],
        "opaque_id": "nobody-knows-it", "delivery_id": DeliveryFactory(installation=team.installation, state="dead").pk,
        "conflict_id": ConflictFactory(link__pair=pair).pk, "run_id": RunChangeFactory(run__pair=pair).run_id,
        "job_id": JobFactory(pair=pair).pk, "alert_id": AlertFactory(installation=team.installation).pk,
        **companies(knowing),
    }  # fmt: skip


def companies(connection: Connection) -> dict[str, Any]:
    """Something for the addresses about companies."""
    rule = CompanyRuleFactory(connection=connection)
    company = CompanyFactory(connection=connection)
    firing = FiringFactory(rule=rule, company=company, state="failed")
    return {"company_id": company.pk, "rule_id": rule.pk, "firing_id": firing.pk}


def address_of(name: str, place: dict[str, Any]) -> str:
    """Where a page is."""
    parts = place | {"provider": "planhat"} if name in OF_COMPANIES else place
    return reverse(name, kwargs={part: parts[part] for part in PAGES[name]})


def browsers(team: Team) -> dict[str, Client]:
    """Everybody at a browser of their own."""
    people = {"guest": team.members["gus"], "member": team.members["milo"], "admin": team.members["ada"]}
    people["stranger"] = MembershipFactory()
    found = {who: Client() for who in WHO}
    for who, membership in people.items():
        found[who].force_login(membership.user)
    return found


def test_every_address_has_a_name_and_an_expectation() -> None:
    assert set(PAGES) - set(EXPECTED) == set()
    assert "None" not in PAGES


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_lets_in_whom_it_should(team: Team, place: dict[str, Any], name: str, method: str) -> None:
    address = address_of(name, place)
    sent = {"something": "else"} if method == "post" else None  # a form that was sent and says nothing
    answers = {who: getattr(browser, method)(address, sent) for who, browser in browsers(team).items()}
    expected = EXPECTED[name][method == "post"]
    assert tuple(answer.status_code for answer in answers.values()) == expected
    if "slug" in PAGES[name] and expected[0] == SIGN_IN:
        assert answers["anonymous"].headers["location"].startswith("/signin/?next=/w/")


@pytest.mark.parametrize("name", [name for name in PAGES if EXPECTED[name][1] != NO_POST and "webhook" not in name])
def test_no_form_is_taken_from_another_site(team: Team, place: dict[str, Any], name: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(team.members["ada"].user)
    address = address_of(name, place)
    assert strict.post(address, headers={"origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize("name", [name for name in PAGES if {"slug", "pair_id"} <= PAGES[name]])
def test_another_workspaces_pair_cannot_be_reached_through_ones_own(team: Team, name: str) -> None:
    foreign = ProjectPairFactory()
    ConnectionFactory(installation=team.installation)
    browser = browsers(team)["admin"]
    parts = {"slug": "sandbox", "provider": "planner", "pair_id": foreign.pk}
    assert browser.post(reverse(name, kwargs=parts)).status_code in (302, 404)
    assert ProjectPair.objects.filter(pk=foreign.pk).exists()
    assert not foreign.due.exists()


@pytest.mark.parametrize(("name", "method"), [("delivery", "get"), ("replay_one", "post")])
def test_another_workspaces_delivery_cannot_be_reached_through_ones_own(team: Team, name: str, method: str) -> None:
    for foreign in (DeliveryFactory(installation=ConnectionFactory().installation, state="dead"), DeliveryFactory()):
        address = reverse(name, kwargs={"slug": "sandbox", "delivery_id": foreign.pk})
        assert getattr(browsers(team)["admin"], method)(address).status_code == 404


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("choose", "post"),
        ("run", "get"),
        ("undo", "get"),
        ("undo", "post"),
        ("end_job", "post"),
        ("alert_seen", "post"),
    ],  # fmt: skip
)
def test_what_happened_in_another_workspace_cannot_be_reached_through_ones_own(
    team: Team, name: str, method: str
) -> None:
    parts = {
        "slug": "sandbox", "conflict_id": ConflictFactory().pk, "run_id": RunChangeFactory().run_id,
        "job_id": JobFactory().pk, "alert_id": AlertFactory().pk,
    }  # fmt: skip
    address = reverse(name, kwargs={part: parts[part] for part in PAGES[name]})
    assert getattr(browsers(team)["admin"], method)(address, {"stays": "plane"}).status_code == 404
    assert Job.objects.get().state == "waiting" and Conflict.objects.get().choice == ""


@pytest.mark.parametrize("name", [name for name in PAGES if {"slug", "provider"} <= PAGES[name]])
def test_an_unknown_provider_is_not_found(team: Team, name: str) -> None:
    browser = browsers(team)["admin"]
    ids = dict.fromkeys(("pair_id", "item_id", "rule_id", "firing_id"), uuid.uuid4())
    parts = {"slug": "sandbox", "provider": "salesforce", "company_id": 1, **ids}
    address = reverse(name, kwargs={part: parts[part] for part in PAGES[name]})
    methods = [method for number, method in enumerate(("get", "post")) if EXPECTED[name][number][3] != 405]
    assert {getattr(browser, method)(address).status_code for method in methods} == {404}


# A second click


RULE = {
    "name": "Kick-off", "field": "phase", "test": "changes", "then-0-do": "comment", "then-0-text": "Look!", "do": "save",
}  # fmt: skip
SECOND = {
    "signin": ({}, 302), "signout": ({}, 302), "probe": ({}, 302), "consent": ({}, 200), "sync_pair": ({}, 302),
    "allow_run": ({}, 302), "choose": ({"stays": "plane"}, 302), "undo": ({}, 302), "end_job": ({}, 302),
    "backfill": ({}, 302), "hand_push": ({}, 200),
    "remove_pair": ({}, 302), "connect": ({"token": "plr_pat_pat_sandbox.secret"}, 302),
    "pairs": ({"project": "INTG", "place": "prj_winter", "zone": "UTC"}, 302),
    "replay": ({"all": "yes"}, 302), "replay_one": ({}, 302),
    "pair": ({}, 422), "vendor_settings": ({}, 302), "confirm_tools": ({}, 302),
    "try_out": ({"place": "prj_ramp", "click": "once"}, 302),
    "look_again": ({}, 302), "item_companies": ({}, 422), "untie": ({"party": "nobody"}, 302),
    "read_companies": ({}, 302), "agree_companies_gone": ({}, 302), "tie_item": ({"key": "CUST-1"}, 302),
    "add_contact": ({}, 422), "retry_company": ({}, 302), "decide_matches": ({"do": "confirm"}, 302),
    "choose_company": ({}, 404), "new_company_rule": (RULE, 302), "company_rule": (RULE, 302),
    "switch_rule": ({"on": "no"}, 302), "delete_rule": ({}, 302), "settle_held": ({"do": "drop"}, 302),
    "retry_firing": ({}, 302), "company_options": ({"customers": "off", "finished": "off", "card": "on"}, 302),
    "alerts": ({"addresses": "ops@example.com", "about": "broken"}, 302), "test_mail": ({}, 302), "alert_seen": ({}, 302),
    "ask_members": ({}, 302), "settings_file": ({"text": "version: 1"}, 200), "data_export": ({}, 200),
    "uninstall": ({"slug": "sandbox"}, 302),  # the first click ended the session too: to the sign-in
}  # fmt: skip


def test_every_form_is_clicked_twice_below() -> None:
    forms = {name for name in PAGES if EXPECTED[name][1] != NO_POST and "webhook" not in name}
    assert forms == set(SECOND)


@pytest.mark.parametrize("name", SECOND)
def test_a_second_click_does_no_harm(team: Team, place: dict[str, Any], name: str) -> None:
    data, status = SECOND[name]
    if "project" in data:
        data = data | {"project": team.project(data["project"])["id"]}
    address = address_of(name, place)
    browser = browsers(team)["admin"]
    assert browser.post(address, data).status_code in (302, status)
    before = rows()
    again = browser.post(address, data)
    assert (again.status_code, rows()) == (status, before)


def rows() -> tuple[int, ...]:
    """How much there is."""
    return tuple(model.objects.count() for model in (Connection, ProjectPair, Credential, Job, Tie, CompanyRule))
