"""Lengths of time: "90m", "1h30", "an hour and a half", "half a day", "2d", "3 working days"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from planeapp.bot.grammar.outcome import Unclear

HALF_DAY = 240  # minutes; half of a working day of eight hours
LONGEST_DAYS = 366

_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "forty-five": 45, "fifty": 50, "sixty": 60, "thirteen": 13, "fourteen": 14, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty-five": 25, "thirty-five": 35, "fifty-five": 55, "eighty": 80,
    "ninety": 90, "a couple of": 2, "couple of": 2,
}  # fmt: skip
_WORDS = "|".join(sorted(_NUMBERS, key=len, reverse=True))
NUMBER = rf"(?:[0-9]{{1,4}}(?:[.,][0-9]{{1,2}})?|(?:{_WORDS})\b)"
_HOUR = r"(?:hours?|hrs?|h)(?!\w)"
_MINUTE = r"(?:minutes?|minuts?|mins?|min|m)(?!\w)\.?"
_DAY = r"(?:(?:full|whole|entire)\s+)?(?:days?|d)(?!\w)"
_WEEK = r"(?:weeks?|wks?|w)(?!\w)"
_WORKDAY = r"(?:(?:working|business|work|week)[ -]?days?)(?!\w)"
_GLUE = r"(?:\s*,)?(?:\s+and)?\s*"


@dataclass(frozen=True, slots=True)
class Span:
    """A length: either ``minutes``, or whole ``days`` (``weeks`` says they were said as weeks), or ``working_days``."""

    minutes: int = 0
    days: int = 0
    working_days: int = 0
    weeks: bool = False

    def last_day(self, first: date) -> date:
        """The last of the days when the first is ``first``; the first counts."""
        if self.working_days:
            return add_working_days(first - timedelta(days=1), self.working_days)
        return first + timedelta(days=self.days - 1)

    def after(self, day: date) -> date:
        """The day so much later than ``day``."""
        return add_working_days(day, self.working_days) if self.working_days else day + timedelta(days=self.days)


def add_working_days(day: date, count: int) -> date:
    """The ``count``-th Monday-to-Friday day after ``day``."""
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _value(word: str) -> float:
    return float(_NUMBERS.get(word) or word.replace(",", "."))


_FIXED = (
    (re.compile(r"(?:an?\s+)?half(?:\s+an?)?[ -]hour(?!\w)"), 30),
    (re.compile(r"three[ -]quarters\s+of\s+an\s+hour(?!\w)"), 45),
    (re.compile(r"(?:an?\s+)?quarter(?:\s+of)?(?:\s+an)?[ -]hour(?!\w)"), 15),
    (re.compile(r"(?:an?\s+)?half(?:\s+an?)?[ -](?:working[ -])?day(?!\w)"), HALF_DAY),
    (re.compile(r"an?\s+hour\s+and\s+a\s+quarter(?!\w)"), 75),
)
_HALVES = (
    re.compile(rf"(?P<n>{NUMBER})\s+{_HOUR}\s+and\s+a\s+half(?!\w)"),
    re.compile(rf"(?P<n>{NUMBER})\s+(?:and\s+a\s+half|1/2)\s+{_HOUR}"),
    re.compile(rf"(?P<n>[0-9]{{1,2}})½\s*{_HOUR}"),
)
_CLOCKED = re.compile(
    r"(?P<h>[0-9]{1,2})(?:h(?P<m>[0-9]{1,2})(?:m|min)?|:(?P<c>[0-9]{2})\s*(?:hours?|hrs?|h))(?![\w:])"
)
_MIXED = re.compile(
    rf"(?:(?P<h>{NUMBER})[ -]?{_HOUR})(?:{_GLUE}(?P<m>{NUMBER})[ -]?{_MINUTE})?|(?P<only>{NUMBER})[ -]?{_MINUTE}"
)
_WHOLE = (
    (re.compile(rf"(?P<n>{NUMBER})[ -]?{_WORKDAY}"), "working_days", 1),
    (re.compile(rf"(?P<n>{NUMBER})[ -]?{_DAY}"), "days", 1),
    (re.compile(rf"(?P<n>{NUMBER})[ -]?{_WEEK}"), "days", 7),
)


def read(low: str, start: int = 0) -> tuple[Span, int] | None:
    """The length that begins at ``start`` of the lower-case text, and where it ends. None if there is none there.

    Hours and minutes may be fractions ("1.5h"), days may not ("a day and a half" is left for a question).
    """
    for reader in (_fixed, _halves, _clocked, _mixed, _whole):
        found = reader(low, start)
        if found and (0 < found[0].minutes <= LONGEST_DAYS * 1440 or found[0].days or found[0].working_days):
            return found
    return None


def _fixed(low: str, start: int) -> tuple[Span, int] | None:
    for pattern, minutes in _FIXED:
        if match := pattern.match(low, start):
            return Span(minutes=minutes), match.end()
    return None


def _halves(low: str, start: int) -> tuple[Span, int] | None:
    for pattern in _HALVES:
        if match := pattern.match(low, start):
            return Span(minutes=round(_value(match["n"]) * 60) + 30), match.end()
    return None


def _clocked(low: str, start: int) -> tuple[Span, int] | None:
    match = _CLOCKED.match(low, start)
    if match is None or int(match["m"] or match["c"]) > 59:
        return None
    if match["m"] and len(match["m"]) == 2 and (int(match["h"]) > 12 or match["m"] == "00"):
        return None  # "15h00" is a time of day
    if match["m"] and len(match["m"]) == 2 and int(match["h"]) > 8:
        raise Unclear(f"Is {match.group()} a time or a length? Please write it like 10:30, or like 10 hours.")
    return Span(minutes=int(match["h"]) * 60 + int(match["m"] or match["c"])), match.end()


def _mixed(low: str, start: int) -> tuple[Span, int] | None:
    match = _MIXED.match(low, start)
    if match is None:
        return None
    hours, minutes = match["h"], match["m"] or match["only"]
    total = (_value(hours) * 60 if hours else 0) + (_value(minutes) if minutes else 0)
    return Span(minutes=round(total)), match.end()


def _whole(low: str, start: int) -> tuple[Span, int] | None:
    for pattern, unit, factor in _WHOLE:
        match = pattern.match(low, start)
        if match is None:
            continue
        count = _value(match["n"]) * factor
        if count != int(count) or count > LONGEST_DAYS or re.match(r"\s+and\s+a\s+half", low[match.end() :]):
            return None
        if unit == "working_days":
            return Span(working_days=int(count)), match.end()
        return Span(days=int(count), weeks=factor == 7), match.end()
    return None
