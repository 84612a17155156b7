"""What the tools and feeds of a connection come to: lines for people, and the abilities that follow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from planeapp.providers.base import Confirmation, ReportLine
from planeapp.providers.planner import toolbox
from planeapp.providers.planner.toolbox import LABELS, Toolbox
from planeapp.providers.planner.tools import ROLES, WRITING

State = Literal["ok", "absent", "off", "failed"]
ABILITIES = {"list": "list_blocks", "update": "update_block", "delete": "delete_block"}
NO_API = "This connection has no API token; events and webhooks need one (Planner's Enterprise plan)."
REST_OFF = "Off until an admin allows it in the connection's settings: the body of this call is not public."
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
        offered = bool(box.roles.get(role))
        state: State = "off" if box.off(role) else "failed" if offered and box.paused(role) else "absent"
        return ReportLine(name, text, state, box.why_not(role))
    return ReportLine(name, text, "ok", _call(best))


def _call(mapping: Mapping[str, Any]) -> str:
    """A tool and the block's fields that it is given."""
    return f"{mapping['tool']}({', '.join(slot['field'] for slot in mapping['slots'])})"


def rest_create_line(works: bool, settings: Mapping[str, Any]) -> ReportLine:
    """Whether blocks may be made by REST; ``works``: REST answers at all."""
    allowed, label = bool(settings.get("rest_create")), "Create a block by REST"
    if not works:
        return ReportLine("rest_create", label, "absent", NO_API)
    return ReportLine("rest_create", label, "ok" if allowed else "absent", "" if allowed else REST_OFF)


def abilities(box: Toolbox, working: Collection[str]) -> frozenset[str]:
    """Names of ``Provider`` methods that work; ``working`` holds what else does: ``feed subscribe rest_create``."""
    found = {ability for ability, role in ABILITIES.items() if box.best(role)}
    if box.best("get_block") or box.best("list_blocks") or "feed" in working:
        found.add("get")
    if box.best("list_blocks") or "feed" in working:
        found.add("find")
    if box.best("create_block") or "rest_create" in working:
        found.add("create")
    return frozenset(found | ({"feed", "subscribe"} & set(working)))


def reconsidered(report: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stored report as other scopes, an admin's word or other settings make it. Nobody is asked."""
    facts = report.get("facts") or {}
    box = toolbox.load(facts["tools"]).under(settings) if facts.get("tools") else None
    by_rest = rest_create_line("rest" in str(facts.get("mode")).split("+"), settings)
    if not report.get("lines"):
        return report
    fresh = {line.name: vars(line) for line in (*(role_lines(box) if box else ()), by_rest)}
    lines = [fresh.get(line["name"], line) for line in report["lines"]]
    working = {"feed", "subscribe"} & set(report["abilities"]) | ({"rest_create"} if by_rest.state == "ok" else set())
    return {**report, "lines": lines, "abilities": sorted(abilities(box or Toolbox(), working))}


def confirmations(report: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Confirmation, ...]:
    """The writing tools that a stored report found, with what they are given, and whether an admin lets us use them."""
    box = toolbox.load((report.get("facts") or {}).get("tools") or {}).under(settings)
    return tuple(_confirmation(box, role) for role in ROLES if role in WRITING and box.fitting(role))


def _confirmation(box: Toolbox, role: str) -> Confirmation:
    tools, label = box.fitting(role), LABELS[role]
    risky = role == "delete_block" or any(mapping.get("risky") for mapping in tools)
    given = role not in box.withheld and not box.paused(role)
    return Confirmation(role, label[0].upper() + label[1:], ", ".join(map(_call, tools)), risky, given)


def confirm(report: Mapping[str, Any], settings: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The settings with these writing roles allowed in their present form, and the other offered ones withheld."""
    offered = {each.name for each in confirmations(report, settings)}
    changed = ((report.get("facts") or {}).get("tools") or {}).get("changed") or {}
    accepted = {role: told["now"] for role, told in changed.items() if role in names and role in offered}
    kept = {name: value for name, value in settings.items() if name != "confirm_writes"}
    held = (toolbox.withheld(settings) - offered) | (offered - set(names))
    return {**kept, "withheld": sorted(held), "accepted": {**(settings.get("accepted") or {}), **accepted}}
