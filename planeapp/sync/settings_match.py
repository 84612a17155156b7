"""Which project or place a settings file means: by id where that is known, else by key or name. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planeapp.sync.settings_file import meant
from planeapp.sync.settings_yaml import word

SHOWN = 10


class NoMatch(Exception):
    """What is meant cannot be told; the text is for people."""


@dataclass(frozen=True)
class Named:
    """Something with an id and the name by which files call it (a project's key, a place's name); ``label`` tells more."""

    id: str
    name: str
    label: str = ""

    def __str__(self) -> str:
        return self.name if self.label in ("", self.name) else f"{self.name} ({self.label})"


def match(what: str, wanted: Named, known: Sequence[Named]) -> Named:
    """The one of ``known`` that is wanted. Raises NoMatch.

    An id that is not known is of another workspace: the name decides then. One that is known beside a name that means
    another one is refused, since one of the two was edited and the other forgotten.
    """
    by_id = next((one for one in known if wanted.id and one.id == wanted.id), None)
    by_name = [one for one in known if wanted.name and one.name.casefold() == wanted.name.casefold()]
    if by_id and by_name and by_id not in by_name:
        raise NoMatch(f"{what} says {word(wanted.name)}, {what}_id is that of {by_id}; take out the one that is wrong")
    if by_id:
        return by_id
    if len(by_name) > 1:
        ids = ", ".join(one.id for one in by_name[:SHOWN])
        raise NoMatch(f"several are called {word(wanted.name)}; say which by {what}_id: {ids}")
    if not by_name:
        raise NoMatch(_unknown(what, wanted, known))
    return by_name[0]


def _unknown(what: str, wanted: Named, known: Sequence[Named]) -> str:
    near = meant(wanted.name, [one.name for one in known]) if wanted.name else ""
    more = ", …" if len(known) > SHOWN else ""
    told = ", ".join(str(one) for one in known[:SHOWN]) + more if known else "none"
    return f"there is no {what} {word(wanted.name or wanted.id)} that the app can see{near or ';'} known: {told}"
