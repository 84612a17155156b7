"""YAML as people write it, into lists, mappings and texts with the line of each; and back. Pure.

Every value is the text that stands there (None where nothing does): the settings say themselves what is a number or a time.
YAML's own guesses would read ``direction: off`` as *false* and ``opens: 17:00`` as the number 1020. No tag, anchor or alias is
taken, so a file can neither make objects nor grow while it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from planeapp.lib.errors import FixSettings

Path = tuple[str | int, ...]
LARGEST = 1024 * 1024
MOST_VALUES = 50_000
DEEPEST = 12
LONGEST_WORD = 60
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")  # no database takes these
BREAKS = re.compile("[\x85\u2028\u2029]")  # PyYAML loses these line breaks unless they are escaped
WIDTH = 120
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def spelled(path: Path) -> str:
    """``connections.x.pairs[0].zone``; what would not fit on a line of a terminal is shortened and escaped."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{word(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def word(text: str) -> str:
    """A text out of a file, safe to be shown."""
    short = text if len(text) <= LONGEST_WORD else f"{text[:LONGEST_WORD]}…"
    return short if short and short.isprintable() else repr(short)


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place of a file; ``line`` counts from 1, 0 for the file as a whole."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        where = ": ".join(part for part in (f"line {self.line}" if self.line else "", spelled(self.path)) if part)
        return f"{where}: {self.text}" if where else self.text


class Unreadable(FixSettings):
    """A file that cannot be used. ``faults``: all that is wrong with it, by line."""

    code = "unreadable_file"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__(f"{len(self.faults)} faults in the file", person=" ".join(f"{one}." for one in self.faults))


@dataclass
class Document:
    """What a file holds. ``lines``: path → line; ``faults``: names that are given twice."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: Path, text: str) -> Fault:
        """A fault at ``path``, with the line of the nearest part that is there."""
        found = next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), 0)
        return Fault(path, found, text)


def compose(given: str | bytes) -> Document:
    """Read a file. Raises Unreadable for one that is too large or no such YAML."""
    text = _decoded(given)
    try:
        return _Reading(yaml.parse(text, Loader=PARSER)).document
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise Unreadable([Fault((), mark.line + 1 if mark else 0, f"this is not YAML: {said}")]) from error


def _decoded(given: str | bytes) -> str:
    raw = given.encode(errors="surrogatepass") if isinstance(given, str) else given
    if len(raw) > LARGEST:
        raise Unreadable([Fault((), 0, f"the file is larger than {LARGEST // 1024} KiB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable([Fault((), line, "the file is not UTF-8 text")]) from error


class _Reading:
    """Turns a parser's events into a document."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.events, self.document = events, Document()
        beginning = [next(events), next(events)]  # of the stream, and of its first document
        if isinstance(beginning[1], yaml.StreamEndEvent):
            raise Unreadable([Fault((), 0, "the file is empty")])
        self.document.data = self._node(next(events), ())
        beyond = [next(events), next(events)][1]
        if not isinstance(beyond, yaml.StreamEndEvent):
            raise Unreadable([Fault((), _line(beyond), "a second document begins here; one file holds one")])

    def _node(self, event: Any, path: Path) -> Any:
        line = self.document.lines.setdefault(path, _line(event))
        if len(self.document.lines) > MOST_VALUES:
            raise Unreadable([Fault((), line, f"the file holds more than {MOST_VALUES} values")])
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise Unreadable([Fault(path, line, "anchors (&) and aliases (*) are not taken; write the value out")])
        if event.tag is not None:
            raise Unreadable([Fault(path, line, f"tags ({word(event.tag)}) are not taken; write the value alone")])
        if isinstance(event, yaml.ScalarEvent):
            return self._text(event, path)
        if len(path) >= DEEPEST:
            raise Unreadable([Fault(path, line, "lists and mappings lie too deep in each other here")])
        return self._list(path) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(path)

    def _text(self, event: Any, path: Path) -> str | None:
        found = str(event.value)
        if UNKEEPABLE.search(found):
            raise Unreadable([Fault(path, _line(event), "there is a character here that cannot be kept")])
        return None if event.implicit[0] and found in NOTHING else found

    def _list(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._node(event, (*path, len(found))))
        return found

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise Unreadable([Fault(path, _line(event), "a name has to be a plain word")])
            name, line = str(event.value), _line(event)
            here = (*path, name)
            if UNKEEPABLE.search(name):
                raise Unreadable([Fault(path, line, "there is a character here that cannot be kept")])
            if name in found:
                first = self.document.lines[here]
                self.document.faults.append(Fault(here, line, f"given twice; it stands on line {first} already"))
            self.document.lines.setdefault(here, line)
            found[name] = self._node(next(self.events), here)
        return found


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Dumper(yaml.SafeDumper):
    """Writes every value out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if BREAKS.search(text) else None)


_Dumper.add_representer(str, _text_node)


def dump(data: Any) -> str:
    """Plain data as YAML in which short lists and mappings stand on one line; what is text stays text for any reader."""
    return str(
        yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=None)
    )
