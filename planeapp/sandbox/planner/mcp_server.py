"""``POST /api/mcp``: the official SDK's server over the current tool profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from planeapp.sandbox.planner.profiles import current
from planeapp.sandbox.planner.schedule import Invalid, NotFound
from planeapp.sandbox.planner.services import Services
from planeapp.sandbox.planner.tooling import Profile, Tool
from planeapp.sandbox.store import Doc

Context = ServerRequestContext[Any]


def make_manager(known: Services) -> StreamableHTTPSessionManager:
    """The SDK's session manager; ``run()`` it for the application's lifetime and hand it the requests."""

    async def list_tools(context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return _page(current(known.store), params.cursor if params else None)

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        profile = current(known.store)
        tool = profile.tool(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        return _call(known, profile, tool, params.arguments or {})

    def schema(name: str) -> Mapping[str, Any] | None:
        tool = current(known.store).tool(name)
        return tool.input_schema if tool else None

    server: Server[Any] = Server(
        "Sandbox Planner",
        version="1.0",
        instructions="Projects, people and schedule blocks of the sandbox Planner.",
        get_tool_input_schema=schema,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    return StreamableHTTPSessionManager(server, json_response=True)


def _page(profile: Profile, cursor: str | None) -> types.ListToolsResult:
    size = profile.page_size or len(profile.tools)
    cursors = {f"after-{number}": number for number in range(size, len(profile.tools), size)}
    if cursor is not None and cursor not in cursors:
        raise MCPError(types.INVALID_PARAMS, "This cursor is not one of ours; list from the beginning.")
    begin = cursors[cursor] if cursor else 0
    following = f"after-{begin + size}"
    tools = [_declared(tool) for tool in profile.tools[begin : begin + size]]
    return types.ListToolsResult(tools=tools, next_cursor=following if following in cursors else None)


def _declared(tool: Tool) -> types.Tool:
    hints = types.ToolAnnotations(read_only_hint=tool.does == "read", destructive_hint=tool.does == "delete")
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=hints,
    )


def _call(known: Services, profile: Profile, tool: Tool, arguments: Doc) -> types.CallToolResult:
    complaint = tool.complaint(arguments)
    if complaint is not None:
        return _told(complaint)
    try:
        result = tool.run(known.schedule, arguments)
    except Invalid as error:
        return _told(str(error.renamed(tool.names)))
    except NotFound as error:
        return _told(str(error))
    shown = types.TextContent(type="text", text=json.dumps(result))
    return types.CallToolResult(content=[shown], structured_content=result if profile.structured else None)


def _told(problem: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=problem)], is_error=True)
