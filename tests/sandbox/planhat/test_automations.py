"""Webhooks of automations: sent after a change, kept until they got through."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planhat.app import make_app
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World
from tests.sandbox.planhat.conftest import Running, served, wait_until

Received = list[tuple[str | None, dict[str, Any]]]


@contextmanager
def receiver(port: int = 0) -> Iterator[tuple[str, Received]]:
    """A webhook endpoint that notes (secret, body) of what it gets."""
    got: Received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.headers.get("X-Planhat-Secret"), json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", got
        server.shutdown()
        thread.join()


def _automation(planhat: Running, url: str, **more: str) -> None:
    form = {"url": url, "secret": "s3cret", "event": "company.updated", **more}
    assert planhat.client().post("/settings/automations", data=form).status_code == 303


def _edit(planhat: Running, phase: str) -> str:
    ident: str = planhat.company()["_id"]
    assert planhat.client().post(f"/company/{ident}", data={"phase": phase}).status_code == 303
    return ident


def test_a_change_on_the_company_page_calls_the_webhook_with_the_secret(live: Running) -> None:
    with receiver() as (url, got):
        _automation(live, url)
        ident = _edit(live, "renewal")
        wait_until(lambda: got)
    assert got == [("s3cret", {"event": "company.updated", "id": ident, "model": "Company"})]


def test_a_save_that_changes_nothing_calls_nobody(planhat: Running) -> None:
    _automation(planhat, "http://127.0.0.1:9/hook")
    _edit(planhat, planhat.company()["phase"])
    assert planhat.store.all("deliveries") == []


def test_changes_through_the_api_count_only_when_the_automation_says_so(planhat: Running) -> None:
    _automation(planhat, "http://127.0.0.1:9/page-only")
    _automation(planhat, "http://127.0.0.1:9/all", api="on")
    planhat.api.put("/companies/extid-acme", json={"phase": "renewal"})
    assert [row["url"] for row in planhat.store.all("deliveries")] == ["http://127.0.0.1:9/all"]


def test_creation_and_deletion_are_events_of_their_own(planhat: Running) -> None:
    for event in ("company.created", "company.deleted"):
        _automation(planhat, "http://127.0.0.1:9/hook", event=event, api="on")
    ident = planhat.api.post("/companies", json={"name": "Oceanic"}).json()["_id"]
    planhat.api.delete(f"/companies/{ident}")
    sent = [(row["payload"]["event"], row["payload"]["id"]) for row in planhat.store.all("deliveries")]
    assert sent == [("company.created", ident), ("company.deleted", ident)]


def test_a_receiver_that_is_down_gets_its_webhook_when_it_is_back(live: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _automation(live, f"http://127.0.0.1:{port}/hook")
    _edit(live, "renewal")
    wait_until(lambda: live.store.all("deliveries")[0]["attempts"] >= 1)
    assert live.store.all("deliveries")[0]["state"] == "waiting"
    with receiver(port) as (_, got):
        live.clock.advance(60)
        wait_until(lambda: live.store.all("deliveries")[0]["state"] == "sent")
    assert len(got) == 1


def test_a_queued_webhook_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "planhat.sqlite3"
    store = Store(path)
    make_app(World(), store, Clock()).state.tenant.sender.queue("http://127.0.0.1:9/hook", "s", {"event": "e"})
    with receiver() as (url, got):
        for waiting in store.all("deliveries"):
            store.put("deliveries", waiting["_id"], waiting | {"url": url})
        again = Store(path)
        with served(make_app(World(), again, Clock()), "on"):
            wait_until(lambda: got)
    assert got == [("s", {"event": "e"})]


def test_a_useless_address_is_refused_with_advice(planhat: Running) -> None:
    answer = planhat.client().post("/settings/automations", data={"url": "nonsense", "secret": "s"})
    assert (answer.status_code, "Go back" in answer.text) == (400, True)
    assert planhat.store.all("automations") == []
