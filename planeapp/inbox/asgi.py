"""The doors as an ASGI application: the hot path, without Django's request, middleware, session or template.

Verify the raw bytes, store one row, answer; the work comes later. The event loop never waits for the database: that is
done aside, in one thread, by :mod:`planeapp.inbox.store`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from planeapp.inbox.doors import (
    MAX_BODY,
    PLANE_DOOR,
    PROVIDER_DOOR,
    Door,
    Unwelcome,
    accept,
    check_head,
    plane_door,
    provider_door,
)
from planeapp.inbox.pace import Pace
from planeapp.inbox.store import Writer
from planeapp.lib.bodies import Bodies, Crowded, Message, Receive, TooLarge, TooSlow
from planeapp.lib.crypto import CannotDecrypt
from planeapp.providers import PROVIDERS

log = structlog.get_logger(__name__)
Send = Callable[[Message], Awaitable[None]]
PREFIX = "/webhooks/"
KNOWN_SECONDS = 5.0  # how long a connection's secrets are kept in memory; a withdrawn one is good for so long
KNOWN_DOORS = 5000
LARGE = 128 * 1024  # bodies above are read aside, so that the loop goes on answering others
GOOD = b'{"ok": true}'


class Doors:
    """All doors. ``aside`` runs a blocking function elsewhere (tests run it on the spot)."""

    def __init__(self, aside: Callable[..., Awaitable[Any]] | None = None) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        self.aside = aside or self._in_thread
        self.writer = Writer(self.aside)
        self.bodies = Bodies(MAX_BODY)
        self.pace = Pace()
        self._known: dict[tuple[str, str], tuple[float, Door]] = {}

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            lane = await self._take(scope, receive)
        except Unwelcome as refusal:
            log.info("delivery refused", status=refusal.status, reason=refusal.text, path=scope["path"])
            await _answer(send, refusal.status, json.dumps({"error": refusal.text}).encode())
        except (DatabaseError, InterfaceError, CannotDecrypt, Crowded) as error:
            log.error("delivery not stored", error=type(error).__name__)
            await _answer(send, 503, b'{"error": "We cannot store this now. Please send it again."}')
        else:
            if wait := self.pace.delay(lane):
                await asyncio.sleep(wait)
            await _answer(send, 200, GOOD)

    async def _take(self, scope: Mapping[str, Any], receive: Receive) -> str:
        """Store the delivery; gives the workspace that it names."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        key = _address(scope["path"])
        check_head(scope["method"], headers)
        door = plane_door() if key is None else await self._door(key)
        try:
            async with self.bodies.read(receive) as raw:
                row = await self._accepted(door, headers, raw)
                await self.writer.put(row)
                return str(row["lane"])
        except TooLarge as error:
            raise Unwelcome(413, "The body is larger than 5 MB.") from error
        except TooSlow as error:
            raise Unwelcome(408, "The body did not arrive in time.") from error

    async def _accepted(self, door: Door, headers: Mapping[str, str], raw: bytes) -> dict[str, Any]:
        now = timezone.now()
        if len(raw) <= LARGE:
            return accept(door, headers, raw, now)
        return await asyncio.to_thread(accept, door, headers, raw, now)

    async def _door(self, key: tuple[str, str]) -> Door:
        """A connection's door, looked up and remembered for a moment."""
        known = self._known.get(key)
        if known is None or known[0] < time.monotonic():
            known = (time.monotonic() + KNOWN_SECONDS, await self._look_up(*key))
            if len(self._known) >= KNOWN_DOORS:
                self._known.clear()
            self._known[key] = known
        return known[1]

    async def _look_up(self, provider: str, opaque_id: str) -> Door:
        found: Door | None = await self.aside(_provider_door, provider, opaque_id)
        if found is None:
            raise Unwelcome(404, "There is no such address.")
        return found


def _address(path: str) -> tuple[str, str] | None:
    """``(provider, opaque id)`` of an address, None for Plane's; 404 for what we never gave out."""
    path = path.rstrip("/")
    if path == PLANE_DOOR:
        return None
    match = PROVIDER_DOOR.fullmatch(path)
    if match is None or match[1] not in PROVIDERS:
        raise Unwelcome(404, "There is no such address.")
    return match[1], match[2]


def _provider_door(provider: str, opaque_id: str) -> Door | None:
    """Looked up once more on a fresh connection when the open one turns out to be dead."""
    try:
        return provider_door(provider, opaque_id)
    except (DatabaseError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return provider_door(provider, opaque_id)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
    if status == 503:
        headers.append((b"retry-after", b"10"))
    if status == 405:
        headers.append((b"allow", b"POST"))
    if status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
