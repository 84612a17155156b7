"""What a look finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from django.db import Error
from redis import RedisError

from planeapp.lib.crypto import CannotDecrypt
from planeapp.lib.errors import GroundcrewError
from planeapp.lib.logs import scrub

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and for a fault the mend. ``note``: works, but may be meant otherwise."""

    part: str
    state: State
    text: str
    mend: str = ""

    def __post_init__(self) -> None:
        """Nothing that looks like a credential is told."""
        for name in ("text", "mend"):
            object.__setattr__(self, name, " ".join(scrub(getattr(self, name)).split()))


def ok(part: str, text: str) -> Finding:
    """All is well."""
    return Finding(part, "ok", text)


def note(part: str, text: str, mend: str) -> Finding:
    """It works; an operator may want to know."""
    return Finding(part, "note", text, mend)


def fault(part: str, text: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(part, "fault", text, mend)


Look = Callable[[], Iterable[Finding]]


def guarded(part: str, look: Look, mend: str) -> list[Finding]:
    """What a look finds; a look that breaks is a fault of its part. Only the kind of error is told: texts of errors may
    hold an address with its password."""
    found: list[Finding] = []
    try:
        found.extend(look())
    except GroundcrewError as error:
        found.append(fault(part, error.person, mend))
    except (Error, RedisError, CannotDecrypt, OSError, ValueError) as error:
        found.append(fault(part, f"the look ended with {type(error).__name__}", mend))
    return found
