"""A server whose tools change between probes and in the midst of the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings
from planeapp.lib.http import Http
from planeapp.providers.base import Access
from planeapp.providers.planner import mcp
from planeapp.providers.planner.provider import Planner
from tests.providers.planner.conftest import App, Tokens
from tests.providers.planner.test_mcp import RpcError, Server, tiny

Serving = Callable[[App], str]
TEXT = {"type": "string"}
ROW = {"id": "b1", "title": "T", "startDate": "2026-11-23", "endDate": "2026-11-24", "projectId": "p1"}
VALUES = {"title": "T", "start": date(2026, 11, 23), "end": date(2026, 11, 24)}
DAYS: dict[str, Any] = {"title": TEXT, "startDate": TEXT, "endDate": TEXT}


def tool(name: str, *required: str, destructive: bool = False, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return {"name": name, "inputSchema": schema, "annotations": {"destructiveHint": destructive}}


CREATE = tool("createBlock", "title", **DAYS)
LIST = tool("listBlocks", projectId=TEXT)
DELETE = tool("deleteBlock", "id", destructive=True, id=TEXT)


class Vendor:
    """A server with ``tools`` that can be exchanged, and a connection to it."""

    def __init__(self, http: Http, serving: Serving, *tools: dict[str, Any]) -> None:
        self.tools = list(tools)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refusing: dict[str, int] = {}
        self.more: dict[str, Any] = {}
        self.server: Server = tiny(tools_list=lambda _: {"tools": self.tools, **self.more}, tools_call=self.call)
        self.access = Access(http, serving(self.server.app), Tokens({"api": "t"}))

    def call(self, params: dict[str, Any]) -> Any:
        self.calls.append((params["name"], params["arguments"]))
        if params["name"] in self.refusing:
            raise RpcError(self.refusing[params["name"]])
        rows = ROW if params["name"] in ("createBlock", "addEvent") else {"blocks": [ROW]}
        return {"content": [], "structuredContent": rows}

    def connected(self, **settings: Any) -> Planner:
        """A provider with the report that the connection has by now."""
        self.access = replace(self.access, settings={**self.access.settings, **settings})
        return Planner(self.access)

    def probed(self) -> Mapping[str, Any]:
        """Look again, and keep what was found."""
        with Planner(self.access) as planner:
            self.access = replace(self.access, report=planner.probe().as_data())
        return self.access.report

    def line(self, name: str) -> tuple[str, str]:
        """A line of the report: state and detail."""
        report = Planner.reconsidered(self.access.report, self.access.settings)
        return next((line["state"], line["detail"]) for line in report["lines"] if line["name"] == name)

    def confirm(self, *names: str) -> None:
        """An admin allows exactly these."""
        settings = Planner.confirm(self.access.report, self.access.settings, names)
        report = Planner.reconsidered(self.access.report, settings)
        self.access = replace(self.access, settings=settings, report=report)


@pytest.fixture
def vendor(http: Http, serving: Serving) -> Vendor:
    made = Vendor(http, serving, CREATE, LIST)
    made.probed()
    return made


def test_a_tool_that_takes_more_than_before_goes_on_as_it_was(vendor: Vendor) -> None:
    vendor.tools = [tool("createBlock", "title", **DAYS, color=TEXT), LIST]
    with vendor.connected() as planner:
        assert planner.create("p1", VALUES, "m:1").id == "b1"
    vendor.probed()
    assert vendor.line("can_create_block")[0] == "ok"


def test_a_tool_that_needs_more_than_before_pauses_the_writing_until_an_admin_agrees(vendor: Vendor) -> None:
    vendor.tools = [tool("createBlock", "title", "notes", **DAYS, notes=TEXT), LIST]
    with vendor.connected() as planner, pytest.raises(FixSettings) as paused:
        planner.create("p1", {**VALUES, "title": "T"}, "")
    assert paused.value.code == "tools_changed"
    assert "create" not in vendor.probed()["abilities"]
    state, said = vendor.line("can_create_block")
    assert state == "failed" and "createBlock is no longer what it was" in said and "has to confirm" in said
    with vendor.connected() as planner, pytest.raises(FixSettings) as paused:
        planner.create("p1", VALUES, "m:1")
    assert paused.value.code == "tools_changed" and vendor.calls == []
    vendor.probed()
    assert vendor.line("can_create_block")[0] == "failed"  # a further look agrees to nothing
    vendor.confirm("create_block")
    with vendor.connected() as planner:
        assert planner.create("p1", VALUES, "m:1").id == "b1"
    vendor.probed()
    assert vendor.line("can_create_block")[0] == "ok"


def test_a_tool_under_another_name_pauses_the_writing(vendor: Vendor) -> None:
    vendor.tools = [tool("addEvent", "title", **DAYS), LIST]
    vendor.probed()
    assert "may use addEvent" in vendor.line("can_create_block")[1]
    (offered,) = Planner.confirmations(vendor.access.report, vendor.access.settings)
    assert (offered.name, offered.given, offered.risky) == ("create_block", False, False)
    assert offered.detail == "addEvent(title, start, end)"


def test_a_better_sounding_tool_does_not_take_the_place_of_the_one_that_was_agreed_to(vendor: Vendor) -> None:
    vendor.tools = [tool("addEvent", "title", **DAYS), LIST]
    vendor.access = replace(vendor.access, report={})
    vendor.probed()
    vendor.tools.append(tool("createBlock", "title", **DAYS, notes=TEXT, projectId=TEXT))
    vendor.probed()
    assert vendor.line("can_create_block") == ("ok", "addEvent(title, start, end)")


def test_a_tool_that_says_of_itself_that_it_destroys_pauses(vendor: Vendor) -> None:
    vendor.tools = [{**CREATE, "annotations": {"destructiveHint": True}}, LIST]
    vendor.probed()
    assert vendor.line("can_create_block")[0] == "failed"


def test_a_deleting_tool_that_is_new_waits_for_an_admin_and_one_at_the_first_look_does_not(
    vendor: Vendor, http: Http, serving: Serving
) -> None:
    vendor.tools.append(DELETE)
    vendor.probed()
    assert vendor.line("can_delete_block")[0] == "failed"
    assert "could not delete a block before" in vendor.line("can_delete_block")[1]
    first = Vendor(http, serving, CREATE, LIST, DELETE)
    first.probed()
    assert first.line("can_delete_block")[0] == "ok"


def test_a_tool_that_is_gone_without_another_is_simply_not_there(vendor: Vendor) -> None:
    vendor.tools = [LIST]
    vendor.probed()
    assert vendor.line("can_create_block") == ("absent", "Planner offers no tool to create a block.")


def test_reading_goes_on_with_the_tools_as_they_are_now(vendor: Vendor) -> None:
    vendor.tools = [CREATE, tool("searchBlocks", projectId=TEXT)]
    with vendor.connected() as planner:
        assert [item.id for item in planner.list("p1").items] == ["b1"]
    assert [name for name, _ in vendor.calls] == ["searchBlocks"]


@pytest.mark.parametrize("code", [-32601, -32602, -32020])
def test_a_read_that_is_not_understood_is_repeated_once_with_the_tools_listed_anew(vendor: Vendor, code: int) -> None:
    vendor.refusing = {"listBlocks": code}
    with vendor.connected() as planner:
        planner.desk.session.tools()
        vendor.tools = [CREATE, tool("searchBlocks", projectId=TEXT)]
        assert [item.id for item in planner.list("p1").items] == ["b1"]
    assert [name for name, _ in vendor.calls] == ["listBlocks", "searchBlocks"]


def test_a_read_that_is_not_understood_twice_is_given_up(vendor: Vendor) -> None:
    vendor.refusing = {"listBlocks": -32602, "searchBlocks": -32602}
    with vendor.connected() as planner:
        planner.desk.session.tools()
        vendor.tools = [CREATE, {**LIST, "name": "searchBlocks"}]
        with pytest.raises(FixSettings):
            planner.list("p1")
    assert len(vendor.calls) == 2


def test_a_write_that_is_not_understood_is_never_repeated(vendor: Vendor) -> None:
    vendor.refusing = {"createBlock": -32602}
    with vendor.connected() as planner:
        planner.desk.session.tools()
        vendor.tools = [tool("addEvent", "title", **DAYS), LIST]
        with pytest.raises(FixSettings) as paused:
            planner.create("p1", VALUES, "m:1")
    assert paused.value.code == "tools_changed"
    assert [name for name, _ in vendor.calls] == ["createBlock"]


def test_tools_are_listed_anew_when_the_server_s_own_time_for_them_ends(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.more = {"ttlMs": 0, "cacheScope": "public"}
    with mcp.McpSession(vendor.access, f"{vendor.access.base_url}/api/mcp", wire="raw") as session:
        session.tools()
        session.tools()
        assert (
            vendor.server.methods().count("tools/list") == 2
        )  # the probe's and ours: not more often than once a minute
        monkeypatch.setattr(mcp, "LEAST_SECONDS", 0)
        session.forget_tools()
        session.tools()
        session.tools()
    assert vendor.server.methods().count("tools/list") == 4
