"""The admin's pages: the sandbox's own switches, the marketplace, and the log of webhook deliveries."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from planeapp.sandbox.plane import installs, pages, plans
from planeapp.sandbox.plane.auth import ADMIN
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc

CHOICES = {"format": ("v1", "v2", "both"), "agent": ("flat", "wrapped", "off"), "prompt": ("text", "html")}
SHOWN = 100


def views() -> dict[str, Callable[[Plane, Request], Awaitable[Response]]]:
    """Paths and views."""
    return {
        "/{slug}/settings/": _settings,
        "/{slug}/settings/integrations/": _integrations,
        "/{slug}/marketplace/": _integrations,
        "/{slug}/settings/webhooks/": _webhooks,
    }


async def _settings(plane: Plane, request: Request) -> Response:
    """Calls per minute, the forms of webhooks and the plan; they hold for all workspaces of the sandbox."""
    workspace = pages.workspace_of(plane, request, ADMIN)
    if request.method == "POST":
        form = await request.form()
        number = str(form.get("per_minute", plane.setting("limits")["per_minute"]))
        chosen = {name: str(form.get(name, plane.setting("webhooks")[name])) for name in CHOICES}
        plan = str(form.get("customers", plane.setting("plan")["customers"]))
        known = plan in plans.CHOICES and all(value in CHOICES[name] for name, value in chosen.items())
        if not number.isdigit() or not known:
            raise pages.Refusal(400, "Not saved", "Give a whole number of calls and one of the offered choices.")
        plane.store.put("settings", "limits", {"per_minute": int(number)})
        plane.store.put("settings", "webhooks", chosen)
        plane.store.put("settings", "plan", {"customers": plan})
        return pages.back(request.url.path)
    now: Doc = {name: plane.setting(name) for name in ("limits", "webhooks", "plan")}
    return pages.render(
        plane, request, "settings.html", workspace=workspace, choices=CHOICES, plans=plans.CHOICES, **now
    )


async def _integrations(plane: Plane, request: Request) -> Response:
    """The marketplace: Install leads to the app's Setup URL; Uninstall ends the installation."""
    workspace = pages.workspace_of(plane, request, ADMIN if request.method == "POST" else 0)
    applications = plane.live("application")
    if request.method == "POST":
        chosen = plane.one("application", str((await request.form()).get("application", "")))
        if chosen is not None:
            installs.uninstall(plane, workspace, chosen)
        return pages.back(request.url.path)
    rows = [{"app": row, "installation": installs.standing(plane, workspace, row)} for row in applications]
    return pages.render(plane, request, "integrations.html", workspace=workspace, apps=rows)


async def _webhooks(plane: Plane, request: Request) -> Response:
    """Recent deliveries, newest first; POST switches on a webhook that too many failures have switched off."""
    workspace = pages.workspace_of(plane, request, ADMIN)
    installed = plane.live("installation", workspace=workspace["id"])
    if request.method == "POST":
        for row in installed:
            plane.store.put("installation", row["id"], row | {"webhook_active": True})
        return pages.back(request.url.path)
    mine = plane.store.find("delivered", workspace=workspace["id"]) + plane.store.find(
        "delivery", workspace=workspace["id"]
    )
    newest = sorted(mine, key=lambda row: str(row["created_at"]), reverse=True)[:SHOWN]
    off = any(not row["webhook_active"] for row in installed)
    return pages.render(
        plane, request, "webhooks.html", workspace=workspace, deliveries=[_shown(row) for row in newest], off=off
    )


def _shown(delivery: Doc) -> Doc:
    subject = delivery["subject"]
    activity = subject.get("activity") or {}
    last = delivery["attempts"][-1] if delivery["attempts"] else {}
    answer = last.get("status") or last.get("error") or ""
    body = json.dumps(delivery["payload"], indent=2) if delivery["payload"] else ""
    return delivery | {
        "action": subject.get("action", ""),
        "field": activity.get("field"),
        "answer": answer,
        "body": body,
    }
