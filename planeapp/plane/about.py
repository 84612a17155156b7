"""What a project looks like: its record, states, labels and people, asked for seldom and kept.

They change seldom, and a record that speaks of something unknown makes us ask again at once. A name that changes over
there is seen within ``GOOD_SECONDS``, or with the webhook that tells of the project.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from planeapp.plane.bodies import clean_id
from planeapp.plane.gateway import Plane
from planeapp.plane.records import Member, Row

GOOD_SECONDS = 6 * 3600.0
RENEW_SECONDS = 60.0
"""A record that stays strange after asking again is not asked about all the time."""


class Facts(Protocol):
    """Where lists are kept: by project and name (``project states members labels``), with the time of asking."""

    def load(self, project: str) -> Mapping[str, tuple[list[Row], float]]:
        """Name → rows and when they were read (seconds since the epoch)."""

    def keep(self, project: str, name: str, rows: list[Row]) -> None:
        """Keep rows that were read now."""


class About:
    """Projects of one workspace, as Plane told them last."""

    def __init__(self, plane: Plane, facts: Facts | None = None) -> None:
        self.plane = plane
        self._facts = facts
        self._known: dict[str, dict[str, tuple[list[Row], float]]] = {}
        self._asked: dict[tuple[str, str], float] = {}

    def project(self, project: str) -> Row:
        """The project's record."""
        return self._rows(project, "project")[0]

    def states(self, project: str) -> Sequence[Row]:
        """The project's states."""
        return self._rows(project, "states")

    def labels(self, project: str) -> Sequence[Row]:
        """The project's labels."""
        return self._rows(project, "labels")

    def members(self, project: str) -> Sequence[Member]:
        """The people who can be assigned in the project."""
        return [Member(**row) for row in self._rows(project, "members")]

    def renew(self, project: str, name: str, *, ours: bool = False) -> None:
        """Ask again, at most once a minute, unless the change is ``ours``."""
        now = time.time()
        if ours or now - self._asked.get((project, name), 0.0) >= RENEW_SECONDS:
            self._ask(project, name, now)

    def _rows(self, project: str, name: str) -> list[Row]:
        now = time.time()
        if project not in self._known:
            self._known[project] = dict(self._facts.load(project)) if self._facts else {}
        rows, at = self._known[project].get(name, ([], 0.0))
        return rows if now - at < GOOD_SECONDS else self._ask(project, name, now)

    def _ask(self, project: str, name: str, now: float) -> list[Row]:
        rows = self._read(project, name)
        self._known.setdefault(project, {})[name] = (rows, now)
        self._asked[project, name] = now
        if self._facts:
            self._facts.keep(project, name, rows)
        return rows

    def _read(self, project: str, name: str) -> list[Row]:
        if name == "project":
            return [self.plane.project(project)]
        if name == "members":
            return [asdict(member) for member in self.plane.project_members(project)]
        return self.plane.states(project) if name == "states" else self.plane.labels(project)


def unknown_in(record: Row, known: Mapping[str, set[str]]) -> list[str]:
    """Which lists lack something that a record names by id alone; lists that are empty are not ours to know."""
    named = {
        "states": [record.get("state")],
        "labels": record.get("labels") or [],
        "members": record.get("assignees") or [],
    }
    return [name for name, parts in named.items() if known[name] and _ids(parts) - known[name]]


def _ids(parts: Sequence[Any]) -> set[str]:
    return {clean_id(part) for part in parts if isinstance(part, str)} - {""}
