from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from planeapp.customers import mirror, references, review
from planeapp.customers.models import Company, Errand, Reference
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Credential
from planeapp.plane.gateway import SOURCE
from planeapp.plane.scopes import MINIMUM_SCOPES
from planeapp.sandbox.plane.customer_properties import held
from planeapp.sync.models import Tie, TimelineEntry
from tests.customers.shop import Shop, shop
from tests.vendors import team, vendors

__all__ = ["shop", "team", "vendors"]
KNOWN = {"phase": "Onboarding", "health": 7.5, "owner": "olga@x.example", "revenue": 120000.0, "renewal": "2027-01-31"}


def work(shop: Shop) -> list[str]:
    """One turn; gives the calls to Plane that write."""
    shop.forget()
    mirror.work(shop.connection, "")
    return shop.asked("POST", "PATCH", "DELETE")


def shown(shop: Shop, customer: dict[str, Any]) -> dict[str, str]:
    """What the customer's properties hold, by name."""
    rows = shop.team.vendors.rows
    names = {row["id"]: row["display_name"] for row in rows.live("customer_property")}
    return {names[key]: told[0] for key, told in held(rows, customer).items()}


def items(shop: Shop, customer: dict[str, Any]) -> list[str]:
    """Ids of the customer's work items."""
    return sorted(row["issue"] for row in shop.team.vendors.rows.live("customer_tie", customer=customer["id"]))


@pytest.fixture
def acme(shop: Shop) -> Company:
    """A company that CUST-1 is tied to; those that work waits for are shown."""
    shop.choose(customers="linked")
    shop.tie("a")
    made = shop.company("a", "Acme", values=dict(KNOWN), external_id="A-1")
    made.domains.create(domain="acme.example")
    return made


def test_a_company_that_work_waits_for_becomes_a_customer_with_its_facts_and_its_item(
    shop: Shop, acme: Company
) -> None:
    shop.company("idle", "Idle")
    work(shop)
    (made,) = shop.customers()
    assert (made["name"], made["website_url"], made["revenue"]) == ("Acme", "https://acme.example", "120000")
    assert (made["external_source"], made["external_id"]) == (SOURCE, "a")
    assert shown(shop, made) == {
        "Phase": "Onboarding",
        "Health": "7.5",
        "Owner": "olga@x.example",
        "Renewal": "2027-01-31",
    }
    assert items(shop, made) == [shop.item()]
    assert work(shop) == [] and shop.asked() == []


def test_all_companies_are_shown_where_that_was_chosen_and_properties_are_made_once(shop: Shop, acme: Company) -> None:
    shop.choose(customers="all")
    shop.company("b", "Bolt")
    work(shop)
    shop.company("c", "Core", values={"phase": "Trial"})
    assert not [call for call in work(shop) if "properties" in call]
    assert [row["name"] for row in shop.customers()] == ["Acme", "Bolt", "Core"]
    assert len(shop.team.vendors.rows.live("customer_property")) == 4


@pytest.mark.parametrize("customers", ["off", "read"])
def test_nothing_is_written_unless_chosen(shop: Shop, acme: Company, customers: str) -> None:
    shop.choose(customers=customers)
    assert work(shop) == [] and shop.asked() == []


def test_a_plan_without_customers_is_asked_once_in_a_while_and_nothing_is_written(shop: Shop, acme: Company) -> None:
    shop.plan("not in plan (402)")
    assert work(shop) == [] and shop.asked()
    assert work(shop) == [] and shop.asked() == []


def test_only_what_changed_is_written_with_one_call(shop: Shop, acme: Company) -> None:
    work(shop)
    (made,) = shop.customers()
    Company.objects.filter(pk=acme.pk).update(values={**KNOWN, "phase": "Live", "renewal": None})
    assert len(work(shop)) == 1
    assert shown(shop, made) == {"Phase": "Live", "Health": "7.5", "Owner": "olga@x.example"}
    Company.objects.filter(pk=acme.pk).update(values={**KNOWN, "phase": "Live", "renewal": None, "revenue": 5.5})
    (call,) = work(shop)
    assert call.startswith("PATCH") and shop.customers()[0]["revenue"] == "5.5"


