"""Lists, page after page: repeats, gaps, and pagers that do not move."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from planeapp.lib.errors import RetryLater
from planeapp.plane.paging import Items, Pages, moment, rows_of


def page(ids: str, cursor: str, more: bool, total: int | None = None) -> dict[str, Any]:
    """One answer with these one-letter rows."""
    return {
        "results": [{"id": letter} for letter in ids],
        "next_cursor": cursor,
        "next_page_results": more,
        "total_count": total,
    }


class Script:
    """Answers with pages in turn and keeps the queries."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.queries: list[dict[str, Any]] = []

    def __call__(self, query: Mapping[str, Any]) -> Any:
        """The next page."""
        self.queries.append(dict(query))
        return self.pages.pop(0)


def letters(pages: Pages) -> str:
    """The ids of all rows."""
    return "".join(row["id"] for row in pages)


def test_all_pages_are_read_with_the_same_size() -> None:
    script = Script(page("ab", "100:1:0", True, 3), page("c", "100:2:0", False, 3))
    pages = Pages(script, {"order_by": "created_at"})
    assert (letters(pages), pages.complete) == ("abc", True)
    assert script.queries[1] == {"order_by": "created_at", "per_page": 100, "cursor": "100:1:0"}


def test_a_row_that_shifted_onto_the_next_page_comes_once() -> None:
    pages = Pages(Script(page("ab", "1", True, 3), page("bc", "2", False, 3)))
    assert (letters(pages), pages.complete) == ("abc", True)


@pytest.mark.parametrize("totals", [(4, 3), (4, 4), (3, 4)])
def test_a_list_that_shifted_while_it_was_read_is_not_complete(totals: tuple[int, int]) -> None:
    pages = Pages(Script(page("ab", "1", True, totals[0]), page("c", "2", False, totals[1])))
    assert (letters(pages), pages.complete) == ("abc", False)


def test_without_a_count_repeats_give_a_shift_away() -> None:
    calm = Pages(Script(page("ab", "1", True), page("c", "2", False)))
    moved = Pages(Script(page("ab", "1", True), page("bc", "2", False)))
    assert (letters(calm), calm.complete) == ("abc", True)
    assert (letters(moved), moved.complete) == ("abc", False)


@pytest.mark.parametrize(
    "second", [page("c", "1", True), page("ab", "2", True), page("c", "", True), page("", "3", True)]
)
def test_a_pager_that_does_not_move_on_is_noticed(second: dict[str, Any]) -> None:
    with pytest.raises(RetryLater, match="move on"):
        letters(Pages(Script(page("ab", "1", True), second, second, second)))


def test_a_list_is_not_complete_before_its_end() -> None:
    pages = Pages(Script(page("ab", "1", True, 3), page("c", "2", False, 3)))
    next(iter(pages))
    assert pages.complete is False


def test_a_bare_array_is_a_list_too() -> None:
    pages = Pages(Script([{"id": "a"}, None, {"id": "b"}]))
    assert (letters(pages), pages.complete) == ("ab", True)
    assert rows_of("no list") == []


def test_since_ends_at_the_first_older_row_and_is_never_complete() -> None:
    rows = [{"id": "a", "updated_at": "2026-03-02T01:00:00+05:30"}, {"id": "b", "updated_at": "2026-03-01T19:29:59Z"}]
    items = Items(
        Pages(Script({"results": rows, "next_page_results": False})), datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
    )
    assert ([row["id"] for row in items], items.complete) == (["a"], False)


@pytest.mark.parametrize(
    "written", ["2026-03-01T10:00:00.5Z", "2026-03-01T15:30:00.5+05:30", "2026-03-01 10:00:00.5+00"]
)
def test_every_spelling_of_a_time_is_the_same_moment(written: str) -> None:
    assert moment(written) == datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("written", ["None", "2026-03-01T10:00:00", "", None, 7])
def test_what_is_no_aware_time_is_none(written: Any) -> None:
    assert moment(written) is None
