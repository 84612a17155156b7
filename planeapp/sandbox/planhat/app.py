"""The sandbox's Planhat as one ASGI application: the REST API on the root, and pages for people.

The API and its oddities follow the Planhat developer docs; where those are silent, what clients of it have observed.

Tests may change the tenant's behaviour through the store:

- ``settings``/``limits``: ``{calls, window, perSecond, parallel}``, see :mod:`planeapp.sandbox.planhat.limits`;
- ``settings``/``quirks``: ``{"unsorted": ["companies"]}`` lists models whose lists ignore ``sort``;
- ``settings``/``conversations``: ``{"types": [...]}``, the tenant's own conversation types;
- ``tokens``/``<token>``: ``{token, name, userId, models, active, region, denied}``; ``models`` is "*" or a dict of path
  to a list of view, create, update, remove; ``denied`` lists ids of companies that are closed to the token;
- ``automations``/``<id>``: see :mod:`planeapp.sandbox.planhat.automations`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planhat.automations import Sender
from planeapp.sandbox.planhat.calls import call_routes
from planeapp.sandbox.planhat.crud import model_routes
from planeapp.sandbox.planhat.gate import Refusal
from planeapp.sandbox.planhat.limits import Limits
from planeapp.sandbox.planhat.lookups import lookup_routes
from planeapp.sandbox.planhat.pages import page_routes
from planeapp.sandbox.planhat.seed import seed
from planeapp.sandbox.planhat.settings_pages import settings_routes
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.planhat.tickets import ticket_routes
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World

STATIC = Path(__file__).parent / "static"


def make_app(world: World, store: Store, clock: Clock) -> Starlette:
    """Seed the store when it is empty and build the application; its lifespan runs the automations' sender."""
    tenant = Tenant(world, store, clock, Limits(store, clock), Sender(store, clock))
    seed(tenant)
    routes = [
        Mount("/static", StaticFiles(directory=STATIC)),
        *page_routes(tenant),
        *settings_routes(tenant),
        *lookup_routes(tenant),
        *model_routes(tenant),
        *ticket_routes(tenant),
        *call_routes(tenant),
    ]
    app = Starlette(routes=routes, lifespan=_lifespan(tenant), exception_handlers={404: _cannot, 405: _cannot})
    app.state.tenant = tenant
    return app


def _lifespan(tenant: Tenant) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sending = asyncio.create_task(tenant.sender.run())
        yield
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    return lifespan


async def _cannot(request: Request, problem: Exception) -> Response:
    """Unknown paths and methods (PATCH among them) are one and the same to Planhat's server."""
    detail = problem.detail if isinstance(problem, HTTPException) and request.method == "GET" else ""
    text = (
        detail
        if detail not in ("", "Not Found", "Method Not Allowed")
        else f"Cannot {request.method} {request.url.path}"
    )
    return Refusal(404, text, "html").answer()
