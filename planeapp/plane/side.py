"""Plane's work items as one side of a sync: records in, neutral values out, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from planeapp.lib.errors import Gone
from planeapp.plane.about import About, Facts, unknown_in
from planeapp.plane.bodies import clean_id
from planeapp.plane.gateway import SOURCE, Plane
from planeapp.plane.records import Member, Row
from planeapp.plane.scopes import ScopeMissing
from planeapp.plane.values import counts, fields_of, key_of, values_of
from planeapp.providers.base import Item, Listing, Values

__all__ = ["Facts", "Page", "PlaneSide", "values_of"]

TAKES = ("title", "notes", "start", "end", "priority", "state", "people", "labels")
"""The values that a work item can be given."""
NEEDS = {"people": "people", "labels": "labels"}
"""Value → the feature without which it can neither be read nor written; the others come with the work item itself."""


@dataclass(frozen=True)
class Page:
    """Some work items, the bookmark of the following page (``""`` after the last), and how many there are in all."""

    items: tuple[Item, ...]
    following: str
    total: int | None


class PlaneSide:
    """The work items of one workspace.

    ``app_url`` is the web app's address (``https://app.plane.so``). ``facts`` keeps what projects look like beyond this
    side's life: Plane allows few calls, and asking for states, people and labels each time would eat most of them.
    """

    def __init__(self, plane: Plane, workspace_id: str, app_url: str, facts: Facts | None = None) -> None:
        self.plane = plane
        self.workspace_id = workspace_id
        self.app_url = app_url.rstrip("/")
        self.about = About(plane, facts)

    def list(self, project: str) -> Listing:
        """Every work item of the project but archived ones, drafts and triage."""
        rows = self.plane.items(project)
        items = tuple(item for row in rows if (item := self.read(project, row)))
        return Listing(items, rows.complete)

    def closed(self, name: str) -> str:
        """Reason code why this value of work items cannot be written here, whoever changes it elsewhere, or ``""``."""
        needed = ("write_items", NEEDS.get(name, "write_items"))
        shut = name in TAKES and not all(self.plane.offers(feature) for feature in needed)
        return ScopeMissing.code if shut else ""

    def get(self, project: str, item_id: str) -> Item | None:
        """One work item; None when it was deleted or archived. FixSettings when the project is closed to the bot."""
        record = self.plane.item(project, item_id)
        return None if record is None else self.read(project, record)

    def archived(self, project: str) -> tuple[frozenset[str], bool]:
        """Ids of archived work items, and whether those are all. Servers that do not tell have none."""
        return self.plane.archived(project)

    def find(self, project: str, mark: str) -> Sequence[Item]:
        """Work items that carry our mark: looked up before a create is repeated."""
        record = self.plane.find_by_external(project, SOURCE, mark)
        item = None if record is None else self.read(project, record)
        return () if item is None else (item,)

    def create(self, project: str, values: Values, mark: str) -> Item:
        """Make a work item that carries ``mark``, or give back the one that already does (Gone if it is archived)."""
        fields = self._fields(project, {**values, "title": values.get("title") or "Untitled"})
        saved = self.plane.create_item(project, **fields, external_source=SOURCE, external_id=mark)
        return self._kept(project, saved.record)

    def update(self, project: str, item: Item, values: Values) -> Item:
        """Write those of the values that differ from ``item`` as last read; without any, nothing is sent."""
        known = item.values
        changed = {name: value for name, value in values.items() if name not in known or known[name] != value}
        fields = self._fields(project, changed)
        if not fields:
            return item
        return self._kept(project, self.plane.update_item(project, item.id, **fields).record)

    def read(self, project: str, record: Row) -> Item | None:
        """A record (from the API or a v1 webhook) as an Item; None when it is archived, a draft or in triage."""
        self._know(project, record)
        if not counts(record, self.states(project)):
            return None
        about = self.project(project)
        url = self.url_of(key_of(record, about))
        lists = self.states(project), self.members(project), self.labels(project)
        told = values_of(record, about, lists[0], lists[1], labels=lists[2], url=url)
        values = {name: value for name, value in told.items() if self._readable(name)}
        mark = str(record.get("external_id") or "") if record.get("external_source") == SOURCE else ""
        version, by = str(record.get("updated_at") or ""), clean_id(record.get("updated_by"))
        return Item(clean_id(record), values, version, mark, url, by)

    @property
    def shows(self) -> bool:
        """Whether links may be put on work items."""
        return self.plane.offers("links")

    def show(self, project: str, item_id: str, url: str, title: str) -> None:
        """Put a link on the work item, once."""
        self.plane.ensure_link(project, item_id, url, title)

    def unshow(self, project: str, item_id: str, url: str) -> None:
        """Take a link off the work item; nothing happens when it is not there."""
        self.plane.drop_link(project, item_id, url)

    def page(self, project: str, cursor: str, since: datetime | None = None) -> Page:
        """One page of the project's work items, from a bookmark of an earlier page (``""``: the first)."""
        rows, following, total = self.plane.items_page(project, cursor, since)
        return Page(tuple(item for row in rows if (item := self.read(project, row))), following, total)

    def url_of(self, key: str) -> str:
        """The work item's address in Plane's web app; ``""`` without a key."""
        return f"{self.app_url}/{self.plane.slug}/browse/{key}/" if key else ""

    def mark_of(self, item_id: str) -> str:
        """The mark that a vendor's row carries for this work item: ``plane:<workspace>/<item>``."""
        return f"plane:{self.workspace_id}/{item_id}"

    def project(self, project: str) -> Row:
        """The project's record."""
        return self.about.project(project)

    def states(self, project: str) -> Sequence[Row]:
        """The project's states."""
        return self.about.states(project)

    def members(self, project: str) -> Sequence[Member]:
        """The people who can be assigned in the project; nobody when we may not know them."""
        return self.about.members(project) if self._readable("people") else ()

    def bots(self, project: str) -> frozenset[str]:
        """Ids of the project's members that are no people, as far as Plane tells."""
        return frozenset(member.id for member in self.members(project) if member.is_bot)

    def labels(self, project: str) -> Sequence[Row]:
        """The project's labels; none when we may not know them."""
        return self.about.labels(project) if self._readable("labels") else ()

    def _know(self, project: str, record: Row) -> None:
        """Ask Plane again when the record speaks of a state, person or label that was made since we asked last."""
        known = {"states": {clean_id(state) for state in self.states(project)}}
        known["labels"] = {clean_id(label) for label in self.labels(project)}
        known["members"] = {member.id for member in self.members(project)}
        for name in unknown_in(record, known):
            self.about.renew(project, name)

    def _readable(self, name: str) -> bool:
        return name not in NEEDS or self.plane.offers(NEEDS[name])

    def _label_id(self, project: str, name: str) -> str:
        known = {str(label.get("name")): clean_id(label) for label in self.labels(project)}
        if name not in known:
            made = clean_id(self.plane.ensure_label(project, name))
            self.about.renew(project, "labels", ours=True)
            return made
        return known[name]

    def _fields(self, project: str, values: Values) -> dict[str, object]:
        def label_id(name: str) -> str:
            return self._label_id(project, name)

        return fields_of(values, self.states(project), self.members(project), label_id)

    def _kept(self, project: str, record: Row) -> Item:
        item = self.read(project, record)
        if item is None:
            person = "This work item is archived in Plane. Restore it there to keep it in step."
            raise Gone(f"work item {record.get('id')} is archived or a draft", person=person)
        return item
