"""Work with Planner's MCP tools for one connection: the right tool, its arguments checked, its answer understood."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from planeapp.lib.errors import FixSettings, Gone
from planeapp.providers.base import Access
from planeapp.providers.planner import reading, toolbox
from planeapp.providers.planner.arguments import MappingData, arguments_for, has, objections, slot_of
from planeapp.providers.planner.mcp import MCP_PATH, OAUTH, McpSession
from planeapp.providers.planner.reading import Record
from planeapp.providers.planner.results import content
from planeapp.providers.planner.schema import fingerprint
from planeapp.providers.planner.toolbox import Toolbox
from planeapp.providers.planner.wire import Tool
from planeapp.providers.planner.words import flat

PAGE = 100
MAX_PAGES = 200
BACK, AHEAD = timedelta(days=365), timedelta(days=730)
CHANGED = "Planner's tools have changed. Open the connection in the settings and check it once more."


class Desk:
    """One MCP session and the toolbox that goes with it. Everything is fetched when it is first needed."""

    def __init__(self, access: Access, facts: Mapping[str, Any]) -> None:
        self.access = access
        slots = list(access.settings.get("slots") or ["api"])
        url = access.base_url.rstrip("/") + str(access.settings.get("mcp_path") or MCP_PATH)
        self.session = McpSession(
            access, url, slot=OAUTH if OAUTH in slots else "api",
            wire=str(facts.get("wire") or "sdk"), era=str(facts.get("era") or "legacy"),
        )  # fmt: skip
        self._toolbox = toolbox.load(facts["tools"]) if facts.get("tools") else None
        self._people: dict[str, str] | None = None

    @property
    def box(self) -> Toolbox:
        """The stored toolbox, or one made now for a connection that was never probed, as far as we were granted it.

        Settings are read each time: a refusal in the midst of the work adds to what is missing.
        """
        if self._toolbox is None:
            self._toolbox = toolbox.build(self.session.tools(), self.access.settings)
        return self._toolbox.without(missing_scopes(self.access.settings))

    def need(self, role: str) -> MappingData:
        """The tool for a role. Raises FixSettings with the reason when there is none."""
        found = self.box.best(role)
        if found is None:
            why, code = self.box.why_not(role), "" if self.box.off(role) else "not_offered"
            raise FixSettings(f"planner: no tool for {role}", person=why, code=code)
        return found

    def run(self, mapping: MappingData, arguments: dict[str, Any], *, writes: bool) -> Any:
        """Call a tool after its own schema has been asked; gives the answer's data."""
        self._check(mapping, arguments)
        result = self.session.call(mapping["tool"], arguments, writes=writes)
        return content(result, f"MCP {mapping['tool']}", writes=writes)

    def _check(self, mapping: MappingData, arguments: Mapping[str, Any]) -> None:
        tool = self._live_tool(mapping["tool"])
        against = objections(tool, arguments)
        if not against:
            return
        said = "; ".join(against)
        if fingerprint(tool["input_schema"]) != mapping["hash"]:
            raise FixSettings(f"{tool['name']} changed: {said}", person=CHANGED, code="tools_changed")
        raise FixSettings(f"{tool['name']}: {said}", person=f"Planner's {tool['name']} does not take this: {said}")

    def _live_tool(self, name: str) -> Tool:
        for tool in self.session.tools():
            if tool["name"] == name:
                return tool
        raise FixSettings(f"tool {name} is gone", person=CHANGED, code="tools_changed")

    def projects(self) -> list[tuple[str, str]]:
        """(id, name) of every project."""
        data, _ = self._all_rows(self.need("list_projects"), {})
        return [(reading.named_id(row, "project"), reading.name_of(row)) for row in data]

    def people(self) -> dict[str, str]:
        """Planner's person id → e-mail address in lower case; empty when Planner offers no list of people."""
        if self._people is None:
            self._people = {}
            mapping = self.box.best("list_people")
            rows = self._all_rows(mapping, {})[0] if mapping else []
            for row in rows:
                address = next(
                    (value for name, value in row.items() if "mail" in flat(name) and isinstance(value, str)), ""
                )
                if address:
                    self._people[reading.named_id(row, "person")] = address.lower()
        return self._people

    def blocks(self, place: str, mark: str = "") -> tuple[list[Record], bool]:
        """Rows of a place and whether they are all; ``mark`` narrows the list where the tool can do that."""
        mapping = self.need("list_blocks")
        today = date.today()
        wanted: dict[str, Any] = {"project": place, "timezone": self.access.zone}
        ranged = any(slot["required"] and slot["field"].startswith("range_") for slot in mapping["slots"])
        if ranged:
            wanted |= {"range_start": today - BACK, "range_end": today + AHEAD}
        if mark and has(mapping, "external_id"):
            wanted["external_id"] = mark
        rows, complete = self._all_rows(mapping, wanted)
        mine = [row for row in rows if reading.fields_of(row).get("project") in (None, place)]
        return [row for row in mine if reading.id_of(row)], complete and not ranged

    def _all_rows(self, mapping: MappingData, wanted: Mapping[str, Any]) -> tuple[list[Record], bool]:
        """All pages of a listing tool, by cursor, page number or offset, whichever it takes."""
        found: list[Record] = []
        limit = min(PAGE, int(slot_of(mapping, "limit").get("max") or PAGE))
        sized = has(mapping, "limit")
        turn: dict[str, Any] = {"limit": limit} if sized else {}
        for number in range(1, MAX_PAGES + 1):
            data = self.run(mapping, arguments_for(mapping, {**wanted, **turn}), writes=False)
            rows = reading.rows(data)
            found += rows
            cursor, full = reading.next_cursor(data), sized and len(rows) >= limit
            more = bool(cursor) or reading.more_to_come(data) or full
            if not more or not rows:
                return _without_doubles(found), reading.has_rows(data) and not more
            following = self._next_turn(mapping, cursor, number, len(found))
            if not following:
                return _without_doubles(found), False
            turn |= following
        return _without_doubles(found), False

    def _next_turn(self, mapping: MappingData, cursor: str, number: int, seen: int) -> dict[str, Any]:
        if cursor and has(mapping, "cursor"):
            return {"cursor": cursor}
        if has(mapping, "page"):
            return {"page": number + 1}
        return {"offset": seen} if has(mapping, "offset") else {}

    def block(self, place: str, item_id: str) -> Record | None:
        """One row by id, from the reading tool or else from the list; None when it is gone."""
        mapping = self.box.best("get_block")
        if mapping is None:
            rows, complete = self.blocks(place)
            found = next((row for row in rows if reading.id_of(row) == item_id), None)
            if found is None and not complete:
                raise FixSettings(
                    f"block {item_id}: no tool to read it, and the list is not complete", code="not_offered"
                )
            return found
        try:
            data = self.run(mapping, arguments_for(mapping, {"id": item_id, "project": place}), writes=False)
        except Gone:
            return None
        return reading.one(data)

    def close(self) -> None:
        """End the session."""
        self.session.close()


def missing_scopes(settings: Mapping[str, Any]) -> frozenset[str]:
    """The scopes that a sign-in was not granted; an API token's are its own affair."""
    return frozenset(settings.get("missing_scopes") or ()) if OAUTH in (settings.get("slots") or ()) else frozenset()


def _without_doubles(rows: list[Record]) -> list[Record]:
    """Rows that changed pages while we turned them are kept once, as last seen."""
    by_id = {reading.id_of(row) or f"#{place}": row for place, row in enumerate(rows)}
    return list(by_id.values())
