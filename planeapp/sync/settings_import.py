"""Reading a settings file into a workspace: ``changes`` tells what it would change and writes nothing, ``apply`` does it.

A file is looked at wholly before anything is written. The two sides are asked only for projects and places that our own rows
do not know, so that a change of rules needs nobody to answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from planeapp.installations import audit
from planeapp.installations.gateways import plane_for, provider_for
from planeapp.installations.models import Connection, Installation
from planeapp.lib.errors import AskPerson
from planeapp.providers import provider_class
from planeapp.sync import due
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.options import as_data
from planeapp.sync.settings_file import ConnectionEntry, Given, PairEntry
from planeapp.sync.settings_match import Named, NoMatch, match
from planeapp.sync.settings_rows import Difference, differences
from planeapp.sync.settings_yaml import Path, Unreadable, spelled
from planeapp.sync.switching import switched_on

Kind = Literal["make", "change", "remove", "leave"]
COLUMNS = ("place_id", "place_name", "zone", "enabled", "rules", "options")
DONE = {"make": "made", "change": "changed", "remove": "removed", "leave": "left alone"}
LINKED = (
    "{key} has work items that are linked with rows of {place}; take the pair away on the page of the pairs first "
    "(nothing is deleted on either side)"
)


@dataclass(frozen=True)
class Step:
    """What becomes of one pair. ``pair`` is as it shall be, not saved; ``seen`` are its columns as they are.

    ``leave``: the file does not name it, and it stays as it is.
    """

    kind: Kind
    path: str
    pair: ProjectPair
    seen: Mapping[str, Any] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()


def counts(steps: Sequence[Step]) -> dict[str, int]:
    """How many pairs are made, changed, removed, left alone; without those that are none."""
    told = {word: sum(step.kind == kind for step in steps) for kind, word in DONE.items()}
    return {word: count for word, count in told.items() if count}


def changes(installation: Installation, given: Given, *, remove: bool = False) -> list[Step]:
    """What the file would change, pair by pair.

    ``remove``: pairs that it does not name are taken away from the connections that it names, not left alone. Raises
    Unreadable with all that does not fit this workspace, and what the two sides answer.
    """
    known = {row.provider: row for row in installation.connections.select_related("installation")}
    steps, faults = [], []
    for provider, entry in given.file.connections.items():
        path: Path = ("connections", provider)
        if provider not in known:
            said = f"{installation.slug} is not connected to {provider_class(provider).name}; connect it first"
            faults.append(given.document.fault(path, said))
            continue
        look = _Look(known[provider], path)
        steps += look.steps(entry, "remove" if remove else "leave")
        faults += [given.document.fault(where, said) for where, said in look.faults]
    if faults:
        raise Unreadable(faults)
    return steps


class _Look:
    """One connection's part of a file beside what is there; ``faults`` gathers what does not fit."""

    def __init__(self, connection: Connection, path: Path) -> None:
        self.connection, self.path = connection, path
        self.rows = {str(row.project_id): row for row in connection.pairs.order_by("project_key", "pk")}
        self.faults: list[tuple[Path, str]] = []

    def steps(self, entry: ConnectionEntry, gone: Kind) -> list[Step]:
        """What becomes of every pair; those that the file does not name are ``gone``."""
        found: list[Step] = []
        named: dict[str, int] = {}
        for index, told in enumerate(entry.pairs):
            path = (*self.path, "pairs", index)
            project, place = self._project(told, path), self._place(told, path)
            if project is None:
                continue
            if named.setdefault(project.id, index) != index:
                self.faults.append((path, f"{project} is paired twice; see pairs[{named[project.id]}]"))
            elif place is not None:
                found += self._step(told, path, project, place)
        left = [row for project_id, row in self.rows.items() if project_id not in named]
        return found + [Step(gone, self._spelled(row), row, _columns(row)) for row in left]

    def _project(self, told: PairEntry, path: Path) -> Named | None:
        wanted = Named(str(told.project_id or ""), told.project)
        return self._matched("project", wanted, self._our_projects, path)

    def _place(self, told: PairEntry, path: Path) -> Named | None:
        ours = {row.place_id: Named(row.place_id, row.place_name) for row in self.rows.values()}
        return self._matched("place", Named(told.place_id, told.place), ours, path)

    def _matched(self, what: str, wanted: Named, ours: Mapping[str, Named], path: Path) -> Named | None:
        near = ours.get(wanted.id)
        if near and wanted.name.casefold() in ("", near.name.casefold()):
            return near
        theirs = self._plane_projects if what == "project" else self._places
        try:
            return match(what, wanted, list({**ours, **theirs}.values()))
        except NoMatch as error:
            self.faults.append(((*path, what), str(error)))
            return None

    @cached_property
    def _our_projects(self) -> dict[str, Named]:
        ours = ProjectPair.objects.filter(connection__installation=self.connection.installation)
        return {str(row.project_id): Named(str(row.project_id), row.project_key, row.project_name) for row in ours}

    @cached_property
    def _plane_projects(self) -> dict[str, Named]:
        rows = plane_for(self.connection.installation).projects()
        return {str(row["id"]): Named(str(row["id"]), str(row["identifier"]), str(row["name"])) for row in rows}

    @cached_property
    def _places(self) -> dict[str, Named]:
        with closing(provider_for(self.connection)) as provider:
            return {place.id: Named(place.id, place.name) for place in provider.places()}

    def _step(self, told: PairEntry, path: Path, project: Named, place: Named) -> Iterator[Step]:
        row = self.rows.get(project.id)
        pair = self._as_told(told, row, project, place)
        if row and row.place_id != place.id and row.links.exclude(state=ItemLink.State.UNLINKED).exists():
            said = LINKED.format(key=row.project_key, place=row.place_name)
            self.faults.append(((*path, "place"), said))
            return
        where = self._spelled(pair)
        found = differences(where, row, pair)
        if row is None:
            yield Step("make", where, pair, differences=found)
        elif found:
            yield Step("change", where, pair, _columns(row), found)

    def _as_told(self, told: PairEntry, row: ProjectPair | None, project: Named, place: Named) -> ProjectPair:
        """The row as the file wants it; an existing one keeps its project's key and name."""
        return ProjectPair(
            **({"pk": row.pk} if row else {}), connection=self.connection, project_id=UUID(project.id),
            project_key=row.project_key if row else project.name, project_name=row.project_name if row else project.label,
            place_id=place.id, place_name=place.name, zone=told.zone or self.connection.installation.zone,
            enabled=told.enabled, rules={name: rule.model_dump() for name, rule in told.rules.items()},
            options=as_data(told.options),
        )  # fmt: skip

    def _spelled(self, pair: ProjectPair) -> str:
        return f"{spelled((*self.path, 'pairs'))}[{pair.project_key}]"


