"""The memory provider with companies: a shelf of them, read in pages, that people change meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from planeapp.providers.base import Company, CompanyPage, Place
from tests.providers.memory import Luck, Memory


@dataclass
class Companies(Luck):
    """What the pretended vendor knows. ``stamps``: id → number of the last change. ``ordered`` false: it cannot tell what
    changed. ``between``: happens after each page."""

    size: int = 2
    ordered: bool = True
    steady: bool = True
    hidden: set[str] = field(default_factory=set)
    rows: dict[str, Company] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)
    between: Callable[[], None] = lambda: None

    def put(self, ident: str, name: str = "", **values: Any) -> None:
        """Somebody over there makes or changes a company; what is not named stays."""
        identity = {key: values.pop(key) for key in ("external_id", "domains", "source_id") if key in values}
        old = self.rows.get(ident, Company(ident, name))
        self.rows[ident] = replace(old, name=name or old.name, values={**old.values, **values}, **identity)
        self.stamps[ident] = max(self.stamps.values(), default=0) + 1

    def remove(self, ident: str) -> None:
        """Somebody over there deletes a company."""
        del self.rows[ident], self.stamps[ident]

    def reads(self) -> list[str]:
        """The methods that were called, in order."""
        return [call[0] for call in self.calls]


class MemoryWithCompanies(Memory):
    """The contract's part about companies, kept in memory; the shelf is set by the test."""

    only_place: ClassVar[Place | None] = Place("main", "Main shelf")
    shelf: ClassVar[Companies]

    def companies(self, cursor: str = "") -> CompanyPage:
        """``size`` companies by id, from the one after the cursor."""
        self.shelf.begin("companies", cursor)
        left = sorted(key for key in self.shelf.rows if key > cursor and key not in self.shelf.hidden)
        page = left[: self.shelf.size]
        found = CompanyPage(
            tuple(self.shelf.rows[key] for key in page), page[-1] if len(left) > len(page) else "", self.shelf.steady
        )
        self.shelf.between()
        return found

    def recent_companies(self, since: str) -> tuple[Sequence[Company], str] | None:
        """Those with a higher stamp."""
        self.shelf.begin("recent_companies", since)
        if not self.shelf.ordered:
            return None
        newest = str(max(self.shelf.stamps.values(), default=0))
        later = sorted((stamp, key) for key, stamp in self.shelf.stamps.items() if since and stamp > int(since))
        return [self.shelf.rows[key] for _, key in later], newest

    def company(self, company_id: str) -> Company | None:
        """One, or None."""
        self.shelf.begin("company", company_id)
        return self.shelf.rows.get(company_id)
