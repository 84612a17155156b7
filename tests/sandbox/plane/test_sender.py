"""Deliveries are tried again after a broken connection, survive a restart, and end with any answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.plane.sender import BACKOFF, Sender
from planeapp.sandbox.store import Store

from .conftest import Listener, Sandbox, eventually

NOBODY = "http://127.0.0.1:9/webhooks/plane/"


def queued(store: Store, clock: Clock, url: str = NOBODY, form: str = "v1") -> dict[str, Any]:
    store.put("installation", "i", {"id": "i", "webhook_active": True})
    delivery = {"id": "d", "installation": "i", "url": url, "format": form, "event": "issue", "payload": None}
    return store.put("delivery", "d", delivery | {"status": "queued", "attempts": [], "due_at": clock.time()})


def attempt(sender: Sender, delivery: dict[str, Any], times: int = 1) -> None:
    async def go() -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            for _ in range(times):
                await sender.attempt(client, delivery)

    asyncio.run(go())


def test_a_broken_connection_is_tried_again_with_old_data_and_a_new_id() -> None:
    store, clock = Store(), Clock()
    delivery, built = queued(store, clock), iter([{"n": 1}, {"n": 2}])
    attempt(Sender(store, clock, "s", lambda _: next(built)), delivery, times=2)
    assert delivery["payload"] == {"n": 1} and delivery["status"] == "queued"
    assert delivery["attempts"][0]["id"] != delivery["attempts"][1]["id"]
    assert clock.time() < delivery["due_at"] <= clock.time() + BACKOFF[1]


def test_after_the_last_attempt_the_webhook_is_switched_off() -> None:
    store, clock = Store(), Clock()
    delivery = queued(store, clock)
    attempt(Sender(store, clock, "s", lambda _: {"n": 1}), delivery, times=len(BACKOFF) + 1)
    assert delivery["status"] == "failed" and store.all("delivery") == []
    assert (store.get("installation", "i") or {})["webhook_active"] is False


def test_a_row_that_is_gone_is_not_told() -> None:
    store, clock = Store(), Clock()
    delivery = queued(store, clock)
    attempt(Sender(store, clock, "s", lambda _: None), delivery)
    assert delivery["status"] == "dropped" and delivery["attempts"] == []


@pytest.mark.parametrize(("form", "status"), [("v1", "delivered"), ("v2", "queued")])
def test_a_500_ends_the_first_format_and_is_tried_again_in_the_second(
    app_url: str, listener: Listener, form: str, status: str
) -> None:
    store, clock = Store(), Clock()
    listener.status = 500
    delivery = queued(store, clock, app_url + "/webhooks/plane/", form)
    attempt(Sender(store, clock, "s", lambda _: {"n": 1}), delivery)
    assert delivery["status"] == status and len(listener.taken) == 1


def test_what_was_queued_is_sent_after_a_restart(tmp_path: Path, app_url: str, listener: Listener) -> None:
    queued(Store(tmp_path / "plane.sqlite3"), Clock(), app_url + "/webhooks/plane/")
    store = Store(tmp_path / "plane.sqlite3")

    async def run_a_while() -> None:
        running = asyncio.create_task(Sender(store, Clock(), "s", lambda _: {"n": 1}).run())
        while not store.all("delivered"):
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(asyncio.wait_for(run_a_while(), 5))
    assert listener.bodies == [{"n": 1}]


def test_the_log_page_shows_what_was_sent_and_can_switch_a_webhook_on(sandbox: Sandbox, listener: Listener) -> None:
    installation = sandbox.install()
    sandbox.http.post("/sandbox/browse/CUST-1/", data={"name": "Shown in the log"})
    listener.wait(1)
    eventually(lambda: sandbox.plane.store.all("delivered"))
    page = sandbox.http.get("/sandbox/settings/webhooks/").text
    assert "delivered" in page and "Shown in the log" in page and "webhook-on" not in page
    sandbox.plane.store.put("installation", installation["id"], installation | {"webhook_active": False})
    assert "webhook-on" in sandbox.http.get("/sandbox/settings/webhooks/").text
    sandbox.http.post("/sandbox/settings/webhooks/")
    assert (sandbox.plane.one("installation", installation["id"]) or {})["webhook_active"] is True
