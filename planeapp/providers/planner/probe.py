"""Finding out what a connection can do, without writing anything: the capability report.

Steps: events feed, Zapier feed, MCP handshake and tools, projects, webhook subscriptions. What cannot be had is a line
in the
report with the server's own words, never an error; only a token that is refused everywhere is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, ReconnectNeeded, RetryLater
from planeapp.providers.base import Access, Report, ReportLine
from planeapp.providers.planner import drift, events, reading, reports, toolbox
from planeapp.providers.planner.client import Client
from planeapp.providers.planner.desk import Desk
from planeapp.providers.planner.mcp import StrictRefusal
from planeapp.providers.planner.toolbox import Toolbox


def run(access: Access, slots: set[str]) -> Report:
    """The report. Raises ReconnectNeeded when the token is refused everywhere, RetryLater when nothing answers."""
    found = _Probe(access, slots)
    found.rest()
    found.mcp()
    found.webhooks()
    found.judge()
    return found.report()


class _Probe:
    """Collects lines and facts while the steps run."""

    def __init__(self, access: Access, slots: set[str]) -> None:
        self.access = access
        self.slots = slots
        self.client = Client(access)
        self.lines: list[ReportLine] = []
        self.errors: list[GroundcrewError] = []
        self.facts: dict[str, Any] = {}
        self.account = ""
        self.box: Toolbox | None = None
        self.rest_works = False

    def step(self, name: str, label: str, work: Callable[[], str]) -> bool:
        """Run one step; its text or its error becomes a line."""
        try:
            detail = work()
        except (Gone, FixSettings) as error:
            absent = isinstance(error, Gone) or error.code == "not_offered"
            self.errors.append(error)
            self.lines.append(ReportLine(name, label, "absent" if absent else "failed", _words(error)))
            return False
        except GroundcrewError as error:
            self.errors.append(error)
            self.lines.append(ReportLine(name, label, "failed", _words(error)))
            return False
        self.lines.append(ReportLine(name, label, "ok", detail))
        return True

    def rest(self) -> None:
        """The two feeds."""
        if "api" not in self.slots:
            self.lines.append(ReportLine("events", "Events feed", "absent", reports.NO_API))
            return
        plain = self.step("events", "Events feed", lambda: _feed_words(self.client.events(1)))
        zapier = self.step("zapier", "Zapier feed", lambda: _feed_words(self.client.zapier_events()))
        self.rest_works = plain or zapier
        self.facts["feed"] = "events" if plain else "zapier" if zapier else ""

    def mcp(self) -> None:
        """Handshake, tools and projects, with the SDK, or the lenient wire when that refuses the server."""
        lines, errors = len(self.lines), len(self.errors)
        if self._mcp_with("sdk"):
            del self.lines[lines:], self.errors[errors:]
            self.box = None
            self._mcp_with("raw")

    def _mcp_with(self, wire: str) -> bool:
        """Whether the SDK refused what the server says."""
        desk = Desk(self.access, {"wire": wire})
        try:
            good = self.step("mcp", "MCP connection", lambda: self._shake_hands(desk))
            good = good and self.step("tools", "MCP tools", lambda: self._tools(desk))
            told = good and self._look_at_projects(desk)
        finally:
            desk.close()
        if not told and wire == "sdk" and isinstance(self.errors[-1], StrictRefusal):
            return True
        if not good:
            self._keep_earlier_tools(self.errors[-1])
        return False

    def _shake_hands(self, desk: Desk) -> str:
        hello = desk.session.open()
        self.account = hello.server
        self.facts |= {"wire": desk.session.wire, "era": hello.era, "version": hello.version, "session": hello.session}
        return f"{hello.server or 'unnamed server'}, protocol {hello.version}"

    def _tools(self, desk: Desk) -> str:
        tools = desk.session.tools()
        earlier = toolbox.load((self.access.report.get("facts") or {}).get("tools") or {})
        found = toolbox.build(tools, self.access.settings)
        found = drift.compared(found, earlier, tools, self.access.settings)
        self.box, self.facts["tools"] = found.under(self.access.settings), found.as_data()
        return f"{len(tools)}: " + ", ".join(tool["name"] for tool in tools[:30])

    def _look_at_projects(self, desk: Desk) -> bool:
        """Nothing is tried that was not granted."""
        if desk.box.off("list_projects"):
            self.lines.append(ReportLine("projects", "Projects", "off", desk.box.why_not("list_projects")))
            return True
        return self.step("projects", "Projects", lambda: self._projects(desk))

    def _projects(self, desk: Desk) -> str:
        found = desk.projects()
        self.facts["projects"] = [{"id": key, "name": name} for key, name in found[:500]]
        return ", ".join(name for _, name in found[:10]) or "none yet"

    def _keep_earlier_tools(self, error: GroundcrewError) -> None:
        """A passing failure does not make us forget what an earlier probe found."""
        earlier = (self.access.report.get("facts") or {}).get("tools")
        if isinstance(error, RetryLater) and earlier:
            self.box = toolbox.load(earlier).under(self.access.settings)
            before = self.access.report["facts"]
            self.facts |= {name: before[name] for name in ("wire", "era", "tools", "projects") if name in before}

    def webhooks(self) -> None:
        """Webhook subscriptions, read only."""
        if "api" in self.slots:
            self.step("webhooks", "Webhook subscriptions", self._subscriptions)

    def _subscriptions(self) -> str:
        try:
            found = self.client.list_subscriptions()
        except Gone as error:
            raise Gone(f"{error}. If Planner's settings name another address, give its prefix (such as v1).") from error
        return f"{len(reading.rows(found))} now"

    def judge(self) -> None:
        """Raise when the vendor told nothing at all."""
        if any(line.state == "ok" for line in self.lines):
            return
        for kind in (ReconnectNeeded, RetryLater):
            refused = next((error for error in self.errors if isinstance(error, kind)), None)
            if refused is not None:
                raise refused

    def report(self) -> Report:
        """Lines for what the tools can do, and the abilities that follow."""
        mode = [name for name, there in (("rest", self.rest_works), ("mcp", self.box is not None)) if there]
        self.facts["mode"] = "+".join(mode) or "none"
        self.lines += [*reports.role_lines(self.box), reports.rest_create_line(self.rest_works, self.access.settings)]
        found = reports.abilities(self.box or Toolbox(), self._working())
        return Report(tuple(self.lines), found, self.facts, self.account)

    def _working(self) -> set[str]:
        """What works beside the tools."""
        found = {"feed"} if self.rest_works else set()
        if any(line.name == "webhooks" and line.state == "ok" for line in self.lines):
            found.add("subscribe")
        if self.rest_works and self.access.settings.get("rest_create"):
            found.add("rest_create")
        return found


def _feed_words(body: Any) -> str:
    entries = events.entries(body)
    shape = "list" if isinstance(body, list) else "envelope"
    return f"reachable ({shape}, {len(entries)} shown)"


def _words(error: GroundcrewError) -> str:
    """The server's own words stand in the log text; people get both."""
    return f"{error.person} ({error})"[:600]