def test_a_company_that_is_called_something_else_takes_its_customer_along(shop: Shop, acme: Company) -> None:
    work(shop)
    shop.by_hand("Bolt")
    Company.objects.filter(pk=acme.pk).update(name="Acme Air")
    work(shop)
    assert [row["name"] for row in shop.customers()] == ["Acme Air", "Bolt"]
    Company.objects.filter(pk=acme.pk).update(name="Bolt")
    work(shop)
    assert [row["name"] for row in shop.customers()] == ["Bolt (A-1)", "Bolt"]
    assert work(shop) == []


def test_namesakes_never_become_one_customer(shop: Shop, acme: Company) -> None:
    shop.choose(customers="all")
    shop.company("b", "ACME", external_id="A-2")
    work(shop)
    assert [(row["name"], row["external_id"]) for row in shop.customers()] == [("Acme", "a"), ("ACME (A-2)", "b")]
    assert work(shop) == []


def test_a_customer_that_a_person_made_gets_our_properties_and_keeps_all_of_its_own(shop: Shop, acme: Company) -> None:
    made = shop.by_hand(
        "acme", description_html="<p>Ours since 2019</p>", revenue="1", website_url="https://old.example"
    )
    references.work(shop.connection, "")
    work(shop)
    (row,) = shop.customers()
    assert {name: row[name] for name in made if name != "updated_at"} == {
        name: value for name, value in made.items() if name != "updated_at"
    }
    assert shown(shop, row)["Phase"] == "Onboarding" and items(shop, row) == [shop.item()]
    assert work(shop) == []


def test_a_namesake_that_matching_has_not_seen_yet_is_waited_for(shop: Shop, acme: Company) -> None:
    shop.by_hand("Acme")
    work(shop)
    assert Errand.objects.filter(kind="match").exists() and len(shop.customers()) == 1
    references.work(shop.connection, "")
    work(shop)
    assert [row["external_id"] for row in shop.customers()] == [None]
    assert shown(shop, shop.customers()[0])["Phase"] == "Onboarding"


def test_a_namesake_that_a_person_has_to_decide_on_is_left_until_then(shop: Shop, acme: Company) -> None:
    made = shop.by_hand("Acme")
    known = Reference.objects.create(
        connection=shop.connection, kind="customer", key=made["id"], name="Acme", state="ambiguous", candidates=["a"]
    )
    work(shop)
    assert len(shop.customers()) == 1 and not Errand.objects.filter(kind="match").exists()
    Reference.objects.filter(pk=known.pk).update(state="ignored", candidates=[])
    work(shop)
    assert [row["name"] for row in shop.customers()] == ["Acme", "Acme (A-1)"]


def test_a_customer_whose_answer_was_lost_is_not_made_twice(shop: Shop, acme: Company) -> None:
    work(shop)
    Reference.objects.all().delete()
    work(shop)
    assert len(shop.customers()) == 1
    assert Reference.objects.get().company == acme


@pytest.mark.parametrize("other", [True, False])
def test_what_a_person_says_of_a_customer_that_we_made_is_not_fought(shop: Shop, acme: Company, other: bool) -> None:
    work(shop)
    made = Reference.objects.get()
    if other:
        review.choose(shop.connection, str(made.pk), shop.company("b", "Bolt"), "Ada")
        work(shop)
    else:
        review.ignore(shop.connection, [str(made.pk)], "Ada")
    Company.objects.filter(pk=acme.pk).update(values={"phase": "Live"})
    assert work(shop) == []
    assert Reference.objects.get().decided_by == "Ada" and len(shop.customers()) == 1


def test_a_customer_that_somebody_deleted_is_not_made_anew(shop: Shop, acme: Company) -> None:
    work(shop)
    rows = shop.team.vendors.rows
    rows.store.put("customer", shop.customers()[0]["id"], {**shop.customers()[0], "deleted_at": "2026-11-01T00:00:00Z"})
    Company.objects.filter(pk=acme.pk).update(values={"phase": "Live"})
    work(shop)
    assert shop.customers() == [] and Reference.objects.get().gone_at
    Company.objects.filter(pk=acme.pk).update(values={"phase": "Lost"})
    assert work(shop) == []


