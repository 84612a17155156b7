"""Sends queued webhook deliveries from inside the server, and keeps trying what did not get through."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable

import httpx2

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.store import Doc, Store

TIMEOUT = 30.0
BACKOFF = (1, 2, 4, 8, 15, 30, 60, 120, 240, 480, 840)
"""Seconds before each further attempt: half an hour in all, then the webhook is switched off."""
KEPT = 300
POLL = 0.25
HEADERS = {
    "User-Agent": "Autopilot",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Content-Type": "application/json",
}


def sign(secret: str, body: bytes) -> str:
    """The X-Plane-Signature of a body: hex HMAC-SHA256 (Plane developer docs, webhooks)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Sender:
    """Takes rows of kind "delivery" with status "queued"; finished ones become kind "delivered".

    An answer of any status ends a delivery in the first format; in the second a 5xx is tried again. No answer within
    30 s and a broken connection are always tried again, under a new delivery id and with the data of the first attempt.
    """

    def __init__(self, store: Store, clock: Clock, secret: str, build: Callable[[Doc], Doc | None]) -> None:
        self._store, self._clock, self._secret, self._build = store, clock, secret, build
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._woken: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """There may be work. Safe from any thread and before the sender runs."""
        if self._loop is not None and self._woken is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Send until cancelled."""
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        async with httpx2.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            try:
                while True:
                    self._start_due(client)
                    await self._pause()
            finally:
                for task in list(self._busy.values()):
                    task.cancel()

    async def _pause(self) -> None:
        assert self._woken is not None
        try:
            async with asyncio.timeout(POLL):  # wait_for of Python 3.11 may lose a cancellation
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    def _start_due(self, client: httpx2.AsyncClient) -> None:
        now = self._clock.time()
        for delivery in self._store.all("delivery"):
            if delivery["id"] not in self._busy and delivery["due_at"] <= now:
                self._busy[delivery["id"]] = asyncio.create_task(self._start(client, delivery))

    async def _start(self, client: httpx2.AsyncClient, delivery: Doc) -> None:
        try:
            await self.attempt(client, delivery)
        finally:
            del self._busy[delivery["id"]]

    async def attempt(self, client: httpx2.AsyncClient, delivery: Doc) -> None:
        """Send a delivery once and note how it went."""
        delivery["payload"] = delivery["payload"] or self._build(delivery)
        if delivery["payload"] is None:
            self._finish(delivery, "dropped")
            return
        key = str(uuid.uuid4())
        if delivery["format"] == "v2":
            delivery["payload"]["delivery_id"] = key
        body = json.dumps(delivery["payload"]).encode()
        status, problem = await self._post(client, delivery, key, body)
        delivery["attempts"].append(
            {"id": key, "at": self._clock.now().isoformat(), "status": status, "error": problem}
        )
        if status is not None and (delivery["format"] == "v1" or status < 500):
            self._finish(delivery, "delivered")
        elif len(delivery["attempts"]) > len(BACKOFF):
            self._give_up(delivery)
        else:
            delivery["due_at"] = self._clock.time() + BACKOFF[len(delivery["attempts"]) - 1]
            self._store.put("delivery", delivery["id"], delivery)

    async def _post(self, client: httpx2.AsyncClient, delivery: Doc, key: str, body: bytes) -> tuple[int | None, str]:
        event = {
            "X-Plane-Delivery": key,
            "X-Plane-Event": delivery["event"],
            "X-Plane-Signature": sign(self._secret, body),
        }
        try:
            answer = await client.post(delivery["url"], content=body, headers=HEADERS | event)
        except httpx2.HTTPError as error:
            return None, f"{type(error).__name__}: {error}"
        return answer.status_code, ""

    def _give_up(self, delivery: Doc) -> None:
        self._finish(delivery, "failed")
        installation = self._store.get("installation", delivery["installation"])
        if installation is not None:
            installation["webhook_active"] = False
            self._store.put("installation", installation["id"], installation)

    def _finish(self, delivery: Doc, status: str) -> None:
        delivery["status"] = status
        self._store.delete("delivery", delivery["id"])
        self._store.put("delivered", delivery["id"], delivery)
        for old in self._store.all("delivered")[:-KEPT]:
            self._store.delete("delivered", old["id"])
