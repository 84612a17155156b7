"""Plane's lists, page after page. Source: Plane developer docs, "API reference / Introduction / Pagination".

Paging is by offset: rows made or removed meanwhile shift the others, so rows repeat (dropped here by id) or go missing
(noticed by Plane's own count). ``next_cursor`` is never empty; the end is ``next_page_results: false``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from planeapp.lib.errors import RetryLater

PER_PAGE = 100
Row = dict[str, Any]
Fetch = Callable[[Mapping[str, Any]], Any]


class Pages:
    """Iterates once over every row of a list; ``fetch`` gets the query and gives one answer.

    ``complete`` is true after a whole pass in which nothing shifted: only then does a row's absence say something.
    Raises RetryLater when the list does not move on.
    """

    def __init__(self, fetch: Fetch, query: Mapping[str, Any] | None = None) -> None:
        self.complete = False
        self._fetch = fetch
        self._query: dict[str, Any] = {**(query or {}), "per_page": PER_PAGE}
        self._seen: set[str] = set()
        self._totals: set[int] = set()
        self._repeats = 0

    def __iter__(self) -> Iterator[Row]:
        cursors: set[str] = set()
        query = dict(self._query)
        while True:
            answer = self._fetch(query)
            fresh = self._fresh(rows_of(answer))
            self._note_total(answer)
            yield from fresh
            if not isinstance(answer, dict) or not answer.get("next_page_results"):
                self.complete = self._nothing_shifted()
                return
            cursor = str(answer.get("next_cursor") or "")
            if not fresh or not cursor or cursor in cursors:
                raise RetryLater("Plane's list does not move on to its next page")
            cursors.add(cursor)
            query["cursor"] = cursor

    def _fresh(self, rows: list[Row]) -> list[Row]:
        fresh = []
        for row in rows:
            if (row_id := str(row.get("id"))) in self._seen:
                self._repeats += 1
            else:
                self._seen.add(row_id)
                fresh.append(row)
        return fresh

    def _note_total(self, answer: Any) -> None:
        total = answer.get("total_count") if isinstance(answer, dict) else None
        if isinstance(total, int):
            self._totals.add(total)

    def _nothing_shifted(self) -> bool:
        if self._totals:
            return self._totals == {len(self._seen)}
        return self._repeats == 0


def rows_of(answer: Any) -> list[Row]:
    """The rows of a page, or of a list that Plane does not page (members)."""
    rows = answer.get("results") if isinstance(answer, dict) else answer
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


class Items:
    """Work items in pages; with ``since`` they must come newest change first, and end at the first older one."""

    def __init__(self, pages: Pages, since: datetime | None = None) -> None:
        self._pages = pages
        self._since = since

    @property
    def complete(self) -> bool:
        """Whether every work item was seen: never so with ``since``, whose older rows are left out."""
        return self._since is None and self._pages.complete

    def __iter__(self) -> Iterator[Row]:
        for row in self._pages:
            changed = moment(row.get("updated_at"))
            if self._since and changed and changed < self._since:
                return
            yield row


def moment(written: Any) -> datetime | None:
    """An aware time from any of Plane's spellings (``Z``, an offset, a space for the ``T``), else None.

    The API writes times in the zone of the token's owner, webhooks in UTC: compare the parsed value, never the text.
    """
    try:
        found = datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
