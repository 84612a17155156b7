"""Which companies changed lately, newest first, on accounts whose lists can be trusted to be in that order.

Planhat documents no filter by date. Lists can be sorted, but not every account honours it, and not every list has the
stamps (``updatedAt``, in some lists ``lastUpdated`` alone). So the order is proved once a day before anything is concluded
from it, and checked on every page.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from planeapp.providers.base import Company
from planeapp.providers.planhat.companies import Companies
from planeapp.providers.planhat.models import SUSPECT_PAGES, Json, Record, record_id
from planeapp.providers.planhat.remembered import DAY

STAMPS = ("updatedAt", "lastUpdated")
SAMPLE, FIRST = 20, 100
OVERLAP = timedelta(minutes=2)
"""A write may be seen a little after its own stamp, so the last minutes are told once more."""
NOTE = "company_order"


class Recent:
    """Looks at the newest companies."""

    def __init__(self, companies: Companies) -> None:
        self.companies, self.notes = companies, companies.access.notes

    def since(self, mark: str) -> tuple[Sequence[Company], str] | None:
        """See :meth:`planeapp.providers.base.Provider.recent_companies`. A mark is a stamp's name and the newest stamp."""
        stamp = self._stamp()
        if not stamp:
            return None
        if not mark:
            newest = self._page(f"-{stamp}", 1)
            return ([], _mark(stamp, newest[0])) if newest else None
        name, _, last = mark.partition(" ")
        known = _moment(last)
        if name != stamp or known is None:
            return None
        return self._after(stamp, known)

    def _after(self, stamp: str, known: datetime) -> tuple[Sequence[Company], str] | None:
        first = self._page(f"-{stamp}", FIRST, whole=True)
        newest = _moment(first[0].get(stamp)) if first else None
        ordered = newest is not None and _falling(first, stamp)
        if newest is None or not ordered or (newest < known and not self._honoured(stamp)):
            # No order at all. (The newest company may have been deleted too: that the second look tells.)
            self.notes.write(NOTE, "")
            return None
        rows = self._until(stamp, known - OVERLAP, first)
        return None if rows is None else (self.companies.understood(rows[::-1]), _mark(stamp, first[0]))

    def _until(self, stamp: str, floor: datetime, first: list[Record]) -> list[Record] | None:
        """The rows that are newer than ``floor``; None when they are so many that all can be read instead."""
        rows = first
        if len(first) == FIRST and not _reaches(first, stamp, floor):
            size = self.companies.api.companies.model.page
            more = self._page(f"-{stamp}", size, offset=len(first) - 1, whole=True)
            moved = record_id(first[-1]) not in {record_id(row) for row in more}
            if moved or not _falling(more, stamp):
                return None
            if len(more) in {size, *SUSPECT_PAGES} and not _reaches(more, stamp, floor):
                return None
            rows = [*first, *more]
        return list({record_id(row): row for row in rows if _since(row, stamp, floor)}.values())

    def _stamp(self) -> str:
        """The stamp by which this account's list can be ordered; ``""`` when there is none, which holds for a day."""
        kept = self.notes.read(NOTE)
        if kept is not None and time.time() - kept[1] < DAY:
            return str(kept[0])
        found = next((stamp for stamp in STAMPS if self._honoured(stamp)), "")
        self.notes.write(NOTE, found)
        return found

    def _honoured(self, stamp: str) -> bool:
        """Whether newest first and oldest first are two things, and the first is in order."""
        newest, oldest = self._page(f"-{stamp}", SAMPLE), self._page(stamp, 1)
        if not newest or not oldest or not _falling(newest, stamp):
            return False
        top, bottom = _moment(newest[0].get(stamp)), _moment(oldest[0].get(stamp))
        return top is not None and bottom is not None and bottom < top

    def _page(self, sort: str, limit: int, *, offset: int = 0, whole: bool = False) -> list[Record]:
        select = (*self.companies.select, *STAMPS) if whole else STAMPS
        params: dict[str, str | int] = {"limit": limit, "offset": offset, "sort": sort, "select": ",".join(select)}
        return self.companies.api.companies.page(params)


def _mark(stamp: str, newest: Json) -> str:
    return f"{stamp} {newest.get(stamp)}"


def _moment(value: object) -> datetime | None:
    """The time of a stamp; None when it has none, or no zone."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None


def _falling(rows: Sequence[Json], stamp: str) -> bool:
    """Whether every row has the stamp and none is newer than the one before it."""
    found = [_moment(row.get(stamp)) for row in rows]
    known = [moment for moment in found if moment is not None]
    return len(known) == len(found) and all(one >= other for one, other in zip(known, known[1:], strict=False))


def _since(row: Json, stamp: str, floor: datetime) -> bool:
    moment = _moment(row.get(stamp))
    return moment is not None and moment >= floor


def _reaches(rows: Sequence[Json], stamp: str, floor: datetime) -> bool:
    """Whether the last row is older than ``floor``."""
    return not _since(rows[-1], stamp, floor)
