"""Work with Planner's MCP tools for one connection: the right tool, its arguments checked, its answer understood."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, TypeVar

from planeapp.lib.errors import FixSettings, Gone
from planeapp.providers.base import Access
from planeapp.providers.planner import reading, toolbox
from planeapp.providers.planner.arguments import MappingData, arguments_for, has, objections, slot_of
from planeapp.providers.planner.mcp import MCP_PATH, OAUTH, McpSession, Misunderstood
from planeapp.providers.planner.reading import Record
from planeapp.providers.planner.results import content
from planeapp.providers.planner.schema import fingerprint
from planeapp.providers.planner.toolbox import Toolbox
from planeapp.providers.planner.wire import Tool
from planeapp.providers.planner.words import flat

T = TypeVar("T")
PAGE = 100
PEOPLE, PEOPLE_SECONDS = "people", 6 * 3600.0
MAX_PAGES = 200
MOST_PLACES = 10
"""So many other projects are looked through for a block that is not where it was."""
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
        self._asked_people = False
        self._projects = [(row["id"], row["name"]) for row in facts.get("projects") or ()]
        self._seen: tuple[Tool, ...] | None = None
        self._listed_again = False

    @property
    def box(self) -> Toolbox:
        """The stored toolbox, or one made now for a connection that was never probed, as far as we may use it.

        Settings are read each time: a refusal in the midst of the work adds to what is missing.
        """
        if self._toolbox is None:
            self._toolbox = toolbox.build(self.session.tools(), self.access.settings)
        return self._toolbox.under(self.access.settings)

    def need(self, role: str) -> MappingData:
        """The tool for a role. Raises FixSettings with the reason when there is none."""
        if self.box.best(role) is not None:
            self._adopt()
        box = self.box
        found = box.best(role)
        if found is None:
            code = "" if box.off(role) else "tools_changed" if box.paused(role) else "not_offered"
            raise FixSettings(f"planner: no tool for {role}", person=box.why_not(role), code=code)
        return found

    def _adopt(self) -> None:
        """Read with the tools as they are listed now; writing keeps to what was agreed (see :meth:`run`)."""
        live = self.session.tools()
        if live is self._seen:
            return
        self._seen = live
        if self._toolbox is not None and fingerprint(list(live)) != self._toolbox.hash:
            self._toolbox = self._toolbox.reading_with(toolbox.build(live, self.access.settings))

    def run(self, mapping: MappingData, arguments: dict[str, Any], *, writes: bool) -> Any:
        """Call a tool after its own schema has been asked; gives the answer's data."""
        self._check(mapping, arguments)
        try:
            result = self.session.call(mapping["tool"], arguments, writes=writes)
        except Misunderstood:
            if writes and self._list_again():
                self._check(mapping, arguments)  # says so when it is the tool that has changed
            raise
        return content(result, f"MCP {mapping['tool']}", writes=writes)

    def _list_again(self) -> bool:
        """Have the tools listed anew, once for the session; whether that was still to be done."""
        if self._listed_again:
            return False
        self._listed_again = True
        self.session.forget_tools()
        return True

    def _reading(self, role: str, work: Callable[[MappingData], T]) -> T:
        """Read with the tool for a role; once more with the tools listed anew when the server does not know the call."""
        try:
            return work(self.need(role))
        except Misunderstood:
            if not self._list_again():
                raise
            return work(self.need(role))

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
        data, _ = self._reading("list_projects", lambda mapping: self._all_rows(mapping, {}))
        self._projects = [(reading.named_id(row, "project"), reading.name_of(row)) for row in data]
        return self._projects

    def people(self, named: Collection[str] = ()) -> dict[str, str]:
        """Planner's person id → e-mail address in lower case; empty when Planner offers no list of people.

        The list is kept for ``PEOPLE_SECONDS``; it is asked for again when ``named`` (ids or addresses) holds a stranger.
        """
        if self._people is None:
            self._people = self.known_people()
        if self.box.best("list_people") is None:
            return self._people
        if not self._people or (not self._asked_people and set(named) - {*self._people, *self._people.values()}):
            self._people, self._asked_people = self._list_people(), True
            self.access.notes.write(PEOPLE, self._people)
        return self._people

    def known_people(self) -> dict[str, str]:
        """The people as they were listed last, without a call; empty when that is too long ago."""
        kept = self.access.notes.read(PEOPLE)
        fresh = kept is not None and time.time() - kept[1] < PEOPLE_SECONDS
        return dict(kept[0]) if kept is not None and fresh else {}

    def _list_people(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in self._reading("list_people", lambda mapping: self._all_rows(mapping, {}))[0]:
            address = next(
                (value for name, value in row.items() if "mail" in flat(name) and isinstance(value, str)), ""
            )
            if address:
                found[reading.named_id(row, "person")] = address.lower()
        return found

    def blocks(self, place: str, mark: str = "") -> tuple[list[Record], bool]:
        """Rows of a place and whether they are all; ``mark`` narrows the list where the tool can do that."""
        rows, complete = self._reading("list_blocks", lambda mapping: self._listed(mapping, place, mark))
        return [row for row in rows if _lies_in(row, place)], complete

    def _listed(self, mapping: MappingData, place: str, mark: str = "") -> tuple[list[Record], bool]:
        """What a listing tool gives for a place, rows of other places included where it does not sort them out."""
        today = date.today()
        wanted: dict[str, Any] = {"project": place, "timezone": self.access.zone}
        ranged = any(slot["required"] and slot["field"].startswith("range_") for slot in mapping["slots"])
        if ranged:
            wanted |= {"range_start": today - BACK, "range_end": today + AHEAD}
        if mark and has(mapping, "external_id"):
            wanted["external_id"] = mark
        rows, complete = self._all_rows(mapping, wanted)
        return [row for row in rows if reading.id_of(row)], complete and not ranged

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
        """One row by id, from the reading tool or else from the lists, also when it was moved to another project.

        None when it is gone; FixSettings (code ``not_offered``) when that cannot be told.
        """
        role, look = ("get_block", self._got) if self.box.best("get_block") else ("list_blocks", self._among_rows)
        return self._reading(role, lambda mapping: look(mapping, place, item_id))

    def _got(self, mapping: MappingData, place: str, item_id: str) -> Record | None:
        for where in self._whereabouts(mapping, place):
            try:
                arguments = arguments_for(mapping, {"id": item_id, "project": where})
                return reading.one(self.run(mapping, arguments, writes=False))
            except Gone:
                continue
        self._sure(mapping, place, item_id)
        return None

    def _among_rows(self, mapping: MappingData, place: str, item_id: str) -> Record | None:
        for where in self._whereabouts(mapping, place):
            rows, complete = self._listed(mapping, where)
            found = next((row for row in rows if reading.id_of(row) == item_id), None)
            if found is not None:
                return found
            if not complete:
                raise _cannot_tell(item_id)
        self._sure(mapping, place, item_id)
        return None

    def _whereabouts(self, mapping: MappingData, place: str) -> Iterator[str]:
        """Where to ask for a block: its own project, then others; only once where the tool asks for no project."""
        yield place
        if has(mapping, "project"):
            yield from self._others(place)[:MOST_PLACES]

    def _others(self, place: str) -> list[str]:
        """The other projects that we know of; listed when that can be done, else those that the last probe found."""
        known = self.projects() if self.box.best("list_projects") else self._projects
        return [key for key, _ in known if key != place]

    def _sure(self, mapping: MappingData, place: str, item_id: str) -> None:
        """Raise unless every project was looked through."""
        if has(mapping, "project") and len(self._others(place)) > MOST_PLACES:
            raise _cannot_tell(item_id)

    def close(self) -> None:
        """End the session."""
        self.session.close()


def _lies_in(row: Record, place: str) -> bool:
    """Whether a row is in a project, as far as it tells."""
    project = reading.fields_of(row).get("project")
    return project is None or str(project) == place


def _cannot_tell(item_id: str) -> FixSettings:
    person = "Planner shows this block no longer where it was, and its lists do not tell whether it is gone."
    return FixSettings(f"block {item_id}: not found, and the lists are not complete", person=person, code="not_offered")


def _without_doubles(rows: list[Record]) -> list[Record]:
    """Rows that changed pages while we turned them are kept once, as last seen."""
    by_id = {reading.id_of(row) or f"#{place}": row for place, row in enumerate(rows)}
    return list(by_id.values())
