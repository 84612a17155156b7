"""A real HTTP server in a thread whose application tests exchange, and an application that says what it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Exchange:
    """An ASGI application that passes everything to ``app``, which tests replace."""

    def __init__(self) -> None:
        self.app: ASGIApp = Script()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Seen:
    """One request as it came in; ``path`` is raw, still percent-encoded."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any


@dataclass
class Script:
    """Gives its ``answers`` in turn, the last one again and again: (status, body) or (status, body, headers).

    A body that is no str is sent as JSON; the status 0 cuts the connection in the middle of an answer.
    """

    answers: list[tuple[Any, ...]] = field(default_factory=lambda: [(200, [])])
    seen: list[Seen] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = b""
        while (message := await receive())["type"] == "http.request":
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = json.loads(raw) if raw else None
        self.seen.append(
            Seen(scope["method"], scope["raw_path"].decode(), scope["query_string"].decode(), headers, body)
        )
        status, said, *extra = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await self._say(send, status, said, extra[0] if extra else {})

    async def _say(self, send: Send, status: int, said: Any, extra: dict[str, str]) -> None:
        text = said if isinstance(said, str) else json.dumps(said)
        content = text.encode()
        kind = "text/html" if text.startswith("<") else "application/json"
        headers = {"content-type": kind, "content-length": str(len(content) + (status == 0) * 10), **extra}
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status or 200, "headers": pairs})
        await send({"type": "http.response.body", "body": content, "more_body": status == 0})


@dataclass
class Watch:
    """Passes everything to ``app`` and notes it: ``GET /companies``, with the parsed query beside it.

    ``before`` is called with each such line before it is passed on; what is in ``instead`` is answered in its place, once.
    """

    app: ASGIApp
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    before: Callable[[str], None] = lambda line: None
    instead: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = f"{scope['method']} {scope['raw_path'].decode()}"
        self.seen.append((line, dict(parse_qsl(scope["query_string"].decode()))))
        self.before(line)
        said = self.instead.pop(line, None)
        await (Script([said]) if said else self.app)(scope, receive, send)

    @property
    def lines(self) -> list[str]:
        """The requests, without queries."""
        return [line for line, _ in self.seen]


def answer_lost(exchange: Exchange, method: str) -> ASGIApp:
    """What ``exchange`` serves now, but the next request with this method is worked off and its answer cut."""
    app = exchange.app

    async def losing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != method:
            await app(scope, receive, send)
            return
        exchange.app = app

        async def cut(message: Message) -> None:
            if message["type"] == "http.response.start":  # more is promised than ever comes
                headers = [(b"content-length", b"1000")]
                await send({**message, "headers": headers})

        await app(scope, receive, cut)
        await send({"type": "http.response.body", "body": b"{", "more_body": True})

    return losing


@contextmanager
def served() -> Iterator[tuple[Exchange, str]]:
    """The exchange and its origin, ``http://127.0.0.1:<port>``."""
    exchange = Exchange()
    server = uvicorn.Server(uvicorn.Config(exchange, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield exchange, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)
