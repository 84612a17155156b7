"""Content lines of iCalendar: unfolding and folding, parameters, escaped text. Source: RFC 5545, sections 3.1 and 3.3.11.

A file stays a list of lines, so that what other programs wrote into it (alarms, time zones) is still there after a change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

OCTETS = 75
_LINE = re.compile(r'([\w-]+)((?:;[\w-]+=(?:"[^"]*"|[^":;,])*(?:,(?:"[^"]*"|[^":;,])*)*)*):(.*)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNSAID = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)  # control characters have no place in a text (RFC 5545, 3.3.11)


@dataclass(frozen=True)
class Line:
    """One content line; ``value`` and ``params`` (``;VALUE=DATE``) as they are written."""

    name: str
    value: str
    params: str = ""

    def __str__(self) -> str:
        return f"{self.name}{self.params}:{self.value}"

    def param(self, name: str) -> str:
        """The value of a parameter, ``""`` when it is not there."""
        found = re.search(rf';{name}="?([^";,]*)', self.params, re.IGNORECASE)
        return found[1] if found else ""


def read(text: str) -> list[Line]:
    """The lines of a whole file; ValueError for what is no calendar, or only the beginning of one."""
    unfolded = re.sub(r"\r?\n[ \t]", "", text).strip()
    found = [_line(raw) for raw in re.split(r"\r?\n", unfolded)]
    ends = [(line.name, line.value.upper()) for line in (found[0], found[-1])]
    if ends != [("BEGIN", "VCALENDAR"), ("END", "VCALENDAR")]:
        raise ValueError("not a whole VCALENDAR")
    return found


def write(lines: Iterable[Line]) -> str:
    """The file: folded lines, each with CRLF."""
    return "".join(f"{fold(str(line))}\r\n" for line in lines)


def fold(line: str) -> str:
    """A line in parts of at most 75 octets; no character is cut in two."""
    parts, size = [""], 0
    for sign in line:
        weight = len(sign.encode())
        if size + weight > OCTETS:
            parts.append(" ")
            size = 1
        parts[-1] += sign
        size += weight
    return "\r\n".join(parts)


def escape(text: str) -> str:
    """A text as a value."""
    told = _UNSAID.sub("", text).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return re.sub(r"\r\n|\r|\n", r"\\n", told)


def unescape(value: str) -> str:
    """The text of a value."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def events(lines: Iterable[Line]) -> list[dict[str, Line]]:
    """Each VEVENT's own properties by name (the first of a name counts), without those of its alarms."""
    found: list[dict[str, Line]] = []
    for inside, line in _with_parents(lines):
        if inside == ("VCALENDAR",) and line == Line("BEGIN", "VEVENT"):
            found.append({})
        elif inside == ("VCALENDAR", "VEVENT") and line.name not in {"BEGIN", "END"}:
            found[-1].setdefault(line.name, line)
    return found


def changed(lines: Iterable[Line], new: Mapping[str, Line | None]) -> list[Line]:
    """The file with these properties of its event replaced, or taken out (None); everything else stays."""
    made: list[Line] = []
    for inside, line in _with_parents(lines):
        if inside == ("VCALENDAR", "VEVENT") and line.name in new:
            continue
        made.append(line)
        if inside == ("VCALENDAR",) and line == Line("BEGIN", "VEVENT"):
            made += [given for given in new.values() if given is not None]
    return made


def _with_parents(lines: Iterable[Line]) -> Iterator[tuple[tuple[str, ...], Line]]:
    """Each line with the components that it stands in; BEGIN and END stand outside of their own."""
    inside: tuple[str, ...] = ()
    for line in lines:
        if line.name == "END":
            inside = inside[:-1]
        yield inside, line
        if line.name == "BEGIN":
            inside = (*inside, line.value.upper())


def _line(raw: str) -> Line:
    found = _LINE.fullmatch(raw)
    if found is None:
        raise ValueError("not a content line")
    name = found[1].upper()
    return Line(name, found[3].upper() if name in {"BEGIN", "END"} else found[3], found[2])
