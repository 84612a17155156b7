"""What tests may do to a sandbox vendor: look at the requests it got, plan faults, move its clock.

Every vendor's application is wrapped in :class:`Control`, which answers under ``/_sandbox/``:

- ``GET /_sandbox/requests`` → ``{"requests": [{at, method, path, query, headers, status, body, fault}]}`` (newest last,
  bodies cut at 4 KiB); ``DELETE`` forgets them.
- ``POST /_sandbox/faults`` with ``{"method": "POST"|null, "path": <regex>, "contains": "", "times": 1, "status": 503,
  "body": "…", "headers": {}, "after": false, "delay": 0, "drop": false}`` plans a fault for the next ``times`` matching
  requests. ``contains`` is a text that the body must hold; ``after`` lets the vendor do the work first (a lost answer);
  ``drop`` breaks off in the middle of the answer. ``DELETE`` forgets them.
- ``POST /_sandbox/clock`` with ``{"advance": seconds}`` or ``{"speed": factor}``.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from planeapp.sandbox.clock import Clock

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

KEPT_REQUESTS = 20_000
KEPT_BODY = 4096


class DroppedConnection(Exception):
    """The planned fault: the connection ends in the middle of the answer."""


@dataclass
class Fault:
    """One planned fault; ``times`` counts down and the fault is spent at zero."""

    path: str
    method: str | None = None
    contains: str = ""
    times: int = 1
    status: int = 503
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    delay: float = 0.0
    drop: bool = False

    def matches(self, method: str, path: str, body: bytes) -> bool:
        """Whether this fault is meant for such a request and has a time left."""
        meant = self.method in (None, method) and re.search(self.path, path) is not None
        return self.times > 0 and meant and self.contains.encode() in body


class Control:
    """ASGI wrapper around a vendor's application; see the module's text for what it answers."""

    def __init__(self, app: App, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.faults: list[Fault] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"].startswith("/_sandbox/"):
            await self._command(scope, receive, send)
        else:
            await self._watched(scope, receive, send)

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry: dict[str, Any] = {
            "at": time.time(),
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "headers": {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            "status": None,
            "body": "",
            "fault": False,
        }
        self.requests.append(entry)

        body = await _read_body(receive)
        entry["body"] = body.decode("utf-8", "replace")[:KEPT_BODY]
        replay = _replay(body, receive)

        async def watching_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        fault = next((f for f in self.faults if f.matches(scope["method"], scope["path"], body)), None)
        if fault is None:
            await self.app(scope, replay, watching_send)
            return
        fault.times -= 1
        entry["fault"] = True
        await self._fail(fault, scope, replay, watching_send)

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        async def swallow(message: Message) -> None:
            return None

        if fault.after:
            await self.app(scope, receive, swallow)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop:
            await _hang_up(send, scope["path"])
        headers = {"content-type": "text/html" if fault.body.startswith("<") else "application/json"} | fault.headers
        await _answer(send, fault.status, fault.body.encode(), headers)

    async def _command(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, method = scope["path"].removeprefix("/_sandbox/"), scope["method"]
        body = json.loads(await _read_body(receive) or b"{}")
        answer: dict[str, Any] = {}
        if name == "requests" and method == "GET":
            answer = {"requests": list(self.requests)}
        elif name == "requests" and method == "DELETE":
            self.requests.clear()
        elif name == "faults" and method == "POST":
            self.faults.append(Fault(**body))
        elif name == "faults" and method == "DELETE":
            self.faults.clear()
        elif name == "clock" and method == "POST":
            self.clock.advance(float(body.get("advance", 0)))
            self.clock.speed = float(body.get("speed", self.clock.speed))
        else:
            await _answer(send, 404, b'{"error": "no such command"}', {"content-type": "application/json"})
            return
        await _answer(send, 200, json.dumps(answer).encode(), {"content-type": "application/json"})


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read already, and then goes on with the connection."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def _hang_up(send: Send, path: str) -> None:
    """Promise a body and break off: an exception before that would make the server answer 500 instead."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise DroppedConnection(path)


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
