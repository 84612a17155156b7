"""The settings file: which pairs a workspace keeps in step and by what rules, as one YAML file without secrets. Pure.

docs/settings-file.md explains the format to people. A section that is not known is refused by name, so that a later
version's file is never taken by halves. Rooms above this one bring sections of their own (:class:`Section`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, field_validator

from planeapp.providers import PROVIDERS, provider_class
from planeapp.sync.options import FieldRule, Filters, Options, Part, Timing, as_data
from planeapp.sync.settings_yaml import Document, Path, Unreadable, compose, dump, word

if TYPE_CHECKING:
    from planeapp.installations.models import Connection

ENOUGH = 200  # faults of one kind that are told
HEADER = """\
# Settings of one workspace: which projects are kept in step with which places, and by what rules. No secrets.
# Edit it and read it in again:  manage.py config import WORKSPACE FILE --dry-run   (shows what would change; then without)
#
# project, place  matched by project_id and place_id where these are known, else by the project's key and the place's name
# rules           direction: off, out (from Plane), in (to Plane), both; winner when both sides changed: plane, vendor,
#                 newest, ask
# filters, timing, deletes, show_link, people    left out where they have their defaults; see docs/settings-file.md
"""

_zones = cache(available_timezones)


class PairEntry(Options):
    """One pair as the file tells it; an empty ``zone`` stands for the workspace's."""

    project: str = ""
    project_id: UUID | None = None
    place: str = ""
    place_id: str = ""
    zone: str = ""
    enabled: bool = True
    rules: Mapping[str, FieldRule] = Field(default_factory=dict)

    @field_validator("zone")
    @classmethod
    def _real_zone(cls, told: str) -> str:
        if told and told not in _zones():
            raise ValueError(
                f"there is no time zone {word(told)}{meant(told, _zones()) or '; write one like Europe/Stockholm'}"
            )
        return told

    @property
    def options(self) -> Options:
        """What is not a rule."""
        return Options.model_validate({name: getattr(self, name) for name in Options.model_fields})


class ConnectionEntry(Part):
    """What the file tells of one connection: exactly these pairs."""

    pairs: tuple[PairEntry, ...] = ()


class SettingsFile(Part):
    """The whole file. ``workspace`` says where it comes from and decides nothing."""

    version: Literal["1"]
    workspace: str = ""
    connections: Mapping[str, ConnectionEntry] = Field(default_factory=dict)


class Section(Protocol):
    """A further part of a connection's settings, of a room above this one. ``name`` is its word in the file."""

    name: str

    def faults(self, data: Any) -> Iterable[tuple[Path, str]]:
        """What the file alone shows to be wrong with the section, by the path within it."""

    def exported(self, connection: Connection) -> Any:
        """The section's data; None where the connection has no such thing."""


Sections = Mapping[str, Mapping[str, Any]]
"""Connection → section → its data."""


@dataclass(frozen=True)
class Given:
    """A file that was read without a fault; ``document`` knows its lines."""

    file: SettingsFile
    document: Document
    sections: Sections = field(default_factory=dict)


def read(given: str | bytes, sections: Sequence[Section] = ()) -> Given:
    """Read a settings file. Raises Unreadable with everything that the file alone shows to be wrong."""
    document = compose(given)
    rest, apart = _apart(document.data, [section.name for section in sections])
    strange = islice([*_strange(rest), *_strange_sections(apart, sections)], ENOUGH)
    faults = [*document.faults, *(document.fault(path, text) for path, text in strange)]
    try:
        file = SettingsFile.model_validate(rest)
    except ValidationError as error:
        more = [section.name for section in sections]
        faults += [document.fault(found["loc"], _said(found, more)) for found in error.errors()[:ENOUGH]]
        raise Unreadable(faults) from error
    if faults:
        raise Unreadable(faults)
    return Given(file, document, apart)


def _apart(data: Any, names: Collection[str]) -> tuple[Any, Sections]:
    """The file without these sections, and the sections."""
    connections = _of(data, "connections")
    if not isinstance(connections, dict) or not names:
        return data, {}
    told = {key: one for key, one in connections.items() if isinstance(one, dict)}
    found = {key: {name: one[name] for name in names if name in one} for key, one in told.items()}
    rest = {key: {name: part for name, part in one.items() if name not in names} for key, one in told.items()}
    return {**data, "connections": {**connections, **rest}}, {key: parts for key, parts in found.items() if parts}


