"""Senders of deliveries over raw sockets, so that the client costs little beside what it measures.

Requests are built and signed before the clock runs. Each connection keeps alive and sends its next delivery when the last
one was answered, as fast as it can or at a pace.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

RECORDED = Path(__file__).parents[1] / "fixtures" / "plane_webhooks"


@dataclass
class Sent:
    """One delivery: which one it was, when it was sent (Unix time), the seconds to the answer, its status (0: none)."""

    key: str
    at: float
    took: float
    status: int


@dataclass
class Tally:
    """All that was sent."""

    sent: list[Sent] = field(default_factory=list)
    seconds: float = 0.0

    def took(self, status: int = 200) -> list[float]:
        """Durations of the answers with this status."""
        return [one.took for one in self.sent if one.status == status]

    def keys(self, status: int = 200) -> list[str]:
        """What was answered so."""
        return [one.key for one in self.sent if one.status == status]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.sent) / self.seconds if self.seconds else 0.0


@cache
def _template() -> dict[str, Any]:
    """A work item's update as a real Plane sent it (about 2 KB)."""
    path = next(path for path in sorted(RECORDED.glob("*.json")) if "issue" in path.name and "update" in path.name)
    body: dict[str, Any] = json.loads(json.loads(path.read_text())["body_raw"])
    return body


def change(workspace: str, project: str = "", item: str = "", key: str = "") -> bytes:
    """The body of a change of a work item, unlike every other; ``key`` (default: a new one) is found in its old value."""
    body = json.loads(json.dumps(_template()))
    body["workspace_id"] = workspace
    body["data"] |= {"id": item or str(uuid.uuid4()), "workspace": workspace, "project": project or str(uuid.uuid4())}
    body["activity"] |= {"old_value": key or str(uuid.uuid4()), "actor": {"id": str(uuid.uuid4())}}
    return json.dumps(body).encode()


def request(raw: bytes, secret: str, good: bool = True, event: str = "issue") -> bytes:
    """The bytes of a POST to Plane's door."""
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest() if good else "0" * 64
    lines = (
        "POST /webhooks/plane/ HTTP/1.1", "Host: localhost", "Content-Type: application/json", "User-Agent: Autopilot",
        f"X-Plane-Delivery: {uuid.uuid4()}", f"X-Plane-Event: {event}", f"X-Plane-Signature: {signature}",
        f"Content-Length: {len(raw)}", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + raw


async def send_all(
    app: str, requests: Sequence[tuple[str, bytes]], connections: int = 16, pace: float = 0.0, patient: bool = False
) -> Tally:
    """Send ``(key, request)`` pairs over so many connections; ``pace`` is the most a second of all together.

    ``patient`` senders go on after a lost connection (the delivery counts with status 0); others raise.
    """
    tally, queue, began = Tally(), iter(enumerate(requests)), time.perf_counter()
    address = ("127.0.0.1", urlsplit(app).port or 80)
    await asyncio.gather(*(_sender(address, queue, tally, pace, began, patient) for _ in range(connections)))
    tally.seconds = time.perf_counter() - began
    return tally


async def _sender(
    address: tuple[str, int], queue: Iterable[tuple[int, tuple[str, bytes]]], tally: Tally, pace: float, began: float,
    patient: bool,
) -> None:  # fmt: skip
    streams = None
    for number, (key, raw) in queue:
        if pace:
            await asyncio.sleep(max(began + number / pace - time.perf_counter(), 0))
        sent, wall = time.perf_counter(), time.time()
        try:
            streams = streams or await asyncio.open_connection(*address)
            status = await _exchange(*streams, raw)
        except (OSError, asyncio.IncompleteReadError):
            if not patient:
                raise
            streams, status = None, 0
            await asyncio.sleep(0.02)
        tally.sent.append(Sent(key, wall, time.perf_counter() - sent, status))


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> int:
    writer.write(raw)
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().index(b"content-length: ") + 16
    await reader.readexactly(int(head[at : head.index(b"\r", at)]))
    return int(head[9:12])
