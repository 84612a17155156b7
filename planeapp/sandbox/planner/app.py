"""The sandbox's Planner as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.control import App
from planeapp.sandbox.planner import oauth, pages, rest, settings_page, subscriptions
from planeapp.sandbox.planner.errors import HANDLERS
from planeapp.sandbox.planner.gate import Gate
from planeapp.sandbox.planner.mcp_server import make_manager
from planeapp.sandbox.planner.seed import seed
from planeapp.sandbox.planner.services import Services, build
from planeapp.sandbox.planner.templating import HERE
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World


def make_app(world: World, store: Store, clock: Clock) -> App:
    """Planner over these rows: REST, webhooks, MCP, OAuth and the schedule page. Needs its lifespan run once."""
    known = build(world, store, clock)
    seed(world, store, known.schedule)
    manager = make_manager(known)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with manager.run(), _sending(known):
            yield

    routes = [
        *rest.ROUTES,
        *subscriptions.ROUTES,
        *oauth.ROUTES,
        *pages.ROUTES,
        *settings_page.ROUTES,
        Route("/api/mcp", Gate(manager.asgi_app, known)),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=HANDLERS)
    app.state.services = known
    return app


@asynccontextmanager
async def _sending(known: Services) -> AsyncIterator[None]:
    task = asyncio.create_task(known.deliveries.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
