"""The sandbox's Plane against the real one: every captured call is made again, and the answers are compared.

Compared are the status, the telling headers, and the keys and JSON types of the body; an error word for word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from planeapp.sandbox.plane import auth, work_items
from planeapp.sandbox.plane.app import make_app
from planeapp.sandbox.plane.core import Plane

from . import captured
from .conftest import serving

HEADERS = ("Allow", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "Location")
KNOWN_DIFFERENCES = {
    113: "The captured Community Edition has no customers; the sandbox plays the cloud service, which has.",
    115: "The captured Community Edition has no agent runs; the sandbox plays the cloud service, which has.",
    120: "The captured Community Edition has no OAuth; the sandbox plays the cloud service, which has.",
}
"""Capture number → why the sandbox answers otherwise."""
FOLLOWED = (78, 79)
"""Captures whose client followed the redirect to the address with a last slash."""


def _raced(plane: Plane) -> None:
    """Four parallel creates had left several items with one external id."""
    project, bot = plane.store.get("project", captured.INTG), plane.store.get("user", captured.BOT)
    assert project and bot
    for _ in range(4):
        work_items.create(plane, project, bot, {"name": "race", "external_id": "race-0", "external_source": "planhat"})


def _limit(per_minute: int) -> Callable[[Plane], None]:
    def set_limit(plane: Plane) -> None:
        plane.clock.advance(61)
        plane.store.put("settings", "limits", {"per_minute": per_minute})

    return set_limit


def _zone(name: str) -> Callable[[Plane], None]:
    def set_zone(plane: Plane) -> None:
        plane.store.put("user", captured.MILO, (plane.store.get("user", captured.MILO) or {}) | {"user_timezone": name})

    return set_zone


BEFORE: dict[int, list[Callable[[Plane], None]]] = {
    1: [_limit(100_000)],
    138: [_raced],
    147: [_limit(3)],
    151: [_limit(100_000), _zone("Asia/Kolkata")],
    154: [_zone("UTC")],
}
"""What had happened on the captured server between its numbered calls."""


class Replay:
    """Makes the captured calls and notes, per capture, how the answers differ."""

    def __init__(self, plane: Plane, http: httpx2.Client) -> None:
        self.plane, self.http = plane, http
        self.ours: dict[str, str] = {}
        self.tokens = {name: auth.issue_token(plane, "pln_", user, None) for name, user in captured.KEYS.items()}
        self.differences: dict[int, list[str]] = {}

    def run(self) -> None:
        for call in captured.captures():
            for prepare in BEFORE.get(call["number"], []):
                prepare(self.plane)
            answer = self.make(call)
            self.differences[call["number"]] = list(self.compared(call, answer))
            self.learn(call["response"]["body"], _body(answer))

    def make(self, call: dict[str, Any]) -> httpx2.Response:
        asked = call["request"]
        body = (
            asked["body"]
            if isinstance(asked["body"], str)
            else json.dumps(asked["body"])
            if asked["body"] is not None
            else None
        )
        return self.http.request(
            asked["method"],
            self.translated(asked["path"]),
            content=self.translated(body).encode() if body is not None else None,
            headers=self.credentials(asked["headers"]),
            follow_redirects=call["number"] in FOLLOWED,
        )

    def credentials(self, headers: dict[str, str]) -> dict[str, str]:
        """The captured server takes API keys; here the same people come with Bearer tokens."""
        key = headers.get("X-Api-Key", "")
        if key not in self.tokens:
            return headers
        kept = {name: value for name, value in headers.items() if name != "X-Api-Key"}
        return kept | {"Authorization": f"Bearer {self.tokens[key]}"}

    def translated(self, text: str) -> str:
        for theirs, ours in self.ours.items():
            text = text.replace(theirs, ours)
        return text

    def learn(self, theirs: Any, ours: Any) -> None:
        """Rows made in a call have other ids here than there."""
        pairs = (
            zip(theirs, ours, strict=False) if isinstance(theirs, list) and isinstance(ours, list) else [(theirs, ours)]
        )
        for their, our in pairs:
            if (
                isinstance(their, dict)
                and isinstance(our, dict)
                and "id" in their
                and "id" in our
                and "results" not in their
            ):
                self.ours[their["id"]] = our["id"]

    def compared(self, call: dict[str, Any], answer: httpx2.Response) -> Iterator[str]:
        wanted = call["response"]
        if answer.status_code != wanted["status"]:
            yield f"status {answer.status_code} instead of {wanted['status']}"
        for name in HEADERS:
            if (name in wanted["headers"]) != (name.lower() in answer.headers):
                yield f"header {name}"
        if wanted["headers"].get("Allow", "") != answer.headers.get("allow", ""):
            yield f"Allow {answer.headers.get('allow')} instead of {wanted['headers'].get('Allow')}"
        if wanted["status"] >= 400 and self.translated(json.dumps(wanted["body"])) != json.dumps(_body(answer)):
            yield f"error {_body(answer)} instead of {wanted['body']}"
        yield from unlike(wanted["body"], _body(answer), "body")


def _body(answer: httpx2.Response) -> Any:
    return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else None


def unlike(theirs: Any, ours: Any, where: str) -> Iterator[str]:
    """Differences of keys and JSON types."""
    if _type(theirs) != _type(ours):
        yield f"{where}: {_type(ours)} instead of {_type(theirs)}"
    elif isinstance(theirs, dict):
        if theirs.keys() != ours.keys():
            yield f"{where}: keys {sorted(theirs.keys() ^ ours.keys())}"
        for name in theirs.keys() & ours.keys():
            yield from unlike(theirs[name], ours[name], f"{where}.{name}")
    elif isinstance(theirs, list):
        if len(theirs) != len(ours):
            yield f"{where}: {len(ours)} rows instead of {len(theirs)}"
        for index, (their, our) in enumerate(zip(theirs, ours, strict=False)):
            yield from unlike(their, our, f"{where}[{index}]")


def _type(value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number" if number else type(value).__name__


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    plane = captured.world()
    made = make_app(plane.world, plane.store, plane.clock)
    with serving(lambda _: made) as origin, httpx2.Client(base_url=origin, trust_env=False) as http:
        played = Replay(made.state.plane, http)
        played.run()
        yield played


def test_every_captured_call_gets_the_answer_of_the_real_server(replay: Replay) -> None:
    unlike_there = {
        number: found for number, found in replay.differences.items() if found and number not in KNOWN_DIFFERENCES
    }
    print(f"{len(replay.differences)} captured calls compared, {len(KNOWN_DIFFERENCES)} known differences")
    assert unlike_there == {}


def test_every_known_difference_is_still_one(replay: Replay) -> None:
    assert [number for number in KNOWN_DIFFERENCES if not replay.differences[number]] == []


def test_all_captures_were_compared(replay: Replay) -> None:
    assert len(replay.differences) == 181


def test_the_comparison_sees_a_missing_key_another_type_and_a_shorter_list() -> None:
    there: dict[str, Any] = {"a": 1, "b": "x", "c": [1, 2]}
    assert [*unlike(there, {"a": 1, "c": [1, 2]}, "body")] == ["body: keys ['b']"]
    assert [*unlike(there, {"a": None, "b": "x", "c": [1]}, "body")] != []
    assert re.search("1 rows instead of 2", " ".join(unlike(there, {"a": 1, "b": "x", "c": [1]}, "body")))
