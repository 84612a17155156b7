from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from planeapp.lib.events import BadSignature
from planeapp.providers.planner import events
from planeapp.providers.planner.client import Client
from planeapp.providers.planner.provider import Planner
from planeapp.sandbox.planner.deliveries import signature
from tests.providers.planner.conftest import Sandbox

NOW = 1_795_000_000
RAW = b'{"type":"block.updated"}'
BLOCK = {"id": "b1", "projectId": "p1", "title": "One", "startDate": "2026-11-23"}


def headers(secret: str = "s1", at: int = NOW, raw: bytes = RAW) -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"{at}.".encode() + raw, hashlib.sha256).hexdigest()
    return {"X-Planner-Signature": f"sha256={digest}", "X-Planner-Timestamp": str(at)}


@pytest.mark.parametrize("secrets", [["s1"], ["s0", "s1"], ["s1", ""]])
def test_any_of_the_secrets_may_have_signed(secrets: list[str]) -> None:
    assert events.verify(RAW, headers(), secrets, NOW + 299) is None


def test_the_sandbox_signs_as_we_verify() -> None:
    given = {"x-planner-timestamp": str(NOW), "x-planner-signature": signature("s1", str(NOW), RAW)}
    assert events.verify(RAW, given, ["s1"], NOW) is None


@pytest.mark.parametrize(
    ("given", "now"),
    [
        (headers("other"), NOW),
        (headers(), NOW + 301),
        (headers(), NOW - 301),
        (headers(raw=RAW + b" "), NOW),
        ({**headers(), "X-Planner-Signature": headers()["X-Planner-Signature"].removeprefix("sha256=")}, NOW),
        ({**headers(), "X-Planner-Signature": "sha256=zz"}, NOW),
        ({**headers(), "X-Planner-Timestamp": "soon"}, NOW),
        ({}, NOW),
    ],
)
def test_everything_else_is_refused(given: dict[str, str], now: int) -> None:
    with pytest.raises(BadSignature):
        events.verify(RAW, given, ["s1"], now)


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(BadSignature):
        events.verify(RAW, headers(""), ["", ""], NOW)


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "e1", "type": "block.updated", "data": {"block": BLOCK}},
        {"eventId": "e1", "event": "BLOCK_MOVED", "block": BLOCK},
        {"event_id": "e1", "action": "updated", "data": BLOCK},
        {"id": "e1", "topic": "schedule.block.created", "payload": BLOCK},
        {"id": "e1", "eventType": "blockRescheduled", "object": BLOCK},
    ],
)
def test_a_changed_block_is_understood_in_many_shapes(entry: dict[str, Any]) -> None:
    (event,) = events.read(json.dumps(entry).encode())
    assert (event.kind, event.id, event.subject, event.project) == ("remote.changed", "e1", "b1", "p1")
    assert event.data["record"] == BLOCK


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "e1", "type": "block.deleted", "data": {"block": BLOCK}},
        {"id": "e1", "type": "block.archived", "data": {"id": "b1"}},
        {"id": "e1", "type": "block.removed", "blockId": "b1"},
        {"id": "e1", "type": "block.deleted", "data": {"blockId": "b1"}},
    ],
)
def test_a_deleted_block_is_understood_in_many_shapes(entry: dict[str, Any]) -> None:
    (event,) = events.read(json.dumps(entry).encode())
    assert (event.kind, event.subject) == ("remote.deleted", "b1")


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "e1", "type": "project.updated", "data": {"id": "p1", "name": "P"}},
        {"id": "e1", "type": "comment.created", "block": BLOCK},
        {"id": "e1", "type": "block.viewed", "block": BLOCK},
        {"id": "e1", "type": "block.updated"},
        {"id": "e1", "type": "ping"},
    ],
)
def test_what_is_not_known_is_never_acted_on(entry: dict[str, Any]) -> None:
    (event,) = events.read(json.dumps(entry).encode())
    assert event.kind == "other"


def test_a_flat_entry_gets_an_id_of_its_own_for_each_happening() -> None:
    first = events.event_of({**BLOCK, "type": "block.updated", "updatedAt": "1"})
    second = events.event_of({**BLOCK, "type": "block.updated", "updatedAt": "2"})
    assert first.subject == second.subject == "b1" and first.id != second.id
    assert first == events.event_of({**BLOCK, "type": "block.updated", "updatedAt": "1"})


@pytest.mark.parametrize("body", [[{"id": 1}], {"events": [{"id": 1}]}, {"data": [{"id": 1}], "hasMore": False}])
def test_a_page_is_a_list_or_an_envelope(body: Any) -> None:
    assert [event.id for event in events.read_feed(body)] == ["1"]


def test_a_body_that_is_not_json_is_an_error_and_an_odd_one_is_nothing() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        events.read(b"not json")
    assert events.read(b"5") == [] and events.read(b'{"hello": 1}') == []


def test_both_of_the_sandbox_s_feeds_tell_the_same(sandbox: Sandbox) -> None:
    client = Client(sandbox.access())
    plain, zapier = events.read_feed(client.events(50)), events.read_feed(client.zapier_events())
    assert plain == zapier and len(plain) == 5
    assert {event.kind for event in plain} == {"remote.changed"} and all(event.project for event in plain)


def test_a_signed_record_becomes_an_item_without_asking_again(sandbox: Sandbox) -> None:
    (event, *_) = events.read_feed(Client(sandbox.access()).events(1))
    with Planner(sandbox.access()) as planner:
        assert planner.item_of(event.data["record"]) == planner.get(event.project, event.subject)
