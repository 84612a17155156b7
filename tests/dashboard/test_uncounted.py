from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from planeapp.dashboard.uncounted import page_of
from planeapp.sync.models import Due
from tests.factories import DueFactory, ProjectPairFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("wanted", "shown", "before", "after"),
    [(None, 2, False, True), ("2", 2, True, True), ("3", 1, True, False), ("9", 0, True, False), ("-1", 2, False, True),
     ("many", 2, False, True), ("0", 2, False, True), ("²", 2, False, True)],
)  # fmt: skip
def test_a_page_knows_its_neighbours_without_a_count(
    wanted: str | None, shown: int, before: bool, after: bool, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    DueFactory.create_batch(5, pair=ProjectPairFactory())
    with django_assert_num_queries(1):
        page = page_of(Due.objects.order_by("pk"), wanted, 2)
    assert (len(list(page)), page.has_previous, page.has_next) == (shown, before, after)
    assert page.has_other_pages and page.next_page_number - page.previous_page_number == 2
