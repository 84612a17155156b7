"""What the workspaces' plan includes: Plane's switches of features, and the ways in which it says "not in your plan"."""

from __future__ import annotations

from collections.abc import Mapping

from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, Handler, of_workspace
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError, no_page

INCLUDED = "included"
REFUSALS: dict[str, ApiError] = {
    "switched off": ApiError(402, {"error": "Payment required"}),
    "not in plan (402)": ApiError(402, {"error": "Payment required"}),
    "not in plan (400)": ApiError(400, {"error": "Please upgrade your plan to use customers"}),
    "not served (404)": no_page(),
}
"""How the plan is answered differs between servers (Plane developer docs; plane-mcp-server, governance)."""
CHOICES = (INCLUDED, *REFUSALS)


def has_customers(plane: Plane) -> bool:
    """Whether customers can be used."""
    return bool(plane.setting("plan")["customers"] == INCLUDED)


def with_customers(handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """The same handlers, which refuse where the plan has no customers."""
    return {method: _gated(handler) for method, handler in handlers.items()}


def _gated(handler: Handler) -> Handler:
    def gated(call: Call) -> Answer:
        refusal = REFUSALS.get(call.plane.setting("plan")["customers"])
        if refusal is not None:
            raise ApiError(refusal.status, refusal.body)
        return handler(call)

    return gated


def _features(call: Call) -> Answer:
    chosen = call.plane.setting("plan")["customers"]
    if chosen == "not served (404)":  # such a server is the Community Edition, which has no such address either
        raise no_page()
    off = dict.fromkeys(
        ("project_grouping", "initiatives", "teams", "wiki", "pi", "work_item_types", "releases"), False
    )
    # The switch stays as it was when a plan ends.
    return 200, off | {"customers": chosen != "switched off", "states_owned_by_workspace": False}


def endpoints(workspace: str) -> list[Endpoint]:
    """The one address."""
    return [Endpoint(workspace + "features/", "workspaces.features", of_workspace, {"GET": _features})]
