"""Webhook subscriptions and what they are sent."""

from __future__ import annotations

import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import pytest

from planeapp.sandbox.store import Store
from tests.sandbox.planner.conftest import Planner, Receiver, eventually, running

PATH = "/integrations/webhooks/subscriptions"
BLOCK = {"projectId": "prj_ramp", "title": "Paint lines", "startDate": "2026-11-23"}


def subscribe(planner: Planner, url: str, **more: Any) -> dict[str, Any]:
    answer = planner.call("POST", PATH, json={"url": url, **more})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()["subscription"]
    return found


def create(planner: Planner) -> str:
    answer = planner.call("POST", "/v1/connectors/actions/blocks", json=BLOCK)
    return str(answer.json()["block"]["id"])


def test_the_secret_is_shown_once_and_the_list_goes_without(planner: Planner) -> None:
    made = subscribe(planner, "https://app.example/hook")
    listed = planner.call("GET", PATH).json()["subscriptions"]
    assert made.pop("signingSecret").startswith("plr_whsec_")
    assert listed == [made]
    assert made["events"] == ["block.created", "block.updated", "block.deleted"]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "url"), ({"url": "ftp://x"}, "url"), ({"url": "http://x", "events": []}, "events")],
)
def test_a_bad_subscription_is_refused_with_422(planner: Planner, body: dict[str, Any], field: str) -> None:
    answer = planner.call("POST", PATH, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_a_delivery_is_signed_over_timestamp_and_raw_body(planner: Planner, receiver: Receiver) -> None:
    secret = subscribe(planner, receiver.url)["signingSecret"]
    key = create(planner)
    headers, body = eventually(lambda: receiver.got)[0]
    stamp = headers["x-planner-timestamp"]
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-planner-signature"] == f"sha256={digest}"
    assert abs(int(stamp) - time.time()) < 10
    assert receiver.events[0]["data"]["block"]["id"] == key


def test_a_delivery_carries_the_event_of_the_feed(planner: Planner, receiver: Receiver) -> None:
    subscribe(planner, receiver.url)
    create(planner)
    eventually(lambda: receiver.got)
    assert receiver.events == planner.events()[:1]
    assert set(receiver.events[0]) == {"id", "type", "occurredAt", "data"}


def test_only_wanted_events_are_sent(planner: Planner, receiver: Receiver) -> None:
    subscribe(planner, receiver.url, events=["block.deleted"])
    planner.http.post(f"/blocks/{create(planner)}/delete/")
    eventually(lambda: receiver.got and not planner.store.all("queue"))
    assert [event["type"] for event in receiver.events] == ["block.deleted"]


def test_a_503_is_tried_again_with_the_same_event(planner: Planner, receiver: Receiver) -> None:
    receiver.statuses = [503, 500]
    planner.store.put("settings", "deliveries", {"backoff": [0.01, 0.01]})
    subscribe(planner, receiver.url)
    create(planner)
    row = eventually(lambda: planner.store.all("deliveries"))[0]
    assert (row["state"], row["attempts"], row["answer"]) == ("delivered", 3, "HTTP 200")
    assert len({event["id"] for event in receiver.events}) == 1


def test_a_400_is_not_tried_again(planner: Planner, receiver: Receiver) -> None:
    receiver.statuses = [400]
    subscribe(planner, receiver.url)
    create(planner)
    row = eventually(lambda: planner.store.all("deliveries"))[0]
    assert (row["state"], row["attempts"]) == ("refused", 1)


def test_a_receiver_that_is_not_there_is_given_up_after_the_last_attempt(planner: Planner) -> None:
    planner.store.put("settings", "deliveries", {"backoff": [0.01]})
    subscribe(planner, "http://127.0.0.1:9/hook")
    create(planner)
    row = eventually(lambda: planner.store.all("deliveries"))[0]
    assert (row["state"], row["attempts"], row["answer"]) == ("given up", 2, "no answer: ConnectError")


def test_a_deleted_subscription_gets_nothing_more(planner: Planner, receiver: Receiver) -> None:
    key = subscribe(planner, receiver.url)["id"]
    assert planner.call("DELETE", f"{PATH}/{key}").status_code == 204
    assert planner.call("DELETE", f"{PATH}/{key}").status_code == 404
    create(planner)
    assert (planner.store.all("queue"), receiver.got) == ([], [])


def test_what_waits_is_sent_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    receiver.statuses = [503]
    with running(Store(tmp_path / "rows.sqlite3")) as planner:
        planner.store.put("settings", "deliveries", {"backoff": [60]})
        subscribe(planner, receiver.url)
        create(planner)
        row = eventually(lambda: planner.store.find("queue", state="will retry"))[0]
        planner.store.put("queue", row["id"], {**row, "due": 0})
    with running(Store(tmp_path / "rows.sqlite3")) as again:
        row = eventually(lambda: again.store.all("deliveries"))[0]
    assert (row["state"], row["attempts"], len(receiver.got)) == ("delivered", 2, 2)
