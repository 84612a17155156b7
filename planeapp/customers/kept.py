"""What showing companies in Plane remembers between turns, where no table has a place for it: notes of the connection.

A note is known by a kind and an id (a uuid, a number, or ``""``). ``value`` is the kind's own; beside what it needs it may hold
``tried`` (what was refused) and ``text`` (the reason).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from planeapp.installations.models import Connection, ConnectionNote
from planeapp.lib.errors import GroundcrewError

AGAIN = timedelta(days=1)
"""How long what Plane or the other system refused is left alone, unless it changes or a person has it tried again."""
OF_THE_WORKSPACE = frozenset({"plan", "scope_missing", "switched_off"})
"""Refusals that are the same for everything of this kind: no use in trying the next one."""
OF_THE_PROJECT = frozenset({"not_in_project", "permission"})


@dataclass(frozen=True)
class Kept:
    """A note, and when it was written."""

    value: Mapping[str, Any]
    at: datetime

    def rests(self, wish: str, now: datetime) -> bool:
        """Whether this very wish was refused lately."""
        return self.value.get("tried") == wish and self.at > now - AGAIN


def load(connection: Connection, kind: str) -> dict[str, Kept]:
    """Every note of a kind, by id."""
    rows = ConnectionNote.objects.filter(connection=connection, name__startswith=f"{kind}:")
    told = rows.values_list("name", "value", "written_at").iterator(chunk_size=2000)
    return {name.partition(":")[2]: Kept(value, at) for name, value, at in told}


def one(connection: Connection, kind: str, ident: str = "") -> Kept | None:
    """One note, or None."""
    row = ConnectionNote.objects.filter(connection=connection, name=_name(kind, ident)).first()
    return None if row is None else Kept(row.value, row.written_at)


def keep(connection: Connection, kind: str, ident: str, value: Mapping[str, Any]) -> None:
    """Write a note, in place of an older one."""
    ConnectionNote.objects.update_or_create(
        connection=connection, name=_name(kind, ident), defaults={"value": dict(value), "written_at": timezone.now()}
    )


def refused(
    connection: Connection, kind: str, ident: str, known: Kept | None, wish: str, error: GroundcrewError
) -> bool:
    """Note that a wish was refused, so that it is not tried all the time; true when people do not know the reason yet."""
    before = known.value if known else {}
    keep(connection, kind, ident, {**before, "tried": wish, "text": error.person})
    return bool(before.get("text") != error.person)


def forget(connection: Connection, kind: str, ident: str = "") -> None:
    """Remove a note."""
    ConnectionNote.objects.filter(connection=connection, name=_name(kind, ident)).delete()


def age(connection: Connection, kind: str, by: timedelta) -> None:
    """Make a note older than it is, so that what it says is looked at again."""
    rows = ConnectionNote.objects.filter(connection=connection, name=_name(kind, ""))
    rows.update(written_at=timezone.now() - by)


def _name(kind: str, ident: str) -> str:
    return f"{kind}:{ident.replace('-', '')}"
