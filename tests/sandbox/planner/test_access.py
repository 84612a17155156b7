"""Tokens, scopes and the limit per token."""

from __future__ import annotations

import pytest

from planeapp.sandbox.planner.seed import SERVICE_TOKEN
from tests.sandbox.planner.conftest import Planner

EVENTS = "/v1/connectors/events"


def test_health_needs_no_token(planner: Planner) -> None:
    assert planner.http.get("/health").json() == {"status": "ok"}


def test_a_missing_and_a_wrong_token_are_refused_with_401(planner: Planner) -> None:
    missing, wrong = planner.http.get(EVENTS), planner.call("GET", EVENTS, "plr_pat_pat_x.y")
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "missing_token")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_token")
    assert wrong.headers["www-authenticate"] == "Bearer"


def test_a_token_in_the_query_is_refused_also_beside_a_good_header(planner: Planner) -> None:
    answer = planner.call("GET", EVENTS, params={"access_token": planner.world.planner_token})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_in_query")


def test_a_service_account_may_use_the_connectors(planner: Planner) -> None:
    assert planner.call("GET", EVENTS, SERVICE_TOKEN).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", EVENTS, "events:read"),
        ("GET", "/v1/connectors/zapier/triggers/events", "events:read"),
        ("POST", "/v1/connectors/actions/blocks", "blocks:write"),
        ("GET", "/integrations/webhooks/subscriptions", "webhooks:read"),
        ("POST", "/integrations/webhooks/subscriptions", "webhooks:write"),
        ("DELETE", "/integrations/webhooks/subscriptions/whs_x", "webhooks:write"),
    ],
)
def test_a_missing_scope_is_named_with_403(planner: Planner, method: str, path: str, scope: str) -> None:
    answer = planner.call(method, path, planner.token("projects:read"))
    assert answer.status_code == 403
    assert answer.json()["error"]["requiredScope"] == scope


def test_too_many_requests_get_429_until_the_minute_is_over(planner: Planner) -> None:
    planner.http.post("/settings/", data={"per_minute": "2"})
    assert [planner.call("GET", EVENTS).status_code for _ in range(3)] == [200, 200, 429]
    refused = planner.call("GET", EVENTS)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    planner.clock.advance(int(refused.headers["retry-after"]))
    assert planner.call("GET", EVENTS).status_code == 200


def test_the_limit_is_kept_per_token(planner: Planner) -> None:
    planner.http.post("/settings/", data={"per_minute": "1"})
    assert planner.call("GET", EVENTS).status_code == 200
    assert planner.call("GET", EVENTS, SERVICE_TOKEN).status_code == 200
    assert planner.call("GET", EVENTS).status_code == 429


def test_an_unknown_path_is_a_json_404(planner: Planner) -> None:
    answer = planner.call("GET", "/v1/nothing")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Not Found")
