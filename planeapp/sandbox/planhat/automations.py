"""Automations: an admin's "call webhook" step, sent when a record changes.

Planhat has no webhook subscriptions and no signatures; an automation posts what its builder typed, here the template
that the product hands out (Planhat help centre, "Webhooks in automations"). Kinds in the store:

- ``automations``: ``{_id, url, secret, model, event, api}``; ``api`` true also fires for changes made through the API.
- ``deliveries``: the queue, ``{_id, url, secret, payload, attempts, due, state, note}`` with ``state`` one of
  ``waiting``, ``sent``, ``given up``. It is stored before it is sent, so a killed sandbox sends it after its restart.
"""

from __future__ import annotations

import asyncio
import secrets

import httpx2

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.store import Doc, Store

ATTEMPTS = 12
LONGEST_PAUSE = 60.0
LOOK_EVERY = 0.25
KEPT = 50


class Sender:
    """Queues and sends what the automations have to say, one after the other."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._wake: asyncio.Event | None = None

    def notice(self, model: str, event: str, record_id: str, origin: str) -> None:
        """Queue a delivery for each automation that waits for this event of this model."""
        for automation in self._store.find("automations", model=model, event=event):
            if origin == "page" or automation.get("api"):
                payload = {"event": event, "id": record_id, "model": model}
                self.queue(automation["url"], automation["secret"], payload)

    def queue(self, url: str, secret: str, payload: Doc) -> None:
        """Store a delivery, to be sent as soon as the sender runs."""
        key = secrets.token_hex(12)
        delivery = {"_id": key, "url": url, "secret": secret, "payload": payload}
        progress = {"attempts": 0, "due": self._clock.time(), "state": "waiting", "note": ""}
        self._store.put("deliveries", key, delivery | progress)
        if self._wake is not None:
            self._wake.set()
        for old in [doc for doc in self._store.all("deliveries") if doc["state"] != "waiting"][:-KEPT]:
            self._store.delete("deliveries", old["_id"])

    async def run(self) -> None:
        """Send what is due until cancelled; sleeps in between."""
        self._wake = asyncio.Event()
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
            while True:
                await self.send_due(client)
                try:
                    await asyncio.wait_for(self._wake.wait(), LOOK_EVERY)
                except TimeoutError:
                    continue  # nothing new: look again for retries that came due
                self._wake.clear()

    async def send_due(self, client: httpx2.AsyncClient) -> None:
        """Send every waiting delivery whose time has come, each once."""
        for delivery in self._store.find("deliveries", state="waiting"):
            if delivery["due"] <= self._clock.time():
                self._store.put("deliveries", delivery["_id"], await self._sent(client, delivery))

    async def _sent(self, client: httpx2.AsyncClient, delivery: Doc) -> Doc:
        tried = delivery["attempts"] + 1
        headers = {"X-Planhat-Secret": delivery["secret"]}
        try:
            answer = await client.post(delivery["url"], json=delivery["payload"], headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            note = f"{type(problem).__name__}: {problem}"[:200]
            state = "waiting" if tried < ATTEMPTS and isinstance(problem, httpx2.TransportError) else "given up"
            pause = min(LONGEST_PAUSE, 2.0 ** (tried - 1))
            return delivery | {"attempts": tried, "state": state, "note": note, "due": self._clock.time() + pause}
        return delivery | {"attempts": tried, "state": "sent", "note": f"answered {answer.status_code}"}
