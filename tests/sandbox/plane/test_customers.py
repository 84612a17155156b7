"""Customers as plane-sdk and the developer docs describe them: upserts that collapse, ties, properties, the plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.plane import auth
from planeapp.sandbox.plane.app import make_app
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World
from tests.stages import stage

from .conftest import Sandbox

NOWHERE = "00000000-0000-0000-0000-000000000009"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox Plane whose webhooks nobody takes: customers have none."""
    place = stage("plane")
    app = make_app(World(plane_url=place.url), Store(), Clock())
    with place.shows(app) as origin, httpx2.Client(base_url=origin, trust_env=False) as http:
        yield Sandbox(app.state.plane, http)


@pytest.fixture
def ada(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    with sandbox.person_api("ada") as api:
        yield api


def make(api: httpx2.Client, **fields: Any) -> dict[str, Any]:
    answer = api.post("customers/", json={"name": "Acme"} | fields)
    assert answer.status_code in (200, 201)
    return answer.json()


def test_a_second_post_of_one_name_changes_whoever_made_the_first(ada: httpx2.Client) -> None:
    first = make(ada, revenue="1")
    answer = ada.post("customers/", json={"name": "Acme", "external_source": "x", "external_id": "2"})
    assert (answer.status_code, answer.json()["id"], answer.json()["external_id"]) == (200, first["id"], "2")
    assert make(ada, name="ACME")["id"] != first["id"]


def test_the_external_pair_goes_before_the_name(ada: httpx2.Client) -> None:
    pair = {"external_source": "x", "external_id": "1"}
    ours, other = make(ada, **pair), make(ada, name="Globex")
    changed = make(ada, name="Globex", **pair)
    assert changed["id"] == ours["id"] != other["id"]


def test_the_list_is_paged_and_searched_by_name(ada: httpx2.Client) -> None:
    for name in ("Nordwind Air", "Nordwind Cargo", "Alpine"):
        make(ada, name=name)
    found = ada.get("customers/", params={"query": "nordwind", "per_page": 1}).json()
    assert (found["total_count"], found["next_page_results"], len(found["results"])) == (2, True, 1)


def test_a_customer_is_read_changed_and_deleted(ada: httpx2.Client) -> None:
    path = f"customers/{make(ada)['id']}/"
    assert ada.patch(path, json={"employees": 12, "stage": None}).json()["employees"] == 12
    assert ada.patch(path, json={"employees": "many"}).json() == {"employees": ["A valid integer is required."]}
    assert ada.delete(path).status_code == 204
    assert ada.get(path).status_code == 404


def test_a_delete_by_a_pair_that_nobody_has_succeeds(ada: httpx2.Client) -> None:
    kept = make(ada, external_source="x", external_id="1")
    assert ada.delete("customers/", params={"external_source": "x", "external_id": "2"}).status_code == 204
    assert ada.get(f"customers/{kept['id']}/").status_code == 200
    assert ada.delete("customers/", params={"external_id": "1"}).status_code == 400


def test_work_items_are_tied_all_or_none_and_come_as_a_bare_array(sandbox: Sandbox, ada: httpx2.Client) -> None:
    path, item = f"customers/{make(ada)['id']}/issues/", sandbox.item()
    assert ada.post(path, json={"issue_ids": [item["id"], NOWHERE]}).status_code == 400
    assert ada.get(path).json() == []
    for _ in range(2):
        told = ada.post(path, json={"issue_ids": [item["id"]]})
        assert told.status_code == 201 and told.json()["linked_issues"][0]["id"] == item["id"]
    (row,) = ada.get(path).json()
    assert (row["id"], row["project__identifier"], row["sequence_id"]) == (item["id"], "CUST", 1)
    assert [ada.delete(f"{path}{item['id']}/").status_code for _ in range(2)] == [204, 404]


def test_a_requests_work_items_are_tied_and_not_told_back(sandbox: Sandbox, ada: httpx2.Client) -> None:
    customer, item = make(ada), sandbox.item()
    path = f"customers/{customer['id']}/"
    made = ada.post(f"{path}requests/", json={"name": "Faster", "work_item_ids": [item["id"]]}).json()
    assert "work_item_ids" not in made and ada.get(path).json()["customer_request_count"] == 1
    assert [row["id"] for row in ada.get(f"{path}issues/").json()] == [item["id"]]
    assert ada.get(f"{path}issues/", params={"customer_request_id": NOWHERE}).json() == []
    assert (
        ada.patch(f"{path}requests/{made['id']}/", json={"link": "https://a.test"}).json()["link"] == "https://a.test"
    )
    assert ada.delete(f"{path}requests/{made['id']}/").status_code == 204
    assert ada.get(f"{path}requests/").json()["results"] == []


def prop(api: httpx2.Client, kind: str, **fields: Any) -> str:
    wanted = {"name": kind, "display_name": kind, "property_type": kind} | fields
    answer = api.post("customer-properties/", json=wanted)
    assert answer.status_code == 201
    return str(answer.json()["id"])


def test_values_are_checked_and_replaced_by_property(ada: httpx2.Client) -> None:
    path, number, day = f"customers/{make(ada)['id']}/property-values/", prop(ada, "DECIMAL"), prop(ada, "DATETIME")
    assert ada.post(path, json={"customer_property_values": {number: ["7"], day: ["2027-01-31"]}}).status_code == 204
    assert ada.post(path, json={"customer_property_values": {number: ["8"]}}).status_code == 204
    assert ada.get(path).json() == {number: ["8"], day: ["2027-01-31"]}
    assert ada.patch(f"{path}{day}/", json={"values": ["tomorrow"]}).status_code == 400
    assert ada.patch(f"{path}{number}/", json={"values": ["1", "2"]}).status_code == 400
    assert ada.patch(f"{path}{day}/", json={"values": []}).status_code == 204
    assert ada.get(path).json() == ada.get(f"{path}{number}/").json() == {number: ["8"]}


def test_a_property_that_is_switched_off_is_left_out_and_a_pair_is_taken_once(ada: httpx2.Client) -> None:
    pair = {"external_source": "x", "external_id": "1"}
    key, path = prop(ada, "TEXT", **pair), f"customers/{make(ada)['id']}/property-values/"
    ada.post(path, json={"customer_property_values": {key: ["a"]}})
    ada.patch(f"customer-properties/{key}/", json={"is_active": False})
    assert ada.get(path).json() == {}
    again = ada.post("customer-properties/", json={"display_name": "T", "property_type": "TEXT"} | pair)
    assert (again.status_code, again.json()["id"]) == (409, key)
    assert ada.delete(f"customer-properties/{key}/").status_code == 204
    assert ada.get("customer-properties/").json()["results"] == []


@pytest.mark.parametrize(
    ("choice", "features", "status"),
    [
        ("included", True, 200),
        ("switched off", False, 402),
        ("not in plan (402)", True, 402),
        ("not in plan (400)", True, 400),
        ("not served (404)", None, 404),
    ],
)
def test_the_plan_is_chosen_on_the_settings_page(
    sandbox: Sandbox, ada: httpx2.Client, choice: str, features: bool | None, status: int
) -> None:
    assert sandbox.http.post("/sandbox/settings/", data={"customers": choice}).status_code == 303
    assert ada.get("features/").json().get("customers") is features
    assert ada.get("customers/").status_code == ada.get("customer-properties/").status_code == status
    assert sandbox.http.get("/sandbox/customers/").status_code == (200 if status == 200 else 404)
    assert f"<option selected>{choice}</option>" in sandbox.http.get("/sandbox/settings/").text


def test_an_unknown_plan_is_not_saved(sandbox: Sandbox) -> None:
    assert sandbox.http.post("/sandbox/settings/", data={"customers": "all"}).status_code == 400
    assert sandbox.plane.setting("plan") == {"customers": "included"}


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("customers/", "customers:read"),
        ("customer-properties/", "customers.properties:read"),
        ("features/", "workspaces.features:read"),
    ],
)
def test_each_address_asks_for_its_scope(sandbox: Sandbox, path: str, scope: str) -> None:
    user = sandbox.person("ada")["id"]
    with sandbox.api(auth.issue_token(sandbox.plane, "pln_", user, "projects:read")) as api:
        assert api.get(path).status_code == 403
    with sandbox.api(auth.issue_token(sandbox.plane, "pln_", user, scope)) as api:
        assert api.get(path).status_code == 200


