"""Phone calls: the authenticated endpoints and the open one under the tenant's UUID.

Field names are those of the API reference that the product follows (``nr``, ``externalUserId``, ``start``, ``end``,
``waiting``); the later names ``userId``, ``agentId``, ``phUserId`` and ``phAgentId`` are taken too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from planeapp.sandbox.planhat.gate import Call, Refusal, counted, guarded, may, read_json
from planeapp.sandbox.planhat.models import CALLS
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.planhat.writing import delete
from planeapp.sandbox.store import Doc

PEOPLE = ("externalUserId", "userId", "agentId", "phUserId", "phAgentId")


def call_routes(tenant: Tenant) -> list[BaseRoute]:
    """``/calls``, ``/calls/:id`` and ``/{tenantUUID}/calls``."""
    return [
        Route("/calls", guarded(tenant, _create, CALLS), methods=["POST"]),
        Route("/calls/{ident}", guarded(tenant, _record, CALLS), methods=["GET", "PUT", "DELETE"]),
        Route("/{uuid}/calls", open_door(tenant, _open_create), methods=["POST"]),
    ]


def open_door(tenant: Tenant, work: Any) -> Any:
    """An open endpoint: the UUID in the path is all it asks for, and a token sent along is refused as a leak."""

    async def endpoint(request: Request) -> Response:
        async def answer() -> Response:
            if "authorization" in request.headers:
                raise Refusal(400, "This endpoint is open: send no Authorization header")
            if request.path_params["uuid"] != tenant.world.planhat_tenant:
                raise Refusal(404, "No such tenant")
            response: Response = await work(tenant, await read_json(request))
            return response

        return await counted(tenant, "open", answer)

    return endpoint


async def _open_create(tenant: Tenant, body: Any) -> Response:
    store_call(tenant, body)
    return Response(status_code=200)


async def _create(call: Call) -> Response:
    return JSONResponse(store_call(call.tenant, await call.json()))


async def _record(call: Call) -> Response:
    if call.request.method == "DELETE":
        return JSONResponse(delete(call.tenant, CALLS, "Call", call.ident))
    record = call.tenant.store.get(CALLS, call.ident)
    if record is None:
        raise Refusal(404, "No such document")
    if call.request.method == "PUT":
        body = await call.json()
        if not may(call.token, CALLS, "update"):
            raise Refusal(403, "Invalid or unauthorized model")
        if not isinstance(body, dict) or "_id" in body:
            raise Refusal(400, "Mod on _id not allowed")
        record = _stored(call.tenant, record | body | {"updatedAt": call.tenant.stamp()})
    return JSONResponse(record)


def store_call(tenant: Tenant, body: Any) -> Doc:
    """Store a new call, matched by its number to a contact. Refusal 400 if it says too little."""
    if not isinstance(body, dict):
        raise Refusal(400, "Expected an object")
    now = tenant.stamp()
    return _stored(tenant, body | {"_id": tenant.new_id(), "createdAt": now, "updatedAt": now, "__v": 0})


def _stored(tenant: Tenant, record: Doc) -> Doc:
    if not record.get("nr") or not any(record.get(name) for name in PEOPLE):
        raise Refusal(400, "calls validation failed: nr and externalUserId are required.")
    start, end = _moment(record, "start"), _moment(record, "end")
    if start and end and end < start:
        raise Refusal(400, "calls validation failed: end is before start.")
    contact = next(
        (doc for doc in tenant.store.all("endusers") if _digits(doc.get("phone")) == _digits(record["nr"])), None
    )
    if contact is not None:
        record |= {"enduserId": contact["_id"], "matchedCompanyId": contact["companyId"]}
    return tenant.store.put(CALLS, record["_id"], record)


def _moment(record: Doc, name: str) -> datetime | None:
    value = record.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Refusal(400, f'Cast to date failed for value "{value}" at path "{name}"') from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _digits(number: Any) -> str:
    return "".join(letter for letter in str(number or "") if letter.isdigit())
