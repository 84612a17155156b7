"""One connection's tools, sorted by what they do and ready to be filled; found by the probe, kept in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from planeapp.providers.planner.answers import ALLOW_MORE
from planeapp.providers.planner.arguments import MappingData, form_of, has, is_inclusive, propose, slot_of
from planeapp.providers.planner.mcp import OAUTH
from planeapp.providers.planner.schema import fingerprint, leaves
from planeapp.providers.planner.tools import WRITING, classify, overridden
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

    - ``changed``: writing roles whose tools are not what was agreed to → ``{was, now}`` (see ``drift.py``); they pause
    - ``missing``: scopes that were not granted; the roles that need them are off
    - ``withheld``: writing roles that an admin does not allow; they are off too
    """

    roles: Mapping[str, Sequence[MappingData]] = field(default_factory=dict)
    hints: Mapping[str, Any] = field(default_factory=dict)
    hash: str = ""
    changed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()

    def under(self, settings: Mapping[str, Any]) -> Toolbox:
        """The same tools as far as a connection's settings let us use them, and as they say that dates are meant."""
        agreed = settings.get("accepted") or {}
        changed = {role: told for role, told in self.changed.items() if agreed.get(role) != told["now"]}
        inclusive = settings.get("end_inclusive")
        roles, hints = self.roles, dict(self.hints)
        if inclusive is not None:
            roles, hints["end_inclusive"] = _with_ends(roles, bool(inclusive)), bool(inclusive)
        theirs = {their: ours for ours, their in (settings.get("states") or {}).items()}
        hints["states"] = {**hints.get("states", {}), **theirs}
        scopes, held = missing_scopes(settings), withheld(settings)
        return replace(self, roles=roles, hints=hints, changed=changed, missing=scopes, withheld=held)

    def off(self, role: str) -> bool:
        """Whether a role that Planner offers is closed to us, for want of a scope or by an admin's word."""
        return bool(self.roles.get(role)) and (SCOPES[role] in self.missing or role in self.withheld)

    def paused(self, role: str) -> bool:
        """Whether a writing role waits for an admin since its tools changed."""
        return role in self.changed

    def usable(self, role: str) -> list[MappingData]:
        """The tools for a role whose requirements we can fill and that we may use, best first."""
        return [] if self.off(role) or self.paused(role) else self.fitting(role)

    def fitting(self, role: str) -> list[MappingData]:
        """The tools for a role whose requirements we can fill, best first."""
        return [mapping for mapping in self.roles.get(role, ()) if not mapping["missing"]]

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
        if not offered:
            return f"Planner offers no tool to {LABELS[role]}."
        if SCOPES[role] in self.missing:
            return f"Off: Planner did not grant the scope {SCOPES[role]}. {ALLOW_MORE}"
        if role in self.withheld:
            return f"Off: an admin does not let the app {LABELS[role]} with Planner's tools."
        if self.paused(role):
            return self._why_paused(role)
        needs = ", ".join(offered[0]["missing"])
        return f"Planner's tool {offered[0]['tool']} also needs {needs}, which the settings do not give yet."

    def _why_paused(self, role: str) -> str:
        was, now = self.changed[role]["was"], ", ".join(mapping["tool"] for mapping in self.fitting(role))
        before = f"{was} is no longer what it was" if was else f"it could not {LABELS[role]} before"
        return f"Planner's tools have changed: {before}. An admin has to confirm first that the app may use {now}."

    def reading_with(self, fresh: Toolbox) -> Toolbox:
        """These tools for writing, which somebody agreed to; for reading those that are offered by now."""
        writing = {role: mappings for role, mappings in self.roles.items() if role in WRITING}
        reading = {role: mappings for role, mappings in fresh.roles.items() if role not in WRITING}
        return replace(self, roles={**reading, **writing}, hints=fresh.hints)

    def as_data(self) -> dict[str, Any]:
        """JSON-able form for the report's facts."""
        roles = {role: list(mappings) for role, mappings in self.roles.items()}
        changed = {role: dict(told) for role, told in self.changed.items()}
        return {"roles": roles, "hints": dict(self.hints), "hash": self.hash, "changed": changed}


def load(data: Mapping[str, Any]) -> Toolbox:
    """A toolbox from :meth:`Toolbox.as_data`."""
    return Toolbox(
        data.get("roles") or {}, data.get("hints") or {}, str(data.get("hash") or ""), data.get("changed") or {}
    )


def missing_scopes(settings: Mapping[str, Any]) -> frozenset[str]:
    """The scopes that a sign-in was not granted; an API token's are its own affair."""
    return frozenset(settings.get("missing_scopes") or ()) if OAUTH in (settings.get("slots") or ()) else frozenset()


def withheld(settings: Mapping[str, Any]) -> frozenset[str]:
    """The writing roles that an admin does not allow. A connection whose admin was never asked allows them all."""
    unticked = {"create_block", "update_block"} if settings.get("confirm_writes") is False else set()
    return frozenset({*(settings.get("withheld") or ()), *unticked} & WRITING)


def _with_ends(roles: Mapping[str, Sequence[MappingData]], inclusive: bool) -> dict[str, list[MappingData]]:
    """The mappings with an end that is written as a date meant as an admin says."""

    def meant(slot: dict[str, Any]) -> dict[str, Any]:
        is_end = slot["field"] == "end" and slot.get("form") == "date"
        return {**slot, "inclusive": inclusive} if is_end else slot

    return {
        role: [{**mapping, "slots": [meant(slot) for slot in mapping["slots"]]} for mapping in mappings]
        for role, mappings in roles.items()
    }


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
    return Toolbox(roles, _hints(tools, roles), fingerprint(list(tools)))


def _hints(tools: Sequence[Tool], roles: Mapping[str, Sequence[MappingData]]) -> dict[str, Any]:
    written = [mapping for role in ("create_block", "update_block") for mapping in roles.get(role, ())]
    hints: dict[str, Any] = {"end_inclusive": _end_inclusive(tools, roles, written)}
    unit = next((slot_of(mapping, "duration").get("unit") for mapping in written if has(mapping, "duration")), None)
    hints |= {"duration_unit": unit} if unit else {}
    hints["states"] = {theirs: ours for mapping in written for ours, theirs in _choices(mapping)}
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
