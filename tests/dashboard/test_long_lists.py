from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from planeapp.dashboard import long_lists
from planeapp.dashboard.long_lists import page_of
from planeapp.installations.models import Installation
from planeapp.sync.models import TimelineEntry
from tests.factories import InstallationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of 3 rows, stretches of 10."""
    monkeypatch.setattr(long_lists, "PAGE", 3)
    monkeypatch.setattr(long_lists, "REACH", 10)


@pytest.fixture
def rows() -> Any:
    """Forty rows, the newest is number 0; rows 2n and 2n+1 came at the same moment; every 20th has code ``rare``."""
    installation: Installation = InstallationFactory()
    now = timezone.now()
    made = TimelineEntry.objects.bulk_create(
        TimelineEntry(installation=installation, code="rare" if n % 20 == 19 else "x", text=str(n))
        for n in range(39, -1, -1)
    )
    for entry in made:
        TimelineEntry.objects.filter(pk=entry.pk).update(at=now - timedelta(minutes=int(entry.text) // 2))
    return installation.timeline.all()


def walk(rows: Any, narrow: Any = None, way: str = "older", start: str = "") -> tuple[list[list[int]], str]:
    """Every page in one direction, and the last mark."""
    pages, mark, name = [], start, {"older": "before", "newer": "after"}[way]
    while len(pages) < 50:
        page = page_of(rows, {name: mark} if mark else {}, narrow)
        pages.append([int(row.text) for row in page.rows])
        following = getattr(page, way)
        if not following:
            return pages, mark
        mark = following
    raise AssertionError("the list never ends")


def rare(rows: Any) -> Any:
    return rows.filter(code="rare")


def flat(pages: list[list[int]]) -> list[int]:
    return [number for page in pages for number in page]


def test_every_row_is_on_one_page_in_order(rows: Any) -> None:
    pages, _ = walk(rows)
    assert flat(pages) == list(range(40)) and {len(page) for page in pages[:-1]} == {3}


def test_the_way_back_leads_to_the_first_page(rows: Any) -> None:
    _, last = walk(rows)
    pages, _ = walk(rows, way="newer", start=last)
    assert pages[-1] == [0, 1, 2]
    assert set(flat(pages)) == set(range(38))


def test_a_costly_search_stops_after_a_stretch_and_goes_on_where_it_stopped(rows: Any) -> None:
    first = page_of(rows, {}, rare)
    assert (first.rows, first.searched_to is not None, bool(first.older)) == ([], True, True)
    pages, _ = walk(rows, rare)
    assert flat(pages) == [19, 39] and len(pages) == 4


def test_a_costly_search_finds_the_way_back(rows: Any) -> None:
    _, last = walk(rows, rare)
    pages, _ = walk(rows, rare, "newer", last)
    assert 19 in flat(pages)


def test_a_full_page_needs_no_more_looking(rows: Any) -> None:
    page = page_of(rows, {}, lambda found: found.filter(code="x"))
    assert [int(row.text) for row in page.rows] == [0, 1, 2] and page.searched_to is None


@pytest.mark.parametrize("mark", ["", "nonsense", "2026-01-01_5", "2026-01-01T00:00:00Z_x", "_", "2026-13-01T00:00Z_1"])
def test_a_mark_that_is_none_leads_to_the_first_page(rows: Any, mark: str) -> None:
    for name in ("before", "after"):
        assert [int(row.text) for row in page_of(rows, {name: mark}).rows] == [0, 1, 2]


def test_no_more_than_two_questions_are_asked_plainly_and_three_for_a_search(
    rows: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(1):
        page_of(rows, {})
    with django_assert_max_num_queries(3):
        page_of(rows, {}, rare)
