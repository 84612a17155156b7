"""Phone calls: with the token, or on the open endpoint, whose tenant id nothing tells."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta, timezone

import pytest

from planeapp.lib.errors import FixSettings, GroundcrewError, OutcomeUnknown
from planeapp.providers.base import PhoneCall
from planeapp.providers.planhat.provider import Planhat
from planeapp.providers.planhat.resources import Api
from planeapp.sandbox.store import Store
from tests.providers.planhat.conftest import WORLD, MakeAccess, allow
from tests.providers.planhat.served import Script
from tests.providers.planhat.test_hidden import whole_story

START = datetime(2026, 11, 23, 15, 0, tzinfo=timezone(timedelta(hours=1)))
CALL = PhoneCall("+46 70 123 45 67", "ada@sandbox.test", START, START + timedelta(minutes=12), 10)
TENANT = WORLD.planhat_tenant
NO_USERS: tuple[int, list[object]] = (200, [])


def test_a_call_is_written_down_with_the_names_of_the_api_page(planhat: Planhat, store: Store) -> None:
    ident = planhat.log_call(CALL)
    (made,) = store.all("calls")
    assert ident == made["_id"]
    assert (made["nr"], made["externalUserId"], made["waiting"]) == (CALL.number, "ada@sandbox.test", 10)
    assert (made["start"], made["end"]) == ("2026-11-23T14:00:00.000Z", "2026-11-23T14:12:00.000Z")


def test_the_colleague_is_named_by_the_id_in_the_customer_s_own_system(
    planhat: Planhat, sandbox: Api, store: Store
) -> None:
    sandbox.users.update(store.all("users")[0]["_id"], {"externalId": "max123"})
    planhat.log_call(CALL)
    assert store.all("calls")[0]["externalUserId"] == "max123"


def test_a_tenant_with_the_later_names_gets_those(sandbox: Api, access: MakeAccess, store: Store) -> None:
    Planhat(access(call_names="later")).log_call(PhoneCall("1", "ada@sandbox.test"))
    (made,) = store.all("calls")
    assert made["agentId"] == "ada@sandbox.test" and not {"externalUserId", "start", "waiting"} & made.keys()


def test_a_token_that_may_not_log_calls_uses_the_open_endpoint(planhat: Planhat, store: Store) -> None:
    allow(store, companies=["view"])
    assert planhat.log_call(CALL) == ""
    assert [call["nr"] for call in store.all("calls")] == [CALL.number]


def test_a_call_can_be_taken_back_however_often(planhat: Planhat, store: Store) -> None:
    ident = planhat.log_call(CALL)
    for _ in range(2):
        planhat.remove_call(ident)
    assert store.all("calls") == []


def test_an_account_without_calls_is_sent_the_open_one_without_a_token(script: Script, access: MakeAccess) -> None:
    script.answers = [NO_USERS, (404, "<html>Cannot POST /calls</html>"), (200, "")]
    Planhat(access()).log_call(CALL)
    users, closed, opened = script.seen
    assert (closed.path, opened.path) == ("/calls", f"/{TENANT}/calls") and opened.body == closed.body
    assert "authorization" in closed.headers and "authorization" not in opened.headers


def test_without_the_tenant_s_id_the_refusal_is_shown(script: Script, access: MakeAccess) -> None:
    script.answers = [NO_USERS, (404, "<html>Cannot POST /calls</html>")]
    with pytest.raises(FixSettings) as caught:
        Planhat(access({"api": "token"})).log_call(CALL)
    assert caught.value.code == "not_available" and len(script.seen) == 2


@pytest.mark.parametrize("answer", [(504, ""), (0, "{")])
def test_a_lost_answer_is_not_sent_another_way(script: Script, access: MakeAccess, answer: tuple[int, str]) -> None:
    script.answers = [NO_USERS, answer]
    with pytest.raises(OutcomeUnknown):
        Planhat(access()).log_call(CALL)
    assert len(script.seen) == 2


def test_a_body_that_planhat_refuses_is_not_sent_another_way(planhat: Planhat, store: Store) -> None:
    with pytest.raises(FixSettings):
        planhat.log_call(PhoneCall("1", "ada@sandbox.test", START, START.astimezone(UTC) - timedelta(hours=1)))
    assert store.all("calls") == []


@pytest.mark.parametrize("status", [0, 400, 401, 403, 404, 429, 500])
def test_neither_an_error_nor_a_log_line_tells_the_tenant(
    script: Script, access: MakeAccess, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx2")
    script.answers = [NO_USERS, (403, {"message": "no"}), (status, {"message": f"no tenant {TENANT}"})]
    with pytest.raises(GroundcrewError) as caught:
        Planhat(access()).log_call(CALL)
    assert script.seen[-1].path == f"/{TENANT}/calls"
    assert TENANT not in whole_story(caught.value) and TENANT not in caplog.text and "<tenant>" in caplog.text


def test_no_log_line_tells_the_tenant_when_all_is_well(
    planhat: Planhat, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    allow(store, companies=["view"])
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx2")
    planhat.log_call(CALL)
    assert TENANT not in caplog.text and "/<tenant>/calls" in caplog.text