def _strange_sections(found: Sections, sections: Sequence[Section]) -> Iterator[tuple[Path, str]]:
    for key, parts in found.items():
        for section in (one for one in sections if one.name in parts):
            for path, text in section.faults(parts[section.name]):
                yield ("connections", key, section.name, *path), text


def written(file: SettingsFile, sections: Sections | None = None) -> str:
    """The file's text, which ``read`` takes."""
    connections = {
        name: {"pairs": [_pair_data(pair) for pair in entry.pairs], **(sections or {}).get(name, {})}
        for name, entry in file.connections.items()
    }
    data = {"version": 1, "workspace": file.workspace, "connections": connections}
    return HEADER + dump(data)


def _pair_data(pair: PairEntry) -> dict[str, Any]:
    """Rules in full, since these are what people edit; options without those that have their defaults."""
    options = as_data(pair.options)
    for name in {"opens", "closes"} & set(options.get("timing", {})):
        options["timing"][name] = options["timing"][name].removesuffix(":00")
    head = {
        "project": pair.project, "project_id": str(pair.project_id or ""), "place": pair.place, "place_id": pair.place_id,
        "zone": pair.zone,
    }  # fmt: skip
    rules = {name: rule.model_dump() for name, rule in pair.rules.items()}
    return {name: text for name, text in head.items() if text} | {"enabled": pair.enabled, "rules": rules, **options}


def meant(name: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` where a known name is near."""
    by_fold = {one.casefold(): one for one in known}
    near = get_close_matches(name[:200].casefold(), by_fold, n=1)
    return f"; did you mean {by_fold[near[0]]}?" if near else ""


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    return f"there is no such {what}{meant(name, names) or ';'} known: {', '.join(names)}"


def _said(found: Mapping[str, Any], sections: Iterable[str] = ()) -> str:
    """What pydantic found, in words for people."""
    kind, where = str(found["type"]), tuple(found["loc"])
    if kind == "extra_forbidden":
        known = [*_settings_at(where[:-1]), *(sections if len(where) == 3 else ())]
        return _unknown("setting", str(where[-1]), known)
    if kind == "missing":
        return "this is missing"
    if where == ("version",):
        return "this file is of another version; the app knows version 1"
    if found["input"] is None:
        return "there is no value; write one, or take the line out"
    if kind in ("model_type", "dict_type", "mapping_type", "model_attributes_type"):
        return "names with values are expected here"
    if kind in ("tuple_type", "list_type"):
        return "a list is expected here"
    if kind == "bool_parsing":
        return "write true or false"
    return str(found["msg"]).removeprefix("Value error, ")


def _settings_at(path: Path) -> Iterable[str]:
    match path:
        case ():
            return SettingsFile.model_fields
        case (*_, "rules", _):
            return FieldRule.model_fields
        case (*_, "filters"):
            return Filters.model_fields
        case (*_, "timing"):
            return Timing.model_fields
        case (_, _):
            return ConnectionEntry.model_fields
    return PairEntry.model_fields


def _strange(data: Any) -> Iterator[tuple[Path, str]]:
    """What the shape does not tell, looked for whatever the rest is like, so that all faults are found together."""
    for key, section in _items(_of(data, "connections")):
        path: Path = ("connections", key)
        if key not in PROVIDERS:
            yield path, _unknown("provider", key, PROVIDERS)
            continue
        pairs = _of(section, "pairs")
        for index, pair in enumerate(pairs if isinstance(pairs, list) else []):
            yield from _strange_pair(key, (*path, "pairs", index), pair)


def _strange_pair(key: str, path: Path, pair: Any) -> Iterator[tuple[Path, str]]:
    for side in ("project", "place"):
        if isinstance(pair, dict) and not (pair.get(side) or pair.get(f"{side}_id")):
            yield path, f"name the {side} of this pair"
    for name, rule in _items(_of(pair, "rules")):
        text = _strange_rule(key, name, _of(rule, "direction"))
        if text:
            yield (*path, "rules", name), text


def _strange_rule(key: str, name: str, direction: Any) -> str:
    known = {field.name: field for field in provider_class(key).fields}
    if name not in known:
        return _unknown("field", name, known)
    if direction in ("off", "out", "in", "both") and direction not in known[name].directions:
        return f"this field cannot go {direction}; it can be {' or '.join(known[name].directions)}"
    return ""


def _of(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _items(data: Any) -> Iterable[tuple[str, Any]]:
    return data.items() if isinstance(data, dict) else ()
