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

from planeapp.lib.errors import Gone, GroundcrewError, OutcomeUnknown
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.base import Access, Field, Item, Listing, Party, Place, Provider, Report, ReportLine, Values

METHODS = frozenset({"list", "get", "find", "create", "update", "delete", "parties"})


def nothing_held_back(values: Values) -> str:
    """The default of ``World.hold``: every work item may be created."""
    return ""


@dataclass
class World:
    """Rows, companies and planned misfortunes of one pretended vendor.

    ``calls`` holds (method, place or query, id or mark) in the order of asking, failed calls included.
    ``version_moves`` false keeps every row's version as it was, as vendors do that lie about versions.
    """

    places: list[Place] = field(default_factory=lambda: [Place("main", "Main shelf")])
    companies: list[Party] = field(default_factory=list)
    rows: dict[str, dict[str, Item]] = field(default_factory=lambda: defaultdict(dict))
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    hold: Callable[[Values], str] = nothing_held_back
    version_moves: bool = True
    abilities: frozenset[str] = METHODS
    _failures: dict[str, list[GroundcrewError]] = field(default_factory=lambda: defaultdict(list))
    _lost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _cut: dict[str, frozenset[str]] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def fail(self, method: str, *errors: GroundcrewError) -> None:
        """The next calls of ``method`` raise these errors, one each, before anything happens."""
        self._failures[method] += errors

    def lose_answer(self, method: str, times: int = 1) -> None:
        """The next ``times`` calls of a writing ``method`` do their work and then raise OutcomeUnknown."""
        self._lost[method] += times

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
            item_id, dict(values), version="1", mark=mark, url=f"https://memory.example/{item_id}"
        )
        return self.rows[place][item_id]

    def edit(self, item_id: str, place: str = "main", **values: Any) -> Item:
        """Somebody over there changes a row."""
        old = self.rows[place][item_id]
        version = str(int(old.version) + 1) if self.version_moves else old.version
        self.rows[place][item_id] = replace(old, values={**old.values, **values}, version=version)
        return self.rows[place][item_id]

    def remove(self, item_id: str, place: str = "main") -> None:
        """Somebody over there deletes a row; nothing happens when it is gone."""
        self.rows[place].pop(item_id, None)

    def writes(self) -> list[tuple[str, str, str]]:
        """The calls that write, failed ones included."""
        return [call for call in self.calls if call[0] in {"create", "update", "delete"}]

    def begin(self, method: str, where: str, what: str = "") -> None:
        """Count a call and raise the next failure that was asked for."""
        self.calls.append((method, where, what))
        if self._failures[method]:
            raise self._failures[method].pop(0)

    def end(self, method: str) -> None:
        """Raise OutcomeUnknown when this answer is to be lost."""
        if self._lost[method]:
            self._lost[method] -= 1
            raise OutcomeUnknown(f"memory: the answer to {method} was lost")

    def listing(self, place: str) -> Listing:
        """What a listing of ``place`` shows now."""
        hidden = self._cut.get(place, frozenset())
        shown = tuple(item for item in self.rows[place].values() if item.id not in hidden)
        return Listing(shown, complete=place not in self._cut)


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
        """One row, or None."""
        self.world.begin("get", place, item_id)
        return self.world.rows[place].get(item_id)

    def find(self, place: str, mark: str) -> Sequence[Item]:
        """Rows that carry the mark."""
        self.world.begin("find", place, mark)
        return tuple(item for item in self.world.rows[place].values() if mark and item.mark == mark)

    def create(self, place: str, values: Values, mark: str) -> Item:
        """A new row each time: a careless caller gets two."""
        self.world.begin("create", place, mark)
        made = self.world.put(values, place=place, mark=mark)
        self.world.end("create")
        return made

    def update(self, place: str, item: Item, values: Mapping[str, Any]) -> Item:
        """Change the named values; Gone when the row is not there."""
        self.world.begin("update", place, item.id)
        if item.id not in self.world.rows[place]:
            raise Gone(f"memory: {item.id} is gone")
        changed = self.world.edit(item.id, place, **values)
        self.world.end("update")
        return changed

    def delete(self, place: str, item: Item) -> None:
        """Remove the row."""
        self.world.begin("delete", place, item.id)
        self.world.remove(item.id, place)
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
