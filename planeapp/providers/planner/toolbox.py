"""One connection's tools, sorted by what they do and ready to be filled; found by the probe, kept in the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from planeapp.providers.planner.answers import ALLOW_MORE
from planeapp.providers.planner.arguments import MappingData, form_of, has, is_inclusive, propose, slot_of
from planeapp.providers.planner.schema import fingerprint, leaves
from planeapp.providers.planner.tools import classify, overridden
from planeapp.providers.planner.wire import Tool
from planeapp.providers.planner.words import ENDS, names_of

LABELS = {
    "list_projects": "list projects",
    "list_people": "list people",
    "list_blocks": "list blocks",
    "get_block": "read a block",
    "create_block": "create a block",
    "update_block": "change a block",
    "delete_block": "delete a block",
}
SCOPES = {
    "list_projects": "projects:read",
    "list_people": "projects:read",
    "list_blocks": "blocks:read",
    "get_block": "blocks:read",
    "create_block": "blocks:write",
    "update_block": "blocks:write",
    "delete_block": "blocks:write",
}
"""What each role needs (Planner developer page, "Scopes"). A server with other scopes refuses the call itself."""
PARTS = ("title", "when", "notes", "people", "state", "url", "external_id")


@dataclass(frozen=True)
class Toolbox:
    """``roles``: role → mappings, best first; ``hints``: how answers are read; ``hash``: of every tool together.

    ``missing``: scopes that were not granted; the roles that need them are off.
    """

    roles: Mapping[str, Sequence[MappingData]] = field(default_factory=dict)
    hints: Mapping[str, Any] = field(default_factory=dict)
    hash: str = ""
    missing: frozenset[str] = frozenset()

    def without(self, scopes: Iterable[str]) -> Toolbox:
        """The same tools for somebody who was not granted these scopes."""
        return replace(self, missing=frozenset(scopes))

    def off(self, role: str) -> bool:
        """Whether a role that Planner offers is closed to us for want of a scope."""
        return bool(self.roles.get(role)) and SCOPES[role] in self.missing

    def usable(self, role: str) -> list[MappingData]:
        """The tools for a role whose requirements we can fill, best first."""
        return [] if self.off(role) else [mapping for mapping in self.roles.get(role, ()) if not mapping["missing"]]

    def best(self, role: str) -> MappingData | None:
        """The first of the usable tools."""
        return next(iter(self.usable(role)), None)

    def updates(self, touched: frozenset[str]) -> list[MappingData]:
        """The fewest tools (first fitting ones) that together write what is touched, as far as any tool can."""
        usable = self.usable("update_block")
        wanted, chosen = parts_of(touched), []
        while wanted:
            best = max(usable, key=lambda mapping: len(wanted & writes(mapping)), default=None)
            if best is None or not wanted & writes(best):
                break
            chosen.append(best)
            wanted -= writes(best)
        return chosen

    def why_not(self, role: str) -> str:
        """Why a role cannot be used, in plain words."""
        offered = self.roles.get(role, ())
        if self.off(role):
            return f"Off: Planner did not grant the scope {SCOPES[role]}. {ALLOW_MORE}"
        if not offered:
            return f"Planner offers no tool to {LABELS[role]}."
        needs = ", ".join(offered[0]["missing"])
        return f"Planner's tool {offered[0]['tool']} also needs {needs}, which the settings do not give yet."

    def as_data(self) -> dict[str, Any]:
        """JSON-able form for the report's facts."""
        roles = {role: list(mappings) for role, mappings in self.roles.items()}
        return {"roles": roles, "hints": dict(self.hints), "hash": self.hash}


def load(data: Mapping[str, Any]) -> Toolbox:
    """A toolbox from :meth:`Toolbox.as_data`."""
    return Toolbox(data.get("roles") or {}, data.get("hints") or {}, str(data.get("hash") or ""))


def build(tools: Sequence[Tool], settings: Mapping[str, Any]) -> Toolbox:
    """Classify and map a server's tools; ``settings["tools"]`` holds an admin's corrections by role."""
    overrides = settings.get("tools") or {}
    by_name = {tool["name"]: tool for tool in tools}
    roles: dict[str, list[MappingData]] = {}
    for role, names in overridden(classify(tools), overrides).items():
        override = overrides.get(role)
        known = [by_name[name] for name in names if name in by_name]
        mappings = [propose(tool, role, override if isinstance(override, Mapping) else None) for tool in known]
        roles[role] = sorted(mappings, key=lambda mapping: bool(mapping["missing"]))
    return Toolbox(roles, _hints(tools, roles, settings), fingerprint(list(tools)))


def _hints(
    tools: Sequence[Tool], roles: Mapping[str, Sequence[MappingData]], settings: Mapping[str, Any]
) -> dict[str, Any]:
    written = [mapping for role in ("create_block", "update_block") for mapping in roles.get(role, ())]
    hints: dict[str, Any] = {"end_inclusive": _end_inclusive(tools, roles, written)}
    unit = next((slot_of(mapping, "duration").get("unit") for mapping in written if has(mapping, "duration")), None)
    hints |= {"duration_unit": unit} if unit else {}
    hints["states"] = {theirs: ours for mapping in written for ours, theirs in _choices(mapping)}
    if settings.get("states"):
        hints["states"] |= {theirs: ours for ours, theirs in settings["states"].items()}
    if settings.get("end_inclusive") is not None:
        hints["end_inclusive"] = bool(settings["end_inclusive"])
    return hints


def _choices(mapping: MappingData) -> list[tuple[str, str]]:
    """Our states and theirs, the ones that must win in reading last (``planned`` is unstarted before it is backlog)."""
    found = slot_of(mapping, "state").get("choices") or {}
    return sorted(found.items(), key=lambda pair: pair[0] != "backlog")


def _end_inclusive(
    tools: Sequence[Tool], roles: Mapping[str, Sequence[MappingData]], written: Sequence[MappingData]
) -> bool:
    """Whether dates in answers name the last day: as the writing tool says, else as the answers are described."""
    for mapping in written:
        slot = slot_of(mapping, "end")
        if slot.get("form") == "date":
            return bool(slot["inclusive"])
    reading = {mapping["tool"] for role in ("list_blocks", "get_block") for mapping in roles.get(role, ())}
    for tool in tools:
        for leaf in leaves(tool["output_schema"]) if tool["name"] in reading else ():
            if set(names_of(leaf.path)) & set(ENDS) and form_of(leaf) == "date":
                return is_inclusive(leaf.text, "date")
    return True


def writes(mapping: Mapping[str, Any]) -> frozenset[str]:
    """What a tool can change: names of ``PARTS``."""
    fields = {slot["field"] for slot in mapping["slots"]}
    return parts_of(frozenset(fields)) if "start" in fields else parts_of(frozenset(fields)) - {"when"}


def parts_of(fields: frozenset[str]) -> frozenset[str]:
    """The block's fields as parts that are written together: start, end and length are one (``when``)."""
    named = {"when" if name in ("start", "end", "duration") else name for name in fields}
    return frozenset(named & set(PARTS))
