"""How the client asks, what it sends along, and what it makes of odd answers."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planeapp.lib.errors import FixSettings, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.providers.base import Access
from planeapp.providers.planhat import models
from planeapp.providers.planhat.answers import Pauses
from planeapp.providers.planhat.client import Client, address, segment
from planeapp.providers.planhat.models import CALLS
from planeapp.providers.planhat.quota import TERMS
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.store import Store
from tests.budgets import Kept
from tests.providers.planhat.conftest import WORLD, MakeAccess
from tests.providers.planhat.served import Script


def rows(first: int, last: int) -> list[dict[str, str]]:
    return [{"_id": f"{number:06d}"} for number in range(first, last)]


def test_the_token_goes_as_bearer_by_default(script: Script, told: Api) -> None:
    told.companies.page({"limit": 1})
    assert script.seen[0].headers["authorization"] == f"Bearer {WORLD.planhat_token}"


def test_basic_sends_the_token_as_user_with_an_empty_password(script: Script, access: MakeAccess) -> None:
    Api(access(auth="basic")).companies.page({"limit": 1})
    sent = script.seen[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == WORLD.planhat_token + ":"


def test_basic_is_accepted_by_planhat(sandbox: Api, access: MakeAccess) -> None:
    profile = Api(access(auth="basic")).my_profile()
    assert profile is not None and profile["email"] == "ada@sandbox.test"


def test_a_chosen_region_decides_the_host_and_none_keeps_the_operator_s(access: MakeAccess) -> None:
    assert address(access(region="us4")) == "https://api-us4.planhat.com"
    assert address(access(region="")).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("ident", ["", "  ", ".", ".."])
def test_an_unusable_id_is_refused_before_anything_is_sent(script: Script, told: Api, ident: str) -> None:
    for call in (told.companies.read, told.companies.delete):
        with pytest.raises(FixSettings):
            call(ident)
    with pytest.raises(FixSettings):
        told.companies.update(ident, {"name": "x"})
    assert script.seen == []


@given(st.text(min_size=1).filter(lambda text: text.strip() and text not in (".", "..")))
def test_any_id_is_one_segment_of_a_path(ident: str) -> None:
    assert not set("/?# ") & set(segment(ident))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12))
def test_any_external_id_reaches_planhat_as_it_is(sandbox: Api, store: Store, external: str) -> None:
    company = store.find("companies", name="Hooli")[0]
    store.put("companies", company["_id"], company | {"externalId": external})
    found = sandbox.companies.by_key("externalId", external)
    assert found is not None and found["_id"] == company["_id"]


def test_a_single_put_never_sends_the_id_in_its_body(script: Script, told: Api) -> None:
    script.answers = [(200, {})]
    told.companies.update("c1", {"_id": "c1", "phase": "live"})
    assert (script.seen[0].method, script.seen[0].path, script.seen[0].body) == (
        "PUT",
        "/companies/c1",
        {"phase": "live"},
    )


def test_lists_are_read_with_the_largest_page_of_their_model(script: Script, told: Api) -> None:
    for resource in (told.companies, told.issues, told.users, told.tasks):
        resource.all()
    limits = [dict(part.split("=") for part in seen.query.split("&"))["limit"] for seen in script.seen]
    assert limits == ["5000", "2000", "10000", "10000"]


def test_a_long_list_is_read_in_overlapping_pages_until_a_short_one(script: Script, told: Api) -> None:
    script.answers = [(200, rows(0, 2000)), (200, rows(1999, 3999)), (200, rows(3998, 4100))]
    scan = told.issues.all()
    assert (len(scan.records), scan.complete) == (4100, True)
    assert ["offset=1999" in script.seen[1].query, "offset=3998" in script.seen[2].query] == [True, True]


def test_rows_that_move_between_pages_make_a_scan_incomplete(script: Script, told: Api) -> None:
    script.answers = [(200, rows(0, 2000)), (200, rows(2001, 2100))]
    scan = told.issues.all()
    assert (len(scan.records), scan.complete) == (2099, False)


def test_a_list_that_ignores_the_offset_ends_and_is_incomplete(script: Script, told: Api) -> None:
    script.answers = [(200, rows(0, 2000))]
    scan = told.issues.all()
    assert (len(scan.records), scan.complete, len(script.seen)) == (2000, False, 2)


def test_a_page_that_may_have_been_cut_at_another_size_is_not_taken_for_the_end(script: Script, told: Api) -> None:
    script.answers = [(200, rows(0, 100)), (200, rows(99, 130))]
    scan = told.issues.all()
    assert (len(scan.records), scan.complete) == (130, True)


def test_a_scan_over_several_pages_of_the_sandbox_finds_every_record_once(
    sandbox: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.companies, "model", models.Model("companies", "Companies", 4))
    scan = sandbox.companies.all()
    assert scan.complete
    assert sorted(row["_id"] for row in scan.records) == sorted(row["_id"] for row in store.all("companies"))


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        ((401, "Unauthorized"), ReconnectNeeded, "reconnect_needed"),
        ((403, {"message": "no"}), FixSettings, "no_permission"),
        ((400, {"message": "Invalid or unauthorized model"}), FixSettings, "no_permission"),
        ((200, {"message": "Invalid or unauthorized model"}), FixSettings, "no_permission"),
        ((404, "<html>Cannot GET</html>"), FixSettings, "not_available"),
        ((400, "bad"), FixSettings, "fix_settings"),
        ((302, ""), FixSettings, "fix_settings"),
        ((429, "Too many requests"), OutOfQuota, "waiting_for_quota"),
        ((500, "<html>Failed</html>"), RetryLater, "retry_later"),
        ((504, ""), RetryLater, "retry_later"),
        ((200, "<html>maintenance</html>"), RetryLater, "retry_later"),
        ((200, {"error": "strange"}), RetryLater, "retry_later"),
        ((200, [1, 2]), RetryLater, "retry_later"),
        ((0, "["), RetryLater, "retry_later"),
    ],
)
def test_each_odd_answer_to_a_list_is_one_of_our_errors(
    script: Script, told: Api, answer: tuple[Any, ...], error: type[Exception], code: str
) -> None:
    script.answers = [answer]
    with pytest.raises(error) as caught:
        told.issues.page({"limit": 1})
    assert getattr(caught.value, "code", "") == code
    assert "<" not in str(caught.value)


def test_a_missing_permission_names_the_model_and_the_mend(script: Script, told: Api) -> None:
    script.answers = [(403, {"message": "Invalid or unauthorized model"})]
    with pytest.raises(FixSettings) as caught:
        told.endusers.page({"limit": 1})
    assert "Contacts (endusers)" in caught.value.person and "private app" in caught.value.person


@pytest.mark.parametrize(
    "answer", [(404, {"message": "No such document"}), (400, "No such document"), (200, None), (200, "")]
)
def test_a_record_that_is_gone_is_none_however_planhat_says_it(
    script: Script, told: Api, answer: tuple[Any, ...]
) -> None:
    script.answers = [answer]
    assert told.companies.read("c1") is None


@pytest.mark.parametrize("answer", [(0, "{"), (500, "<html>Failed to create company</html>"), (504, "")])
def test_a_post_whose_answer_is_lost_may_have_happened(script: Script, told: Api, answer: tuple[Any, ...]) -> None:
    script.answers = [answer]
    with pytest.raises(OutcomeUnknown):
        told.companies.create({"name": "Acme"})
    assert len(script.seen) == 1


def test_a_put_whose_answer_is_lost_can_be_sent_again(script: Script, told: Api) -> None:
    script.answers = [(0, "{")]
    with pytest.raises(RetryLater):
        told.companies.update("c1", {"phase": "live"})


def test_429_waits_60_seconds_and_then_120_until_planhat_answers_again() -> None:
    pauses = Pauses()
    assert [pauses.refused("a", 0.0), pauses.refused("a", 1.0), pauses.refused("b", 61.0)] == [60.0, 60.0, 60.0]
    assert pauses.refused("a", 61.0) == 120.0
    pauses.served("a")
    assert pauses.refused("a", 62.0) == 60.0


def test_a_retry_after_is_believed_when_there_is_one(script: Script, told: Api) -> None:
    script.answers = [(429, "", {"Retry-After": "7"})]
    with pytest.raises(OutOfQuota) as caught:
        told.companies.page({})
    assert caught.value.delay == 7.0


def test_the_sandbox_s_limit_ends_in_out_of_quota_with_a_minute_s_pause(sandbox: Api, store: Store) -> None:
    store.put("settings", "limits", {"calls": 1})
    sandbox.companies.page({"limit": 1})
    with pytest.raises(OutOfQuota) as caught:
        sandbox.companies.page({"limit": 1})
    assert caught.value.delay == 60.0


def test_calls_stop_where_planhat_s_own_count_leaves_only_the_spare_ones(script: Script, access: MakeAccess) -> None:
    api = Api(replace(access(), budget=Kept(TERMS)))
    script.answers = [(200, [], {"X-Rate-Limit-Limit": "200", "X-Rate-Limit-Remaining": "11"}), (200, []), (200, [])]
    api.companies.page({})
    api.companies.page({})
    with pytest.raises(OutOfQuota):
        api.companies.page({})
    assert len(script.answers) == 1


def test_after_a_429_no_call_is_made_for_a_minute(script: Script, access: MakeAccess) -> None:
    api = Api(replace(access(), budget=Kept(TERMS)))
    script.answers = [(429, "Too many requests"), (200, [])]
    for _ in range(2):
        with pytest.raises(OutOfQuota):
            api.companies.page({})
    assert len(script.answers) == 1


def test_the_open_endpoint_has_a_budget_of_its_own(script: Script, access: MakeAccess) -> None:
    kept = Kept(TERMS)
    api = Api(replace(access(), budget=kept))
    script.answers = [(200, {"_id": "1"})]
    api.client.open_post(CALLS, "tenant-uuid", {})
    assert kept.used == {"open": 1}


def test_a_refused_token_is_exchanged_once_when_a_newer_one_is_there(sandbox: Api, access: MakeAccess) -> None:
    old = access()

    def token(slot: str = "main", *, refused: str = "") -> str:
        return WORLD.planhat_token if refused else "stale"

    fresh = Client(Access(old.http, old.base_url, token))
    assert len(fresh.page(models.COMPANIES, {"limit": 1})) == 1


def test_no_error_repeats_the_token_even_when_planhat_does(script: Script, told: Api) -> None:
    script.answers = [(401, {"message": f"bad token {WORLD.planhat_token}"})]
    with pytest.raises(ReconnectNeeded) as caught:
        told.companies.page({})
    assert WORLD.planhat_token not in f"{caught.value} {caught.value.person}"


def test_a_delete_is_done_with_any_body_and_false_when_nothing_was_there(script: Script, told: Api) -> None:
    script.answers = [(204, ""), (200, "OK"), (200, {"n": 0, "ok": 1, "deletedCount": 0}), (404, "")]
    assert [told.companies.delete("c1") for _ in range(4)] == [True, True, False, False]
