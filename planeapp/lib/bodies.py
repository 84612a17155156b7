"""Reading a request's body in bounded time and memory, for ASGI applications.

A worker thread that waits for a slow sender is lost to everybody else, so bodies are read whole on the event loop before
any thread is taken, and all large bodies that are being read share one budget of memory. What nearly everybody sends is
small and needs none of it, so those who fill the room with large bodies keep out only each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]

SECONDS = 10.0
IN_FLIGHT = 96 * 1024 * 1024
FREE = 32 * 1024  # so much of each body needs no room; the server limits how many requests there are at once


class TooLarge(Exception):
    """The body is larger than the limit."""


class TooSlow(Exception):
    """The body did not arrive in time, or the sender went away."""


class Crowded(Exception):
    """So many bodies are being read that this one has no room now."""


class Bodies:
    """Reads bodies of at most ``limit`` bytes within ``seconds`` each; beyond their first ``FREE`` bytes all of
    them together hold ``room`` bytes, of which ``held`` are taken.
    """

    def __init__(self, limit: int, seconds: float = SECONDS, room: int = IN_FLIGHT) -> None:
        self.limit, self.seconds, self.room = limit, seconds, room
        self.held = 0

    @asynccontextmanager
    async def read(self, receive: Receive) -> AsyncIterator[bytes]:
        """The whole body; its room is given back when the block ends. Raises TooLarge, TooSlow or Crowded."""
        body = bytearray()
        try:
            await self._whole(receive, body)
            yield bytes(body)
        finally:
            self.held -= _counted(len(body))

    async def _whole(self, receive: Receive, body: bytearray) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                while await self._part(receive, body):
                    continue
        except TimeoutError as error:
            raise TooSlow(f"not whole after {self.seconds:g} s") from error

    async def _part(self, receive: Receive, body: bytearray) -> bool:
        """Add the next part; gives whether more follows."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TooSlow("the sender went away")
        part = message.get("body", b"")
        if len(body) + len(part) > self.limit:
            raise TooLarge(f"more than {self.limit} bytes")
        more = _counted(len(body) + len(part)) - _counted(len(body))
        if more and self.held + more > self.room:
            raise Crowded("too many bodies at once")
        body += part
        self.held += more
        return bool(message.get("more_body"))


def _counted(length: int) -> int:
    return max(length - FREE, 0)
