"""Planner for one connection: what the engine and the bot ask for, through MCP tools where they exist, else by REST."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutcomeUnknown
from planeapp.lib.events import Event
from planeapp.providers.base import Access, Field, Item, Listing, Place, Provider, Report, Values
from planeapp.providers.planner import events, mapping, probe, reading, reports, subscriptions, template
from planeapp.providers.planner.arguments import MappingData, arguments_for, has, slot_of
from planeapp.providers.planner.client import Client
from planeapp.providers.planner.desk import Desk
from planeapp.providers.planner.reading import Record
from planeapp.providers.planner.schema import fingerprint

FEED_PAGE = 100


class Planner(Provider):
    """One connection to Planner. Holds one MCP session from its first use to :meth:`close` (or its end of life).

    ``settings``: ``slots`` (token slots present), ``rest_create``, ``template``, ``template_maps``, ``tools``
    (corrections by role),
    ``states`` (our state → theirs), ``end_inclusive``, ``subscriptions_prefix``, ``mcp_path``, ``missing_scopes``.
    """

    key = "planner"
    name = "Planner"
    place_name = "project"
    fields = (
        Field("title", "Title", "out"),
        Field("start", "Start date", "both"),
        Field("end", "Due date", "both"),
        Field("notes", "Notes", "out"),
        Field("state", "State", "off"),
        Field("people", "People", "out"),
    )

    def __init__(self, access: Access) -> None:
        self.facts: Mapping[str, Any] = access.report.get("facts") or {}
        known = set(access.settings.get("slots") or ["api"])
        super().__init__(replace(access, token=_only_slots(access, known)))
        self.slots = known
        self.client = Client(self.access)
        self.desk = Desk(self.access, self.facts)
        self._finalizer = weakref.finalize(self, self.desk.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the MCP session; it opens again when it is needed."""
        self.desk.close()

    def probe(self) -> Report:
        """See :mod:`planeapp.providers.planner.probe`."""
        return probe.run(self.access, self.slots)

    @classmethod
    def reconsidered(cls, report: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """See :func:`planeapp.providers.planner.reports.reconsidered`."""
        return reports.reconsidered(report, settings)

    def places(self) -> Sequence[Place]:
        """Planner's projects; without a tool for them those that the events speak of."""
        if self._by_tool("list_projects"):
            return [Place(key, name) for key, name in self.desk.projects()]
        found: dict[str, str] = {}
        for event in self._feed():
            if event.project:
                found.setdefault(event.project, event.project)
        if not found:
            raise FixSettings(
                "planner: no list of projects", person=self.desk.box.why_not("list_projects"), code="not_offered"
            )
        return [Place(key, name) for key, name in found.items()]

    def held_back(self, values: Values) -> str:
        """``no_dates`` when neither a start nor an end is known."""
        return mapping.held_back(values)

    def list(self, place: str) -> Listing:
        """Every block of a project."""
        rows, complete = self.desk.blocks(place)
        return Listing(tuple(self.item_of(row) for row in rows), complete)

    def get(self, place: str, item_id: str) -> Item | None:
        """One block, or None when it is gone."""
        row = self.desk.block(place, item_id)
        return self.item_of(row) if row is not None else None

    def find(self, place: str, mark: str) -> Sequence[Item]:
        """Blocks with our mark: through the listing tool, else among the newest events."""
        if self._by_tool("list_blocks"):
            found = [self.item_of(row) for row in self.desk.blocks(place, mark)[0]]
            return [item for item in found if item.mark == mark]
        return [item for item in self._items_of_feed() if item.mark == mark]

    def create(self, place: str, values: Values, mark: str) -> Item:
        """A new block that carries the mark, by MCP, else by REST if the settings allow it."""
        if self._by_tool("create_block"):
            return self._create_by_tool(self.desk.need("create_block"), place, values, mark)
        if not self.access.settings.get("rest_create"):
            why = f"{self._why_not('create_block')} An admin can allow creating by REST in the connection's settings."
            raise FixSettings("planner: nothing to create blocks with", person=why, code="not_offered")
        return self._create_by_rest(place, values, mark)

    def update(self, place: str, item: Item, values: Values) -> Item:
        """Write the named values of a block and give it back as it is then."""
        self._need("update_block")
        fields = self._fields_of("create_block", item.mark) | self._fields_of("update_block", item.mark)
        block, touched = mapping.changed_block(item, values, place, self.access.zone, fields)
        chosen = self.desk.box.updates(touched)
        if touched and not chosen:
            names = ", ".join(sorted(values))
            raise FixSettings(
                f"no tool writes {names}", person=f"Planner's tools have no place for: {names}.", code="not_offered"
            )
        data: Any = None
        self._with_people(block, chosen)
        for tool in chosen:
            data = self.desk.run(tool, arguments_for(tool, block, touched), writes=True)
        return self._after(place, item.id, reading.one(data), Item(item.id, {**item.values, **values}, mark=item.mark))

    def delete(self, place: str, item: Item) -> None:
        """Delete (or archive, where that is Planner's way) a block; nothing happens when it is gone."""
        tool = self._need("delete_block")
        try:
            self.desk.run(tool, arguments_for(tool, {"id": item.id, "project": place}), writes=True)
        except Gone:
            return

    def feed(self) -> Sequence[bytes]:
        """The newest entries of the events feed, newest first."""
        return [json.dumps(entry).encode() for entry in events.entries(self._feed_page())]

    def subscribe(self, address: str) -> str:
        """Have block events pushed to ``address``; gives the signing secret."""
        return subscriptions.renew(self.client, address)

    def unsubscribe(self, address: str) -> None:
        """End every subscription of an address."""
        subscriptions.end(self.client, address)

    def item_of(self, record: Record) -> Item:
        """A block as Planner shows it (in an answer or an event) as an item."""
        ids = self.desk.people() if _names_ids(record) and self._mcp_has("list_people") else {}
        hints = self.desk.box.hints if self._has_tools() else {}
        return mapping.item_of(record, self.access.zone, hints, ids)

    def _create_by_tool(self, tool: MappingData, place: str, values: Values, mark: str) -> Item:
        fields = self._fields_of("create_block", mark)
        block = mapping.new_block(values, mark, place, self.access.zone, fields)
        self._with_people(block, [tool])
        data = self.desk.run(tool, arguments_for(tool, block), writes=True)
        return self._created(place, data, values, mark)

    def _create_by_rest(self, place: str, values: Values, mark: str) -> Item:
        shape = self.access.settings.get("template") or template.DEFAULT
        shape = json.loads(shape) if isinstance(shape, str) else shape
        block = mapping.new_block(values, mark, place, self.access.zone, template.names_in(shape))
        body = template.render(shape, block, self.access.settings.get("template_maps"))
        answer = self.client.create_block(body, fingerprint([mark, body]))
        return self._created(place, answer, values, mark)

    def _created(self, place: str, data: Any, values: Values, mark: str) -> Item:
        record = reading.one(data)
        if record is None or not reading.id_of(record):
            found = self._found_again(place, mark)
            if found is None:
                raise OutcomeUnknown("planner: created, but the answer names no id")
            return found
        return self._after(place, reading.id_of(record), record, Item(reading.id_of(record), dict(values), mark=mark))

    def _found_again(self, place: str, mark: str) -> Item | None:
        """After a write that happened, a failing look-up must not look like a failed write."""
        try:
            return next(iter(self.find(place, mark)), None)
        except GroundcrewError as error:
            raise OutcomeUnknown(f"planner: created without an id, look-up failed: {error}") from error

    def _after(self, place: str, item_id: str, record: Record | None, sent: Item) -> Item:
        """The block after a write: from the answer if it is whole, else read again, else as we sent it."""
        if record is None or not {"start", "end"} & set(reading.fields_of(record)):
            record = self._read_again(place, item_id)
        if record is None:
            return sent
        item = self.item_of(record)
        return Item(item.id, item.values, item.version, item.mark or sent.mark, item.url)

    def _read_again(self, place: str, item_id: str) -> Record | None:
        if not (self._mcp_has("get_block") or self._mcp_has("list_blocks")):
            return None
        try:
            return self.desk.block(place, item_id)
        except GroundcrewError:
            return None  # the write itself succeeded; the next sync reads the block

    def _with_people(self, block: dict[str, Any], tools: Sequence[MappingData]) -> None:
        if self.access.settings.get("states"):
            block["state_choices"] = self.access.settings["states"]
        by_id = any(slot_of(tool, "people").get("by") == "id" for tool in tools)
        if by_id and block.get("people"):
            block["person_ids"] = {address: key for key, address in self.desk.people().items()}

    def _fields_of(self, role: str, mark: str) -> frozenset[str]:
        """Fields that the role's tools have a place for; an external id too short for the mark does not count."""
        roles = self.desk.box.roles.get(role, ())
        found = {slot["field"] for tool in roles if not tool["missing"] for slot in tool["slots"]}
        best = self.desk.box.best(role)
        for field in ("external_id", "url"):
            limit = slot_of(best, field).get("max") if best and has(best, field) else None
            if limit is not None and limit < len(mark) + (200 if field == "url" else 0):
                found.discard(field)
        return frozenset(found)

    def _need(self, role: str) -> MappingData:
        if not self._has_tools():
            raise FixSettings(f"planner: no tool for {role}", person=self._why_not(role), code="not_offered")
        return self.desk.need(role)

    def _why_not(self, role: str) -> str:
        return self.desk.box.why_not(role) if self._has_tools() else "This connection has no MCP tools, only REST."

    def _has_tools(self) -> bool:
        return self.facts.get("mode") != "rest"

    def _mcp_has(self, role: str) -> bool:
        return self._has_tools() and self.desk.box.best(role) is not None

    def _by_tool(self, role: str) -> bool:
        """Whether MCP's is the way: where there is a tool, and where the reason that it is off is all that can be told."""
        return self._mcp_has(role) or (self._has_tools() and self.desk.box.off(role) and "api" not in self.slots)

    def _feed_page(self) -> Any:
        return self.client.zapier_events() if self.facts.get("feed") == "zapier" else self.client.events(FEED_PAGE)

    def _feed(self) -> Sequence[Event]:
        return events.read_feed(self._feed_page())

    def _items_of_feed(self) -> Sequence[Item]:
        """Blocks as the newest events show them, without those that were deleted since (newest first)."""
        seen: dict[str, Item | None] = {}
        for event in self._feed():
            record = event.data["record"]
            if event.subject and event.subject not in seen:
                kept = event.kind != "remote.deleted" and record is not None
                seen[event.subject] = self.item_of(record) if kept else None
        return [item for item in seen.values() if item is not None]


def _only_slots(access: Access, known: set[str]) -> Any:
    """The token function, with a plain word for a slot that this connection does not have."""

    def token(slot: str = "api", *, refused: str = "") -> str:
        if slot not in known:
            raise FixSettings(
                f"planner: no token in slot {slot}", code="not_offered",
                person="This needs an API token of Planner. Add one in the connection's settings.",
            )  # fmt: skip
        return access.token(slot, refused=refused)

    return token


def _names_ids(record: Record) -> bool:
    """Whether a row names people by something else than their address."""
    people = reading.fields_of(record).get("people")
    entries = people if isinstance(people, list) else [people] if people else []
    return any("@" not in str(entry.get("email") if isinstance(entry, Mapping) else entry) for entry in entries)
