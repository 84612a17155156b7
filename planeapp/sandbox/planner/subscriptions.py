"""``/integrations/webhooks/subscriptions``: who is told of changes. The path is Planner's, the bodies our own."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from planeapp.sandbox.planner.errors import Refused
from planeapp.sandbox.planner.rest import json_object
from planeapp.sandbox.planner.schedule import Invalid
from planeapp.sandbox.planner.services import services
from planeapp.sandbox.store import Doc

KINDS = ("block.created", "block.updated", "block.deleted")
Kind = Literal["block.created", "block.updated", "block.deleted", "*"]
PATH = "/integrations/webhooks/subscriptions"


class Wanted(BaseModel):
    """The body of a new subscription: where to, and which events (all without a list)."""

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+", max_length=2_000)]
    events: Annotated[list[Kind], Field(min_length=1)] = list(KINDS)  # type: ignore[arg-type]


async def subscriptions(request: Request) -> Response:
    """GET → ``{"subscriptions": [{id, url, events, active, createdAt}]}``, without secrets."""
    services(request).access.rest(request, "webhooks:read")
    return JSONResponse({"subscriptions": [_shown(row) for row in services(request).store.all("subscriptions")]})


async def subscribe(request: Request) -> Response:
    """POST ``{"url", "events"}`` → 201 ``{"subscription": {…, "signingSecret": …}}``; the secret is shown this once."""
    known = services(request)
    known.access.rest(request, "webhooks:write")
    try:
        wanted = Wanted.model_validate(await json_object(request))
    except ValidationError as error:
        raise Invalid(
            [{"field": str(problem["loc"][0]), "message": problem["msg"]} for problem in error.errors()]
        ) from error
    row: Doc = {
        "id": f"whs_{uuid4().hex[:16]}",
        "url": wanted.url,
        "events": list(wanted.events),
        "secret": f"plr_whsec_{secrets.token_urlsafe(24)}",
        "created_at": known.clock.now().isoformat(timespec="seconds"),
    }
    known.store.put("subscriptions", row["id"], row)
    return JSONResponse({"subscription": {**_shown(row), "signingSecret": row["secret"]}}, 201)


async def unsubscribe(request: Request) -> Response:
    """DELETE ``/{id}`` → 204; 404 when there is none. What still waited for it is not sent any more."""
    known = services(request)
    known.access.rest(request, "webhooks:write")
    key = request.path_params["key"]
    if known.store.get("subscriptions", key) is None:
        raise Refused(404, "not_found", f"There is no webhook subscription {key}.")
    known.store.delete("subscriptions", key)
    return Response(status_code=204)


def _shown(row: Doc) -> Doc:
    return {"id": row["id"], "url": row["url"], "events": row["events"], "active": True, "createdAt": row["created_at"]}


ROUTES = [
    Route(PATH, subscriptions),
    Route(PATH, subscribe, methods=["POST"]),
    Route(PATH + "/{key}", unsubscribe, methods=["DELETE"]),
]
