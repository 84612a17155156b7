"""Figures on companies: their fields, and what becomes of each company."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, Gone
from planeapp.providers.base import Tally
from planeapp.providers.planhat.provider import Planhat
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.store import Doc, Store
from tests.providers.planhat.conftest import KeptNotes, MakeAccess, allow, deny
from tests.providers.planhat.served import Script, Watch

BUSY = Tally(3, 1, date(2026, 11, 2))
NOBODY = "0123456789abcdef01234567"
WRITTEN = {
    "Plane open items": 3,
    "Plane urgent items": 1,
    "Plane oldest open item": "2026-11-02T00:00:00.000Z",
}


def custom(store: Store, company: Doc) -> dict[str, Any]:
    found = store.get("companies", company["_id"])
    assert found is not None
    return dict(found["custom"])


def kinds(store: Store) -> dict[str, str]:
    return {one["name"]: one["type"] for one in store.all("customfields") if one["name"].startswith("Plane")}


def renamed(sandbox: Api, old: str, new: str) -> None:
    (field,) = [one for one in sandbox.custom_fields.of("company") if one["name"] == old]
    sandbox.custom_fields.update(field["_id"], {"name": new})


def test_figures_are_written_into_fields_that_are_made_first(planhat: Planhat, store: Store, acme: Doc) -> None:
    store.put("companies", acme["_id"], acme | {"custom": {"Plan": "Pro"}})
    assert planhat.write_tallies({acme["_id"]: BUSY}) == {}
    assert custom(store, acme) == {"Plan": "Pro", **WRITTEN}
    assert kinds(store) == {
        "Plane open items": "number",
        "Plane urgent items": "number",
        "Plane oldest open item": "date",
    }


def test_no_open_item_clears_the_day_and_writes_zeros(planhat: Planhat, store: Store, acme: Doc) -> None:
    planhat.write_tallies({acme["_id"]: BUSY})
    planhat.write_tallies({acme["_id"]: Tally()})
    assert custom(store, acme) == {"Plane open items": 0, "Plane urgent items": 0}


def test_many_companies_cost_one_look_at_the_fields_and_one_write(
    planhat: Planhat, store: Store, acme: Doc, watch: Watch
) -> None:
    planhat.write_tallies({acme["_id"]: BUSY})
    watch.seen.clear()
    planhat.write_tallies({company["_id"]: Tally(2) for company in store.all("companies")})
    assert watch.lines == ["GET /customfields", "PUT /companies"]


def test_no_figures_cost_nothing(planhat: Planhat, watch: Watch) -> None:
    assert planhat.write_tallies({}) == {} and watch.seen == []


def test_a_field_that_is_renamed_over_there_is_followed(
    planhat: Planhat, access: MakeAccess, sandbox: Api, store: Store, acme: Doc
) -> None:
    planhat.write_tallies({acme["_id"]: BUSY})
    renamed(sandbox, "Plane open items", "Open with engineering")
    Planhat(access()).write_tallies({acme["_id"]: Tally(9)})
    assert custom(store, acme)["Open with engineering"] == 9 and "Plane open items" not in custom(store, acme)
    assert len(kinds(store)) == 2


def test_our_figures_are_no_value_of_a_company_under_any_name(planhat: Planhat, sandbox: Api, acme: Doc) -> None:
    planhat.write_tallies({acme["_id"]: BUSY})
    renamed(sandbox, "Plane open items", "Open with engineering")
    planhat.write_tallies({acme["_id"]: BUSY})
    told = planhat.company(acme["_id"])
    assert told is not None
    assert (
        not [name for name in told.values if "Plane" in name or "engineering" in name] and "custom:Plan" in told.values
    )


def test_a_field_that_is_deleted_over_there_is_made_again(
    planhat: Planhat, sandbox: Api, store: Store, acme: Doc
) -> None:
    planhat.write_tallies({acme["_id"]: BUSY})
    for one in sandbox.custom_fields.of("company"):
        if one["name"] == "Plane urgent items":
            sandbox.custom_fields.delete(one["_id"])
    planhat.write_tallies({acme["_id"]: BUSY})
    assert len(kinds(store)) == 3


def test_a_field_of_another_type_is_named(planhat: Planhat, sandbox: Api, store: Store, acme: Doc) -> None:
    sandbox.custom_fields.make("company", "plane urgent items", "text")
    with pytest.raises(FixSettings) as caught:
        planhat.write_tallies({acme["_id"]: BUSY})
    assert "“plane urgent items”" in caught.value.person and "“text”" in caught.value.person
    assert "number" in caught.value.person and custom(store, acme) == {}


@pytest.mark.parametrize("rights", [["view"], []])
def test_without_the_right_to_make_fields_a_person_reads_which_to_make(
    planhat: Planhat, store: Store, acme: Doc, rights: list[str]
) -> None:
    allow(store, companies=["view", "update"], customfields=rights)
    with pytest.raises(FixSettings) as caught:
        planhat.write_tallies({acme["_id"]: BUSY})
    assert all(f"“{name}” ({kind})" in caught.value.person for name, kind in
               (("Plane open items", "number"), ("Plane oldest open item", "date")))  # fmt: skip
    assert caught.value.code == "no_permission"


def test_fields_that_were_made_by_hand_are_used(planhat: Planhat, sandbox: Api, store: Store, acme: Doc) -> None:
    for name, kind in (
        ("Plane open items", "number"),
        ("Plane urgent items", "number"),
        ("Plane oldest open item", "date"),
    ):
        sandbox.custom_fields.make("company", name, kind)
    allow(store, companies=["view", "update"], customfields=["view"])
    assert planhat.write_tallies({acme["_id"]: BUSY}) == {} and custom(store, acme) == WRITTEN


def test_a_person_may_say_that_the_fields_are_there_though_nobody_can_see_them(
    sandbox: Api, access: MakeAccess, store: Store, acme: Doc, watch: Watch
) -> None:
    allow(store, companies=["view", "update"])
    assert Planhat(access(fields_by_hand=True)).write_tallies({acme["_id"]: BUSY}) == {}
    assert custom(store, acme) == WRITTEN and watch.lines == ["PUT /companies"]


def test_a_company_that_is_gone_is_told_and_never_made(planhat: Planhat, store: Store, acme: Doc, globex: Doc) -> None:
    before = len(store.all("companies"))
    outcome = planhat.write_tallies({acme["_id"]: BUSY, NOBODY: BUSY, globex["_id"]: BUSY, " ": BUSY})
    assert sorted(outcome) == [" ", NOBODY] and all(isinstance(error, Gone) for error in outcome.values())
    assert len(store.all("companies")) == before and custom(store, acme) == custom(store, globex) == WRITTEN


def test_a_company_that_is_deleted_just_before_the_write_is_told_and_never_made(
    planhat: Planhat, store: Store, acme: Doc, globex: Doc, watch: Watch
) -> None:
    def before(line: str) -> None:
        if line == "PUT /companies":
            store.delete("companies", acme["_id"])

    watch.before = before
    outcome = planhat.write_tallies({acme["_id"]: BUSY, globex["_id"]: BUSY})
    assert [(ident, type(error)) for ident, error in outcome.items()] == [(acme["_id"], Gone)]
    assert store.get("companies", acme["_id"]) is None and custom(store, globex) == WRITTEN


def test_many_that_are_gone_take_one_more_look_and_one_more_write_at_most(
    planhat: Planhat, store: Store, watch: Watch
) -> None:
    known = [company["_id"] for company in store.all("companies")]
    planhat.write_tallies({known[0]: BUSY})
    watch.seen.clear()
    gone = [f"0123456789abcdef0123{number:04x}" for number in range(40)]
    outcome = planhat.write_tallies({ident: Tally(7) for ident in (*known, *gone)})
    assert sorted(outcome) == gone and all(isinstance(error, Gone) for error in outcome.values())
    assert watch.lines == ["GET /customfields", "PUT /companies", "GET /leancompanies"]


def test_a_company_that_is_closed_to_the_token_has_its_reason_and_the_rest_goes_through(
    planhat: Planhat, store: Store, acme: Doc, globex: Doc
) -> None:
    deny(store, globex)
    outcome = planhat.write_tallies({acme["_id"]: BUSY, globex["_id"]: BUSY})
    assert list(outcome) == [globex["_id"]] and outcome[globex["_id"]].code == "no_permission"
    assert custom(store, acme) == WRITTEN


def test_a_company_that_planhat_refuses_has_its_words_and_the_rest_goes_through(
    script: Script, access: MakeAccess
) -> None:
    refused = {"updatedErrors": [{"_id": "c2", "message": "Locked record"}], "updatesKeys": [{"_id": "c1"}]}
    script.answers = [(206, refused), (200, {"_id": "c2"})]
    outcome = Planhat(access(fields_by_hand=True)).write_tallies({"c1": BUSY, "c2": BUSY})
    assert list(outcome) == ["c2"] and "Locked record" in outcome["c2"].person


def test_a_company_that_planhat_makes_all_the_same_is_told(script: Script, access: MakeAccess) -> None:
    script.answers = [(200, {"created": 1, "insertsKeys": [{"_id": "c1"}], "updatesKeys": []})]
    outcome = Planhat(access(fields_by_hand=True)).write_tallies({"c1": BUSY})
    assert "empty one" in outcome["c1"].person
    assert script.seen[0].body == [{"_id": "c1", "custom": WRITTEN}]


def test_writing_the_same_figures_again_is_no_error(planhat: Planhat, acme: Doc, globex: Doc, notes: KeptNotes) -> None:
    figures = {acme["_id"]: BUSY, globex["_id"]: BUSY}
    assert [planhat.write_tallies(figures) for _ in range(2)] == [{}, {}]