def test_an_item_stands_on_the_customer_once_and_goes_with_its_tie(shop: Shop, acme: Company) -> None:
    work(shop)
    (made,) = shop.customers()
    shop.tie("a", number=2)
    (call,) = work(shop)
    assert call.startswith("POST") and items(shop, made) == sorted([shop.item(), shop.item(2)])
    Tie.objects.filter(item_id=shop.item()).update(state=Tie.State.OFF)
    (call,) = work(shop)
    assert call.startswith("DELETE") and items(shop, made) == [shop.item(2)]


def test_an_item_that_somebody_takes_off_the_customer_is_not_put_there_again(shop: Shop, acme: Company) -> None:
    work(shop)
    rows = shop.team.vendors.rows
    for row in rows.live("customer_tie"):
        rows.store.delete("customer_tie", row["id"])
    assert work(shop) == []


def test_one_item_that_is_gone_does_not_keep_the_others_off_their_customer(shop: Shop, acme: Company) -> None:
    shop.tie("a", number=2)
    Tie.objects.filter(item_id=shop.item()).update(item_id="00000000-0000-0000-0000-000000000009")
    work(shop)
    assert items(shop, shop.customers()[0]) == [shop.item(2)]
    assert work(shop) == []


def test_what_hangs_on_a_plane_customer_by_itself_is_not_written(shop: Shop, acme: Company) -> None:
    Tie.objects.update(origin=Tie.Origin.CUSTOMER)
    work(shop)
    assert items(shop, shop.customers()[0]) == []


def test_a_property_of_another_type_is_left_alone_and_the_others_are_filled_in(shop: Shop, acme: Company) -> None:
    plane_for(shop.connection.installation).ensure_property("Health", "TEXT", "somebody else's")
    work(shop)
    assert set(shown(shop, shop.customers()[0])) == {"Phase", "Owner", "Renewal"}
    assert len(shop.team.vendors.rows.live("customer_property")) == 4


def test_what_plane_refuses_for_one_company_is_told_there_and_the_others_go_on(shop: Shop, acme: Company) -> None:
    shop.tie("b")
    bolt = shop.company("b", "Bolt", values={"phase": "Trial"})
    shop.team.vendors.plane.fault("/customers/$", method="POST", status=400, body='{"error": "Odd name"}')
    work(shop)
    assert [row["name"] for row in shop.customers()] == ["Bolt"]
    assert "Odd name" in TimelineEntry.objects.get(data__company="a").text
    assert work(shop) == []
    mirror.retry(acme)
    work(shop)
    assert [row["name"] for row in shop.customers()] == ["Bolt", "Acme"] and not TimelineEntry.objects.exists()
    assert bolt.references.get().how == Reference.How.CUSTOMER


def test_a_few_companies_are_shown_in_one_turn_those_with_urgent_work_first(
    shop: Shop, acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "MOST", 1)
    shop.company("b", "Bolt")
    shop.link("b", priority="urgent")
    work(shop)
    assert [row["name"] for row in shop.customers()] == ["Bolt"] and Errand.objects.get().kind == "mirror"
    work(shop)
    assert [row["name"] for row in shop.customers()] == ["Bolt", "Acme"]


def test_many_new_customers_are_looked_for_in_one_listing(shop: Shop, acme: Company) -> None:
    shop.choose(customers="all")
    for number in range(4):
        shop.company(f"b{number}", "Bolt", external_id=f"B-{number}")
    work(shop)
    assert len([call for call in shop.asked("GET") if call.endswith("/customers/")]) == 2  # one of them: are there any
    assert [row["name"] for row in shop.customers()] == ["Acme", "Bolt", "Bolt (B-1)", "Bolt (B-2)", "Bolt (B-3)"]


def test_a_token_that_may_not_touch_properties_or_items_still_shows_companies(
    shop: Shop, acme: Company, settings: Settings
) -> None:
    settings.PLANE_SCOPES = [*MINIMUM_SCOPES, "customers:read", "customers:write"]
    Credential.objects.all().delete()
    plane_for(shop.connection.installation).projects()
    work(shop)
    assert [row["name"] for row in shop.customers()] == ["Acme"] and shown(shop, shop.customers()[0]) == {}
    assert work(shop) == []
