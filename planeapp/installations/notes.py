"""What providers keep between runs, a row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from planeapp.installations.models import Connection, ConnectionNote
from planeapp.lib.budget import PREVIEW, purpose


@dataclass(frozen=True)
class StoredNotes:
    """See :class:`planeapp.providers.base.Notes`. A preview writes nothing, not even this."""

    connection: Connection

    def read(self, name: str) -> tuple[Any, float] | None:
        """The value and when it was written."""
        found = ConnectionNote.objects.filter(connection=self.connection, name=name).first()
        return None if found is None else (found.value, found.written_at.timestamp())

    def write(self, name: str, value: Any) -> None:
        """Keep a value."""
        if purpose().name == PREVIEW:
            return
        ConnectionNote.objects.update_or_create(
            connection=self.connection, name=name, defaults={"value": value, "written_at": timezone.now()}
        )
