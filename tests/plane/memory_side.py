"""Plane's side of a sync, kept in memory: the engine's state machine runs on it, with every misfortune on request.

What a project holds belongs to a :class:`Project`, not to the side, so that a run and its repetition see the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from planeapp.lib.errors import Gone
from planeapp.plane.records import Member, Row
from planeapp.plane.side import Page
from planeapp.providers.base import Item, Listing, Values
from tests.providers.memory import Luck, counted_up

PAGE = 2


@dataclass
class Project(Luck):
    """Work items of one pretended project of Plane; ``links``: work item → address → title.

    ``shut`` are names of values that our bot may not write.
    """

    items: dict[str, Item] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    links: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    shut: set[str] = field(default_factory=set)
    next_version: Callable[[str], str] = counted_up
    arrange: Callable[[list[Item]], list[Item]] = list
    _cut: frozenset[str] | None = None

    def put(self, item_id: str, **values: Any) -> Item:
        """Somebody makes a work item."""
        self.items[item_id] = Item(item_id, values, self.next_version(""))
        return self.items[item_id]

    def edit(self, item_id: str, **values: Any) -> Item:
        """Somebody changes a work item."""
        old = self.items[item_id]
        self.items[item_id] = replace(old, values={**old.values, **values}, version=self.next_version(old.version))
        return self.items[item_id]

    def remove(self, item_id: str) -> None:
        """Somebody deletes a work item."""
        self.items.pop(item_id, None)
        self.hidden.discard(item_id)

    def archive(self, item_id: str) -> None:
        """Somebody archives a work item."""
        self.hidden.add(item_id)

    def restore(self, item_id: str) -> None:
        """Somebody restores an archived work item."""
        self.hidden.discard(item_id)

    def cut_listing(self, *left_out: str) -> None:
        """Listings are incomplete from now on, and leave these out; the list of archived ones is incomplete as well."""
        self._cut = frozenset(left_out)

    def mend_listing(self) -> None:
        """Listings are complete again."""
        self._cut = None

    @property
    def complete(self) -> bool:
        """Whether listings show everything."""
        return self._cut is None

    def seen(self) -> list[Item]:
        """What a listing shows now."""
        out = self.hidden | (self._cut or frozenset())
        return self.arrange([item for item in self.items.values() if item.id not in out])


class MemorySide:
    """What :class:`planeapp.plane.side.PlaneSide` is to the engine. Times and people of Plane's own are left out."""

    def __init__(self, held: Project, workspace_id: str) -> None:
        self.held = held
        self.workspace_id = workspace_id

    def list(self, project: str) -> Listing:
        """Every work item but archived ones, cut when asked."""
        self.held.begin("list", project)
        return Listing(tuple(self.held.seen()), self.held.complete)

    def closed(self, name: str) -> str:
        """A reason for values that may not be written."""
        return "scope_missing" if name in self.held.shut else ""

    def get(self, project: str, item_id: str) -> Item | None:
        """One work item; None when it was deleted or archived."""
        self.held.begin("get", project, item_id)
        return None if item_id in self.held.hidden else self.held.items.get(item_id)

    def archived(self, project: str) -> tuple[frozenset[str], bool]:
        """Ids of archived work items, and whether those are all."""
        self.held.begin("archived", project)
        return frozenset(self.held.hidden) - (self.held._cut or frozenset()), self.held.complete

    def find(self, project: str, mark: str) -> Sequence[Item]:
        """Work items that carry our mark."""
        self.held.begin("find", project, mark)
        return [item for item in self.held.items.values() if mark and item.mark == mark]

    def create(self, project: str, values: Values, mark: str) -> Item:
        """Make a work item that carries ``mark``."""
        self.held.begin("create", project, mark)
        self.held.watch("create", mark, values)
        made = self.held.put(f"item-{len(self.held.calls)}", **values)
        self.held.items[made.id] = replace(made, mark=mark)
        self.held.end("create")
        return self.held.items[made.id]

    def update(self, project: str, item: Item, values: Values) -> Item:
        """Write those of the values that differ from ``item`` as last read; without any, nothing is sent."""
        known = item.values
        changed = {name: value for name, value in values.items() if name not in known or known[name] != value}
        if not changed:
            return item
        self.held.begin("update", project, item.id)
        self._must_be_there(item.id)
        self.held.watch("update", item.id, changed)
        saved = self.held.edit(item.id, **changed)
        self.held.end("update")
        return saved

    @property
    def shows(self) -> bool:
        """Links may be put on work items, unless that is shut."""
        return "links" not in self.held.shut

    def show(self, project: str, item_id: str, url: str, title: str) -> None:
        """Put a link on the work item, once."""
        self.held.begin("show", project, item_id)
        self._must_be_there(item_id)
        self.held.links[item_id][url] = title
        self.held.end("show")

    def unshow(self, project: str, item_id: str, url: str) -> None:
        """Take a link off the work item."""
        self.held.begin("unshow", project, item_id)
        self._must_be_there(item_id)
        self.held.links[item_id].pop(url, None)
        self.held.end("unshow")

    def page(self, project: str, cursor: str, since: datetime | None = None) -> Page:
        """Two work items at a time."""
        self.held.begin("page", project, cursor)
        shown, first = self.held.seen(), int(cursor or 0)
        following = str(first + PAGE) if first + PAGE < len(shown) else ""
        return Page(tuple(shown[first : first + PAGE]), following, len(shown))

    def url_of(self, key: str) -> str:
        """The work item's address."""
        return f"https://plane.example/browse/{key}/" if key else ""

    def mark_of(self, item_id: str) -> str:
        """The mark that a vendor's row carries for this work item."""
        return f"plane:{self.workspace_id}/{item_id}"

    def project(self, project: str) -> Row:
        """The project's record."""
        return {"id": project, "identifier": "CUST"}

    def states(self, project: str) -> Sequence[Row]:
        """None: values hold groups already."""
        return ()

    def members(self, project: str) -> Sequence[Member]:
        """Nobody."""
        return ()

    def bots(self, project: str) -> frozenset[str]:
        """None."""
        return frozenset()

    def labels(self, project: str) -> Sequence[Row]:
        """None."""
        return ()

    def _must_be_there(self, item_id: str) -> None:
        if item_id not in self.held.items or item_id in self.held.hidden:
            raise Gone(f"memory: work item {item_id} is gone or archived")
