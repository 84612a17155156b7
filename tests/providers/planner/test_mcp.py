from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from planeapp.lib.errors import FixSettings, OutcomeUnknown, RetryLater
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.base import Access
from planeapp.providers.planner.mcp import McpSession, StrictRefusal, sorted_failure
from planeapp.providers.planner.provider import Planner
from planeapp.providers.planner.reading import data_of
from planeapp.providers.planner.wire import WireFailure
from tests.providers.planner.conftest import App, Sandbox, Tokens

Serving = Callable[[App], str]
Answer = Callable[[dict[str, Any]], Any]
WIRES = ("sdk", "raw")


class RpcError(Exception):
    """Raised by an answer: the server's JSON-RPC error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error {code}")
        self.code = code


class Server:
    """A hand-written MCP server: ``answers`` by method, each a result, or a Response."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {name.replace("_", "/", 1): answer for name, answer in answers.items()}
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.app = Starlette(routes=[Route("/api/mcp", self.post, methods=["POST"])])

    async def post(self, request: Request) -> Response:
        message = await request.json()
        self.seen.append((message["method"], dict(request.headers), message.get("params", {})))
        if "id" not in message:
            return Response(status_code=202)
        found = self.answers.get(message["method"])
        if found is None:
            error = {"code": -32601, "message": "Method not found"}
            return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error})
        try:
            result = found(message.get("params", {}))
        except RpcError as error:
            told = {"code": error.code, "message": str(error)}
            return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": told})
        if isinstance(result, Response):
            return result
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result}, headers={"mcp-session-id": "s1"})

    def methods(self) -> list[str]:
        return [method for method, _, _ in self.seen]


HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "Tiny", "version": "2"}}
TOOL = {"name": "listProjects", "inputSchema": {"type": "object"}}
DONE = {"content": [{"type": "text", "text": '{"projects": [{"id": "p1", "name": "One"}]}'}]}


def tiny(**answers: Answer) -> Server:
    usual: dict[str, Answer] = {
        "initialize": lambda _: HELLO,
        "tools_list": lambda _: {"tools": [TOOL]},
        "tools_call": lambda _: DONE,
    }
    return Server(**{**usual, **answers})


def session(http: Http, url: str, **parts: Any) -> McpSession:
    return McpSession(Access(http, url, Tokens({"api": "t0"})), url + "/api/mcp", **parts)


@pytest.mark.parametrize("wire", WIRES)
def test_both_wires_list_and_call_the_same_tools(sandbox: Sandbox, wire: str) -> None:
    sandbox.profile("days")
    with McpSession(sandbox.access(), sandbox.url + "/api/mcp", wire=wire) as opened:
        assert len(opened.tools()) == 7
        found = opened.call("list_projects", {}, writes=False)
        assert data_of(found.structured, found.texts)["projects"][0]["project_id"] == "prj_ramp"


@pytest.mark.parametrize("wire", WIRES)
def test_both_wires_speak_the_modern_era_when_asked(sandbox: Sandbox, wire: str) -> None:
    with McpSession(sandbox.access(), sandbox.url + "/api/mcp", wire=wire, era="auto") as opened:
        assert opened.hello is not None and opened.hello.era == "modern"
        assert not opened.call("listProjects", {}, writes=False).is_error
    assert "initialize" not in [json.loads(entry["body"])["method"] for entry in sandbox.requests()]


@pytest.mark.parametrize("wire", WIRES)
def test_a_server_that_refuses_the_handshake_is_asked_in_the_other_era(http: Http, serving: Serving, wire: str) -> None:
    discover = {"supportedVersions": ["2026-07-28"], "capabilities": {}, "resultType": "complete", "ttlMs": 0}
    discover |= {"cacheScope": "public"}
    error = {"code": -32022, "message": "Unsupported", "data": {"supported": ["2026-07-28"], "requested": "x"}}
    refusal = {"jsonrpc": "2.0", "id": None, "error": error}
    server = tiny(initialize=lambda _: JSONResponse(refusal, 400), server_discover=lambda _: discover)
    with session(http, serving(server.app), wire=wire) as opened:
        assert opened.era == "modern"
    assert server.methods()[:2] == ["initialize", "server/discover"]


def test_a_modern_call_carries_its_names_as_headers(http: Http, serving: Serving) -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    server = tiny(tools_list=lambda _: {"tools": [{**TOOL, "inputSchema": schema}]}, server_discover=lambda _: {})
    with session(http, serving(server.app), wire="raw", era="modern") as opened:
        opened.call("listProjects", {"region": "eu"}, writes=False)
    method, headers, params = server.seen[-1]
    assert (headers["mcp-method"], headers["mcp-name"], headers["mcp-param-region"]) == (method, "listProjects", "eu")
    assert params["_meta"]["io.modelcontextprotocol/protocolVersion"] == headers["mcp-protocol-version"] == "2026-07-28"


def test_a_server_that_the_sdk_refuses_is_served_by_the_lenient_wire(http: Http, serving: Serving) -> None:
    server = tiny(
        initialize=lambda _: {"protocolVersion": "2025-06-18"},
        tools_list=lambda _: {"tools": [{**TOOL, "inputSchema": None}]},
        tools_call=lambda _: {"projects": [{"id": "p1", "name": "One"}]},
    )
    url = serving(server.app)
    with pytest.raises(StrictRefusal), session(http, url) as opened:
        opened.tools()
    access = Access(http, url, Tokens({"api": "t"}))
    with Planner(access) as first:
        report = first.probe().as_data()
    assert report["facts"]["wire"] == "raw"
    with Planner(Access(http, url, access.token, {}, report)) as planner:
        assert [place.name for place in planner.places()] == ["One"]


