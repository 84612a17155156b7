"""When a value of a company counts as changed in the way that a rule waits for. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from planeapp.lib.folding import folded

YES, NO = ("yes", "true"), ("no", "false")


def has(value: Any, wanted: Any) -> bool:
    """Whether a value is ``wanted``, or a list has it. Texts compare without letter case; what is empty is nothing."""
    if isinstance(value, (list, tuple)):
        return any(has(one, wanted) for one in value)
    if value is None or value == "":
        return False
    if isinstance(value, bool):
        return folded(str(wanted)) in (YES if value else NO)
    if folded(str(value)) == folded(str(wanted)):
        return True
    mine = number(value)
    return mine is not None and mine == number(wanted)


def below(value: Any, limit: Any) -> bool:
    """Whether a figure is known and less than ``limit``."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value < float(limit)


def above(value: Any, limit: Any) -> bool:
    """Whether a figure is known and more than ``limit``."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > float(limit)


def within(value: Any, days: Any, today: date) -> bool:
    """Whether a day (ISO text) is today or at most so many days ahead."""
    try:
        left = (date.fromisoformat(value) - today).days
    except (TypeError, ValueError):
        return False
    return 0 <= left <= float(days)


def number(value: Any) -> float | None:
    """A figure, also one that is written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def turned(test: str, wanted: Any, before: Any, after: Any, today: date) -> bool:
    """Whether the step from ``before`` to ``after`` is the one that the test waits for; what stays so is none."""
    if test in ("changes", "created"):
        return True
    if test == "within":
        return within(after, wanted, today)
    is_so, leaving = STATES[test]
    was, now = is_so(before, wanted), is_so(after, wanted)
    return was and not now if leaving else now and not was


STATES: dict[str, tuple[Callable[[Any, Any], bool], bool]] = {
    "becomes": (has, False),
    "gains": (has, False),
    "leaves": (has, True),
    "loses": (has, True),
    "below": (below, False),
    "above": (above, False),
}
"""Test → what holds of a value, and whether the test waits for that to end."""

CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    "is": has,
    "has": has,
    "is_not": lambda value, wanted: not has(value, wanted),
    "has_not": lambda value, wanted: not has(value, wanted),
    "below": below,
    "above": above,
}
