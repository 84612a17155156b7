"""The endpoints that every model has: list, create, bulk, and one record by id."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from planeapp.sandbox.planhat.bulk import upsert
from planeapp.sandbox.planhat.cleaning import by_ident, named
from planeapp.sandbox.planhat.gate import Call, Handler, Refusal, guarded, may, sees
from planeapp.sandbox.planhat.listing import page
from planeapp.sandbox.planhat.models import MODELS, Model
from planeapp.sandbox.planhat.shapes import shaped
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.planhat.writing import delete, index_of, insert, update
from planeapp.sandbox.store import Doc

NO_ID = ("", "extid-", "srcid-")


def model_routes(tenant: Tenant) -> list[BaseRoute]:
    """Routes of every model in the table."""
    routes: list[BaseRoute] = []
    for model in MODELS.values():
        many, one = guarded(tenant, _collection(model), model.path), guarded(tenant, _record(model), model.path)
        routes.append(Route(f"/{model.path}", many, methods=["GET", "POST", "PUT"]))
        routes.append(Route(f"/{model.path}/{{ident:path}}", one, methods=["GET", "POST", "PUT", "DELETE"]))
    return routes


def _collection(model: Model) -> Handler:
    async def answer(call: Call) -> Response:
        if call.request.method == "POST":
            return await _create(call, model)
        if call.request.method == "PUT":
            if not model.bulk:
                raise Refusal(404, f"Cannot PUT /{model.path}", "html")
            return upsert(call.tenant, model, await call.json(), call.token)
        return JSONResponse(page(call.tenant, model, call.request.query_params, call.token))

    return answer


def _record(model: Model) -> Handler:
    collection = _collection(model)

    async def answer(call: Call) -> Response:
        if call.ident in NO_ID and call.request.method != "DELETE":
            return await collection(call)  # an empty id is the list's route
        if call.request.method == "PUT":
            return await _change(call, model)
        if call.request.method == "DELETE":
            return _remove(call, model)
        if call.request.method == "POST":
            raise Refusal(404, f"Cannot POST /{model.path}/{call.ident}", "html")
        return JSONResponse(shaped(call.tenant, model.path, _found(call, model)))

    return answer


async def _create(call: Call, model: Model) -> Response:
    body = await call.json()
    _check_links(call, model, body)
    record = insert(call.tenant, model, body, index_of(call.tenant, model))
    return JSONResponse(shaped(call.tenant, model.path, record))


async def _change(call: Call, model: Model) -> Response:
    body = await call.json()
    if isinstance(body, dict) and "_id" in body:
        raise Refusal(400, "Mod on _id not allowed")
    if not may(call.token, model.path, "update"):
        raise Refusal(403, "Invalid or unauthorized model")
    _check_links(call, model, body)
    record, _ = update(call.tenant, model, _found(call, model), body, index_of(call.tenant, model))
    return JSONResponse(shaped(call.tenant, model.path, record))


def _check_links(call: Call, model: Model, body: Any) -> None:
    if isinstance(body, dict) and not sees(call.token, model.path, named(call.tenant, body)):
        raise Refusal(403, "Invalid or unauthorized model")


def _remove(call: Call, model: Model) -> Response:
    record = call.tenant.store.get(model.path, call.ident)
    if record is not None and not sees(call.token, model.path, record):
        raise Refusal(403, "Invalid or unauthorized model")
    return JSONResponse(delete(call.tenant, model.path, model.name, call.ident))


def _found(call: Call, model: Model) -> Doc:
    # Definitions of custom fields are the one model without extid- and srcid- paths.
    by_id_alone = model.keys == ("_id",)
    record = (
        call.tenant.store.get(model.path, call.ident) if by_id_alone else by_ident(call.tenant, model.path, call.ident)
    )
    if record is None:
        raise Refusal(404, "No such document")
    if not sees(call.token, model.path, record):
        raise Refusal(403, "Invalid or unauthorized model")
    return record