def test_the_page_shows_what_a_customer_holds_and_takes_one_made_by_hand(sandbox: Sandbox, ada: httpx2.Client) -> None:
    sandbox.http.post("/sandbox/customers/", data={"name": "By <hand>"})
    acme, item = make(ada, external_source="groundcrew", external_id="1"), sandbox.item()
    ada.post(f"customers/{acme['id']}/issues/", json={"issue_ids": [item["id"]]})
    value = {prop(ada, "DECIMAL", display_name="Health"): ["7"]}
    ada.post(f"customers/{acme['id']}/property-values/", json={"customer_property_values": value})
    page = sandbox.http.get("/sandbox/customers/").text
    assert "By &lt;hand&gt;" in page and "by hand" in page and "groundcrew" in page
    assert '<span class="quiet">Health</span> 7' in page and 'href="/sandbox/browse/CUST-1/"' in page


def test_a_guest_may_not_add_a_customer(sandbox: Sandbox) -> None:
    form, guest = {"name": "Acme"}, {"Cookie": "sandbox_user=gus"}
    assert sandbox.http.post("/sandbox/customers/", data=form, headers=guest).status_code == 403
    assert sandbox.http.post("/sandbox/customers/", data={"name": " "}).status_code == 400
    assert sandbox.plane.live("customer") == []
