"""Knocks at the doors as a vendor does: the ASGI application itself, without a server, inside the test's transaction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connections

from planeapp.inbox.asgi import Doors


@dataclass
class Answer:
    """What the door said."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """The body."""
        return json.loads(self.content)

    def __getitem__(self, name: str) -> str:
        return self.headers[name.lower()]


def _aside_with(shared: Any) -> Callable[..., Awaitable[Any]]:
    """Runs a function in another thread, on the test's own database connection."""

    def run(function: Callable[..., Any], *arguments: Any) -> Any:
        connections["default"] = shared
        return function(*arguments)

    async def aside(function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.to_thread(run, function, *arguments)

    return aside


class Knocker:
    """An outsider who posts to the doors. ``parts`` of a body come one after the other."""

    def post(
        self, path: str, raw: bytes = b"", content_type: str = "application/json",
        headers: Mapping[str, str] | None = None, method: str = "POST", parts: int = 1, length: str | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request; gives the answer."""
        named = {"Content-Type": content_type, "Content-Length": length or str(len(raw)), **(headers or {})}
        scope = {
            "type": "http", "method": method, "path": path,
            "headers": [(name.lower().encode(), value.encode("utf-8")) for name, value in named.items() if value],
        }  # fmt: skip
        size = -(-len(raw) // parts) or 1
        chunks = [raw[at : at + size] for at in range(0, len(raw), size)] or [b""]
        messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        messages[-1]["more_body"] = False
        shared = connections["default"]
        shared.inc_thread_sharing()
        try:
            return asyncio.run(_exchange(Doors(_aside_with(shared)), scope, messages))
        finally:
            shared.dec_thread_sharing()


async def _exchange(doors: Doors, scope: dict[str, Any], messages: list[dict[str, Any]]) -> Answer:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await doors(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, sent[1]["body"])
