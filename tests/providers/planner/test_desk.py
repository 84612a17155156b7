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


def places(answer: Callable[[dict[str, Any]], Any], count: int, *, more: bool = False) -> Server:
    """A server that lists projects and, project by project, blocks."""
    tools = [
        {"name": "listProjects", "inputSchema": {"type": "object"}},
        {"name": "listBlocks", "inputSchema": {"type": "object", "properties": {"projectId": TEXT}}},
    ]
    projects = {"projects": [{"id": f"p{number}", "name": f"P{number}"} for number in range(1, count + 1)]}

    def called(params: dict[str, Any]) -> Any:
        found = projects if params["name"] == "listProjects" else answer(params["arguments"])
        return {"content": [], "structuredContent": found | ({"hasMore": True} if more and "blocks" in found else {})}

    return tiny(tools_list=lambda _: {"tools": tools}, tools_call=called)


def in_project(place: str) -> Callable[[dict[str, Any]], Any]:
    row = {"id": "b1", "title": "T", "startDate": "2026-11-23", "projectId": place}
    return lambda given: {"blocks": [row] if given["projectId"] == place else []}


def test_a_block_that_was_dragged_away_is_found_in_the_lists_of_other_projects(http: Http, serving: Serving) -> None:
    server = places(in_project("p3"), 4)
    with planner(http, serving(server.app)) as ours:
        found = ours.get("p1", "b1")
        assert found is not None and found.place == "p3"
        assert ours.get("p1", "b9") is None
    asked = [params["arguments"].get("projectId") for method, _, params in server.seen if method == "tools/call"]
    assert asked == ["p1", None, "p2", "p3", "p1", None, "p2", "p3", "p4", None]


def test_a_block_is_not_called_gone_when_a_list_of_another_project_is_not_complete(
    http: Http, serving: Serving
) -> None:
    with (
        planner(http, serving(places(in_project("p9"), 3, more=True).app)) as ours,
        pytest.raises(FixSettings) as unsure,
    ):
        ours.get("p1", "b9")
    assert unsure.value.code == "not_offered" and "do not tell whether it is gone" in unsure.value.person


def test_at_most_ten_other_projects_are_looked_through_and_more_leave_it_open(http: Http, serving: Serving) -> None:
    server = places(in_project("p20"), 20)
    with planner(http, serving(server.app)) as ours, pytest.raises(FixSettings):
        ours.get("p1", "b1")
    asked = {params["arguments"]["projectId"] for _, _, params in server.seen if params.get("arguments")}
    assert len(asked) == 11


def test_a_reading_tool_that_asks_for_the_project_is_asked_in_the_others_too(http: Http, serving: Serving) -> None:
    schema = {"type": "object", "properties": {"id": TEXT, "projectId": TEXT}, "required": ["id", "projectId"]}
    tools = [
        {"name": "listProjects", "inputSchema": {"type": "object"}}, {"name": "getBlock", "inputSchema": schema},
    ]  # fmt: skip

    def called(params: dict[str, Any]) -> Any:
        if params["name"] == "listProjects":
            return {"content": [], "structuredContent": {"projects": [{"id": "p1"}, {"id": "p2"}]}}
        if params["arguments"] == {"id": "b1", "projectId": "p2"}:
            return {"content": [], "structuredContent": {"block": {**ROWS[1], "projectId": "p2"}}}
        return {"isError": True, "content": [{"type": "text", "text": "Block not found"}]}

    with planner(http, serving(tiny(tools_list=lambda _: {"tools": tools}, tools_call=called).app)) as ours:
        found = ours.get("p1", "b1")
        assert found is not None and found.place == "p2"
        assert ours.get("p1", "b9") is None


def test_projects_may_have_numbers_for_ids(http: Http, serving: Serving) -> None:
    rows = {"blocks": [{"id": 7, "title": "T", "startDate": "2026-11-23", "projectId": 5}]}
    with planner(http, serving(listing({"projectId": TEXT}, lambda _: rows).app)) as ours:
        assert [(item.id, item.place) for item in ours.list("5").items] == [("7", "5")]
