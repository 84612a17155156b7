"""A connection without MCP tools: blocks are made and heard of, never changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from planeapp.lib.errors import FixSettings
from planeapp.lib.http import Http
from planeapp.providers.base import Access
from planeapp.providers.planner.provider import Planner
from planeapp.sandbox.planner.seed import SERVICE_TOKEN
from tests.providers.planner.conftest import App, Sandbox, Tokens
from tests.providers.planner.test_profiles import FIELDS, MARK, PLACE, VALUES

Serving = Callable[[App], str]


@pytest.fixture
def planner(sandbox: Sandbox) -> Iterator[Planner]:
    with sandbox.planner(tokens=Tokens({"api": SERVICE_TOKEN}), settings={"rest_create": True}) as found:
        yield found


def test_a_later_change_is_shown_for_doing_by_hand_and_makes_no_second_block(
    sandbox: Sandbox, planner: Planner
) -> None:
    made = planner.create(PLACE, VALUES, MARK)
    before = sandbox.store.all("blocks")
    known = planner.get(PLACE, made.id)
    assert known is not None
    with pytest.raises(FixSettings) as refused:
        planner.update(PLACE, known, {"start": date(2026, 12, 1), "end": date(2026, 12, 3), "title": VALUES["title"]})
    assert refused.value.code == "not_offered"
    assert refused.value.person == (
        "This connection has no MCP tools, only REST. "
        "Please change it by hand in Planner: the start date to 1 December 2026, the due date to 3 December 2026."
    )
    with pytest.raises(FixSettings) as refused:
        planner.delete(PLACE, known)
    assert refused.value.code == "not_offered" and sandbox.store.all("blocks") == before


def test_a_block_is_known_as_the_newest_events_show_it(sandbox: Sandbox, planner: Planner) -> None:
    made = planner.create(PLACE, VALUES, MARK)
    found = planner.get(PLACE, made.id)
    assert found is not None
    assert (found.mark, found.place, found.values["start"]) == (MARK, PLACE, VALUES["start"])
    with pytest.raises(FixSettings) as unknown:
        planner.get(PLACE, "blk_never")
    assert unknown.value.code == "not_offered" and "newest events do not speak of this block" in unknown.value.person
    _tell(sandbox, "block.deleted", made.id)
    assert planner.get(PLACE, made.id) is None


def _tell(sandbox: Sandbox, kind: str, block_id: str) -> None:
    newest = sandbox.store.all("events")[-1]
    sandbox.store.put("events", "evt_last", {**json.loads(json.dumps(newest)), "id": "evt_last", "type": kind})


def test_the_pre_flight_check_knows_what_rest_can_do(planner: Planner) -> None:
    found = {name: planner.objection(name, "out") for name in FIELDS}
    assert {name for name, told in found.items() if told.endswith("once a block is made.")} == {
        "title", "start", "end", "notes",
    }  # fmt: skip
    assert all(found.values()) and not any(planner.objection(name, "in") for name in FIELDS)


def feed_of(count: int, longest: int, *, cursor: bool = False) -> Starlette:
    """A feed of so many events, newest first, whose pages hold at most ``longest``; longer ones are refused."""

    async def events(request: Request) -> Response:
        limit, begin = int(request.query_params["limit"]), int(request.query_params.get("cursor", 0))
        if limit > longest and not cursor:
            return JSONResponse({"message": f"limit must be at most {longest}"}, 422)
        page = [{"id": f"e{number}", "type": "block.updated"} for number in range(count, 0, -1)][begin:][
            : min(limit, longest)
        ]
        following: dict[str, Any] = (
            {"nextCursor": str(begin + len(page))} if cursor and begin + len(page) < count else {}
        )
        return JSONResponse({"events": page, **following})

    return Starlette(routes=[Route("/v1/connectors/events", events)])


@pytest.mark.parametrize(
    ("longest", "cursor", "seen"), [(1000, False, 300), (100, False, 100), (100, True, 300), (20, True, 100)]
)
def test_a_wide_look_at_the_feed_reaches_as_far_as_planner_lets_it(
    http: Http, serving: Serving, longest: int, cursor: bool, seen: int
) -> None:
    planner = Planner(Access(http, serving(feed_of(300, longest, cursor=cursor)), Tokens({"api": "t"})))
    assert len(planner.feed(wide=True)) == seen
    if longest >= 100:
        assert len(planner.feed()) == 100
