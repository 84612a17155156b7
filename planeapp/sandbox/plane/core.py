"""The state that every part of the sandbox's Plane shares, and the few moves that all of its rows have in common."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.store import Doc, Store
from planeapp.sandbox.world import World

DEFAULTS: dict[str, Doc] = {
    "limits": {"per_minute": 60},
    "webhooks": {"format": "v1", "agent": "flat", "prompt": "text"},
    "plan": {"customers": "included"},
}


def _nobody_listens() -> None:
    return None


@dataclass
class Plane:
    """One Plane server: its rows, its clock, and a way to tell the webhook sender that there is work."""

    world: World
    store: Store
    clock: Clock
    wake: Callable[[], None] = _nobody_listens

    def stamp(self) -> str:
        """Now, as Plane writes it: UTC with microseconds and a Z."""
        return iso(self.clock.now())

    def new(self, kind: str, by: str | None, **fields: Any) -> Doc:
        """Store a row with Plane's common columns (id, three times, two authors) and ``fields``."""
        now = self.stamp()
        base: Doc = {"id": str(uuid.uuid4()), "created_at": now, "updated_at": now, "deleted_at": None}
        row = base | {"created_by": by, "updated_by": None} | fields
        return self.store.put(kind, row["id"], row)

    def change(self, kind: str, row: Doc, by: str | None, **fields: Any) -> Doc:
        """Change a row as ``by`` and store it."""
        row.update(fields, updated_at=self.stamp(), updated_by=by)
        return self.store.put(kind, row["id"], row)

    def touch(self, kind: str, row: Doc) -> None:
        """Move ``updated_at`` alone, as Plane's background tasks do after most changes."""
        row["updated_at"] = self.stamp()
        self.store.put(kind, row["id"], row)

    def setting(self, name: str) -> Doc:
        """The settings document ``name`` ("limits", "webhooks" or "plan") with defaults filled in."""
        return DEFAULTS[name] | (self.store.get("settings", name) or {})

    def live(self, kind: str, **equal: Any) -> list[Doc]:
        """Rows of a kind that are not deleted and have these values, oldest first."""
        return self.store.find(kind, deleted_at=None, **equal)

    def one(self, kind: str, key: str) -> Doc | None:
        """A row that is not deleted, by id."""
        row = self.store.get(kind, key)
        return row if row is not None and row.get("deleted_at") is None else None

    def workspace(self, slug: str) -> Doc | None:
        """A workspace by its slug."""
        return next(iter(self.store.find("workspace", slug=slug)), None)


def iso(moment: datetime) -> str:
    """An aware datetime as Plane writes it in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
