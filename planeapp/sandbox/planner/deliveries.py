"""Webhooks: events become signed requests, sent from a queue that survives a restart (developer page, "Webhooks")."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from uuid import uuid4

import httpx2

from planeapp.sandbox.planner.settings import setting
from planeapp.sandbox.store import Doc, Store

TOGETHER = 8
TIMEOUT_SECONDS = 10.0
KEPT = 300


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The x-planner-signature header: HMAC-SHA256 of ``"{timestamp}.{raw body}"`` with the subscription's secret."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


class Deliveries:
    """Rows of the kind "queue" wait to be sent; sent or given up they move to "deliveries", of which the last few stay.

    Times here are of the machine's clock, not of the sandbox's: a receiver compares the timestamp with its own.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._wake = asyncio.Event()

    def announce(self, event: Doc) -> None:
        """Queue one request per subscription that wants this event."""
        for subscription in self.store.all("subscriptions"):
            if event["type"] in subscription["events"] or "*" in subscription["events"]:
                row = {
                    "id": f"dlv_{uuid4().hex[:16]}",
                    "subscription_id": subscription["id"],
                    "event_id": event["id"],
                    "type": event["type"],
                    "body": json.dumps(event, separators=(",", ":")),
                    "attempts": 0,
                    "due": time.time(),
                    "state": "waiting",
                    "answer": "",
                }
                self.store.put("queue", row["id"], row)
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled."""
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
            while True:
                self._wake.clear()
                due = [row for row in self.store.all("queue") if row["due"] <= time.time()][:TOGETHER]
                if due:
                    await asyncio.gather(*(self._send(client, row) for row in due))
                else:
                    await self._rest()

    async def _rest(self) -> None:
        waiting = [row["due"] - time.time() for row in self.store.all("queue")]
        try:
            await asyncio.wait_for(self._wake.wait(), max(0.01, min(waiting)) if waiting else None)
        except TimeoutError:
            return

    async def _send(self, client: httpx2.AsyncClient, row: Doc) -> None:
        subscription = self.store.get("subscriptions", row["subscription_id"])
        if subscription is None:
            self.store.delete("queue", row["id"])
            return
        body, timestamp = row["body"].encode(), str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "user-agent": "Planner-Webhooks/1.0",
            "x-planner-timestamp": timestamp,
            "x-planner-signature": signature(subscription["secret"], timestamp, body),
        }
        try:
            status = (await client.post(subscription["url"], content=body, headers=headers)).status_code
        except httpx2.HTTPError as error:
            self._done(row, "again", f"no answer: {type(error).__name__}")
        else:
            outcome = "delivered" if status < 300 else "again" if status >= 500 or status == 429 else "refused"
            self._done(row, outcome, f"HTTP {status}")

    def _done(self, row: Doc, outcome: str, answer: str) -> None:
        if self.store.get("queue", row["id"]) is None:
            return  # The rows were cleared in the meantime.
        backoff = setting(self.store, "deliveries", "backoff")
        tried = row["attempts"] + 1
        row = {**row, "attempts": tried, "answer": answer}
        if outcome == "again" and tried <= len(backoff):
            self.store.put("queue", row["id"], {**row, "state": "will retry", "due": time.time() + backoff[tried - 1]})
            return
        self.store.delete("queue", row["id"])
        self.store.put("deliveries", row["id"], {**row, "state": "given up" if outcome == "again" else outcome})
        for old in self.store.all("deliveries")[:-KEPT]:
            self.store.delete("deliveries", old["id"])
