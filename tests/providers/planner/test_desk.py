from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, OutcomeUnknown
from planeapp.lib.http import Http
from planeapp.providers.base import Access
from planeapp.providers.planner.provider import Planner
from tests.providers.planner.conftest import App, Tokens
from tests.providers.planner.test_mcp import Server, tiny

ROWS = [
    {"id": f"b{number}", "title": f"T{number}", "startDate": "2026-11-23", "projectId": "p1"} for number in range(5)
]
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
Serving = Callable[[App], str]


def listing(properties: dict[str, Any], answer: Callable[[dict[str, Any]], Any], **more: Any) -> Server:
    """A server with one listing tool."""
    schema = {"type": "object", "properties": properties, **more}
    tool = {"name": "listBlocks", "inputSchema": schema}
    return tiny(
        tools_list=lambda _: {"tools": [tool]},
        tools_call=lambda params: {"content": [], "structuredContent": answer(params["arguments"])},
    )


def planner(http: Http, url: str, **settings: Any) -> Planner:
    return Planner(Access(http, url, Tokens({"api": "t"}), settings))


LIMIT = {"type": "integer", "maximum": 2}
PAGED: list[tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]] = [
    (
        {"cursor": TEXT},
        lambda given: {
            "blocks": ROWS[int(given.get("cursor", 0)) :][:2],
            "nextCursor": _next(int(given.get("cursor", 0))),
        },
    ),
    (
        {"page": NUMBER, "limit": LIMIT},
        lambda given: {"blocks": ROWS[(given.get("page", 1) - 1) * 2 :][: given["limit"]]},
    ),
    ({"offset": NUMBER, "limit": LIMIT}, lambda given: {"blocks": ROWS[given.get("offset", 0) :][: given["limit"]]}),
]


def _next(begin: int) -> str | None:
    return str(begin + 2) if begin + 2 < len(ROWS) else None


@pytest.mark.parametrize(("properties", "answer"), PAGED)
def test_every_way_of_paging_is_followed_to_the_end(
    http: Http, serving: Serving, properties: dict[str, Any], answer: Callable[[dict[str, Any]], Any]
) -> None:
    with planner(http, serving(listing(properties, answer).app)) as ours:
        found = ours.list("p1")
    assert found.complete and [item.id for item in found.items] == [row["id"] for row in ROWS]


@pytest.mark.parametrize(
    ("properties", "answer"),
    [
        ({}, {"blocks": ROWS, "hasMore": True}),
        ({"limit": {"type": "integer", "maximum": 5}}, {"blocks": ROWS}),
        ({}, {"message": "no idea"}),
    ],
)
def test_a_listing_that_may_have_more_is_not_complete(
    http: Http, serving: Serving, properties: dict[str, Any], answer: Any
) -> None:
    with planner(http, serving(listing(properties, lambda _: answer).app)) as ours:
        assert ours.list("p1").complete is False


def test_required_dates_are_filled_with_a_wide_window_that_proves_no_absence(http: Http, serving: Serving) -> None:
    server = listing({"from": TEXT, "to": TEXT}, lambda _: {"blocks": ROWS}, required=["from", "to"])
    with planner(http, serving(server.app)) as ours:
        found = ours.list("p1")
    sent = server.seen[-2][2] if server.methods()[-1] != "tools/call" else server.seen[-1][2]
    assert sent["arguments"]["from"] < (date.today() - timedelta(days=300)).isoformat()
    assert len(found.items) == 5 and not found.complete


def test_rows_of_other_projects_are_left_out(http: Http, serving: Serving) -> None:
    rows = [*ROWS, {**ROWS[0], "id": "x", "projectId": "p2"}]
    with planner(http, serving(listing({}, lambda _: {"blocks": rows}).app)) as ours:
        assert "x" not in [item.id for item in ours.list("p1").items]


def test_without_a_reading_tool_a_block_is_read_from_the_list(http: Http, serving: Serving) -> None:
    with planner(http, serving(listing({}, lambda _: {"blocks": ROWS}).app)) as ours:
        found = ours.get("p1", "b3")
        assert found is not None and found.values["title"] == "T3"
        assert ours.get("p1", "b9") is None


def test_absence_from_an_incomplete_list_is_no_absence(http: Http, serving: Serving) -> None:
    server = listing({}, lambda _: {"blocks": ROWS, "hasMore": True})
    with planner(http, serving(server.app)) as ours, pytest.raises(FixSettings):
        ours.get("p1", "b9")


def creating(answer: Any, **properties: Any) -> Server:
    schema = {"type": "object", "properties": {"title": TEXT, "startDate": TEXT, "endDate": TEXT, **properties}}
    tool = {"name": "createBlock", "inputSchema": {**schema, "required": ["title", *properties]}}
    return tiny(tools_list=lambda _: {"tools": [tool]}, tools_call=lambda _: answer)


VALUES = {"title": "T", "start": date(2026, 11, 23), "end": date(2026, 11, 24)}


def test_an_answer_with_an_id_alone_is_enough(http: Http, serving: Serving) -> None:
    server = creating({"content": [{"type": "text", "text": '{"blockId": "b7"}'}]})
    with planner(http, serving(server.app)) as ours:
        made = ours.create("p1", VALUES, "m:1")
    assert (made.id, made.mark, made.values["title"]) == ("b7", "m:1", "T")


def test_an_answer_without_an_id_is_an_unknown_outcome(http: Http, serving: Serving) -> None:
    server = creating({"content": [{"type": "text", "text": "Created!"}]})
    with planner(http, serving(server.app)) as ours, pytest.raises(OutcomeUnknown):
        ours.create("p1", VALUES, "m:1")


def test_a_required_unknown_stops_the_create_until_an_admin_fills_it(http: Http, serving: Serving) -> None:
    url = serving(creating({"content": [{"type": "text", "text": '{"id": "b7"}'}]}, folderCode=TEXT).app)
    with planner(http, url) as ours, pytest.raises(FixSettings) as refused:
        ours.create("p1", VALUES, "m:1")
    assert refused.value.code == "not_offered"
    tools = {"create_block": {"tool": "createBlock", "constants": {"folderCode": "f"}}}
    with planner(http, url, tools=tools) as ours:
        assert ours.create("p1", VALUES, "m:1").id == "b7"


def test_a_tool_s_complaint_is_shown_to_people(http: Http, serving: Serving) -> None:
    server = creating({"isError": True, "content": [{"type": "text", "text": "title: is too dull"}]})
    with planner(http, serving(server.app)) as ours, pytest.raises(FixSettings) as refused:
        ours.create("p1", VALUES, "m:1")
    assert "too dull" in refused.value.person
