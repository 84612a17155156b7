from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from planeapp.lib.errors import GroundcrewError
from tests.providers.memory import Memory


class Vendor(Memory):
    """The memory provider with a feed; tests fill ``told`` (newest first) or set ``broken``.

    ``page`` cuts what an ordinary look shows, ``longest`` what a wide one does.
    """

    key: ClassVar[str] = "vendor"
    told: ClassVar[list[bytes]] = []
    broken: ClassVar[GroundcrewError | None] = None

    page: ClassVar[int] = 1000
    longest: ClassVar[int] = 1000

    def feed(self, *, wide: bool = False) -> Sequence[bytes]:
        """What tests put in."""
        if self.broken:
            raise self.broken
        return list(self.told)[: self.longest if wide else self.page]
