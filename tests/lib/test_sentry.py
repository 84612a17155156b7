from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from planeapp.lib import sentry
from planeapp.lib.sentry import clean, scrub_event

WORKSPACE = "5b0f3c1e-9d0a-4c55-8f3b-2a1d6f7e8c90"
SECRETS = (
    WORKSPACE,
    "jo@acme.example",
    "acme-air",
    "pln_canary123456",
    "sessionid",
    "10.1.2.3",
    "opaque-door-id",
    "s3cret-body",
)
EVENT: dict[str, Any] = {
    "event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0",
    "level": "error",
    "platform": "python",
    "transaction": "/w/acme-air/pairs/",
    "server_name": "10.1.2.3",
    "user": {"id": WORKSPACE, "email": "jo@acme.example", "ip_address": "10.1.2.3"},
    "request": {
        "method": "POST", "url": "https://acme-air.example/webhooks/planner/opaque-door-id/?code=s3cret-body",
        "headers": {"Authorization": "Bearer pln_canary123456"}, "cookies": {"sessionid": "s3cret-body"},
        "data": {"token": "s3cret-body"}, "query_string": "code=s3cret-body", "env": {"REMOTE_ADDR": "10.1.2.3"},
    },
    "tags": {"workspace": WORKSPACE}, "extra": {"body": "s3cret-body"}, "contexts": {"x": {"email": "jo@acme.example"}},
    "breadcrumbs": {"values": [{"message": "GET /w/acme-air/"}]},
    "logentry": {"message": "failed for %s", "formatted": f"failed for jo@acme.example in {WORKSPACE}"},
    "exception": {"values": [{
        "type": "ValueError", "module": "builtins", "value": f"pln_canary123456 of jo@acme.example at /w/acme-air/{WORKSPACE}",
        "mechanism": {"data": {"body": "s3cret-body"}},
        "stacktrace": {"frames": [{"filename": "planeapp/sync/engine.py", "function": "run_pair", "lineno": 7,
                                   "vars": {"token": "pln_canary123456", "body": "s3cret-body"}}]},
    }]},
}  # fmt: skip


def test_nothing_of_who_or_with_what_leaves_the_house() -> None:
    told = json.dumps(scrub_event(EVENT, {}))
    assert [secret for secret in SECRETS if secret in told] == []


def test_where_in_the_code_it_happened_is_told() -> None:
    told = scrub_event(EVENT, {})
    (error,) = told["exception"]["values"]
    assert (told["event_id"], told["level"], error["type"]) == (EVENT["event_id"], "error", "ValueError")
    assert error["stacktrace"]["frames"] == [
        {"filename": "planeapp/sync/engine.py", "function": "run_pair", "lineno": 7}
    ]
    assert told["message"] == "failed for [e-mail] in [id]"
    assert told["request"] == {"method": "POST", "url": "/webhooks/planner/[hidden]/"}


def test_a_field_that_nobody_here_knows_is_not_passed_on() -> None:
    assert scrub_event({"level": "error", "brand_new": "jo@acme.example"}) == {"level": "error"}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("GET /w/acme/pairs/", "GET /w/[hidden]/pairs/"),
        ("Bearer abcdefgh", "Bearer [hidden]"),
        ("run " + "0" * 32, "run [id]"),
        ("12 items of 300", "12 items of 300"),
    ],
)
def test_texts_lose_what_names_a_customer(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    "event", [{}, {"exception": None}, {"exception": {"values": None}}, {"request": None, "logentry": None}]
)
def test_an_event_of_another_shape_is_no_second_error(event: dict[str, Any]) -> None:
    assert scrub_event(event).get("request") is None


def test_a_missing_sdk_is_said_in_one_line_and_nothing_else_happens(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sentry, "installed", lambda: False)
    assert sentry.start("https://key@sentry.example/1") is False
    assert "pip install sentry-sdk" in caplog.text and "key@" not in caplog.text


def test_the_sdk_is_started_with_our_scrubbing_and_without_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(sentry, "installed", lambda: True)
    monkeypatch.setitem(sys.modules, "sentry_sdk", SimpleNamespace(init=lambda **options: given.update(options)))  # type: ignore[arg-type]
    assert sentry.start("https://key@sentry.example/1") is True
    assert given["before_send"] is scrub_event and given["before_breadcrumb"]({"message": "x"}) is None
    assert (given["send_default_pii"], given["include_local_variables"]) == (False, False)
    assert given["max_request_body_size"] == "never"
