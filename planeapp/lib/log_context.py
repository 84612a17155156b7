"""Ids in logs: a request's own (``X-Request-ID``), and what a task was woken by.

A wake-up that is published while something is in hand (a request, a delivery, a run) carries its ids in a header of the
task; the worker's log lines show them under ``woken_by``. What the worker then has in hand is said by its own ids
(``delivery``, ``item``, ``run`` …): one wake-up may find the rows of many.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars, get_contextvars

HEADER = "X-Request-ID"
RAW_HEADER = HEADER.lower().encode()
GOOD_ID = re.compile(r"[\w.:-]{8,80}", re.ASCII)
TASK_HEADER = "groundcrew_ids"
IDS = ("request", "delivery", "run", "turn", "job", "firing", "errand")
Message = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]


def request_id(given: str) -> str:
    """The id that came with a request, when it looks like one; else a new one."""
    return given if GOOD_ID.fullmatch(given) else uuid.uuid4().hex


class RequestId:
    """Django middleware: every log line of a request has its id, and the answer tells it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Around one request."""
        own = request_id(request.headers.get(HEADER, ""))
        clear_contextvars()  # the thread may keep what its last request left
        with bound_contextvars(request=own):
            answer = self.get_response(request)
        answer[HEADER] = own
        return answer


def with_request_id(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """An ASGI request's id, and its scope with exactly that id among the headers."""
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != RAW_HEADER]
    given = next((value for name, value in scope["headers"] if name.lower() == RAW_HEADER), b"")
    own = request_id(given.decode("latin-1"))
    return own, {**scope, "headers": [*headers, (RAW_HEADER, own.encode())]}


def telling(send: Send, own: str) -> Send:
    """A ``send`` that adds the id to the answer's headers."""

    async def told(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), (RAW_HEADER, own.encode())]}
        await send(message)

    return told


def carry() -> None:
    """Give our ids to the tasks that are published here, and bind them where tasks run."""
    before_task_publish.connect(_give, weak=False, dispatch_uid="ids")
    task_prerun.connect(_take, weak=False, dispatch_uid="ids")
    task_postrun.connect(_drop, weak=False, dispatch_uid="ids")


def _give(headers: MutableMapping[str, Any] | None = None, **_: Any) -> None:
    known = get_contextvars()
    ids = {name: str(known[name]) for name in IDS if known.get(name)}
    if headers is not None and ids:
        headers[TASK_HEADER] = ids


def _take(task_id: str = "", task: Any = None, **_: Any) -> None:
    clear_contextvars()  # a thread of the pool keeps what an earlier task left
    bind_contextvars(task=task.name, task_id=task_id)
    ids = task.request.get(TASK_HEADER) or (task.request.headers or {}).get(TASK_HEADER)
    if isinstance(ids, Mapping):
        bind_contextvars(woken_by={str(name): str(one) for name, one in ids.items()})


def _drop(**_: Any) -> None:
    clear_contextvars()
