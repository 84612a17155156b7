"""The connector endpoints: events for Make.com, n8n and Zapier, and the action that creates a block.

Paths and scopes are Planner's (developer page, "Connector endpoints"); the bodies are not public, so they
are this sandbox's own.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from planeapp.sandbox.planner.errors import Refused
from planeapp.sandbox.planner.schedule import Invalid
from planeapp.sandbox.planner.services import services
from planeapp.sandbox.planner.wire import INSIDE, NAMES, wire_block
from planeapp.sandbox.store import Doc, Store

MOST_EVENTS = 100


async def health(request: Request) -> Response:
    """``GET /health``: no token needed."""
    return JSONResponse({"status": "ok"})


async def events(request: Request) -> Response:
    """``GET /v1/connectors/events?limit=25`` → ``{"events": […], "limit": 25, "hasMore": false}``, newest first."""
    services(request).access.rest(request, "events:read")
    rows, limit = services(request).store.all("events"), _limit(request)
    return JSONResponse({"events": _newest(rows, limit), "limit": limit, "hasMore": len(rows) > limit})


async def zapier_events(request: Request) -> Response:
    """``GET /v1/connectors/zapier/triggers/events`` → a bare list, newest first, each with a unique ``id``."""
    services(request).access.rest(request, "events:read")
    return JSONResponse(_newest(services(request).store.all("events"), _limit(request)))


async def create_block(request: Request) -> Response:
    """``POST /v1/connectors/actions/blocks`` → 201 ``{"block": {…}}``; 422 with ``errors[].{field, message}``.

    ``startDate``/``endDate`` (inclusive) make a whole-day block, ``start``/``end`` date-times a timed one. The answer
    to an ``Idempotency-Key`` is kept and given again.
    """
    known = services(request)
    caller = known.access.rest(request, "blocks:write")
    body = await json_object(request)
    key = f"{caller.token} {request.headers.get('idempotency-key', '')}"
    before = known.store.get("answers", key)
    print_of_body = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    if before is not None:
        if before["body"] != print_of_body:
            raise Invalid(
                [{"field": "Idempotency-Key", "message": "was used before with another body; take a new one"}]
            )
        return JSONResponse(before["answer"], 201, {"Idempotent-Replayed": "true"})
    try:
        answer = {"block": wire_block(known.schedule.create(_fields(body)))}
    except Invalid as error:
        raise error.renamed(_outside(body)) from error
    _remember(known.store, key, print_of_body, answer)
    return JSONResponse(answer, 201)


async def json_object(request: Request) -> Doc:
    """The body as an object. Raises Refused: 415 when it is not said to be JSON, 400 when it is not an object."""
    if "json" not in request.headers.get("content-type", ""):
        raise Refused(415, "not_json", "Send the body as application/json.")
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise Refused(400, "bad_json", "The body is not readable as JSON.") from error
    if not isinstance(body, dict):
        raise Refused(400, "bad_json", "The body must be a JSON object.")
    return body


def _fields(body: Doc) -> Doc:
    given: dict[str, Any] = {INSIDE.get(name, name): value for name, value in body.items() if value is not None}
    for name in ("start", "end"):
        days = given.pop(f"{name}Date", None)
        if name not in given and days is not None:
            given[name] = days
    if "start" in body and "all_day" not in given:
        given["all_day"] = False
    return given


def _outside(body: Doc) -> dict[str, str]:
    """What this body calls the fields: a start that came (or is missing) as a day is named startDate."""
    days = {name: f"{name}Date" for name in ("start", "end") if name not in body}
    return NAMES | days


def _remember(store: Store, key: str, print_of_body: str, answer: Doc) -> None:
    if not key.endswith(" "):
        store.put("answers", key, {"body": print_of_body, "answer": answer})


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "25")
    if not text.isdecimal() or not 1 <= int(text) <= MOST_EVENTS:
        raise Invalid([{"field": "limit", "message": f"must be a whole number from 1 to {MOST_EVENTS}"}])
    return int(text)


def _newest(rows: list[Doc], limit: int) -> list[Doc]:
    return rows[::-1][:limit]


ROUTES = [
    Route("/health", health),
    Route("/v1/connectors/events", events),
    Route("/v1/connectors/zapier/triggers/events", zapier_events),
    Route("/v1/connectors/actions/blocks", create_block, methods=["POST"]),
]