def test_one_tool_without_a_schema_sends_the_probe_to_the_lenient_wire(http: Http, serving: Serving) -> None:
    server = tiny(tools_list=lambda _: {"tools": [{**TOOL, "inputSchema": None}]})
    with Planner(Access(http, serving(server.app), Tokens({"api": "t"}))) as planner:
        report = planner.probe()
    states = [(line.name, line.state) for line in report.lines if line.name in ("mcp", "tools", "projects")]
    assert report.facts["wire"] == "raw" and states == [("mcp", "ok"), ("tools", "ok"), ("projects", "ok")]


def test_a_list_as_structured_content_sends_the_probe_to_the_lenient_wire(http: Http, serving: Serving) -> None:
    server = tiny(tools_call=lambda _: {"content": [], "structuredContent": [{"id": "p1", "name": "One"}]})
    with Planner(Access(http, serving(server.app), Tokens({"api": "t"}))) as planner:
        report = planner.probe()
    assert report.facts["wire"] == "raw" and report.facts["projects"] == [{"id": "p1", "name": "One"}]


@pytest.mark.parametrize("wire", WIRES)
def test_answers_as_server_sent_events_are_read(http: Http, serving: Serving, wire: str) -> None:
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "working"}}

    def streamed(_: dict[str, Any]) -> Response:
        answer = {"jsonrpc": "2.0", "id": next(numbers), "result": DONE}
        text = "".join(f"event: message\ndata: {json.dumps(part)}\n\n" for part in (note, answer))
        return Response(text, media_type="text/event-stream")

    numbers = iter(range(2, 9))
    server = tiny(tools_call=streamed)
    with session(http, serving(server.app), wire=wire) as opened:
        found = opened.call("listProjects", {}, writes=False)
    assert data_of(found.structured, found.texts) == {"projects": [{"id": "p1", "name": "One"}]}


@pytest.mark.parametrize("wire", WIRES)
def test_a_result_that_breaks_the_protocol_after_a_write_is_an_unknown_outcome(
    http: Http, serving: Serving, wire: str
) -> None:
    server = tiny(tools_call=lambda _: Response("<html>oops</html>", media_type="text/html"))
    with session(http, serving(server.app), wire=wire) as opened, pytest.raises(OutcomeUnknown):
        opened.call("listProjects", {}, writes=True)


def test_a_result_against_its_own_output_schema_after_a_write_is_an_unknown_outcome(
    http: Http, serving: Serving
) -> None:
    strict = {**TOOL, "outputSchema": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}}
    server = tiny(tools_list=lambda _: {"tools": [strict]}, tools_call=lambda _: {**DONE, "structuredContent": {}})
    with session(http, serving(server.app)) as opened, pytest.raises(OutcomeUnknown):
        opened.call("listProjects", {}, writes=True)


@pytest.mark.parametrize("wire", WIRES)
def test_a_call_that_the_server_does_not_know_is_no_unknown_outcome(http: Http, serving: Serving, wire: str) -> None:
    server = tiny()
    del server.answers["tools/call"]
    with session(http, serving(server.app), wire=wire) as opened, pytest.raises(FixSettings):
        opened.call("listProjects", {}, writes=True)


@pytest.mark.parametrize("wire", WIRES)
def test_a_server_that_never_answers_is_given_up_after_the_deadline(sandbox: Sandbox, wire: str) -> None:
    with McpSession(sandbox.access(), sandbox.url + "/api/mcp", wire=wire, seconds=2.0) as opened:
        opened.tools()
        sandbox.fault(method="POST", path="/api/mcp", delay=3.5)
        with pytest.raises(RetryLater):
            opened.call("listProjects", {}, writes=False)


def test_a_server_that_is_not_there_is_tried_later(http: Http) -> None:
    for wire in WIRES:
        with pytest.raises(RetryLater), session(http, "http://127.0.0.1:9", wire=wire, seconds=1):
            raise AssertionError("no session can be open")


def test_an_address_that_is_not_allowed_is_refused_before_anything_leaves() -> None:
    strict = Http(Guard())
    for wire in WIRES:
        with pytest.raises(FixSettings), session(strict, "http://127.0.0.1:9", wire=wire):
            raise AssertionError("no session can be open")
    strict.close()


@pytest.mark.parametrize("wire", WIRES)
def test_a_listing_that_never_ends_is_cut_off(http: Http, serving: Serving, wire: str) -> None:
    server = tiny(tools_list=lambda params: {"tools": [TOOL], "nextCursor": params.get("cursor", "") + "x"})
    with session(http, serving(server.app), wire=wire) as opened:
        assert len(opened.tools()) == 50


def test_no_address_at_all_is_a_matter_for_the_settings(http: Http, serving: Serving) -> None:
    with pytest.raises(FixSettings) as missing, session(http, serving(Starlette()), seconds=2):
        raise AssertionError("no session can be open")
    assert "not found" in missing.value.person


def test_a_write_that_never_left_may_simply_be_repeated() -> None:
    lost = sorted_failure("MCP x", WireFailure("ConnectError", sent=False), writes=True)
    unclear = sorted_failure("MCP x", WireFailure("ReadError"), writes=True)
    assert type(lost) is RetryLater and isinstance(unclear, OutcomeUnknown)


def test_neither_errors_nor_their_causes_show_the_token(sandbox: Sandbox) -> None:
    sandbox.fault(
        method="POST", path="/api/mcp", status=400, body='{"message": "bad plr_pat_pat_sandbox.secret"}', times=5
    )
    with pytest.raises(FixSettings) as refused, McpSession(sandbox.access(), sandbox.url + "/api/mcp"):
        raise AssertionError("no session can be open")
    assert "sandbox.secret" not in str(refused.value) + refused.value.person
