from __future__ import annotations

import pytest

from planeapp.lib.errors import FixSettings, Gone, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.providers.planner.client import Client
from planeapp.sandbox.planner.seed import READ_TOKEN
from planeapp.sandbox.planner.settings import change
from tests.providers.planner.conftest import Sandbox, Tokens

BODY = {"projectId": "prj_ramp", "title": "By REST", "startDate": "2026-11-23", "endDate": "2026-11-24"}


def test_both_feeds_are_read(sandbox: Sandbox) -> None:
    client = Client(sandbox.access())
    assert len(client.events(2)["events"]) == 2
    assert isinstance(client.zapier_events(), list)


def test_a_block_is_created_once_for_one_idempotency_key(sandbox: Sandbox) -> None:
    client = Client(sandbox.access())
    first, second = (client.create_block(BODY, "key-1")["block"]["id"] for _ in range(2))
    assert first == second


def test_a_refused_body_names_the_fields(sandbox: Sandbox) -> None:
    with pytest.raises(FixSettings) as refused:
        Client(sandbox.access()).create_block({"projectId": "nowhere", "startDate": "x"}, "")
    assert "send: title: is required. Check" in refused.value.person


def test_subscriptions_are_made_listed_and_ended(sandbox: Sandbox) -> None:
    client = Client(sandbox.access())
    made = client.create_subscription({"url": "http://127.0.0.1:9/x", "events": ["block.updated"]})["subscription"]
    assert made["signingSecret"] and made["id"] in str(client.list_subscriptions())
    client.delete_subscription(made["id"])
    with pytest.raises(Gone):
        client.delete_subscription(made["id"])


def test_the_subscriptions_prefix_is_a_setting(sandbox: Sandbox) -> None:
    client = Client(sandbox.access(settings={"subscriptions_prefix": "/v1/"}))
    with pytest.raises(Gone):
        client.list_subscriptions()
    assert sandbox.requests()[-1]["path"] == "/v1/integrations/webhooks/subscriptions"


def test_a_refused_token_is_renewed_once(sandbox: Sandbox) -> None:
    tokens = Tokens({"api": "plr_pat_pat_old.secret"}, {"api": sandbox.world.planner_token})
    assert Client(sandbox.access(tokens)).events(1)["events"]
    assert tokens.refused == ["plr_pat_pat_old.secret"]


def test_a_renewed_token_that_is_refused_too_needs_a_person(sandbox: Sandbox) -> None:
    tokens = Tokens({"api": "plr_pat_pat_old.secret"}, {"api": "plr_pat_pat_old2.secret"})
    with pytest.raises(ReconnectNeeded) as refused:
        Client(sandbox.access(tokens)).events(1)
    assert "connect" in refused.value.person and len(tokens.refused) == 1


def test_the_same_token_again_is_not_sent_twice(sandbox: Sandbox) -> None:
    tokens = Tokens({"api": "plr_pat_pat_old.secret"}, {"api": "plr_pat_pat_old.secret"})
    with pytest.raises(ReconnectNeeded):
        Client(sandbox.access(tokens)).events(1)
    assert len(sandbox.requests()) == 1


def test_a_missing_scope_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(FixSettings) as refused:
        Client(sandbox.access(Tokens({"api": READ_TOKEN}))).create_block(BODY, "")
    assert "blocks:write" in refused.value.person


def test_a_used_up_limit_says_how_long(sandbox: Sandbox) -> None:
    change(sandbox.store, "limits", per_minute=1)
    client = Client(sandbox.access())
    with pytest.raises(OutOfQuota) as full:
        for _ in range(2):
            client.events(1)
    assert full.value.delay is not None and full.value.delay > 0


@pytest.mark.parametrize(
    ("status", "body"), [(500, ""), (503, "busy"), (403, "<html>Access denied</html>"), (200, "<html>Hello</html>")]
)
def test_a_failing_server_is_tried_later(sandbox: Sandbox, status: int, body: str) -> None:
    sandbox.fault(path="/events", status=status, body=body)
    with pytest.raises(RetryLater) as later:
        Client(sandbox.access()).events()
    assert type(later.value) is RetryLater


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"status": 201, "body": "created"}])
def test_an_unclear_end_of_a_create_is_an_unknown_outcome(sandbox: Sandbox, fault: dict[str, object]) -> None:
    sandbox.fault(path="/actions/blocks", after=True, **fault)
    before = len(sandbox.store.all("blocks"))
    with pytest.raises(OutcomeUnknown):
        Client(sandbox.access()).create_block(BODY, "")
    assert len(sandbox.store.all("blocks")) == before + 1
