"""Pairs as the settings file tells them: a workspace's file from its rows, and what differs between two tellings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planeapp.installations.models import Installation
from planeapp.providers import PROVIDERS, provider_class
from planeapp.sync.models import ProjectPair
from planeapp.sync.options import FieldRule, Options, options_of
from planeapp.sync.settings_file import ConnectionEntry, PairEntry, Section, SettingsFile, written


@dataclass(frozen=True)
class Difference:
    """One value that changes, in JSON form; None where there was, or will be, nothing."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.before)} → {_shown(self.after)}"


def export(installation: Installation, sections: Sequence[Section] = ()) -> str:
    """The settings file of a workspace."""
    rows = [row for row in installation.connections.order_by("provider") if row.provider in PROVIDERS]
    connections = {
        row.provider: ConnectionEntry(pairs=tuple(entry_of(pair) for pair in row.pairs.order_by("project_key", "pk")))
        for row in rows
    }
    more = {
        row.provider: {one.name: data for one in sections if (data := one.exported(row)) is not None} for row in rows
    }
    return written(SettingsFile(version="1", workspace=installation.slug, connections=connections), more)


def entry_of(pair: ProjectPair) -> PairEntry:
    """A pair with the rule in force for every field."""
    options = options_of(pair.options)
    return PairEntry(
        project=pair.project_key, project_id=pair.project_id, place=pair.place_name, place_id=pair.place_id,
        zone=pair.zone, enabled=pair.enabled, rules=_in_force(pair.connection.provider, pair.rules),
        **{name: getattr(options, name) for name in Options.model_fields},
    )  # fmt: skip


def _in_force(provider: str, stored: Mapping[str, Any]) -> dict[str, FieldRule]:
    return {
        known.name: FieldRule.model_validate({"direction": known.default} | stored.get(known.name, {}))
        for known in provider_class(provider).fields
    }


def differences(path: str, before: ProjectPair | None, after: ProjectPair) -> tuple[Difference, ...]:
    """What changes from one state of a pair to another; without a ``before``, what is not as pairs are by themselves."""
    old, new = _flat(entry_of(before)) if before else _usual(after.connection.provider), _flat(entry_of(after))
    names = [*new, *(name for name in old if name not in new)]
    return tuple(
        Difference(f"{path}.{name}", old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)
    )


def _usual(provider: str) -> dict[str, Any]:
    usual = PairEntry.model_construct(rules=_in_force(provider, {}))
    return {name: value for name, value in _flat(usual).items() if value != ""}


def _flat(entry: PairEntry) -> dict[str, Any]:
    """Path → value; whose project it is stands in the path before."""
    return dict(_leaves(entry.model_dump(mode="json", exclude={"project", "project_id"}), ""))


def _leaves(data: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "nothing"
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value, ensure_ascii=False)
