"""The page of a workspace's customers: what each holds, and a form that makes one by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from planeapp.sandbox.plane import customer_properties, customers, pages, plans, work_items
from planeapp.sandbox.plane.auth import MEMBER
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc


def views() -> dict[str, Callable[[Plane, Request], Awaitable[Response]]]:
    """The one path and its view."""
    return {"/{slug}/customers/": _customers}


async def _customers(plane: Plane, request: Request) -> Response:
    workspace = pages.workspace_of(plane, request, MEMBER if request.method == "POST" else 0)
    if not plans.has_customers(plane):
        words = "Customers are not in this workspace's plan, or are switched off. An admin can change it in Settings."
        raise pages.Refusal(404, "No customers here", words)
    if request.method == "POST":
        name = str((await request.form()).get("name", "")).strip()
        if not name:
            raise pages.Refusal(400, "Nothing was added", "Give the customer a name.")
        customers.add(plane, workspace, pages.looking(plane, request), name=name[:255])
        return pages.back(request.url.path)
    rows = [_row(plane, row) for row in plane.live("customer", workspace=workspace["id"])]
    return pages.render(plane, request, "customers.html", workspace=workspace, customers=rows)


def _row(plane: Plane, customer: Doc) -> Doc:
    names = {row["id"]: row["display_name"] for row in plane.live("customer_property")}
    held = customer_properties.held(plane, customer)
    ties = plane.live("customer_tie", customer=customer["id"])
    items = {row["issue"]: item for row in ties if (item := plane.one("work_item", row["issue"]))}
    return {
        "customer": customer,
        "properties": [(names[key], ", ".join(values)) for key, values in held.items()],
        "keys": [work_items.key_of(plane, item) for item in items.values()],
    }
