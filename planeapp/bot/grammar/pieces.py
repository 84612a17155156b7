"""The pieces a time phrase is made of, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal

from planeapp.bot.grammar.durations import Span


@dataclass(frozen=True, slots=True)
class Weekday:
    """Monday is 0. ``week``: "" as said plainly, "this", "next" ("next friday"), "weekly" (next week's), "last"."""

    number: int
    week: Literal["", "this", "next", "weekly", "last"] = ""


@dataclass(frozen=True, slots=True)
class YearlessDate:
    """A day without a year ("23 Nov") or without a month too ("the 23rd", ``month`` 0)."""

    day: int
    month: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """One day: a date, or what has to be turned into one."""

    value: date | Weekday | YearlessDate


@dataclass(frozen=True, slots=True)
class Days:
    """Several days in a row; both ends count."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. ``bare``: said without am, pm or a leading zero, so that 1 to 6 mean the afternoon.

    ``half`` is "am" or "pm" where that was said.
    """

    hour: int
    minute: int = 0
    bare: bool = False
    half: str = ""

    def time(self, half: str = "") -> time | None:
        """With ``half`` "am" or "pm" from "in the morning" and the like; None if there is no such time."""
        hour = self.hour
        if self.bare and half == "pm" and hour < 12 or self.bare and not half and 1 <= hour <= 6:
            hour += 12
        if self.bare and half == "am" and hour >= 12:
            return None
        return time(hour, self.minute) if hour < 24 and self.minute < 60 else None


@dataclass(frozen=True, slots=True)
class Number:
    """A number alone ("tomorrow 10"): a clock time if the words around it make it one. ``marked``: "at 10"."""

    clock: Clock
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Dotted:
    """ "10.12": a time or a date, until something else in the phrase tells."""

    clock: Clock
    day: Day


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day and when it starts. ``before``: what is scheduled ends there ("before lunch")."""

    start: Clock
    half: Literal["am", "pm", ""] = ""
    before: bool = False


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment ("now", "in 2 hours", "2026-11-23T10:00Z")."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """A small word that ties the others: "to" and "until" (an end follows), "from", "and", "for", "utc"."""

    name: Literal["to", "until", "from", "and", "between", "utc"]


@dataclass(frozen=True, slots=True)
class Junk:
    """A word the grammar does not know."""

    text: str


Piece = Day | Days | Clock | Number | Dotted | Part | Instant | Mark | Junk | Span
