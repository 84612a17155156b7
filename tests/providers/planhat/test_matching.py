"""Which company is meant: the order of finds."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.providers.planhat.matching import MOST, best, domain_of, exact, folded

ROWS: list[dict[str, Any]] = [
    {"_id": "c1", "name": "Acme Air", "externalId": "globex"},
    {"_id": "c2", "name": "Globex", "externalId": ""},
    {"_id": "c3", "name": "Globex Cargo", "domains": ["globex.example"]},
    {"_id": "c4", "name": "Golbex"},
    {"_id": "c5", "name": "Initech", "domains": None},
]
NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs"]), min_size=1, max_size=20).filter(str.strip)
LISTS = st.lists(NAMES, min_size=1, max_size=40).map(
    lambda names: [{"_id": f"c{number}", "name": name} for number, name in enumerate(names)]
)


def test_id_comes_before_name_before_beginning_before_likeness() -> None:
    assert [row["_id"] for row in best("globex", ROWS)] == ["c1", "c2", "c3", "c4"]


def test_a_domain_or_an_email_finds_its_company() -> None:
    assert [row["_id"] for row in best("jo@globex.example", ROWS)][0] == "c3"
    assert [row["_id"] for row in exact("globex.example", ROWS)] == ["c3"]


def test_ids_are_compared_with_their_case_and_names_without() -> None:
    assert [row["_id"] for row in exact("GLOBEX", ROWS)] == ["c2"]
    assert [row["_id"] for row in exact("c5", ROWS)] == ["c5"]


def test_an_empty_external_id_matches_nothing() -> None:
    assert best("", ROWS) == best("   ", ROWS) == []


@pytest.mark.parametrize(
    ("query", "domain"),
    [
        ("jo@Acme.example", "acme.example"),
        ("https://www.acme.example/about", "acme.example"),
        ("acme.example", "acme.example"),
        ("Acme Inc. Sweden", ""),
        ("Acme.", ""),
        ("acme", ""),
    ],
)
def test_a_domain_is_seen_in_what_people_write(query: str, domain: str) -> None:
    assert domain_of(query) == domain


@given(LISTS, st.data())
def test_an_exact_name_is_always_found_first(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(rows))
    first = best(wanted["name"].upper().lower(), rows)[:1]
    if folded(wanted["name"].upper().lower()) == folded(wanted["name"]):
        assert folded(first[0]["name"]) == folded(wanted["name"]) or first[0]["_id"] == wanted["name"].strip().lower()


@given(LISTS, NAMES, st.randoms(use_true_random=False))
def test_the_order_of_the_list_makes_no_difference(
    rows: list[dict[str, Any]], query: str, chance: random.Random
) -> None:
    mixed = rows.copy()
    chance.shuffle(mixed)
    assert best(query, mixed) == best(query, rows)


@given(LISTS, NAMES)
def test_no_company_is_offered_twice_and_never_more_than_a_page(rows: list[dict[str, Any]], query: str) -> None:
    found = [row["_id"] for row in best(query, rows)]
    assert len(found) == len(set(found)) <= MOST
