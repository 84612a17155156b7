"""Bulk writes: what an answer says of each record, whatever its status and form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.lib.errors import FixSettings, RetryLater
from planeapp.providers.planhat import bulk
from planeapp.providers.planhat.bulk import BulkResult
from planeapp.providers.planhat.models import COMPANIES, ISSUES, Json, bulk_key
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.store import Doc, Store
from tests.providers.planhat.conftest import WORLD
from tests.providers.planhat.served import Script


def issue(number: int, **more: Any) -> dict[str, Any]:
    return {"title": f"Issue {number}", "sourceId": f"plane:w:{number}", **more}


def report(**more: Any) -> dict[str, Any]:
    return {"created": 0, "createdErrors": [], "updated": 0, "updatedErrors": [], "nonupdates": 0, **more}


def test_new_changed_and_unchanged_records_are_told_apart(sandbox: Api) -> None:
    first = sandbox.issues.upsert([issue(1), issue(2)])
    again = sandbox.issues.upsert([issue(1), issue(2, status="Done"), issue(3)])
    assert (first.created, first.updated, first.unchanged) == (2, 0, 0)
    assert (again.created, again.updated, again.unchanged) == (1, 1, 1)
    assert again.ids["plane:w:2"] == first.ids["plane:w:2"]
    assert not again.errors and "plane:w:1" not in again.ids


def test_a_failing_record_is_named_and_the_rest_goes_through(sandbox: Api, store: Store) -> None:
    rows = [issue(number) for number in range(30)]
    rows[17]["companyIds"] = ["nonsense"]
    result = sandbox.issues.upsert(rows)
    assert list(result.errors) == ["plane:w:17"] and "companyIds" in result.errors["plane:w:17"]
    assert result.created == 29 == len(store.all("issues"))
    assert result.unplaced == ()


def test_several_failing_records_get_each_its_own_message(sandbox: Api) -> None:
    rows = [issue(number) for number in range(12)]
    rows[3]["companyIds"], rows[8]["title"] = ["nonsense"], ""
    result = sandbox.issues.upsert(rows)
    assert set(result.errors) == {"plane:w:3", "plane:w:8"}
    assert "companyIds" in result.errors["plane:w:3"] and "title" in result.errors["plane:w:8"]


def test_when_every_record_fails_each_is_named(sandbox: Api) -> None:
    result = sandbox.issues.upsert([issue(1, title=""), issue(2, title="")])
    assert set(result.errors) == {"plane:w:1", "plane:w:2"} and result.created == 0


def test_a_missing_permission_on_one_record_leaves_the_others(
    sandbox: Api, store: Store, acme: Doc, globex: Doc
) -> None:
    token = store.get("tokens", WORLD.planhat_token) or {}
    store.put("tokens", WORLD.planhat_token, token | {"denied": [globex["_id"]]})
    result = sandbox.issues.upsert([issue(1, companyIds=[acme["_id"]]), issue(2, companyIds=[globex["_id"]])])
    assert list(result.permission_errors) == ["plane:w:2"]
    assert list(result.ids) == ["plane:w:1"]


def test_a_forbidden_model_raises_with_the_model_s_name(sandbox: Api, store: Store) -> None:
    token = store.get("tokens", WORLD.planhat_token) or {}
    store.put("tokens", WORLD.planhat_token, token | {"models": {"companies": ["view"]}})
    with pytest.raises(FixSettings) as caught:
        sandbox.issues.upsert([issue(1)])
    assert caught.value.code == "no_permission" and "issues" in caught.value.person


@pytest.mark.parametrize("status", [200, 206, 400, 403])
def test_the_report_is_read_whatever_the_status(script: Script, told: Api, status: int) -> None:
    said = report(created=1, insertsKeys=[{"_id": "i1", "sourceId": "plane:w:1"}])
    said["updatedErrors"] = [{"sourceId": "plane:w:2", "message": "locked"}]
    script.answers = [(status, said)]
    result = told.issues.upsert([issue(1), issue(2)])
    assert (result.ids, result.errors) == ({"plane:w:1": "i1"}, {"plane:w:2": "locked"})


@pytest.mark.parametrize(
    "error",
    [
        {"sourceId": "plane:w:2", "message": "locked"},
        {"item": {"sourceId": "plane:w:2", "title": "Issue 2"}, "error": "locked"},
        {"message": "plane:w:2: locked"},
        'Cannot write "plane:w:2", locked',
    ],
)
def test_an_error_finds_its_record_in_any_form(error: Any) -> None:
    result = bulk.read_report(report(createdErrors=[error]), ISSUES, [issue(1), issue(2), issue(20)])
    assert list(result.errors) == ["plane:w:2"] and "locked" in result.errors["plane:w:2"]


def test_an_error_that_names_no_record_or_two_is_unplaced() -> None:
    said = report(createdErrors=["no idea", "plane:w:1 and plane:w:2 clash", None])
    result = bulk.read_report(said, ISSUES, [issue(1), issue(2)])
    assert not result.errors
    assert result.unplaced == ("no idea", "plane:w:1 and plane:w:2 clash", "refused without a reason")


def test_a_body_that_is_no_report_is_an_error_by_its_status(script: Script, told: Api) -> None:
    script.answers = [(400, "Too many items"), (200, "<html>maintenance</html>"), (500, report())]
    for error in (FixSettings, RetryLater, RetryLater):
        with pytest.raises(error):
            told.issues.upsert([issue(1)])


def test_a_key_that_is_there_twice_is_sent_once_with_its_last_value(script: Script, told: Api) -> None:
    script.answers = [(200, report())]
    told.issues.upsert([issue(1), issue(2), issue(1, title="newer")])
    assert [row["title"] for row in script.seen[0].body] == ["newer", "Issue 2"]


def test_records_without_a_key_are_never_sent_twice(script: Script, told: Api) -> None:
    script.answers = [(206, report(createdErrors=["one of them is bad"]))]
    result = told.companies.upsert([{"name": "a"}, {"name": "b"}])
    assert len(script.seen) == 1 and result.unplaced == ("one of them is bad",)


def test_nothing_to_write_sends_nothing(script: Script, told: Api) -> None:
    assert told.issues.upsert([]) == BulkResult()
    assert script.seen == []


def test_ten_thousand_records_are_two_calls(script: Script, told: Api) -> None:
    script.answers = [(200, report(created=5000))]
    result = told.issues.upsert([issue(number) for number in range(10_000)])
    assert [len(seen.body) for seen in script.seen] == [5000, 5000]
    assert result.created == 10_000


@given(st.lists(st.text(max_size=40), max_size=60), st.integers(1, 7), st.integers(20, 200))
def test_batches_keep_order_and_both_limits(texts: list[str], items: int, size: int) -> None:
    rows: list[Json] = [{"title": text} for text in texts]
    made = list(bulk.batches(rows, items, size))
    assert [row for batch in made for row in batch] == rows
    assert all(0 < len(batch) <= items for batch in made)


@given(st.sets(st.integers(0, 99), max_size=6), st.integers(1, 100))
def test_anonymous_errors_are_always_pinned_on_the_records_that_fail(bad: set[int], count: int) -> None:
    failing = {f"plane:w:{number}" for number in bad if number < count}

    def put(rows: Sequence[Json]) -> BulkResult:
        keys = [bulk_key(ISSUES, row) for row in rows]
        ids = {key: "id" for key in keys if key not in failing}
        return BulkResult(created=len(ids), ids=ids, unplaced=tuple("bad" for key in keys if key in failing))

    result = bulk.write_all(put, ISSUES, [issue(number) for number in range(count)])
    assert set(result.errors) == failing and result.unplaced == ()
    assert len(result.ids) == count - len(failing)


def test_pinning_gives_up_after_a_number_of_calls_and_blames_the_rest() -> None:
    calls = []

    def put(rows: Sequence[Json]) -> BulkResult:
        calls.append(len(rows))
        return BulkResult(unplaced=("bad",) * len(rows))

    result = bulk.write_all(put, ISSUES, [issue(number) for number in range(1000)])
    assert len(result.errors) == 1000
    assert len(calls) <= bulk.PIN_CALLS + 2


def test_keys_count_in_the_order_that_planhat_uses() -> None:
    assert bulk_key(COMPANIES, {"externalId": "e", "sourceId": "s", "_id": "i"}) == "i"
    assert bulk_key(COMPANIES, {"externalId": "e", "sourceId": "s"}) == "s"
    assert bulk_key(ISSUES, {"externalId": "e"}) == ""
