"""A record of Planhat → a company in our words: tables."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.providers.planhat.company_values import Reading, company, money, values
from planeapp.providers.planhat.team import Colleague

ADA = Colleague("ada@x.example", "Ada Lovelace", active=True)
READING = Reading({"u1": ADA}, frozenset({"Plan", "Seats"}), frozenset({"Plane open items"}), slug="acme")


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        ({}, {}),
        ({"phase": "Live", "status": "customer"}, {"phase": "Live", "status": "customer"}),
        ({"phase": None, "h": None, "arr": None}, {"phase": None, "health": None, "revenue": None}),
        ({"phase": "", "phaseSince": "x"}, {"phase": None}),
        ({"h": 7, "arr": 12}, {"health": 7.0, "revenue": 12.0}),
        ({"h": "good", "arr": True, "phase": 5}, {}),
        ({"renewalDate": "2027-01-31T23:00:00.000Z"}, {"renewal": "2027-01-31"}),
        ({"renewalDate": "soon"}, {}),
        ({"renewalDate": None}, {"renewal": None}),
        ({"tags": ["b", "a", "b", None]}, {"tags": ["a", "b"]}),
        ({"tags": None}, {"tags": []}),
        ({"owner": "u1"}, {"owner": "ada@x.example", "owner_name": "Ada Lovelace"}),
        ({"owner": {"_id": "u1", "nickName": "A"}}, {"owner": "ada@x.example", "owner_name": "Ada Lovelace"}),
        ({"owner": {"_id": "u9", "nickName": "Zoe"}}, {"owner_name": "Zoe"}),
        ({"owner": "u9"}, {}),
        ({"owner": None}, {"owner": None, "owner_name": None}),
        ({"custom": {"Plan": "Pro"}}, {"custom:Plan": "Pro", "custom:Seats": None}),
        ({"custom": {"Plan": ["A", 1], "Seats": 3}}, {"custom:Plan": ["A", "1"], "custom:Seats": 3.0}),
        ({"custom": {"Plan": False, "Seats": ""}}, {"custom:Plan": False, "custom:Seats": None}),
        ({"custom": {"Plan": {"a": 1}, "Undefined": 1, "Plane open items": 2}}, {"custom:Seats": None}),
    ],
)
def test_what_is_missing_is_not_known_and_null_is_empty(record: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert values(record, READING) == wanted


def test_without_definitions_every_key_that_a_company_has_is_told() -> None:
    reading = Reading(customs=None, ours=frozenset({"Plane open items"}))
    assert values({"custom": {"Plan": "Pro", "Plane open items": 2}}, reading) == {"custom:Plan": "Pro"}


@pytest.mark.parametrize(
    ("chosen", "record", "label", "amount"),
    [
        ("arr", {"arr": 120000, "mrr": 1}, "ARR", "120,000"),
        ("mrr", {"arr": 1, "mrr": 10000}, "MRR", "10,000"),
        ("custom:Net ARR", {"custom": {"Net ARR": 5}}, "Net ARR", "5"),
        ("custom:Net ARR", {"custom": {"Net ARR": " 1250.5 "}}, "Net ARR", "1,250"),
        ("custom:Net ARR", {"custom": {"Net ARR": "a lot"}}, "Net ARR", ""),
        ("custom:Net ARR", {"custom": {}}, "Net ARR", ""),
        ("arr", {"arr": 0}, "ARR", "0"),
        ("arr", {}, "ARR", ""),
    ],
)
def test_the_revenue_is_what_an_admin_chose(chosen: str, record: dict[str, Any], label: str, amount: str) -> None:
    assert money(record, chosen) == (label, amount)


def test_a_company_has_its_ids_lower_case_domains_and_its_page() -> None:
    record = {
        "_id": "c1",
        "name": "Acme",
        "externalId": "a/1",
        "sourceId": None,
        "domains": ["B.example", "a.example", ""],
    }
    found = company(record, READING)
    assert (found.id, found.name, found.external_id, found.source_id) == ("c1", "Acme", "a/1", "")
    assert found.domains == ("a.example", "b.example")
    assert found.url == "https://ws.planhat.com/acme/home/data-explorer/company?preview=Company.c1"


ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@given(
    st.dictionaries(
        st.sampled_from(["name", "phase", "h", "owner", "renewalDate", "tags", "custom", "domains", "arr"]),
        ODD | st.dictionaries(st.sampled_from(["Plan", "_id"]), ODD),
    )
)
def test_odd_records_are_read_without_failing(record: dict[str, Any]) -> None:
    assert company({**record, "_id": "c1"}, READING).id == "c1"
