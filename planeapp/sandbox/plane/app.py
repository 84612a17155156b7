"""The sandbox's Plane as one ASGI application: OAuth, REST v1, webhooks, and the tracker's pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.plane import (
    activities,
    agents_api,
    comments,
    consent,
    customer_properties,
    customers,
    installs,
    oauth,
    planning,
    plans,
    projects,
    things,
    tracker,
)
from planeapp.sandbox.plane import work_items_api as items_api
from planeapp.sandbox.plane.calls import Endpoint, answer
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.limits import Limits
from planeapp.sandbox.plane.seed import seed
from planeapp.sandbox.plane.sender import Sender
from planeapp.sandbox.plane.webhooks import build
from planeapp.sandbox.store import Doc, Store
from planeapp.sandbox.world import World

ASSETS = Path(__file__).parent / "assets"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
WORKSPACE = "/api/v1/workspaces/{slug}/"
PROJECT = WORKSPACE + "projects/{project_id:uuid}/"
View = Callable[[Plane, Request], Awaitable[Response]]


class _Key(StringConvertor):
    """A project's identifier inside CUST-12."""

    regex = "[^/-]+"


register_url_convertor("key", _Key())


def make_app(world: World, store: Store, clock: Clock) -> Starlette:
    """The application over these rows; seeds an empty store. The sender runs while the application's lifespan does."""
    plane = Plane(world, store, clock)
    seed(plane)

    def body_of(delivery: Doc) -> Doc | None:
        return build(plane, delivery)

    sender = Sender(store, clock, world.webhook_secret, body_of)
    plane.wake = sender.wake

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sending = asyncio.create_task(sender.run())
        yield
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    app = Starlette(routes=_routes(plane), lifespan=lifespan, exception_handlers={404: _not_found, 405: _not_allowed})
    app.router.redirect_slashes = False
    app.state.plane = plane
    return app


def endpoints() -> list[Endpoint]:
    """Every address of the REST API. ``issues`` is the older spelling of ``work-items``; both are served."""
    found = [
        *installs.endpoints(),
        *projects.endpoints(WORKSPACE, PROJECT),
        *agents_api.endpoints(WORKSPACE),
        *planning.endpoints(PROJECT),
        *plans.endpoints(WORKSPACE),
        *customers.endpoints(WORKSPACE),
        *customer_properties.endpoints(WORKSPACE),
    ]
    for name in ("work-items/", "issues/"):
        items = PROJECT + name
        found += [*items_api.endpoints(WORKSPACE, items), *comments.endpoints(items), *activities.endpoints(items)]
        found += things.endpoints(PROJECT, items)
    return found


def _routes(plane: Plane) -> list[BaseRoute]:
    limits = Limits()
    routes: list[BaseRoute] = [Mount("/_static", StaticFiles(directory=ASSETS))]
    for endpoint in endpoints():
        routes.append(Route(endpoint.path, _served(plane, limits, endpoint), methods=METHODS))
    views: dict[str, View] = {
        "/auth/o/token/": oauth.token,
        "/auth/o/revoke-token/": oauth.revoke,
        "/auth/o/authorize-app/": consent.page,
    }
    for path, view in (views | tracker.views()).items():
        routes.append(Route(path, _bound(plane, view), methods=METHODS))
    return routes


def _served(plane: Plane, limits: Limits, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def view(request: Request) -> Response:
        return await answer(plane, limits, endpoint, request)

    return view


def _bound(plane: Plane, view: View) -> Callable[[Request], Awaitable[Response]]:
    async def bound(request: Request) -> Response:
        return await view(plane, request)

    return bound


async def _not_found(request: Request, error: Exception) -> Response:
    """A path that lacks only its last slash is sent there with 301, also for POST; the API says 404 in JSON."""
    path = request.url.path
    longer = dict(request.scope) | {"path": path + "/"}
    if not path.endswith("/") and any(route.matches(longer)[0] is Match.FULL for route in request.app.routes):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(path + "/" + query, status_code=301)
    if re.match(r"/(api|auth)/", path):
        return JSONResponse({"error": "Page not found."}, status_code=404)
    detail = error.detail if isinstance(error, HTTPException) else ""
    return tracker.not_found(request, detail)


async def _not_allowed(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": f'Method "{request.method}" not allowed.'}, status_code=405)
