"""What the tools and feeds of a connection come to: lines for people, and the abilities that follow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from planeapp.providers.base import ReportLine
from planeapp.providers.planner import toolbox
from planeapp.providers.planner.desk import missing_scopes
from planeapp.providers.planner.toolbox import LABELS, Toolbox

ABILITIES = {"list": "list_blocks", "update": "update_block", "delete": "delete_block"}
NO_TOOLS = "Planner's MCP tools are not available to this connection."


def role_lines(box: Toolbox | None) -> list[ReportLine]:
    """A line for everything that tools can do, with the reason where they cannot."""
    return [_role_line(box, role, label) for role, label in LABELS.items()]


def _role_line(box: Toolbox | None, role: str, label: str) -> ReportLine:
    name, text = f"can_{role}", label[0].upper() + label[1:]
    if box is None:
        return ReportLine(name, text, "absent", NO_TOOLS)
    best = box.best(role)
    if best is None:
        return ReportLine(name, text, "off" if box.off(role) else "absent", box.why_not(role))
    filled = ", ".join(slot["field"] for slot in best["slots"])
    return ReportLine(name, text, "ok", f"{best['tool']}({filled})")


def abilities(box: Toolbox, working: Collection[str]) -> frozenset[str]:
    """Names of ``Provider`` methods that work; ``working`` holds what else does: ``feed subscribe rest_create``."""
    found = {ability for ability, role in ABILITIES.items() if box.best(role)}
    if box.best("get_block") or box.best("list_blocks"):
        found.add("get")
    if box.best("list_blocks") or "feed" in working:
        found.add("find")
    if box.best("create_block") or "rest_create" in working:
        found.add("create")
    return frozenset(found | ({"feed", "subscribe"} & set(working)))


def reconsidered(report: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stored report for somebody who was granted other scopes than when it was made. Nobody is asked."""
    tools = (report.get("facts") or {}).get("tools")
    if not tools:
        return report
    box = toolbox.load(tools).without(missing_scopes(settings))
    fresh = {line.name: vars(line) for line in role_lines(box)}
    lines = [fresh.get(line["name"], line) for line in report["lines"]]
    working = {"feed", "subscribe"} & set(report["abilities"])
    if any(line["name"] == "rest_create" and line["state"] == "ok" for line in lines):
        working.add("rest_create")
    return {**report, "lines": lines, "abilities": sorted(abilities(box, working))}
