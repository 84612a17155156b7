"""Lists of Planhat's that seldom change, kept between runs so that they are not asked for again with every company."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from planeapp.lib.errors import FixSettings
from planeapp.providers.base import Notes

DAY = 24 * 3600.0
REFUSED_SECONDS = 3600.0
"""So long a refusal is believed: a person may allow it meanwhile."""


@dataclass(frozen=True)
class _Kept:
    rows: Mapping[str, Any]
    missing: frozenset[str]
    refused: bool


@dataclass
class Remembered:
    """Rows by key under one ``name`` of the connection's notes.

    ``ask`` reads them all; a FixSettings of its means that this token may not, and nothing is known then.
    """

    notes: Notes
    name: str
    ask: Callable[[], dict[str, Any]]
    _kept: _Kept | None = field(default=None, init=False)

    def known(self, wanted: Iterable[str] = ()) -> Mapping[str, Any]:
        """The rows. They are asked for anew after a day, and when a wanted key was never looked for."""
        kept, keys = self._kept or self._read(), set(wanted)
        if kept is None or (keys - kept.rows.keys() - kept.missing and not kept.refused):
            kept = self._asked(keys | (kept.missing if kept else frozenset()))
        self._kept = kept
        return kept.rows

    @property
    def refused(self) -> bool:
        """Whether this token may not see them. Call after :meth:`known`."""
        return self._kept is not None and self._kept.refused

    def _read(self) -> _Kept | None:
        value, written = self.notes.read(self.name) or (None, 0.0)
        if not isinstance(value, dict):
            return None
        refused = bool(value.get("refused"))
        if time.time() - written > (REFUSED_SECONDS if refused else DAY):
            return None
        return _Kept(value.get("rows") or {}, frozenset(value.get("missing") or ()), refused)

    def _asked(self, wanted: set[str]) -> _Kept:
        rows: dict[str, Any] = {}
        refused = False
        try:
            rows = self.ask()
        except FixSettings:
            refused = True
        missing = frozenset(wanted - rows.keys())
        self.notes.write(self.name, {"rows": rows, "missing": sorted(missing), "refused": refused})
        return _Kept(rows, missing, refused)
