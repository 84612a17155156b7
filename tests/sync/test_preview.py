"""A look before a run writes nothing anywhere, and it is what the run then does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from django.apps import apps

from planeapp.installations.calls import held
from planeapp.installations.models import CallCount, CallWindow
from planeapp.lib.http import USER_AGENT
from planeapp.sandbox.plane import work_items
from planeapp.sandbox.planner.profiles import PROFILES
from planeapp.sync import engine, preflight
from planeapp.sync.apply import Applier, Outcome
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.options import options_of
from planeapp.sync.shapes import Plan
from tests.operators.running import run
from tests.vendors import Team

READING = {"initialize", "notifications/initialized", "ping", "tools/list"}
COUNTED = (CallWindow, CallCount)  # which calls were made, for the limits
BOTH = {name: {"direction": "both", "winner": winner} for name, winner in (
    ("title", "ask"), ("start", "plane"), ("end", "plane"),
)}  # fmt: skip


@dataclass
class Tape:
    """Every request of ours that leaves this process: method, path, body."""

    sent: list[tuple[str, str, bytes]] = field(default_factory=list)

    def keep(self, request: httpx2.Request) -> None:
        """Write it down, unless it is a vendor's (they live in this process too, and push)."""
        if request.headers["User-Agent"] == USER_AGENT:
            self.sent.append((request.method, request.url.path, request.content))

    def writes(self, profile: str) -> list[Any]:
        """What is no reading: anything but GET, where it is not a talk with the tools that only reads."""
        return [sent for sent in self.sent if sent[0] != "GET" and not self._reads(profile, *sent)]

    def _reads(self, profile: str, method: str, path: str, body: bytes) -> bool:
        if not path.endswith("/mcp"):
            return False
        if method == "DELETE":  # the end of the talk itself
            return True
        said = json.loads(body)
        reading = {tool.name for tool in PROFILES[profile].tools if tool.does == "read"}
        return said["method"] in READING or (said["method"], said["params"]["name"] in reading) == ("tools/call", True)


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> Tape:
    """Requests go on to the real servers, through whichever client."""
    found, plain, waiting = Tape(), httpx2.HTTPTransport.handle_request, httpx2.AsyncHTTPTransport.handle_async_request

    def handle(transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        found.keep(request)
        return plain(transport, request)

    async def handle_async(transport: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> httpx2.Response:
        found.keep(request)
        return await waiting(transport, request)

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", handle)
    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", handle_async)
    return found


@pytest.fixture(params=["classic", "days"])
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pair(profile: str, team: Team) -> Iterator[ProjectPair]:
    """Everything that a plan can hold: something new, changes on both sides, a conflict, an end, something held back."""
    team.vendors.planner.store.put("settings", "mcp", {"profile": profile})
    made = team.pair(team.connect("planner"))
    made.rules = BOTH
    made.save()
    rows, ada, blocks = team.vendors.rows, team.vendors.person("ada"), team.vendors.planner.store
    seeded = {block["id"] for block in blocks.all("blocks")}
    days = {"start_date": "2026-11-23", "target_date": "2026-11-25"}
    items = [work_items.create(rows, team.project(), ada, {"name": f"Gate {n}", **days}) for n in range(4)]
    engine.run_pair(made)
    new = {
        ItemLink.objects.get(remote_id=block["id"]).item_id: block
        for block in blocks.all("blocks")
        if block["id"] not in seeded
    }
    by_name = {str(key): block for key, block in new.items()}
    edit: Callable[..., Any] = lambda n, **values: work_items.update(rows, items[n], ada, values)  # noqa: E731
    drag: Callable[..., Any] = lambda n, **values: blocks.put(  # noqa: E731
        "blocks", by_name[items[n]["id"]]["id"], {**by_name[items[n]["id"]], **values}
    )
    edit(0, name="Renamed")
    drag(1, start="2026-12-07", end="2026-12-08", all_day=True)
    edit(2, name="Plane's")
    drag(2, title="Theirs")
    blocks.delete("blocks", by_name[items[3]["id"]]["id"])
    work_items.create(rows, team.project(), ada, {"name": "New", **days})
    work_items.create(rows, team.project(), ada, {"name": "No days"})
    engine.preview(made)  # tokens are fetched and kept by now
    yield ProjectPair.objects.get(pk=made.pk)


def tables() -> dict[str, list[dict[str, Any]]]:
    """Every row of ours but the counts of calls."""
    held.take()
    models = [model for model in apps.get_models() if model not in COUNTED]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def everything(team: Team) -> Any:
    """All that stands in Plane and in Planner."""
    return [json.dumps(vendor.store.all(kind), default=str) for vendor, kinds in (
        (team.vendors.plane, ("work_item", "link", "label", "comment")), (team.vendors.planner, ("blocks",)),
    ) for kind in kinds]  # fmt: skip


def planned(pair: ProjectPair, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan that a run applies."""
    seen: list[Plan] = []
    apply = Applier.apply

    def spy(applier: Applier, plan: Plan) -> Outcome:
        seen.append(plan)
        return apply(applier, plan)

    monkeypatch.setattr(Applier, "apply", spy)
    engine.run_pair(pair, forced=True)
    (found,) = seen
    return found


LOOKS: dict[str, Callable[[ProjectPair], object]] = {
    "preview": engine.preview,
    "preflight": lambda pair: preflight.check(pair, pair.rules, options_of(pair.options)),
    "command": lambda pair: run("sync", "sandbox", "--dry-run", "--json"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_writes_nothing_anywhere(look: str, profile: str, pair: ProjectPair, team: Team, tape: Tape) -> None:
    before, stood = tables(), everything(team)
    asked = len(team.vendors.plane.control.requests) + len(team.vendors.planner.control.requests)
    LOOKS[look](pair)
    assert tape.writes(profile) == []
    arrived = len(team.vendors.plane.control.requests) + len(team.vendors.planner.control.requests) - asked
    assert len(tape.sent) == arrived > 2, "something went out past the tape"
    assert everything(team) == stood
    assert tables() == before


def test_the_tape_knows_a_write_when_there_is_one(profile: str, pair: ProjectPair, tape: Tape) -> None:
    engine.run_pair(pair, forced=True)
    assert len(tape.writes(profile)) >= 3


def test_what_a_look_shows_is_what_the_run_applies(pair: ProjectPair, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = engine.preview(pair)
    checked = preflight.check(pair, pair.rules, options_of(pair.options)).plan
    (told,) = run("sync", "sandbox", "--dry-run", "--json").json["pairs"]
    applied = planned(pair, monkeypatch)
    assert {change.kind for change in applied.changes} >= {"create", "update", "unlink"}
    assert {held.code for held in applied.held} >= {"conflict", "no_dates"}
    assert shown == checked == applied
    assert told["counts"] == applied.counts
    assert [(one["kind"], one["side"], one["item"]) for one in told["changes"]] == [
        (change.kind, change.side, change.item_id) for change in applied.changes if change.kind != "agree"
    ]
