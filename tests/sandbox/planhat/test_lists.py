"""Lists: bare arrays, pages, sorting, selecting, and filters that do nothing."""

from __future__ import annotations

import pytest

from tests.sandbox.planhat.conftest import Running


def _names(planhat: Running, query: str) -> list[str]:
    return [row["name"] for row in planhat.api.get(f"/companies?{query}").json()]


def test_a_list_is_a_bare_array(planhat: Running) -> None:
    rows = planhat.api.get("/companies").json()
    assert isinstance(rows, list)
    assert len(rows) == 14


def test_limit_and_offset_page_through_a_list_up_to_an_empty_page(planhat: Running) -> None:
    first, second = _names(planhat, "limit=10"), _names(planhat, "limit=10&offset=10")
    assert first + second == _names(planhat, "")
    assert _names(planhat, "offset=20") == []


@pytest.mark.parametrize(
    "query", ["name=Hooli", "externalId=hooli", "companyName=Hooli", "updatedSince=2030-01-01", "skip=5"]
)
def test_an_unknown_filter_is_ignored_without_a_word(planhat: Running, query: str) -> None:
    assert _names(planhat, query) == _names(planhat, "")


def test_an_empty_filter_value_lists_everything(planhat: Running) -> None:
    assert len(planhat.api.get("/endusers?companyId=").json()) == 9


def test_sort_goes_up_and_with_a_minus_down(planhat: Running) -> None:
    assert _names(planhat, "sort=arr&limit=1") == ["Cyberdyne"]
    assert _names(planhat, "sort=-arr&limit=2") == ["Hooli", "Umbrella Ltd"]


def test_sort_by_a_custom_value_puts_missing_values_first(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"custom": {"Seats": 5}})
    assert _names(planhat, "sort=custom.Seats")[-1] == "Acme Air"


def test_a_tenant_may_not_honour_the_sort(planhat: Running) -> None:
    planhat.store.put("settings", "quirks", {"unsorted": ["companies"]})
    assert _names(planhat, "sort=-arr") == _names(planhat, "")


def test_select_narrows_to_the_named_fields_and_the_id(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"custom": {"Plan": "Pro", "Seats": 1}})
    row = planhat.api.get("/companies?limit=1&select=name,custom.Plan,nonsense").json()[0]
    assert row == {"_id": planhat.company()["_id"], "name": "Acme Air", "custom": {"Plan": "Pro"}}


def test_select_tells_null_apart_from_a_field_that_is_not_there(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"phase": None})
    row = planhat.api.get("/companies?limit=1&select=phase,coOwner").json()[0]
    assert row == {"_id": planhat.company()["_id"], "phase": None}


def test_companies_default_to_a_hundred_rows(planhat: Running) -> None:
    planhat.api.put("/companies", json=[{"name": f"Company {n}"} for n in range(100)])
    assert len(_names(planhat, "")) == 100
    assert len(_names(planhat, "limit=0")) == 100
    assert len(_names(planhat, "limit=5000")) == 114


def test_companies_are_capped_at_five_thousand_rows(planhat: Running) -> None:
    planhat.api.put("/companies", json=[{"name": f"Company {n}"} for n in range(5000)])
    assert len(_names(planhat, "limit=9999&select=name")) == 5000


def test_conversations_default_to_thirty_rows(planhat: Running) -> None:
    company = planhat.company()["_id"]
    notes = [{"companyId": company, "externalId": f"n{n}", "subject": "S"} for n in range(31)]
    assert planhat.api.put("/conversations", json=notes).json()["created"] == 31
    assert len(planhat.api.get("/conversations").json()) == 30
    assert len(planhat.api.get("/conversations?limit=2000").json()) == 31


def test_issues_are_capped_at_two_thousand_rows(planhat: Running) -> None:
    planhat.api.put("/issues", json=[{"title": "T", "sourceId": f"s{n}"} for n in range(2001)])
    assert len(planhat.api.get("/issues?limit=5000&select=title").json()) == 2000
    assert len(planhat.api.get("/issues?limit=2000&offset=2000").json()) == 1


def test_several_companies_can_be_named_in_one_filter(planhat: Running) -> None:
    acme, globex = planhat.company()["_id"], planhat.company("globex")["_id"]
    rows = planhat.api.get(f"/endusers?companyId={acme},{globex}").json()
    assert {row["companyId"] for row in rows} == {acme, globex}
