"""Servers that run as long as the process, for applications that come and go with each test.

Starting and stopping a server takes longer than most tests that need one. A stage keeps its address; what it shows is the
application of the test that runs now.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cache
from typing import Any

import uvicorn

PATIENCE = 10.0
Lifespan = AbstractAsyncContextManager[Any]


class Stage:
    """One server on a free port of the loopback, in a thread that ends with the process."""

    def __init__(self) -> None:
        self._app: Any = None
        self._open: Future[asyncio.AbstractEventLoop] = Future()
        # asyncio switches Nagle's wait off only for sockets whose protocol is named.
        self._door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._door.bind(("127.0.0.1", 0))
        self._door.listen(128)  # who calls before the server takes calls waits
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._loop = self._open.result(PATIENCE)

    async def _serve(self) -> None:
        self._open.set_result(asyncio.get_running_loop())
        config = uvicorn.Config(self, log_level="critical", lifespan="off", ws="none")
        await uvicorn.Server(config).serve(sockets=[self._door])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand the request to the application that is shown."""
        await self._app(scope, receive, send)

    @contextmanager
    def shows(self, app: Any, lifespan: Lifespan | None = None) -> Iterator[str]:
        """Show an application until the block ends, living its lifespan if one is given; gives the address."""
        self._app = app
        if lifespan is None:
            yield self.url
            return
        up, over = Future[None](), asyncio.Event()
        life = asyncio.run_coroutine_threadsafe(_live(lifespan, up, over), self._loop)
        up.result(PATIENCE)
        try:
            yield self.url
        finally:
            self._loop.call_soon_threadsafe(over.set)
            life.result(PATIENCE)


async def _live(lifespan: Lifespan, up: Future[None], over: asyncio.Event) -> None:
    """In one task, as servers do it: what a lifespan opens it closes itself."""
    async with lifespan:
        up.set_result(None)
        await over.wait()


@cache
def stage(name: str) -> Stage:
    """The stage of this name; a test that needs two servers names two."""
    return Stage()


def life_of(app: Any) -> Lifespan:
    """The lifespan of a Starlette application."""
    found: Lifespan = app.router.lifespan_context(app)
    return found
