"""What every call to a workspace shares: paths, pages, and adopting a row that is there already."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from planeapp.plane.answers import AlreadyThere
from planeapp.plane.paging import Pages
from planeapp.plane.records import Row, one
from planeapp.plane.scopes import offers
from planeapp.plane.transport import Session, Wire
from planeapp.providers.base import Access

SOURCE = "groundcrew"
"""``external_source`` of everything that we make in Plane."""


class Workspace:
    """One workspace, by its slug. ``lacks`` are scopes that the token is known to be without; what needs them is not
    tried."""

    def __init__(self, access: Access, slug: str, *, lacks: Collection[str] = ()) -> None:
        self.slug = slug
        self.lacks = frozenset(lacks)
        self._session = Session(access, self.lacks)
        self._wire = Wire(self._session, access.base_url)

    def offers(self, feature: str) -> bool:
        """Whether the token's scopes cover a feature of ``planeapp.plane.scopes.FEATURES``."""
        return offers(self.lacks, feature)

    def _place(self, project: str | None = None) -> tuple[str, ...]:
        workspace = ("workspaces", self.slug)
        return workspace if project is None else (*workspace, "projects", project)

    def _pages(self, *path: str, **query: Any) -> Pages:
        return Pages(lambda page: self._wire.read(*self._place(), *path, params=page), query)

    def _make_or_adopt(
        self, path: tuple[str, ...], body: Mapping[str, Any], *, repeatable: bool = True
    ) -> tuple[Row, bool]:
        """The new row and False, or the one that already has this name or external id and True."""
        try:
            return one(self._wire.make(*path, data=body, repeatable=repeatable)), False
        except AlreadyThere as error:
            if not error.existing_id:
                raise
            return one(self._wire.read(*path, error.existing_id)), True
