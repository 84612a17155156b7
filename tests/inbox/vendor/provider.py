from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from planeapp.lib.errors import GroundcrewError
from tests.providers.memory import Memory


class Vendor(Memory):
    """The memory provider with a feed; tests fill ``told`` (newest first) or set ``broken``."""

    key: ClassVar[str] = "vendor"
    told: ClassVar[list[bytes]] = []
    broken: ClassVar[GroundcrewError | None] = None

    def feed(self) -> Sequence[bytes]:
        """What tests put in."""
        if self.broken:
            raise self.broken
        return list(self.told)
