from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from planeapp.sync.eligible import filtered_out
from planeapp.sync.options import Filters

ITEM: dict[str, Any] = {
    "title": "Fit the sensor",
    "state": "started",
    "priority": "high",
    "labels": ("Urgent fit", "AOG"),
    "people": ("ada@example.com",),
    "start": date(2026, 11, 23),
    "end": date(2026, 11, 25),
}
EVERY_FILTER = Filters(
    states=("started",), priorities=("high",), labels=("aog",), people=("ada@example.com",), assigned=True,
    dated_from=date(2026, 11, 1), dated_until=date(2026, 11, 30),
)  # fmt: skip


def test_no_filters_leave_nothing_out() -> None:
    assert filtered_out(ITEM, Filters()) == ""
    assert filtered_out({}, Filters()) == ""


def test_what_fits_every_filter_is_kept_in_step() -> None:
    assert filtered_out(ITEM, EVERY_FILTER) == ""


@pytest.mark.parametrize("name", ["state", "priority", "labels", "people"])
def test_a_value_that_plane_did_not_tell_passes(name: str) -> None:
    assert filtered_out({key: value for key, value in ITEM.items() if key != name}, EVERY_FILTER) == ""


def test_an_item_of_which_nothing_is_told_passes() -> None:
    assert filtered_out({}, EVERY_FILTER) == ""


@pytest.mark.parametrize(
    ("filters", "why"),
    [
        ({"states": ("backlog", "unstarted")}, "state started"),
        ({"states": ("backlog", "started")}, ""),
        ({"priorities": ("urgent",)}, "priority high"),
        ({"priorities": ("urgent", "high")}, ""),
        ({"labels": ("aog",)}, ""),
        ({"labels": ("URGENT FIT", "other")}, ""),
        ({"labels": ("Sales", "HR")}, "none of the labels Sales, HR"),
        ({"people": ("Ada@Example.com ",)}, ""),
        ({"people": ("milo@example.com",)}, "assigned to none of the chosen people"),
        ({"people": ("milo@example.com", "ada@example.com")}, ""),
        ({"assigned": True}, ""),
        ({"dated_from": date(2026, 11, 25)}, ""),  # the last day touches it
        ({"dated_from": date(2026, 11, 26)}, "before 2026-11-26"),
        ({"dated_until": date(2026, 11, 23)}, ""),
        ({"dated_until": date(2026, 11, 22)}, "after 2026-11-22"),
        ({"dated_from": date(2026, 11, 24), "dated_until": date(2026, 11, 24)}, ""),
    ],
)
def test_each_filter_says_why_it_leaves_an_item_out(filters: dict[str, Any], why: str) -> None:
    assert filtered_out(ITEM, Filters(**filters)) == why


@pytest.mark.parametrize(
    ("values", "filters", "why"),
    [
        ({"people": ()}, {"assigned": True}, "assigned to nobody"),
        ({"people": None}, {"assigned": True}, "assigned to nobody"),
        ({"people": ()}, {"people": ("ada@example.com",)}, "assigned to none of the chosen people"),
        ({"labels": ()}, {"labels": ("AOG",)}, "none of the labels AOG"),
        ({"labels": None}, {"labels": ("AOG",)}, "none of the labels AOG"),
        ({"priority": "none"}, {"priorities": ("urgent",)}, "priority none"),
        ({"start": None, "end": None}, {"dated_from": date(2026, 11, 1)}, ""),  # the provider's own rule
        ({"start": None, "end": date(2026, 10, 1)}, {"dated_from": date(2026, 11, 1)}, "before 2026-11-01"),
        ({"start": date(2026, 12, 1), "end": None}, {"dated_until": date(2026, 11, 1)}, "after 2026-11-01"),
    ],
)
def test_what_is_empty_is_judged_as_empty(values: dict[str, Any], filters: dict[str, Any], why: str) -> None:
    assert filtered_out(values, Filters(**filters)) == why


def test_the_first_filter_that_does_not_fit_is_told() -> None:
    assert filtered_out(ITEM, Filters(states=("backlog",), priorities=("low",))) == "state started"
