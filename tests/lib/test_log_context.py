from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars, get_contextvars

from planeapp.lib import log_context
from planeapp.lib.log_context import TASK_HEADER, RequestId, request_id, with_request_id
from planeapp.lib.logs import logging_config


@pytest.fixture(autouse=True)
def _own_context() -> Iterator[None]:
    clear_contextvars()
    yield
    clear_contextvars()


@pytest.mark.parametrize("given", ["0123456789abcdef", "req-2026:11.21_7", "a" * 80])
def test_an_id_that_comes_with_a_request_is_kept(given: str) -> None:
    assert request_id(given) == given


@pytest.mark.parametrize("given", ["", "short", "a" * 81, "two words", "line\nbreak-long", '{"json": 1}', "ü" * 10])
def test_what_does_not_look_like_an_id_is_replaced(given: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", request_id(given))


def test_the_lines_of_a_request_carry_its_id_and_the_answer_tells_it() -> None:
    seen: list[Any] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(get_contextvars())
        return HttpResponse()

    bind_contextvars(left_over="from the thread's last request")
    answer = RequestId(view)(RequestFactory().get("/", headers={"X-Request-ID": "abcdef-123456"}))
    assert (seen, answer["X-Request-ID"]) == ([{"request": "abcdef-123456"}], "abcdef-123456")
    assert "request" not in get_contextvars()


def test_every_page_tells_its_id(client: Client) -> None:
    first, second = (client.get("/healthz")["X-Request-ID"] for _ in range(2))
    assert len(first) == 32 and first != second


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"X-Request-Id", b"abcdef-123456"), (b"a", b"b")], "abcdef-123456"),
        ([(b"x-request-id", b"\xff")], None),
        ([], None),
    ],
)
def test_a_door_sees_one_id_whoever_made_it(headers: list[tuple[bytes, bytes]], expected: str | None) -> None:
    own, scope = with_request_id({"headers": headers, "path": "/x"})
    assert expected in (own, None) and len(own) >= 8
    assert [value for name, value in scope["headers"] if name.lower() == b"x-request-id"] == [own.encode()]
    assert scope["path"] == "/x"


# Tasks


def published() -> dict[str, Any]:
    """The headers that a task gets that is published here and now."""
    headers: dict[str, Any] = {"id": "1"}
    before_task_publish.send(sender="x", headers=headers)
    return headers


def started(**request: Any) -> dict[str, Any]:
    """What the log lines of a task carry that came with these headers."""
    task = SimpleNamespace(name="sync.work_due", request={"headers": None, **request})
    task.request = SimpleNamespace(get=task.request.get, headers=task.request["headers"])
    task_prerun.send(sender=task.name, task_id="7", task=task)
    return dict(get_contextvars())


def test_what_is_in_hand_travels_with_the_task_that_it_wakes() -> None:
    with bound_contextvars(delivery="d-1", request="r-1", run=None, item="CUST-1"):
        headers = published()
    told = started(**headers)
    assert told == {"task": "sync.work_due", "task_id": "7", "woken_by": {"delivery": "d-1", "request": "r-1"}}


def test_a_task_that_nothing_woke_says_only_its_own_name() -> None:
    assert published() == {"id": "1"}
    assert started() == {"task": "sync.work_due", "task_id": "7"}


def test_a_task_starts_and_ends_without_what_the_thread_had_in_hand_before() -> None:
    bind_contextvars(run="old")
    assert "run" not in started(headers={TASK_HEADER: {"run": "new"}})
    assert get_contextvars()["woken_by"] == {"run": "new"}
    task_postrun.send(sender=None)
    assert get_contextvars() == {}


def test_the_signals_are_heard_once_however_often_they_are_set_up() -> None:
    before = len(before_task_publish.receivers)
    log_context.carry()
    assert len(before_task_publish.receivers) == before


def test_ids_stand_in_the_json_line_and_empty_ones_do_not() -> None:
    ours = logging_config("json")["formatters"]["ours"]
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(ours.pop("()")(**ours))
    logger = logging.getLogger("test.ids")
    logger.addHandler(handler)
    with bound_contextvars(delivery="d-1", request=None, run=None, woken_by={"turn": "t-1"}):
        structlog.get_logger("test.ids").warning("seen", count=None)
    logger.removeHandler(handler)
    line = json.loads(out.getvalue())
    assert (line["delivery"], line["woken_by"], line["count"]) == ("d-1", {"turn": "t-1"}, None)
    assert not {"request", "run"} & set(line)
