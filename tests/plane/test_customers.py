"""Plane's customers against the sandbox Plane over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, Gone, OutOfQuota, RetryLater
from planeapp.plane.customers import NOT_IN_PLAN, SWITCHED_OFF
from planeapp.plane.gateway import SOURCE, Namesake, Plane, Saved
from planeapp.plane.oauth import PlaneOAuth
from planeapp.plane.scopes import MINIMUM_SCOPES, OPTIONAL_SCOPES, ScopeMissing, lacking
from planeapp.providers.base import Access
from planeapp.sandbox.plane import customers
from tests.plane.conftest import REDIRECT, Sandbox, Token

NOWHERE = "00000000-0000-0000-0000-000000000009"
FEATURES = "workspaces.features:read"


def gateway(sandbox: Sandbox, *without: str) -> Plane:
    """The gateway with a token that was granted all scopes but these."""
    world, scopes = sandbox.plane.world, [s for s in (*MINIMUM_SCOPES, *OPTIONAL_SCOPES) if s not in without]
    oauth = PlaneOAuth(sandbox.http, sandbox.url, world.client_id, world.client_secret, REDIRECT, scopes)
    grant = oauth.bot_token(sandbox.installation)
    return Plane(Access(sandbox.http, sandbox.url, Token(grant.access)), "sandbox", lacks=lacking(grant.scopes))


@pytest.fixture
def plane(sandbox: Sandbox) -> Plane:
    return gateway(sandbox)


def by_hand(sandbox: Sandbox, name: str, **fields: Any) -> dict[str, Any]:
    """A customer that a person made in Plane."""
    return customers.add(
        sandbox.plane, sandbox.row("workspace", slug="sandbox"), sandbox.row("user"), name=name, **fields
    )


def saved(outcome: Saved | Namesake) -> Saved:
    assert isinstance(outcome, Saved)
    return outcome


def plan(sandbox: Sandbox, customers: str) -> None:
    sandbox.plane.store.put("settings", "plan", {"customers": customers})


# Whether there are any


def test_a_workspace_whose_plan_has_customers_says_so(plane: Plane) -> None:
    found = plane.has_customers()
    assert (bool(found), found.code, found.reason) == (True, "", "")


@pytest.mark.parametrize(
    ("told", "without", "code", "reason"),
    [
        ("switched off", "", "switched_off", SWITCHED_OFF),
        ("switched off", FEATURES, "plan", NOT_IN_PLAN),
        ("not in plan (402)", "", "plan", NOT_IN_PLAN),
        ("not in plan (400)", FEATURES, "plan", NOT_IN_PLAN),
        ("not served (404)", "", "plan", NOT_IN_PLAN),
    ],
)
def test_a_workspace_without_customers_says_why(
    sandbox: Sandbox, told: str, without: str, code: str, reason: str
) -> None:
    plan(sandbox, told)
    found = gateway(sandbox, without).has_customers()
    assert (bool(found), found.code, found.reason) == (False, code, reason)


def test_a_token_without_the_scope_asks_nothing_and_says_what_an_operator_does(sandbox: Sandbox) -> None:
    plane = gateway(sandbox, *OPTIONAL_SCOPES)
    found = plane.has_customers()
    assert (bool(found), found.code) == (False, "scope_missing")
    assert "customers:read and customers:write" in found.reason and "PLANE_SCOPES" in found.reason
    for call in (
        lambda: list(plane.customers()),
        lambda: plane.link_items("c", ["i"]),
        lambda: plane.customer_values("c"),
    ):
        with pytest.raises(ScopeMissing):
            call()
    assert sandbox.requests("GET", "/workspaces/") == sandbox.requests("POST", "/workspaces/") == []


def test_a_scope_that_plane_refuses_all_the_same_is_no_customers(sandbox: Sandbox) -> None:
    found = sandbox.gateway().has_customers()  # this one does not know what its token lacks
    assert (bool(found), found.code) == (False, "permission")
    assert "customers:read" in found.reason


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, '{"error_code": 5900}', OutOfQuota),
        (500, '{"error": "Something went wrong"}', RetryLater),
        (403, "<html>checking your browser</html>", RetryLater),
    ],
)
@pytest.mark.parametrize("path", ["/features/", "/customers/"])
def test_what_passes_by_itself_is_never_a_no(
    sandbox: Sandbox, plane: Plane, path: str, status: int, body: str, error: type[Exception]
) -> None:
    sandbox.fault(path=path, status=status, body=body)
    with pytest.raises(error):
        plane.has_customers()


def test_a_workspace_that_is_closed_altogether_says_nothing_about_customers(sandbox: Sandbox, plane: Plane) -> None:
    sandbox.fault(path="/workspaces/sandbox/", times=3, status=404, body='{"error": "not there"}')
    with pytest.raises(Gone):
        plane.has_customers()


# Finding


def test_every_customer_is_listed_over_pages(sandbox: Sandbox, plane: Plane) -> None:
    for number in range(120):
        by_hand(sandbox, f"c{number}")
    rows = plane.customers()
    assert (len({row["id"] for row in rows}), rows.complete) == (120, True)


def test_a_name_is_found_whatever_its_letter_case_and_no_longer_one_is(sandbox: Sandbox, plane: Plane) -> None:
    wanted = by_hand(sandbox, "Nordwind Air")
    by_hand(sandbox, "Nordwind Air Cargo")
    assert [row["id"] for row in plane.customers_named(" nordwind AIR ")] == [wanted["id"]]
    assert plane.customers_named("  ") == []


def test_a_customer_that_was_deleted_is_none_but_not_one_of_a_plan_that_ended(sandbox: Sandbox, plane: Plane) -> None:
    row = by_hand(sandbox, "Acme")
    assert (plane.customer(row["id"]) or {})["name"] == "Acme"
    assert plane.customer(NOWHERE) is None
    plan(sandbox, "not served (404)")
    with pytest.raises(FixSettings) as refusal:
        plane.customer(row["id"])
    assert refusal.value.code == "plan"


# Making


def test_a_customer_is_made_once_however_often_it_is_asked_for(sandbox: Sandbox, plane: Plane) -> None:
    fields = {"name": "Acme", "description_html": "<p>Big <b>one</b></p>", "revenue": "12000", "domain": ""}
    first, again = saved(plane.ensure_customer("ph1", fields)), saved(plane.ensure_customer("ph1", fields))
    assert (first.adopted, again.adopted, dict(first.dropped)) == (False, True, {})
    assert again.record["id"] == first.record["id"]
    assert (first.record["external_source"], first.record["external_id"]) == (SOURCE, "ph1")
    assert len(sandbox.requests("POST", "/customers/")) == 1 and not sandbox.requests("PATCH")


def test_ours_gets_the_fields_that_differ(sandbox: Sandbox, plane: Plane) -> None:
    plane.ensure_customer("ph1", {"name": "Acme", "stage": "lead", "description_html": "<p>old</p>"})
    changed = saved(plane.ensure_customer("ph1", {"name": "Acme", "stage": "lead", "description_html": "<p>new</p>"}))
    assert changed.record["description_html"] == "<p>new</p>"
    assert sandbox.requests("PATCH", "/customers/")[-1]["body"] == '{"description_html":"<p>new</p>"}'


def test_one_that_was_renamed_in_plane_is_still_ours(sandbox: Sandbox, plane: Plane) -> None:
    made = saved(plane.ensure_customer("ph1", {"name": "Acme"})).record["id"]
    plane.update_customer(made, name="Acme (old)")
    again = saved(plane.ensure_customer("ph1", {"name": "Acme"}))
    assert (again.record["id"], again.record["name"]) == (made, "Acme")
    assert len(sandbox.plane.live("customer")) == 1


def test_a_hand_made_namesake_is_given_back_untouched(sandbox: Sandbox, plane: Plane) -> None:
    theirs = dict(by_hand(sandbox, "Acme", revenue="7"))
    outcome = plane.ensure_customer("ph1", {"name": "ACME", "revenue": "12000"})
    assert isinstance(outcome, Namesake)
    assert (outcome.record["id"], outcome.source) == (theirs["id"], "")
    assert sandbox.plane.live("customer") == [theirs]


def test_two_companies_of_one_name_do_not_collapse(sandbox: Sandbox, plane: Plane) -> None:
    first = saved(plane.ensure_customer("ph1", {"name": "Acme"}))
    outcome = plane.ensure_customer("ph2", {"name": "Acme"})
    assert isinstance(outcome, Namesake)
    assert (outcome.record["id"], outcome.source) == (first.record["id"], SOURCE)
    assert sandbox.plane.live("customer")[0]["external_id"] == "ph1"


def test_a_namesake_does_not_hide_ours_of_another_name(sandbox: Sandbox, plane: Plane) -> None:
    ours = saved(plane.ensure_customer("ph1", {"name": "Acme Ltd"})).record["id"]
    by_hand(sandbox, "Acme")
    assert saved(plane.ensure_customer("ph1", {"name": "Acme"})).record["id"] == ours


def test_of_several_namesakes_the_one_made_by_hand_can_be_adopted(sandbox: Sandbox, plane: Plane) -> None:
    by_hand(sandbox, "Acme", external_source="hubspot", external_id="1")
    free = by_hand(sandbox, "Acme")
    outcome = plane.ensure_customer("ph1", {"name": "Acme"})
    assert isinstance(outcome, Namesake) and outcome.record["id"] == free["id"]
    plane.update_customer(free["id"], external_source=SOURCE, external_id="ph1")
    assert saved(plane.ensure_customer("ph1", {"name": "Acme"})).adopted


def test_with_a_listing_at_hand_plane_is_not_asked_to_look(sandbox: Sandbox, plane: Plane) -> None:
    by_hand(sandbox, "Acme")
    among = list(plane.customers())
    assert isinstance(plane.ensure_customer("ph1", {"name": "acme"}, among=among), Namesake)
    saved(plane.ensure_customer("ph2", {"name": "Globex"}, among=among))
    assert len(sandbox.requests("GET", "/customers/")) == 1


@pytest.mark.parametrize("lost", [{"status": 502, "body": "<html>bad gateway</html>"}, {"drop": True}])
def test_a_customer_whose_answer_was_lost_is_not_made_twice(
    sandbox: Sandbox, plane: Plane, lost: dict[str, Any]
) -> None:
    sandbox.fault(method="POST", path="/customers/$", after=True, **lost)
    with pytest.raises(RetryLater):
        plane.ensure_customer("ph1", {"name": "Acme"})
    assert saved(plane.ensure_customer("ph1", {"name": "Acme"})).adopted
    assert len(sandbox.plane.live("customer")) == 1


def test_a_misspelt_field_is_a_fault_of_ours(plane: Plane) -> None:
    with pytest.raises(TypeError, match="revenu"):
        plane.ensure_customer("ph1", {"name": "Acme", "revenu": "1"})


def test_a_blank_name_is_refused_in_planes_words(plane: Plane) -> None:
    with pytest.raises(FixSettings) as refusal:
        plane.ensure_customer("ph1", {"name": " "})
    assert "may not be blank" in refusal.value.person


# Work items


def test_work_items_are_tied_and_untied_however_often(sandbox: Sandbox, plane: Plane, item: str) -> None:
    acme = by_hand(sandbox, "Acme")["id"]
    for _ in range(2):
        plane.link_items(acme, [item, item])
    assert plane.customer_items(acme) == [item]
    for _ in range(2):
        plane.unlink_item(acme, item)
    assert plane.customer_items(acme) == []


def test_nothing_to_tie_costs_no_call(sandbox: Sandbox, plane: Plane) -> None:
    plane.link_items(NOWHERE, [])
    plane.set_values(NOWHERE, {})
    assert sandbox.requests("POST", "/customers/") == []


def test_an_unknown_work_item_keeps_all_of_them_untied(sandbox: Sandbox, plane: Plane, item: str) -> None:
    acme = by_hand(sandbox, "Acme")["id"]
    with pytest.raises(FixSettings):
        plane.link_items(acme, [item, NOWHERE])
    assert plane.customer_items(acme) == []


def test_an_answer_that_is_no_list_is_not_taken_for_none(sandbox: Sandbox, plane: Plane) -> None:
    acme = by_hand(sandbox, "Acme")["id"]
    sandbox.fault(path="/issues/", status=200, body='{"detail": "Customer issues retrieved successfully"}')
    with pytest.raises(RetryLater):
        plane.customer_items(acme)


# Properties


def test_a_property_is_made_once_and_stays_ours_when_it_is_renamed(sandbox: Sandbox, plane: Plane) -> None:
    made = plane.ensure_property("Health", "DECIMAL", "health")
    sandbox.row("customer_property")["display_name"] = "How well"
    assert plane.ensure_property("Health", "DECIMAL", "health")["id"] == made["id"]
    assert len(sandbox.requests("POST", "/customer-properties/")) == 1


def test_a_property_of_that_name_is_taken_unless_it_is_of_another_kind(sandbox: Sandbox, plane: Plane) -> None:
    made = plane.ensure_property("Health", "DECIMAL", "other")
    assert plane.ensure_property(" health", "DECIMAL", "health")["id"] == made["id"]
    with pytest.raises(FixSettings) as refusal:
        plane.ensure_property("Health", "TEXT", "health")
    assert (refusal.value.code, "Health" in refusal.value.person) == ("property_kind", True)


def test_values_are_set_together_in_one_call_and_emptied(sandbox: Sandbox, plane: Plane) -> None:
    acme = by_hand(sandbox, "Acme")["id"]
    health, key, phase = (
        plane.ensure_property(name, kind, name)["id"]
        for name, kind in (("Health", "DECIMAL"), ("Key account", "BOOLEAN"), ("Phase", "TEXT"))
    )
    plane.set_values(acme, {health: [7.5], key: [True], phase: ["live"]})
    plane.set_value(acme, phase, [])
    assert plane.customer_values(acme) == {health: ["7.5"], key: ["True"]}
    assert len(sandbox.requests("POST", "/property-values/")) == 2


def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(sandbox: Sandbox, plane: Plane) -> None:
    acme = by_hand(sandbox, "Acme")["id"]
    health, phase = (plane.ensure_property(n, k, n)["id"] for n, k in (("Health", "DECIMAL"), ("Phase", "TEXT")))
    with pytest.raises(FixSettings):
        plane.set_values(acme, {phase: ["live"], health: ["good"]})
    assert plane.customer_values(acme) == {}
