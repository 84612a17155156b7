"""Tickets: upsert by ``sourceId``, list, delete; nothing else (Planhat developer docs, "Ticket")."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from planeapp.sandbox.planhat.gate import Call, Refusal, guarded, may
from planeapp.sandbox.planhat.listing import page_of
from planeapp.sandbox.planhat.models import TICKETS
from planeapp.sandbox.planhat.rules import company_for
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.planhat.writing import delete
from planeapp.sandbox.store import Doc


def ticket_routes(tenant: Tenant) -> list[BaseRoute]:
    """``/tickets`` and ``/tickets/:id``."""
    return [
        Route("/tickets", guarded(tenant, _tickets, TICKETS.path), methods=["GET", "PUT"]),
        Route("/tickets/{ident}", guarded(tenant, _drop_ticket, TICKETS.path), methods=["DELETE"]),
    ]


async def _tickets(call: Call) -> Response:
    if call.request.method == "GET":
        records = call.tenant.store.find("conversations", type="ticket")
        return JSONResponse(page_of(call.tenant, TICKETS, records, call.request.query_params, call.token))
    body = await call.json()
    if not may(call.token, TICKETS.path, "update"):
        raise Refusal(403, "Invalid or unauthorized model")
    stored = [_stored_ticket(call.tenant, item) for item in (body if isinstance(body, list) else [body])]
    kept = [ticket for ticket in stored if ticket is not None]
    return JSONResponse(kept if isinstance(body, list) else (kept[0] if kept else {}))


def _stored_ticket(tenant: Tenant, item: Any) -> Doc | None:
    """Upsert on ``sourceId``; a ticket without the requester's e-mail is dropped without a word."""
    if not isinstance(item, dict) or not item.get("sourceId"):
        raise Refusal(400, "tickets validation failed: sourceId is required.")
    if not item.get("email"):
        return None
    old = next(iter(tenant.store.find("conversations", type="ticket", sourceId=item["sourceId"])), None)
    now = tenant.stamp()
    base = old or {"_id": tenant.new_id(), "createdAt": now, "date": now, "archived": False, "custom": {}, "__v": 0}
    fields = {name: value for name, value in item.items() if name != "_id"}
    ticket = base | fields | {"type": "ticket", "subject": item.get("title"), "updatedAt": now}
    ticket["companyId"] = ticket.get("companyId") or company_for(tenant, item["email"])
    return tenant.store.put("conversations", ticket["_id"], ticket)


async def _drop_ticket(call: Call) -> Response:
    return JSONResponse(delete(call.tenant, "conversations", "Conversation", call.ident))
