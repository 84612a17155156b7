"""``/settings/``: tokens to copy, webhooks and their deliveries, OAuth access, and what the sandbox should play."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from planeapp.sandbox.planner.grants import Grants
from planeapp.sandbox.planner.profiles import PROFILES, current
from planeapp.sandbox.planner.schedule import Invalid
from planeapp.sandbox.planner.seed import CLIENT_ID, CLIENT_SECRET, SCOPES
from planeapp.sandbox.planner.services import services
from planeapp.sandbox.planner.settings import change, setting
from planeapp.sandbox.planner.templating import page

SHOWN_DELIVERIES = 30


async def show(request: Request) -> Response:
    """``GET /settings/``."""
    known = services(request)
    store = known.store
    return page(
        request,
        "settings.html",
        world=known.world,
        tokens=store.all("tokens"),
        scopes=SCOPES,
        client=(CLIENT_ID, CLIENT_SECRET),
        resource=known.resource,
        profiles=PROFILES.values(),
        profile=current(store),
        per_minute=setting(store, "limits", "per_minute"),
        subscriptions=store.all("subscriptions"),
        deliveries=(store.all("queue")[::-1] + store.all("deliveries")[::-1])[:SHOWN_DELIVERIES],
        grants=store.all("grants"),
    )


async def save(request: Request) -> Response:
    """``POST /settings/`` with ``profile`` and/or ``per_minute``."""
    store, form = services(request).store, await request.form()
    profile, limit = form.get("profile"), form.get("per_minute")
    if profile is not None:
        if profile not in PROFILES:
            raise Invalid([{"field": "profile", "message": f"must be one of {', '.join(PROFILES)}"}])
        change(store, "mcp", profile=profile)
    if limit is not None:
        if not str(limit).isdecimal() or int(str(limit)) < 1:
            raise Invalid([{"field": "per_minute", "message": "must be a whole number above 0"}])
        change(store, "limits", per_minute=int(str(limit)))
    return _again("sandbox")


async def new_token(request: Request) -> Response:
    """``POST /settings/tokens/`` with ``name`` and ``scope`` (repeated)."""
    store, form = services(request).store, await request.form()
    scopes = [scope for scope in SCOPES if scope in form.getlist("scope")]
    token = f"plr_pat_pat_{secrets.token_hex(4)}.{secrets.token_urlsafe(24)}"
    name = str(form.get("name", "")).strip() or "Token without a name"
    store.put("tokens", token, {"token": token, "name": name, "kind": "pat", "scopes": scopes})
    return _again("tokens")


async def drop_token(request: Request) -> Response:
    """``POST /settings/tokens/delete/`` with ``token``: it works no longer."""
    services(request).store.delete("tokens", str((await request.form()).get("token", "")))
    return _again("tokens")


async def drop_subscription(request: Request) -> Response:
    """``POST /settings/webhooks/{key}/delete/``."""
    services(request).store.delete("subscriptions", request.path_params["key"])
    return _again("webhooks")


async def drop_grant(request: Request) -> Response:
    """``POST /settings/grants/{key}/delete/``: the app's tokens stop working at once."""
    known = services(request)
    Grants(known.store, known.clock).revoke(request.path_params["key"])
    return _again("grants")


def _again(part: str) -> Response:
    return RedirectResponse(f"/settings/#{part}", 303)


ROUTES = [
    Route("/settings/", show),
    Route("/settings/", save, methods=["POST"]),
    Route("/settings/tokens/", new_token, methods=["POST"]),
    Route("/settings/tokens/delete/", drop_token, methods=["POST"]),
    Route("/settings/webhooks/{key}/delete/", drop_subscription, methods=["POST"]),
    Route("/settings/grants/{key}/delete/", drop_grant, methods=["POST"]),
]