def _columns(row: ProjectPair) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS}


def apply(
    installation: Installation, steps: Sequence[Step], *, request: HttpRequest | None = None, **detail: Any
) -> None:
    """Do what ``changes`` told, all or nothing, and have the pairs looked at. ``detail`` goes into the audit log.

    Raises AskPerson when the settings were changed by somebody else meanwhile.
    """
    todo = [step for step in steps if step.kind != "leave"]
    if not todo:
        return
    try:
        with transaction.atomic():
            _must_be_as_seen(installation, todo)
            for step in todo:
                _write(step)
            keys = {DONE[kind]: [step.pair.project_key for step in todo if step.kind == kind] for kind in DONE}
            told = {word: ", ".join(found) for word, found in keys.items() if found}
            audit.record("imported_settings", installation, request, **detail, **told)
            wishes = [due.Wish(step.pair.pk) for step in todo if step.kind != "remove" and step.pair.enabled]
            due.ask_all(wishes, reason="settings imported")
    except IntegrityError as error:
        raise _changed_meanwhile() from error


def _must_be_as_seen(installation: Installation, steps: Sequence[Step]) -> None:
    rows = ProjectPair.objects.select_for_update().filter(connection__installation=installation)
    now = {row.pk: _columns(row) for row in rows}
    if any(now.get(step.pair.pk, {}) != step.seen for step in steps):
        raise _changed_meanwhile()


def _changed_meanwhile() -> AskPerson:
    said = "Somebody else changed these settings meanwhile. Nothing was written; look at the changes again."
    return AskPerson("pairs changed between plan and import", person=said)


def _write(step: Step) -> None:
    if step.kind == "make":
        step.pair.save(force_insert=True)
        return
    row = ProjectPair.objects.filter(pk=step.pair.pk)
    if step.kind == "change":
        row.update(**_columns(step.pair))
        switched_on(step.pair, step.seen["rules"], step.pair.rules)
    else:
        row.delete()
