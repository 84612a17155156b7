"""The MCP endpoint through the official SDK's client in every tool profile, and with the calls of Planner's page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Tool

from planeapp.sandbox.planner.profiles import PROFILES
from tests.sandbox.planner.conftest import Planner

PARAMS = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
START, END, MOVED = "2026-11-23T09:00:00+00:00", "2026-11-23T11:00:00+00:00", "2026-11-24T09:00:00+00:00"
MS = 1795424400000

# Per profile: create tool and arguments, the key of the answer, the id's name, the get tool.
CREATE: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    "classic": (
        "createBlock",
        {"projectId": "prj_ramp", "title": "Paint", "start": START, "end": END},
        "block",
        "id",
        "getBlock",
    ),
    "days": (
        "create_schedule_item",
        {"project_id": "prj_ramp", "name": "Paint", "start_date": "2026-11-23", "end_date": "2026-11-24"},
        "item",
        "block_id",
        "get_schedule_item",
    ),
    "readonly_epoch": (
        "create_block",
        {"project": "prj_ramp", "label": "Paint", "startMs": MS, "endMs": MS + 7_200_000},
        "result",
        "id",
        "read_block",
    ),
}
NESTED = {"block": {"project": "prj_ramp", "title": "Paint", "startsAt": START, "durationMinutes": 120}}


@asynccontextmanager
async def session(planner: Planner, mode: Any = "legacy") -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(headers=planner.bearer(), trust_env=False) as http:
        transport = streamable_http_client(f"{planner.url}/api/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def talk(
    planner: Planner, work: Callable[[Client], Awaitable[Any]], profile: str = "classic", mode: Any = "legacy"
) -> Any:
    planner.http.post("/settings/", data={"profile": profile})

    async def run() -> Any:
        async with session(planner, mode) as client:
            return await work(client)

    return asyncio.run(run())


async def tools_of(client: Client) -> list[Tool]:
    page = await client.list_tools()
    found = list(page.tools)
    while page.next_cursor:
        page = await client.list_tools(cursor=page.next_cursor)
        found += page.tools
    return found


def read(result: CallToolResult) -> Any:
    return json.loads(result.content[0].text)  # type: ignore[union-attr]


def test_a_request_without_a_token_is_challenged_with_the_metadata_address(planner: Planner) -> None:
    answer = planner.http.post("/api/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
    challenge = answer.headers["www-authenticate"]
    assert answer.status_code == 401
    assert f'resource_metadata="{planner.url}/.well-known/oauth-protected-resource/api/mcp"' in challenge
    assert challenge.startswith("Bearer ") and "error=" not in challenge


def test_a_token_in_the_query_is_refused(planner: Planner) -> None:
    answer = planner.call("POST", "/api/mcp", params={"token": "x"}, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_in_query")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_both_protocol_eras_list_and_call(planner: Planner, mode: str) -> None:
    async def work(client: Client) -> Any:
        return len(await tools_of(client)), (await client.call_tool("listProjects", {})).structured_content

    count, projects = talk(planner, work, mode=mode)
    assert count == 7
    assert projects["projects"][0] == {"id": "prj_ramp", "name": "Ramp operations", "timezone": "Europe/Stockholm"}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_declares_its_tools_with_valid_schemas(planner: Planner, profile: str) -> None:
    tools = talk(planner, tools_of, profile)
    assert [tool.name for tool in tools] == [tool.name for tool in PROFILES[profile].tools]
    for tool in tools:
        jsonschema.validators.validator_for(tool.input_schema).check_schema(tool.input_schema)


def test_the_days_profile_lists_its_tools_in_pages(planner: Planner) -> None:
    async def work(client: Client) -> Any:
        return await client.list_tools()

    page = talk(planner, work, "days")
    assert (len(page.tools), page.next_cursor) == (3, "after-3")


def test_only_the_epoch_profile_can_neither_change_nor_delete(planner: Planner) -> None:
    abilities = {name: {tool.does for tool in profile.tools} for name, profile in PROFILES.items()}
    writing = {name: sum(tool.does == "write" for tool in profile.tools) for name, profile in PROFILES.items()}
    assert abilities.pop("readonly_epoch") == {"read", "write"}
    assert set(map(frozenset, abilities.values())) == {frozenset({"read", "write", "delete"})}
    assert writing == {"classic": 2, "days": 2, "nested": 2, "readonly_epoch": 1}


@pytest.mark.parametrize("profile", CREATE)
def test_a_block_is_created_and_read_back(planner: Planner, profile: str) -> None:
    create, arguments, key, name, get = CREATE[profile]

    async def work(client: Client) -> Any:
        made = await client.call_tool(create, arguments)
        return made, await client.call_tool(get, {name: made.structured_content[key][name]})

    made, again = talk(planner, work, profile)
    assert made.structured_content == read(made) == again.structured_content
    assert {name: made.structured_content[key][name] for name in arguments} == SHOWN.get(profile, arguments)
    assert planner.events()[0]["data"]["block"]["title"] == "Paint"


# The project's timezone is the one in which classic shows moments.
SHOWN = {
    "classic": CREATE["classic"][1] | {"start": "2026-11-23T10:00:00+01:00", "end": "2026-11-23T12:00:00+01:00"},
}


def test_the_nested_profile_answers_with_text_alone(planner: Planner) -> None:
    async def work(client: Client) -> Any:
        made = await client.call_tool("blocks.add", NESTED)
        key = read(made)["data"]["block"]["id"]
        people = {"assignees": [{"email": "ada@sandbox.test"}], "durationMinutes": 90}
        return made, await client.call_tool("blocks.edit", {"blockId": key, "block": people})

    made, edited = talk(planner, work, "nested")
    block = read(edited)["data"]["block"]
    assert made.structured_content is None
    assert (block["startsAt"], block["durationMinutes"]) == ("2026-11-23T10:00:00+01:00", 90)
    assert block["assignees"] == [{"email": "ada@sandbox.test"}]


@pytest.mark.parametrize(
    ("profile", "tool", "arguments"),
    [
        ("classic", "updateBlock", {"start": MOVED, "end": "2026-11-24T11:00:00+00:00"}),
        ("days", "update_schedule_item", {"start_date": "2026-11-24", "end_date": "2026-11-25", "status": "CONFIRMED"}),
        ("nested", "blocks.edit", {"block": {"startsAt": MOVED}}),
    ],
)
def test_a_block_is_moved_in_every_profile_that_can(planner: Planner, profile: str, tool: str, arguments: Any) -> None:
    key = planner.store.all("blocks")[1]["id"]
    name = {"classic": "id", "days": "block_id", "nested": "blockId"}[profile]

    async def work(client: Client) -> Any:
        return await client.call_tool(tool, {name: key, **arguments})

    assert not talk(planner, work, profile).is_error
    event = planner.events()[0]
    assert (event["type"], event["data"]["block"]["startDate"]) == ("block.updated", "2026-11-24")


@pytest.mark.parametrize(
    ("profile", "tool", "name"),
    [
        ("classic", "deleteBlock", "id"),
        ("days", "remove_schedule_item", "block_id"),
        ("nested", "blocks.remove", "blockId"),
    ],
)
def test_a_block_is_deleted_once(planner: Planner, profile: str, tool: str, name: str) -> None:
    key = planner.store.all("blocks")[0]["id"]

    async def work(client: Client) -> Any:
        return [await client.call_tool(tool, {name: key}) for _ in range(2)]

    first, second = talk(planner, work, profile)
    assert (first.is_error, second.is_error) == (False, True)
    assert second.content[0].text == f"There is no block {key}."
    assert planner.store.get("blocks", key) is None


@pytest.mark.parametrize(
    ("profile", "tool", "wanted"),
    [
        ("classic", "listBlocks", {"projectId": "prj_ramp"}),
        ("days", "list_schedule_items", {"project_id": "prj_ramp"}),
        ("nested", "blocks.list", {"filter": {"project": "prj_ramp"}}),
        ("readonly_epoch", "search_blocks", {"project": "prj_ramp"}),
    ],
)
def test_every_profile_lists_blocks_of_a_project(planner: Planner, profile: str, tool: str, wanted: Any) -> None:
    async def work(client: Client) -> Any:
        return read(await client.call_tool(tool, {})), read(await client.call_tool(tool, wanted))

    everything, some = (next(iter(answer.values())) for answer in talk(planner, work, profile))
    assert (len(everything), len(some)) == (5, 2)


def test_a_window_keeps_the_blocks_that_touch_it(planner: Planner) -> None:
    wanted = {"projectId": "prj_ramp", "title": "Paint", "start": START, "end": END}

    async def work(client: Client) -> Any:
        await client.call_tool("createBlock", wanted)
        days = ({"from": "2026-11-23", "to": "2026-11-23"}, {"from": END}, {"to": "2026-11-22"})
        return [read(await client.call_tool("listBlocks", window))["blocks"] for window in days]

    found = [[block["title"] for block in blocks] for blocks in talk(planner, work)]
    assert ["Paint" in titles for titles in found] == [True, False, False]


@pytest.mark.parametrize(
    ("profile", "tool", "arguments", "named"),
    [
        ("classic", "createBlock", {"title": "x"}, "'projectId' is a required property"),
        ("classic", "createBlock", CREATE["classic"][1] | {"end": START}, "end: must be after the start"),
        ("classic", "createBlock", CREATE["classic"][1] | {"projectId": "prj_x"}, "projectId: is not a project"),
        ("days", "create_schedule_item", CREATE["days"][1] | {"end_date": "2026-11-22"}, "end_date: must not be"),
        ("days", "create_schedule_item", CREATE["days"][1] | {"start_date": START}, "is not a 'date'"),
        ("nested", "blocks.add", {"block": NESTED["block"] | {"durationMinutes": 0}}, "block.durationMinutes"),
        ("readonly_epoch", "create_block", CREATE["readonly_epoch"][1] | {"startMs": "soon"}, "startMs"),
    ],
)
def test_bad_arguments_are_tool_errors(planner: Planner, profile: str, tool: str, arguments: Any, named: str) -> None:
    async def work(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    result = talk(planner, work, profile)
    assert result.is_error
    assert named in result.content[0].text


def test_an_unknown_tool_is_a_protocol_error(planner: Planner) -> None:
    async def work(client: Client) -> Any:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("deleteEverything", {})
        return caught.value

    assert talk(planner, work).code == -32602


def test_a_profile_chosen_in_the_middle_counts_at_the_next_request(planner: Planner) -> None:
    async def work(client: Client) -> Any:
        planner.store.put("settings", "mcp", {"profile": "days"})
        return await tools_of(client)

    assert talk(planner, work)[0].name == "list_projects"


def test_the_calls_of_planners_own_page_work(planner: Planner) -> None:
    def rpc(body: dict[str, Any], **headers: str) -> httpx2.Response:
        return planner.call("POST", "/api/mcp", json={"jsonrpc": "2.0", **body}, headers={"Accept": "*/*", **headers})

    hello = rpc({"id": "init-1", "method": "initialize", "params": {}})
    kept = {"mcp-session-id": hello.headers["mcp-session-id"]}
    tools = rpc({"id": "list-1", "method": "tools/list"}, **kept).json()["result"]["tools"]
    call = {"name": "listProjects", "arguments": {}}
    result = rpc({"id": "call-1", "method": "tools/call", "params": call}, **kept).json()["result"]
    assert tools[0]["name"] == "listProjects"
    assert len(result["structuredContent"]["projects"]) == 3


def test_a_session_that_is_not_known_is_a_404(planner: Planner) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert planner.call("POST", "/api/mcp", json=body, headers={"mcp-session-id": "gone"}).status_code == 404


def test_a_session_belongs_to_the_token_that_opened_it(planner: Planner) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": PARAMS}
    kept = {"mcp-session-id": planner.call("POST", "/api/mcp", json=body).headers["mcp-session-id"]}
    other = planner.token("projects:read")
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert planner.call("POST", "/api/mcp", other, json=listing, headers=kept).status_code == 404
    assert planner.call("POST", "/api/mcp", json=listing, headers=kept).status_code == 200


def test_a_call_beyond_the_tokens_scopes_is_a_403_that_names_the_scope(planner: Planner) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "deleteBlock", "arguments": {}}}
    answer = planner.call("POST", "/api/mcp", planner.token("blocks:read"), json=body)
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="blocks:write"' in answer.headers["www-authenticate"]


def test_tool_calls_count_against_the_limit(planner: Planner) -> None:
    planner.http.post("/settings/", data={"per_minute": "1"})
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "listProjects", "arguments": {}}}
    answers = [planner.call("POST", "/api/mcp", json=body) for _ in range(2)]
    assert answers[0].status_code != 429
    assert (answers[1].status_code, "retry-after" in answers[1].headers) == (429, True)
