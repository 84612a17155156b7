"""A provider that lives in memory: the engine's tests run on it, with every misfortune on request.

State belongs to a :class:`World`, not to the provider, so that a run and its repetition see the same rows. Worlds have
names, and ``Access.settings["world"]`` picks one: code that makes its providers from settings gets the right one.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import httpx2

from planeapp.lib.errors import Gone, OutcomeUnknown
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.base import Access, Field, Item, Listing, Party, Place, Provider, Report, ReportLine, Values

METHODS = frozenset({"list", "get", "find", "create", "update", "delete", "parties"})


def nothing_held_back(values: Values) -> str:
    """The default of ``World.hold``: every work item may be created."""
    return ""


def counted_up(version: str) -> str:
    """The default of ``World.next_version``."""
    return str(int(version or 0) + 1)


def unwatched(method: str, what: str, values: Values) -> None:
    """The default of ``Luck.watch``."""


@dataclass
class Luck:
    """What one side was asked, and the misfortunes that are planned for it.

    ``calls`` holds (method, place or query, id or mark) in the order of asking, failed calls included. ``watch`` is told
    of each write of ours just before it happens: method, id of the row (or its mark), values.
    """

    calls: list[tuple[str, str, str]] = field(default_factory=list)
    watch: Callable[[str, str, Values], None] = unwatched
    _failures: dict[str, list[BaseException]] = field(default_factory=lambda: defaultdict(list))
    _after: dict[str, list[BaseException]] = field(default_factory=lambda: defaultdict(list))
    _meanwhile: dict[str, list[Callable[[], None]]] = field(default_factory=lambda: defaultdict(list))

    def fail(self, method: str, *errors: BaseException) -> None:
        """The next calls of ``method`` raise these errors, one each, before anything happens."""
        self._failures[method] += errors

    def fail_after(self, method: str, *errors: BaseException) -> None:
        """The next calls of a writing ``method`` do their work and then raise these errors, one each."""
        self._after[method] += errors

    def lose_answer(self, method: str, times: int = 1) -> None:
        """The next ``times`` calls of a writing ``method`` do their work and then raise OutcomeUnknown."""
        self.fail_after(method, *[OutcomeUnknown(f"memory: the answer to {method} was lost") for _ in range(times)])

    def meanwhile(self, method: str, action: Callable[[], None]) -> None:
        """While the next call of ``method`` is on its way, somebody else does this."""
        self._meanwhile[method].append(action)

    def calm(self) -> None:
        """Forget all misfortunes that are still planned."""
        for planned in (self._failures, self._after, self._meanwhile):
            planned.clear()

    def writes(self) -> list[tuple[str, str, str]]:
        """The calls that write, failed ones included."""
        return [call for call in self.calls if call[0] in {"create", "update", "delete", "show", "unshow"}]

    def begin(self, method: str, where: str, what: str = "") -> None:
        """Count a call, raise the next failure that was asked for, let happen what happens meanwhile."""
        self.calls.append((method, where, what))
        if self._failures[method]:
            raise self._failures[method].pop(0)
        if self._meanwhile[method]:
            self._meanwhile[method].pop(0)()

    def end(self, method: str) -> None:
        """Raise the next failure that was asked for after the work."""
        if self._after[method]:
            raise self._after[method].pop(0)


@dataclass
class World(Luck):
    """Rows, companies and planned misfortunes of one pretended vendor.

    ``version_moves`` false keeps every row's version as it was, as vendors do that lie about versions; ``next_version``
    makes a row's version of its last one. ``arrange`` puts listings in another order, ``rewrite`` is what the vendor makes
    of values that it is given, and with ``late`` a row that was just made is missing in the next listing.
    """

    places: list[Place] = field(default_factory=lambda: [Place("main", "Main shelf")])
    companies: list[Party] = field(default_factory=list)
    rows: dict[str, dict[str, Item]] = field(default_factory=lambda: defaultdict(dict))
    hold: Callable[[Values], str] = nothing_held_back
    version_moves: bool = True
    next_version: Callable[[str], str] = counted_up
    arrange: Callable[[list[Item]], list[Item]] = list
    rewrite: Callable[[Values], Values] = dict
    late: bool = False
    abilities: frozenset[str] = METHODS
    _young: set[str] = field(default_factory=set)
    _cut: dict[str, frozenset[str]] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def cut_listing(self, place: str = "main", *hidden: str) -> None:
        """Listings of ``place`` are incomplete from now on, and leave out the rows whose ids are ``hidden``."""
        self._cut[place] = frozenset(hidden)

    def mend_listing(self, place: str = "main") -> None:
        """Listings of ``place`` are complete again."""
        self._cut.pop(place, None)

    def put(self, values: Values, *, place: str = "main", mark: str = "") -> Item:
        """Somebody over there makes a row; no call of ours is counted."""
        item_id = f"row-{next(self._ids)}"
        self.rows[place][item_id] = Item(
            item_id, dict(values), self.next_version(""), mark, url=f"https://memory.example/{item_id}"
        )
        return self.rows[place][item_id]

    def copy(self, item_id: str, place: str = "main") -> Item:
        """Somebody over there copies a row, with our mark on it."""
        return self.put(self.rows[place][item_id].values, place=place, mark=self.rows[place][item_id].mark)

    def edit(self, item_id: str, place: str = "main", **values: Any) -> Item:
        """Somebody over there changes a row."""
        old = self.rows[place][item_id]
        version = self.next_version(old.version) if self.version_moves else old.version
        self.rows[place][item_id] = replace(old, values={**old.values, **values}, version=version)
        return self.rows[place][item_id]

    def move(self, item_id: str, to: str, place: str = "main") -> None:
        """Somebody over there moves a row to another place."""
        self.rows[to][item_id] = replace(self.rows[place].pop(item_id), place=to)

    def remove(self, item_id: str, place: str = "main") -> None:
        """Somebody over there deletes a row; nothing happens when it is gone."""
        self.rows[place].pop(item_id, None)

    def made(self, place: str, values: Values, mark: str) -> Item:
        """We make a row."""
        row = self.put(self.rewrite(values), place=place, mark=mark)
        if self.late:
            self._young.add(row.id)
        return row

    def listing(self, place: str) -> Listing:
        """What a listing of ``place`` shows now."""
        hidden = self._cut.get(place, frozenset()) | self._young
        self._young.clear()
        shown = self.arrange([item for item in self.rows[place].values() if item.id not in hidden])
        return Listing(tuple(shown), complete=place not in self._cut)


WORLDS: dict[str, World] = defaultdict(World)


def memory_access(world: str = "default", **settings: Any) -> Access:
    """An Access that reaches nothing and names a world."""
    return Access(
        Http(Guard(), transport=httpx2.MockTransport(_no_network)), "memory:", _no_token, {"world": world, **settings}
    )


def _no_network(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"the memory provider has no network: {request.url}")


def _no_token(slot: str = "main", *, refused: str = "") -> str:
    return f"memory-token-{slot}"


class Memory(Provider):
    """The contract, kept in memory."""

    key: ClassVar[str] = "memory"
    name: ClassVar[str] = "Memory"
    place_name: ClassVar[str] = "shelf"
    fields: ClassVar[tuple[Field, ...]] = (
        Field("title", "Title", "both"),
        Field("notes", "Description", "both"),
        Field("start", "First day", "both"),
        Field("end", "Last day", "both"),
        Field("state", "State", "out"),
        Field("priority", "Priority", "out"),
        Field("people", "People", "out"),
        Field("parties", "Companies", "out"),
        Field("url", "Link", "out", ("off", "out")),
    )

    def __init__(self, access: Access | None = None, world: World | None = None) -> None:
        super().__init__(access or memory_access())
        self.world = WORLDS[str(self.access.settings.get("world", "default"))] if world is None else world

    def probe(self) -> Report:
        """Every ability that the world was given."""
        self.world.begin("probe", "")
        lines = [ReportLine(name, name, "ok" if name in self.world.abilities else "absent") for name in sorted(METHODS)]
        return Report(tuple(lines), self.world.abilities, {"world": "memory"}, account="memory@example.com")

    def places(self) -> Sequence[Place]:
        """The world's places."""
        self.world.begin("places", "")
        return tuple(self.world.places)

    def held_back(self, values: Values) -> str:
        """What ``World.hold`` says."""
        return self.world.hold(values)

    def list(self, place: str) -> Listing:
        """The rows of a place, cut when asked."""
        self.world.begin("list", place)
        return self.world.listing(place)

    def get(self, place: str, item_id: str) -> Item | None:
        """One row, wherever it lies by now, or None."""
        self.world.begin("get", place, item_id)
        return next((rows[item_id] for rows in self.world.rows.values() if item_id in rows), None)

    def find(self, place: str, mark: str) -> Sequence[Item]:
        """Rows that carry the mark."""
        self.world.begin("find", place, mark)
        return tuple(item for item in self.world.rows[place].values() if mark and item.mark == mark)

    def create(self, place: str, values: Values, mark: str) -> Item:
        """A new row each time: a careless caller gets two."""
        self.world.begin("create", place, mark)
        self.world.watch("create", mark, values)
        made = self.world.made(place, values, mark)
        self.world.end("create")
        return made

    def update(self, place: str, item: Item, values: Mapping[str, Any]) -> Item:
        """Change the named values; Gone when the row is not there."""
        self.world.begin("update", place, item.id)
        place = item.place or place
        if item.id not in self.world.rows[place]:
            raise Gone(f"memory: {item.id} is gone")
        self.world.watch("update", item.id, values)
        changed = self.world.edit(item.id, place, **self.world.rewrite(values))
        self.world.end("update")
        return changed

    def delete(self, place: str, item: Item) -> None:
        """Remove the row."""
        self.world.begin("delete", place, item.id)
        self.world.watch("delete", item.id, {})
        self.world.remove(item.id, item.place or place)
        self.world.end("delete")

    def parties(self, query: str) -> Sequence[Party]:
        """Companies whose name contains the query; the shortest name fits best."""
        self.world.begin("parties", query)
        found = [party for party in self.world.companies if query.casefold() in party.name.casefold()]
        return tuple(sorted(found, key=lambda party: len(party.name))[:20])

    def party(self, party_id: str) -> Party | None:
        """One company, or None."""
        self.world.begin("party", party_id)
        return next((party for party in self.world.companies if party.id == party_id), None)
