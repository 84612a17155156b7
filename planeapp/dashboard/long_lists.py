"""Pages of lists that may have a million rows, newest first: along an index, and never looking at more rows than a page may.

Rows have ``at`` and a number as their key. Conditions that no index serves are looked for in a stretch of ``REACH`` rows; where
it ends is told, and the next page goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

PAGE = 50
REACH = 20_000
Narrow = Callable[[QuerySet[Any]], QuerySet[Any]]
Place = tuple[datetime, int]


@dataclass(frozen=True)
class Page:
    """Rows, newest first, and where the list goes on in both directions (``""``: nowhere).

    ``searched_to``: the search ended there for now though the page is not full; None when it did not.
    """

    rows: list[Any]
    newer: str = ""
    older: str = ""
    searched_to: datetime | None = None


def page_of(rows: QuerySet[Any], query: Mapping[str, Any], narrow: Narrow | None = None) -> Page:
    """The page ``before`` or ``after`` a place. ``rows`` go along an index; ``narrow`` may be costly."""
    before, after = _place(query.get("before", "")), _place(query.get("after", ""))
    if after is not None:
        found, end = _stretch(rows, after, narrow, newer=True)
        if len(found) > PAGE or end is not None:
            shown = found[:PAGE][::-1]
            edge = _mark(*end) if end else _mark(shown[0].at, shown[0].pk)
            older = _mark(shown[-1].at, shown[-1].pk) if shown else _mark(*after)
            return Page(shown, edge, older, end[0] if end else None)
        before = None  # not a whole page: that is the first one
    found, end = _stretch(rows, before, narrow, newer=False)
    shown = found[:PAGE]
    newer = _mark(shown[0].at, shown[0].pk) if before and shown else (_mark(*before) if before else "")
    if len(found) > PAGE:
        return Page(shown, newer, _mark(shown[-1].at, shown[-1].pk))
    return Page(shown, newer, _mark(*end) if end else "", end[0] if end else None)


def _stretch(
    rows: QuerySet[Any], place: Place | None, narrow: Narrow | None, *, newer: bool
) -> tuple[list[Any], Place | None]:
    """Up to one row more than a page from ``place`` on, and where the search ended before it had looked at everything."""
    order = ("at", "pk") if newer else ("-at", "-pk")
    ahead = _beyond(rows, place, newer=newer).order_by(*order)
    if narrow is None:
        return list(ahead[: PAGE + 1]), None
    edge = ahead.values_list("at", "pk")[REACH : REACH + 1].first()
    within = _beyond(ahead, edge, newer=not newer) if edge else ahead
    found = list(narrow(within).order_by(*order)[: PAGE + 1])
    if edge is None or len(found) > PAGE:
        return found, None
    last = within.order_by(*[name.removeprefix("-") if name[0] == "-" else f"-{name}" for name in order])
    return found, last.values_list("at", "pk").first()


def _beyond(rows: QuerySet[Any], place: Place | None, *, newer: bool) -> QuerySet[Any]:
    if place is None:
        return rows
    moment, pk = place
    if newer:
        return rows.filter(Q(at__gt=moment) | Q(at=moment, pk__gt=pk), at__gte=moment)
    return rows.filter(Q(at__lt=moment) | Q(at=moment, pk__lt=pk), at__lte=moment)


def _mark(moment: datetime, pk: int) -> str:
    return f"{moment.isoformat()}_{pk}"


def _place(mark: str) -> Place | None:
    """The place that a mark means; None for anything that is no mark."""
    moment, _, pk = mark.partition("_")
    try:
        found = parse_datetime(moment)
        return (found, int(pk)) if found is not None and timezone.is_aware(found) and len(pk) < 19 else None
    except ValueError:
        return None
