"""Reading the company parts of a settings file into a workspace: ``changes`` tells what would change, ``apply`` does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import transaction

from planeapp.customers import errands, firing
from planeapp.customers.book import book_of, has_companies
from planeapp.customers.models import Book, CompanyRule
from planeapp.customers.options import Options, options_of, save_options
from planeapp.customers.rules import RuleSpec, as_data
from planeapp.customers.settings_section import (
    OptionsSection,
    RulesSection,
    Wrong,
    enabled_in,
    entry_of,
    keys_of,
    options_from,
    spec_from,
)  # fmt: skip
from planeapp.installations import audit
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection, Installation
from planeapp.lib.errors import AskPerson
from planeapp.sync.models import ProjectPair
from planeapp.sync.settings_file import Given
from planeapp.sync.settings_import import DONE, Kind
from planeapp.sync.settings_match import Named, match
from planeapp.sync.settings_rows import Difference
from planeapp.sync.settings_yaml import Path, Unreadable, spelled

FOLLOWS = ("match", "tallies", "mirror", "labels", "cards")


@dataclass(frozen=True)
class Step:
    """What becomes of one rule, or of a connection's options (``rule`` None, ``options`` as they shall be).

    ``seen`` is what was there when the changes were told; ``leave``: the file does not name it, and it stays as it is.
    """

    kind: Kind
    path: str
    connection: Connection
    rule: CompanyRule | None
    enabled: bool
    seen: Any
    differences: tuple[Difference, ...] = ()
    options: Options | None = None


def counts(steps: Sequence[Step]) -> dict[str, int]:
    """How many rules and options are made, changed, removed, left alone; without those that are none."""
    told = {word: sum(step.kind == kind for step in steps) for kind, word in DONE.items()}
    return {word: count for word, count in told.items() if count}


def changes(installation: Installation, given: Given, *, remove: bool = False) -> list[Step]:
    """What the file's company parts would change. Raises Unreadable with all that does not fit this workspace."""
    known = {row.provider: row for row in installation.connections.select_related("installation")}
    steps: list[Step] = []
    faults: list[tuple[Path, str]] = []
    for provider, parts in given.sections.items():
        path: Path = ("connections", provider)
        if provider not in known or not has_companies(known[provider]):
            said = "this connection knows no companies; connect it, or check it again, first"
            faults += [((*path, name), said) for name in parts]
            continue
        look = _Look(known[provider], path, faults)
        if OptionsSection.name in parts:
            steps += look.options(parts[OptionsSection.name])
        if RulesSection.name in parts:
            steps += look.rules(parts[RulesSection.name], "remove" if remove else "leave")
    if faults:
        raise Unreadable([given.document.fault(*fault) for fault in faults])
    return steps


class _Look:
    """One connection's company parts beside what is there; ``faults`` gathers what does not fit."""

    def __init__(self, connection: Connection, path: Path, faults: list[tuple[Path, str]]) -> None:
        self.connection, self.path, self.faults = connection, path, faults

    def options(self, data: Any) -> Iterator[Step]:
        """What becomes of the options."""
        before, after = options_of(self.connection), options_from(data)
        where = spelled((*self.path, OptionsSection.name))
        found = _differences(where, before.model_dump(), after.model_dump())
        if found:
            seen = book_of(self.connection).options
            yield Step("change", where, self.connection, None, True, seen, found, after)

    def rules(self, data: Any, gone: Kind) -> Iterator[Step]:
        """What becomes of every rule; those that the file does not name are ``gone``."""
        rows = {row.name: row for row in self.connection.company_rules.order_by("name")}
        named = set()
        for index, told in enumerate(data):
            path: Path = (*self.path, RulesSection.name, index)
            try:
                spec = spec_from(told, self._project)
            except Wrong as error:
                self.faults += [((*path, *where), said) for where, said in error.faults]
                continue
            named.add(spec.name)
            yield from self._rule(spec, enabled_in(told), rows.get(spec.name))
        for name, row in rows.items():
            if name not in named:
                yield Step(gone, self._spelled(name), self.connection, row, row.enabled, _columns(row))

    def _rule(self, spec: RuleSpec, enabled: bool, row: CompanyRule | None) -> Iterator[Step]:
        rule = CompanyRule(connection=self.connection, **({"pk": row.pk} if row else {}), **_stored(spec))
        rule.enabled = enabled
        where, keys = self._spelled(spec.name), keys_of(self.connection)
        before = entry_of(row, keys) if row else {}
        found = _differences(where, before, entry_of(rule, keys))
        if found:
            kind: Kind = "change" if row else "make"
            yield Step(kind, where, self.connection, rule, enabled, _columns(row) if row else {}, found)

    def _spelled(self, name: str) -> str:
        return f"{spelled((*self.path, RulesSection.name))}[{name}]"

    def _project(self, wanted: Named) -> str:
        """Our own rows are asked first, so that a change of rules needs nobody to answer."""
        ours = self._ours.get(wanted.id) or next(
            (one for one in self._ours.values() if one.name.casefold() == wanted.name.casefold()), None
        )
        if ours and wanted.id in ("", ours.id) and wanted.name.casefold() in ("", ours.name.casefold()):
            return ours.id
        return match("project", wanted, list({**self._ours, **self._theirs}.values())).id

    @cached_property
    def _ours(self) -> dict[str, Named]:
        rows = ProjectPair.objects.filter(connection__installation=self.connection.installation)
        return {str(row.project_id): Named(str(row.project_id), row.project_key, row.project_name) for row in rows}

    @cached_property
    def _theirs(self) -> dict[str, Named]:
        rows = plane_for(self.connection.installation).projects()
        return {str(row["id"]): Named(str(row["id"]), str(row["identifier"]), str(row["name"])) for row in rows}


