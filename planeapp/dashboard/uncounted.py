"""Pages of a list whose rows nobody counts: a count of a long list takes longer than the page itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True)
class Page:
    """Some rows, and whether there are more; what ``_pages.html`` asks of Django's own pages."""

    rows: Sequence[Any]
    number: int
    has_next: bool

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    @property
    def has_previous(self) -> bool:
        """Whether a page comes before."""
        return self.number > 1

    @property
    def has_other_pages(self) -> bool:
        """Whether this is not all."""
        return self.has_next or self.has_previous

    @property
    def previous_page_number(self) -> int:
        """Its number."""
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        """Its number."""
        return self.number + 1


def page_of(rows: QuerySet[Any], wanted: str | None, size: int) -> Page:
    """The page of that number, as an address gives it; the first for anything that is none."""
    number = int(wanted) if wanted and wanted.isdecimal() and 0 < int(wanted) < 100_000 else 1
    start = (number - 1) * size
    found = list(rows[start : start + size + 1])
    return Page(found[:size], number, len(found) > size)
