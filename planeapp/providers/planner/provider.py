"""Planner for one connection: what the engine and the bot ask for, through MCP tools where they exist, else by REST."""

from __future__ import annotations

import json
import weakref
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutcomeUnknown
from planeapp.lib.events import Event
from planeapp.providers.base import Access, Confirmation, Field, Item, Listing, Place, Provider, Report, Values
from planeapp.providers.planner import (
    events,
    mapping,
    preflight,
    probe,
    reading,
    reports,
    subscriptions,
    template,
    trial,
)
from planeapp.providers.planner.arguments import MappingData, arguments_for, has, slot_of
from planeapp.providers.planner.client import Client
from planeapp.providers.planner.desk import Desk
from planeapp.providers.planner.reading import Record
from planeapp.providers.planner.schema import fingerprint
from planeapp.providers.planner.toolbox import Toolbox

FEED_PAGE = 100
WIDE_PAGE, WIDE_PAGES = 500, 5
"""How far back the feed is read when the usual page may not reach: a longer page, and pages of a cursor where one is told."""


class Planner(Provider):
    """One connection to Planner. Holds one MCP session from its first use to :meth:`close` (or its end of life).

    ``settings``: ``slots`` (token slots present), ``rest_create``, ``template``, ``template_maps``, ``template_proven``
    (hash of the template that made a test block), ``tools`` (corrections by role), ``confirm_writes`` and ``withheld``
    (what an admin does not allow), ``accepted`` (role → tool, as agreed to after a change), ``states`` (our state →
    theirs), ``end_inclusive``, ``subscriptions_prefix``, ``mcp_path``, ``missing_scopes``.
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

    @classmethod
    def confirmations(cls, report: Mapping[str, Any], settings: Mapping[str, Any]) -> Sequence[Confirmation]:
        """The tools that create, change and delete blocks, with what they are given."""
        return reports.confirmations(report, settings)

    @classmethod
    def confirm(
        cls, report: Mapping[str, Any], settings: Mapping[str, Any], names: Collection[str]
    ) -> Mapping[str, Any]:
        """See :func:`planeapp.providers.planner.reports.confirm`."""
        return reports.confirm(report, settings, names)

    def objection(self, field: str, direction: str) -> str:
        """See :mod:`planeapp.providers.planner.preflight`."""
        by_rest = "rest" in str(self.facts.get("mode")).split("+") and bool(self.access.settings.get("rest_create"))
        template_names = template.names_in(template.of(self.access.settings)) if by_rest else frozenset()
        feeds = "feed" in (self.access.report.get("abilities") or ())
        box = self.desk.box if self._has_tools() else Toolbox()
        return preflight.objection(box, field, direction, template_names, feeds=feeds)

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
        """One block, or None when it is gone. Without tools that read, as the newest events show it."""
        if not self._reads() and "api" in self.slots:
            return self._told_by_feed(item_id)
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
        self._need("update_block", by_hand=mapping.by_hand(item, values))
        place = item.place or place
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
        sent = Item(item.id, {**item.values, **values}, mark=item.mark, place=item.place)
        return self._after(place, item.id, reading.one(data), sent)

    def delete(self, place: str, item: Item) -> None:
        """Delete (or archive, where that is Planner's way) a block; nothing happens when it is gone."""
        tool = self._need("delete_block")
        try:
            self.desk.run(tool, arguments_for(tool, {"id": item.id, "project": item.place or place}), writes=True)
        except Gone:
            return

    def try_out(self, place: str) -> str:
        """Make a test block by REST with the settings' template; see :mod:`planeapp.providers.planner.trial`."""
        return trial.run(self.client, template.of(self.access.settings), self._template_maps(), place, self.access.zone)

    @classmethod
    def tried_out(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The template is known to work: blocks may be created by it from now on."""
        return {**settings, "template_proven": fingerprint(template.of(settings)), "rest_create": True}

    def feed(self, *, wide: bool = False) -> Sequence[bytes]:
        """The newest entries of the events feed, newest first."""
        entries = self._wide_entries() if wide else events.entries(self._feed_page())
        return [json.dumps(entry).encode() for entry in entries]

    def subscribe(self, address: str) -> str:
        """Have block events pushed to ``address``; gives the signing secret."""
        return subscriptions.renew(self.client, address)

    def unsubscribe(self, address: str) -> None:
        """End every subscription of an address."""
        subscriptions.end(self.client, address)

    def of_event(self, data: Mapping[str, Any]) -> Item | None:
        """The block that an event carries; people that it names by an id unknown to us are left out."""
        record = data.get("record")
        if record is None or self._has_tools() and not self.facts.get("tools"):
            return None  # how its answers are read is only known once its tools were looked at
        hints = self.desk.box.hints if self._has_tools() else {}
        known = self.desk.known_people() if self._has_tools() else {}
        item = mapping.item_of(record, self.access.zone, hints, known)
        if not set(_named_ids(record)) - known.keys():
            return item
        return replace(item, values={name: value for name, value in item.values.items() if name != "people"})

    def item_of(self, record: Record) -> Item:
        """A block as Planner shows it (in an answer or an event) as an item."""
        named = _named_ids(record)
        ids = self.desk.people(named) if named and self._mcp_has("list_people") else {}
        hints = self.desk.box.hints if self._has_tools() else {}
        return mapping.item_of(record, self.access.zone, hints, ids)

    def _create_by_tool(self, tool: MappingData, place: str, values: Values, mark: str) -> Item:
        fields = self._fields_of("create_block", mark)
        block = mapping.new_block(values, mark, place, self.access.zone, fields)
        self._with_people(block, [tool])
        data = self.desk.run(tool, arguments_for(tool, block), writes=True)
        return self._created(place, data, values, mark)

    def _create_by_rest(self, place: str, values: Values, mark: str) -> Item:
        shape = template.of(self.access.settings)
        block = mapping.new_block(values, mark, place, self.access.zone, template.names_in(shape))
        body = template.render(shape, block, self._template_maps())
        answer = self.client.create_block(body, fingerprint([mark, body]))
        return self._created(place, answer, values, mark)

    def _template_maps(self) -> dict[str, Any]:
        return {"states": self.access.settings.get("states") or {}, **(self.access.settings.get("template_maps") or {})}

    def _created(self, place: str, data: Any, values: Values, mark: str) -> Item:
        record = reading.one(data)
        if record is None or not reading.id_of(record):
            found = self._found_again(place, mark)
            if found is None:
                raise OutcomeUnknown("planner: created, but the answer names no id")
            return found
        sent = Item(reading.id_of(record), dict(values), mark=mark, place=place)
        return self._after(place, sent.id, record, sent)

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
        return replace(item, mark=item.mark or sent.mark)

    def _reads(self) -> bool:
        return self._mcp_has("get_block") or self._mcp_has("list_blocks")

    def _told_by_feed(self, item_id: str) -> Item | None:
        """A block as the newest events show it. Raises FixSettings when they do not speak of it."""
        told = self._blocks_of_feed()
        if item_id not in told:
            person = f"{self._why_not('get_block')} The newest events do not speak of this block either."
            raise FixSettings(f"planner: block {item_id} not in the feed", person=person, code="not_offered")
        return told[item_id]

    def _read_again(self, place: str, item_id: str) -> Record | None:
        if not self._reads():
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
            block["person_ids"] = {address: key for key, address in self.desk.people(block["people"]).items()}

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

    def _need(self, role: str, by_hand: str = "") -> MappingData:
        """The tool for a role, or FixSettings that also says what a person can do instead."""
        if self._has_tools() and (self.desk.box.best(role) or self.desk.box.paused(role)):
            return self.desk.need(role)
        code = "" if self._has_tools() and self.desk.box.off(role) else "not_offered"
        person = f"{self._why_not(role)} {by_hand}".strip()
        raise FixSettings(f"planner: no tool for {role}", person=person, code=code)

    def _why_not(self, role: str) -> str:
        return self.desk.box.why_not(role) if self._has_tools() else "This connection has no MCP tools, only REST."

    def _has_tools(self) -> bool:
        return self.facts.get("mode") != "rest"

    def _mcp_has(self, role: str) -> bool:
        return self._has_tools() and self.desk.box.best(role) is not None

    def _by_tool(self, role: str) -> bool:
        """Whether MCP's is the way: where there is a tool, and where the reason that it is off is all that can be told."""
        if self._mcp_has(role):
            return True
        box = self.desk.box if self._has_tools() else Toolbox()
        return box.paused(role) or (box.off(role) and "api" not in self.slots)

    def _wide_entries(self) -> Sequence[Any]:
        """As many entries as a longer page, or the pages behind it, hold."""
        if self.facts.get("feed") == "zapier":
            return events.entries(self._feed_page())
        try:
            size, page = WIDE_PAGE, self.client.events(WIDE_PAGE)
        except FixSettings:
            size, page = FEED_PAGE, self._feed_page()  # Planner does not make pages as long as that
        found = events.entries(page)
        for _ in range(WIDE_PAGES - 1):
            cursor = reading.next_cursor(page)
            if not cursor:
                break
            page = self.client.events(size, cursor)
            found += events.entries(page)
        return found

    def _feed_page(self) -> Any:
        return self.client.zapier_events() if self.facts.get("feed") == "zapier" else self.client.events(FEED_PAGE)

    def _feed(self) -> Sequence[Event]:
        return events.read_feed(self._feed_page())

    def _items_of_feed(self) -> Sequence[Item]:
        """Blocks as the newest events show them, without those that were deleted since (newest first)."""
        return [item for item in self._blocks_of_feed().values() if item is not None]

    def _blocks_of_feed(self) -> dict[str, Item | None]:
        """Block id → its last state that the newest events show, None when they say that it was deleted."""
        seen: dict[str, Item | None] = {}
        for event in self._feed():
            record = event.data["record"]
            if event.subject and event.subject not in seen:
                kept = event.kind != "remote.deleted" and record is not None
                seen[event.subject] = self.item_of(record) if kept else None
        return seen


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


def _named_ids(record: Record) -> list[str]:
    """What a row names people by, where that is not their address."""
    people = reading.fields_of(record).get("people")
    entries = people if isinstance(people, list) else [people] if people else []
    told = [(entry.get("email") or entry.get("id")) if isinstance(entry, Mapping) else entry for entry in entries]
    return [str(name) for name in told if name and "@" not in str(name)]