def _stored(spec: RuleSpec) -> dict[str, Any]:
    data = as_data(spec)
    return {"name": data["name"], "when": data["when"], "only": data.get("only") or [], "then": data["then"]}


def _columns(row: CompanyRule) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("name", "when", "only", "then", "enabled")}


def _differences(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Part by part. Numbers that are written otherwise are the same."""
    names = [*after, *(name for name in before if name not in after)]
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple(Difference(f"{path}.{name}", old, new) for name, old, new in pairs if _plain(old) != _plain(new))


def _plain(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {name: _plain(value) for name, value in told.items() if value not in (None, "", [])}
    if isinstance(told, (list, tuple)):
        return [_plain(value) for value in told]
    return str(told).removesuffix(".0") if told not in (None, [], {}) else None


def apply(installation: Installation, steps: Sequence[Step], **detail: Any) -> None:
    """Do what ``changes`` told, all or nothing. ``detail`` goes into the audit log.

    Raises AskPerson when something was changed by somebody else meanwhile.
    """
    todo = [step for step in steps if step.kind != "leave"]
    if not todo:
        return
    with transaction.atomic():
        for step in todo:
            _must_be_as_seen(step)
            _write(step)
        done = {
            DONE[kind]: [step.path.rpartition("[")[2].rstrip("]") for step in todo if step.kind == kind]
            for kind in DONE
        }
        told = {word: ", ".join(names) for word, names in done.items() if names}
        audit.record("imported_company_settings", installation, None, **detail, **told)


def _must_be_as_seen(step: Step) -> None:
    if step.rule is None:
        now: Any = Book.objects.select_for_update().get(connection=step.connection).options
    else:
        row = CompanyRule.objects.select_for_update().filter(connection=step.connection, name=step.rule.name).first()
        now = _columns(row) if row else {}
    if now != step.seen:
        said = "Somebody else changed these settings meanwhile. Nothing was written; look at the changes again."
        raise AskPerson("company settings changed between plan and import", person=said)


def _write(step: Step) -> None:
    if step.rule is None:
        assert step.options is not None
        save_options(step.connection, step.options)
        for kind in FOLLOWS:
            errands.ask(step.connection, kind)
    elif step.kind == "remove":
        CompanyRule.objects.filter(pk=step.rule.pk).delete()
    else:
        _keep(step.rule, step.enabled)


def _keep(rule: CompanyRule, enabled: bool) -> None:
    """Store the rule; one that is on counts from now on, one that is switched off drops what it has not done."""
    row = CompanyRule.objects.filter(pk=rule.pk).first() or CompanyRule(connection=rule.connection)
    for name in ("name", "when", "only", "then"):
        setattr(row, name, getattr(rule, name))
    row.save()
    if enabled:
        firing.arm(row)
    elif row.enabled:
        firing.disarm(row)
