"""What Plane's answers mean: captured refusals, and those that only the docs describe."""

from __future__ import annotations

import json
from email.utils import formatdate

import httpx2
import pytest

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.plane.answers import (
    AlreadyThere,
    PlaneBroke,
    ServerTrouble,
    raise_for_response,
    vendor_message,
    wait_seconds,
)
from tests.plane.conftest import captured

ITEM = "https://api.plane.so/api/v1/workspaces/acme/projects/p/work-items/i/?search=secret"
CAPTURED = [
    ("002", ReconnectNeeded, "reconnect_needed", "Authentication credentials were not provided."),
    ("005", FixSettings, "permission", "You do not have permission to perform this action."),
    ("013", FixSettings, "fix_settings", "name: This field is required."),
    ("022", AlreadyThere, "already_there", "Label with the same name already exists in the project"),
    ("027", AlreadyThere, "already_there", "Issue with the same external id and external source already exists"),
    ("042", Gone, "gone", "The requested resource does not exist."),
    ("062", FixSettings, "fix_settings", 'priority: "critical" is not a valid choice.'),
    ("065", FixSettings, "fix_settings", "Start date cannot exceed target date"),
    ("068", FixSettings, "fix_settings", 'labels: Invalid pk "00000000-0000-0000-0000-000000000005"'),
    ("074", FixSettings, "fix_settings", "JSON parse error"),
    ("077", FixSettings, "fix_settings", 'Method "PUT" not allowed.'),
    ("081", AlreadyThere, "already_there", "Work item comment with the same external id"),
    ("093", FixSettings, "fix_settings", "The payload is not valid"),
    ("097", FixSettings, "fix_settings", "URL already exists for this Issue"),
    ("129", FixSettings, "fix_settings", "no message"),
    ("138", PlaneBroke, "retry_later", "Something went wrong please try again later"),
    ("150", OutOfQuota, "waiting_for_quota", "RATE_LIMIT_EXCEEDED"),
]


def answer(
    status: int, body: object = None, headers: dict[str, str] | None = None, method: str = "GET", url: str = ITEM
) -> httpx2.Response:
    """An answer to a request; a text body is HTML, anything else JSON."""
    kind = "text/html" if isinstance(body, str) else "application/json; charset=utf-8"
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {"content-type": kind, **(headers or {})}
    return httpx2.Response(status, content=content, headers=headers, request=httpx2.Request(method, url))


def refused(response: httpx2.Response) -> GroundcrewError:
    """The error that an answer becomes."""
    with pytest.raises(GroundcrewError) as refusal:
        raise_for_response(response)
    return refusal.value


@pytest.mark.parametrize(("name", "kind", "code", "told"), CAPTURED)
def test_captured_refusals_are_sorted(name: str, kind: type[GroundcrewError], code: str, told: str) -> None:
    call = captured(name, "plane_api")
    got, asked = call["response"], call["request"]
    url = f"https://api.plane.so{asked['path']}"
    error = refused(answer(got["status"], got["body"] or "", got["headers"] | {}, asked["method"], url))
    assert (type(error), error.code) == (kind, code)
    assert str(error).startswith(f"{asked['method']} https://api.plane.so/")
    assert f"answered {got['status']}: {told}" in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (403, "<html>Attention required</html>", RetryLater, "retry_later"),
        (401, "<html>login</html>", RetryLater, "retry_later"),
        (404, "<html>no such host</html>", RetryLater, "retry_later"),
        (400, "<html>bad</html>", RetryLater, "retry_later"),
        (413, "<html>too large</html>", FixSettings, "fix_settings"),
        (413, {"error": "REQUEST_BODY_TOO_LARGE", "detail": "5 MiB"}, FixSettings, "fix_settings"),
        (200, "<html>welcome</html>", ServerTrouble, "retry_later"),
        (502, "<html>bad gateway</html>", ServerTrouble, "retry_later"),
        (402, {"error": "Payment required"}, FixSettings, "plan"),
        (400, {"error": "Please upgrade your plan to use this"}, FixSettings, "plan"),
        (400, {"code": "workspace_managed"}, FixSettings, "workspace_managed"),
        (400, {"code": {}}, FixSettings, "fix_settings"),
        (422, {"name": ["no"]}, FixSettings, "fix_settings"),
        (429, "<html>slow down</html>", OutOfQuota, "waiting_for_quota"),
        (503, "<html>down</html>", RetryLater, "retry_later"),
        (302, None, FixSettings, "fix_settings"),
    ],
)  # fmt: skip
def test_other_refusals_are_sorted(status: int, body: object, kind: type[GroundcrewError], code: str) -> None:
    error = refused(answer(status, body))
    assert (type(error), error.code) == (kind, code)
    assert error.person


@pytest.mark.parametrize(
    "response", [answer(200, {"id": 1}), answer(201, []), httpx2.Response(204, request=httpx2.Request("DELETE", ITEM))]
)
def test_a_readable_answer_passes(response: httpx2.Response) -> None:
    assert raise_for_response(response) is None


def test_a_conflict_names_the_row_that_is_there() -> None:
    error = refused(answer(409, {"error": "taken", "id": "i-1"}))
    assert isinstance(error, AlreadyThere)
    assert error.existing_id == "i-1"


def test_a_conflict_without_an_id_names_none() -> None:
    error = refused(answer(409, {"error": "taken", "id": 7}))
    assert isinstance(error, AlreadyThere)
    assert error.existing_id == ""


def test_a_refused_permission_names_the_scope_and_the_membership() -> None:
    error = refused(answer(403, {"detail": "no"}, method="PATCH"))
    assert "projects.work_items:write" in error.person
    assert "add the bot to the project" in error.person


def test_the_log_text_leaves_the_query_out() -> None:
    assert "secret" not in str(refused(answer(404, {"error": "x"})))


@pytest.mark.parametrize(
    ("headers", "delay"),
    [
        ({"Retry-After": "7"}, 7),
        ({}, 60),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "99999999"}, 3600),
        ({"Retry-After": "soon"}, 60),
    ],
)
def test_a_used_up_quota_says_how_long_to_wait(headers: dict[str, str], delay: float) -> None:
    error = refused(answer(429, {"error_code": 5900}, headers))
    assert isinstance(error, OutOfQuota)
    assert error.delay == delay


def test_a_date_in_retry_after_is_read() -> None:
    response = answer(503, None, {"Retry-After": formatdate(4_000_000_000, usegmt=True)})
    assert wait_seconds(response, None) == 3600


def test_a_long_message_is_cut_and_stays_on_one_line() -> None:
    told = vendor_message({"error": "line\n" * 200})
    assert len(told) == 300
    assert "\n" not in told


@pytest.mark.parametrize(
    "body", [None, [], {}, 7, {"id": "x", "status": 400}, {"a": {"b": {"c": {"d": {"e": "deep"}}}}}]
)
def test_a_body_without_words_gives_no_message(body: object) -> None:
    assert vendor_message(body) == ""


def test_problem_json_is_readable() -> None:
    body = {
        "status": 400,
        "type": "x",
        "title": "Bad",
        "detail": "No",
        "errors": [{"field": "name", "message": "empty"}],
    }
    assert vendor_message(body) == "No; Bad; empty; field: name"
