from __future__ import annotations

import pytest

from planeapp.sync.guard import objection
from planeapp.sync.shapes import Change, Plan


def plan(**counts: int) -> Plan:
    """So many changes of each kind, each of an item of its own."""
    changes = [
        Change(kind, "vendor", f"{kind}{number}", link_id=f"{kind}{number}")  # type: ignore[arg-type]
        for kind, count in counts.items()
        for number in range(count)
    ]
    return Plan(tuple(changes), ())


@pytest.mark.parametrize(
    ("counts", "linked"),
    [
        ({}, 0),
        ({"unlink": 10}, 10),
        ({"unlink": 200}, 1000),
        ({"update": 50}, 50),
        ({"update": 500}, 1000),
        ({"create": 10_000}, 0),
        ({"agree": 1000, "adopt": 1000}, 1000),
    ],
)
def test_what_is_usual_passes(counts: dict[str, int], linked: int) -> None:
    assert objection(plan(**counts), linked) == ""


@pytest.mark.parametrize(
    ("counts", "linked", "told"),
    [
        ({"unlink": 11}, 20, "end 11 of 20 links"),
        ({"unlink": 300}, 1000, "end 300 of 1000 links"),
        ({"update": 51}, 60, "change 51 of 60 items"),
        ({"unlink": 300, "update": 600}, 1000, "end 300 of 1000 links and change 600 of 1000 items"),
    ],
)
def test_what_is_far_more_than_usual_is_told_with_its_numbers(counts: dict[str, int], linked: int, told: str) -> None:
    assert objection(plan(**counts), linked) == f"It would {told}, far more than usual. Nothing was written."


def test_an_item_that_is_written_on_both_sides_counts_once() -> None:
    both = [
        Change("update", side, f"i{number}", link_id=f"l{number}")
        for number in range(50)
        for side in ("plane", "vendor")
    ]  # type: ignore[arg-type]
    assert objection(Plan(tuple(both), ()), 50) == ""
