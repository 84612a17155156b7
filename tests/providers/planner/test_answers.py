from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, Gone, OutcomeUnknown, RetryLater
from planeapp.providers.planner.answers import delay_from, error_for, problems, scope_refused, short
from planeapp.providers.planner.results import told

SHAPES: list[tuple[Any, list[str]]] = [
    ({"errors": [{"field": "title", "message": "is required"}]}, ["title: is required"]),
    ({"errors": [{"path": ["block", "start"], "message": "is no date"}]}, ["block.start: is no date"]),
    ({"issues": [{"path": ["title"], "message": "Required"}]}, ["title: Required"]),
    ({"fieldErrors": {"title": ["too long", "odd"]}}, ["title: too long", "title: odd"]),
    ({"detail": [{"loc": ["body", "start"], "msg": "no date"}]}, ["start: no date"]),
    ({"message": ["title is empty", "start is empty"]}, ["title is empty", "start is empty"]),
    ({"type": "about:blank", "title": "Bad", "detail": "The start is odd", "status": 400}, ["The start is odd", "Bad"]),
    ({"error": {"code": "x", "message": "No plan"}}, ["No plan"]),
    ({"error": "invalid_request", "error_description": "no"}, ["invalid_request", "no"]),
    ({"errors": {"title": "too short"}}, ["title: too short"]),
]


@pytest.mark.parametrize(("body", "expected"), SHAPES)
def test_field_messages_are_found_in_the_usual_shapes(body: Any, expected: list[str]) -> None:
    assert problems(body) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, FixSettings), (404, Gone), (408, RetryLater), (409, OutcomeUnknown), (302, FixSettings), (500, RetryLater)],
)
def test_a_status_has_one_meaning(status: int, expected: type[Exception]) -> None:
    assert type(error_for("GET /x", status, {}, "{}")) is expected


def test_a_good_answer_is_no_error() -> None:
    assert error_for("GET /x", 201, {}, "{}") is None


def test_a_scope_is_taken_from_the_challenge() -> None:
    error = error_for("POST /x", 403, {"www-authenticate": 'Bearer scope="blocks:write"'}, "{}", scope="other:read")
    assert error is not None and "blocks:write" in error.person


@pytest.mark.parametrize(("helps", "advice"), [(True, "press “Allow more”"), (False, "sign in instead")])
def test_a_missing_permission_of_a_sign_in_never_speaks_of_tokens(helps: bool, advice: str) -> None:
    error = scope_refused("MCP tools/call: 403", "blocks:write", helps=helps)
    assert advice in error.person and "token" not in error.person


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert delay_from({"retry-after": "7"}) == 7
    assert delay_from({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, now) == 30
    assert delay_from({"retry-after": "soon"}) is None and delay_from({}) is None


def test_credentials_in_a_server_s_words_are_hidden() -> None:
    assert "s3cret" not in short("token plr_pat_pat_a.s3cret and Bearer s3cret") and len(short("x" * 9000)) == 500


@pytest.mark.parametrize(
    ("text", "writes", "expected"),
    [
        ("There is no block b1.", True, Gone),
        ("Block not found", False, Gone),
        ("Internal server error", True, OutcomeUnknown),
        ("Internal server error", False, RetryLater),
        ("title: too long", True, FixSettings),
    ],
)
def test_a_tool_s_words_are_sorted(text: str, writes: bool, expected: type[Exception]) -> None:
    assert type(told(text, "MCP x", writes=writes)) is expected
