"""``python -m planeapp.sandbox``: the three vendors, one port each, in one process. Ctrl-C ends them."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.control import App, Control
from planeapp.sandbox.plane.app import make_app as make_plane
from planeapp.sandbox.planhat.app import make_app as make_planhat
from planeapp.sandbox.planner.app import make_app as make_planner
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World


def main(arguments: list[str] | None = None) -> None:
    """Read the options and serve until stopped."""
    known = World()
    told = "Plane, Planner and Planhat for the demo."
    parser = argparse.ArgumentParser(prog="python -m planeapp.sandbox", description=told)
    for name in World.__dataclass_fields__:
        parser.add_argument(f"--{name.replace('_', '-')}", default=getattr(known, name))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--state", type=Path, default=None, help="folder for the vendors' rows; memory alone without it"
    )
    options = vars(parser.parse_args(arguments))
    host, state = options.pop("host"), options.pop("state")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(World(**options), host, state))


async def serve(world: World, host: str, state: Path | None) -> None:
    """Run the three servers until one of them ends (uvicorn ends on SIGINT and SIGTERM)."""
    vendors: list[tuple[Callable[[World, Store, Clock], App], str, str]] = [
        (make_plane, world.plane_url, "plane"),
        (make_planner, world.planner_url, "planner"),
        (make_planhat, world.planhat_url, "planhat"),
    ]
    servers = []
    for make, url, name in vendors:
        clock = Clock()
        store = Store(state / f"{name}.sqlite3" if state else None)
        servers.append(_server(Control(make(world, store, clock), clock), host, urlsplit(url).port or 80))
    await asyncio.gather(*(server.serve() for server in servers))


def _server(app: App, host: str, port: int) -> uvicorn.Server:
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", lifespan="on", timeout_graceful_shutdown=2)
    return uvicorn.Server(config)


if __name__ == "__main__":
    main()
