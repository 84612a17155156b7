"""Endpoints of their own shape: the token's profile, lean companies, metrics and activities."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from planeapp.sandbox.planhat.calls import open_door
from planeapp.sandbox.planhat.gate import Call, Refusal, guarded, sees
from planeapp.sandbox.planhat.models import METRICS
from planeapp.sandbox.planhat.shapes import lean
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.store import Doc


def lookup_routes(tenant: Tenant) -> list[BaseRoute]:
    """Routes of the endpoints in this file."""
    return [
        Route("/myprofile", guarded(tenant, _profile, None)),
        Route("/leancompanies", guarded(tenant, _lean, "companies")),
        Route("/dimensiondata", guarded(tenant, _metrics, METRICS)),
        Route("/dimensiondata/{uuid}", open_door(tenant, _push_metrics), methods=["POST"]),
        Route("/{uuid}/dimensiondata", open_door(tenant, _push_metrics), methods=["POST"]),
        Route("/analytics/bulk/{uuid}", open_door(tenant, _push_activities), methods=["POST"]),
        Route("/analytics/{uuid}", open_door(tenant, _push_activities), methods=["POST"]),
    ]


async def _profile(call: Call) -> Response:
    user = call.tenant.store.get("users", call.token.get("userId", ""))
    if user is None:
        raise Refusal(404, "No such document")
    return JSONResponse(user | {"isMyProfile": True})


async def _lean(call: Call) -> Response:
    params = call.request.query_params
    wanted = {name: params[name] for name in ("externalId", "sourceId", "status") if name in params}
    seen = (doc for doc in call.tenant.store.all("companies") if sees(call.token, "companies", doc))
    found = [doc for doc in seen if all((doc.get(name) or "") == value for name, value in wanted.items())]
    return JSONResponse([lean(doc) for doc in found])


async def _metrics(call: Call) -> Response:
    params = call.request.query_params
    wanted = {
        field: params[name] for name, field in (("cId", "companyId"), ("dimid", "dimensionId")) if params.get(name)
    }
    return JSONResponse(call.tenant.store.find(METRICS, **wanted))


async def _push_metrics(tenant: Tenant, body: Any) -> Response:
    errors: list[Doc] = []
    rows = body if isinstance(body, list) else [body]
    for row in rows:
        external = isinstance(row, dict) and (row.get("externalId") or row.get("companyExternalId"))
        if not external or not row.get("dimensionId") or "value" not in row:
            errors.append({"error": "dimensionId, value and externalId are required", "row": row})
            continue
        company = next(iter(tenant.store.find("companies", externalId=external)), {"_id": None})
        metric = row | {"_id": tenant.new_id(), "companyId": company["_id"], "date": row.get("date") or tenant.stamp()}
        tenant.store.put(METRICS, metric["_id"], metric)
    return JSONResponse({"processed": len(rows) - len(errors), "errors": errors})


async def _push_activities(tenant: Tenant, body: Any) -> Response:
    # Answered 200 before anything is looked at, so a 200 here proves nothing.
    for row in body if isinstance(body, list) else [body]:
        key = tenant.new_id()
        tenant.store.put("activities", key, {"_id": key, "body": row})
    return JSONResponse({"processed": len(body) if isinstance(body, list) else 1, "errors": []})
