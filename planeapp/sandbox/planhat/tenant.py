"""The one Planhat customer account that the sandbox plays, with its ids, times and settings."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planhat.automations import Sender
from planeapp.sandbox.planhat.limits import Limits
from planeapp.sandbox.store import Doc, Store
from planeapp.sandbox.world import World


@dataclass
class Tenant:
    """What every endpoint and page works with."""

    world: World
    store: Store
    clock: Clock
    limits: Limits
    sender: Sender
    _process: str = field(default_factory=lambda: secrets.token_hex(5))
    _counter: itertools.count[int] = field(default_factory=itertools.count)

    def new_id(self) -> str:
        """24 hexadecimal digits that grow with time, as MongoDB makes them."""
        return f"{int(self.clock.time()):08x}{self._process}{next(self._counter) % 0x1000000:06x}"

    def stamp(self) -> str:
        """Now, as ISO 8601 in UTC with milliseconds and a Z."""
        return iso(self.clock.now())

    def setting(self, name: str) -> Doc:
        """A settings document (store kind ``settings``), empty when nobody set it."""
        return self.store.get("settings", name) or {}

    def changed(self, model_name: str, verb: str, record: Doc, origin: str) -> None:
        """Tell the automations that a record was created, updated or deleted (``origin``: "page" or "api")."""
        self.sender.notice(model_name, f"{model_name.lower()}.{verb}", str(record["_id"]), origin)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, the form of Planhat's date-times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_object_id(value: Any) -> bool:
    """Whether a value looks like a Planhat ``_id``: 24 hexadecimal digits."""
    return isinstance(value, str) and len(value) == 24 and all(letter in "0123456789abcdef" for letter in value.lower())
