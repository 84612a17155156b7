"""What becomes of an agreement when a server's tools change: reading goes on with what is there, writing may have to wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planeapp.providers.planner.arguments import MappingData, still_fits
from planeapp.providers.planner.toolbox import Toolbox
from planeapp.providers.planner.tools import WRITING
from planeapp.providers.planner.wire import Tool


def name_of(mapping: Mapping[str, Any]) -> str:
    """A tool in its present form, as an admin agrees to it."""
    return f"{mapping['tool']} {mapping['hash']}"


def compared(now: Toolbox, before: Toolbox, tools: Sequence[Tool], settings: Mapping[str, Any]) -> Toolbox:
    """A fresh toolbox beside that of the last probe (without tools at the first one).

    A writing tool whose earlier mapping still fits goes on, in front of others that do the same; where it does not, the
    role is ``changed`` until an admin agrees.
    """
    if not before.roles:
        return now
    live = {tool["name"]: tool for tool in tools}
    roles, changed = dict(now.roles), {}
    for role in sorted(WRITING & {role for role in now.roles if now.fitting(role)}):
        was = _no_longer(role, now, before, live, settings)
        if was is not None:
            changed[role] = {"was": was, "now": name_of(now.fitting(role)[0])}
        elif role not in (settings.get("tools") or {}):
            roles[role] = _earlier_first(roles[role], before.fitting(role))
    return replace(now, roles=roles, changed=changed)


def _no_longer(
    role: str, now: Toolbox, before: Toolbox, live: Mapping[str, Tool], settings: Mapping[str, Any]
) -> str | None:
    """The tool of a role that nobody agreed to in its present form (``""``: there was none), or None when all is well."""
    best, told = now.fitting(role)[0], before.changed.get(role)
    agreed = (settings.get("accepted") or {}).get(role)
    if agreed == name_of(best):
        return None
    if told is not None and agreed != told["now"]:
        return told["was"]
    earlier = before.fitting(role)
    if not earlier:
        return "" if role == "delete_block" or best.get("risky") else None
    lost = (known["tool"] for known in earlier if not _goes_on(live.get(known["tool"]), known))
    return next(lost, None)


def _goes_on(tool: Tool | None, mapping: MappingData) -> bool:
    return tool is not None and still_fits(tool, mapping)


def _earlier_first(mappings: Sequence[MappingData], earlier: Sequence[MappingData]) -> list[MappingData]:
    """The tools in the order of the last probe, then new ones, and those that need more than we know last."""
    place = {mapping["tool"]: number for number, mapping in enumerate(earlier)}
    last = len(place)
    return sorted(mappings, key=lambda mapping: (bool(mapping["missing"]), place.get(mapping["tool"], last)))
