"""A phrase about time, cut into pieces. Small words without time are skipped, unknown ones are ``Junk``."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta

from planeapp.bot.grammar import clocks, days, durations
from planeapp.bot.grammar.outcome import Unclear
from planeapp.bot.grammar.pieces import Day, Instant, Junk, Mark, Piece
from planeapp.bot.grammar.slips import closest

_SKIP = re.compile(r"(?:[\s,;:!?()\[\]\"'~*_]|\.(?!\.[0-9]))+")
# Words in which a slip is mended; "may", "march" and short ones lie too near to other words.
_WORDS = tuple(
    sorted(
        {name.lower() for name in (*calendar.day_name, *calendar.month_name) if len(name) > 4 and name != "March"}
        | {"tomorrow", "today", "yesterday", "morning", "afternoon"}
        | {"evening", "next", "week", "weeks", "hours", "minutes", "working", "business", "between", "until", "o'clock"}
    )
)
_MARKS: tuple[tuple[re.Pattern[str], Mark], ...] = (
    (re.compile(r"(?:utc|gmt)(?!\w)"), Mark("utc")),
    (
        re.compile(
            r"(?:until|till|til|through|thru|up\s+to|(?:and\s+)?(?:ending|end(?:s|ed)?|finish(?:ing|es)?))(?!\w)"
        ),
        Mark("until"),
    ),
    (re.compile(r"to(?!\w)|-+>?|\.\.(?=[0-9])"), Mark("to")),
    (re.compile(r"(?:from|starting|beginning|started|starts|start|as\s+of)(?!\w)"), Mark("from")),
    (re.compile(r"between(?!\w)"), Mark("between")),
    (re.compile(r"(?:and|&|\+)(?!\w)"), Mark("and")),
)
_FILLER = re.compile(
    r"(?:at|on|in|for|the|of|around|about|approx|approximately|this|it|that|item|task|issue|ticket|one|card|block|slot|"
    r"session|time|some|a|an|me|us|my|our|its|calendar|calender|work|working|day|all|whole|full|entire|just|only|out|"
    r"off|again|instead|here|too|also|then|lasting|long|duration|length|with(?=\s+(?:a\s+)?(?:duration|length))|kl|o'clock|sharp|date|please|so|well|as|say)(?!\w)"
)
_WITH_OFFSET = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{3,6})?)?[+-](?!00:?00)[0-9]{2}:?[0-9]{2}(?![\w:])"
)
_IN = re.compile(r"in\s+(?:about\s+)?")
_FROM_NOW = re.compile(r"\s+(?:from\s+now|(?P<ago>ago))(?!\w)")
_DASH = re.compile(r"-+\s+(?=[0-9a])")
_HOUR = re.compile(r"(?:9|1[0-9]|2[0-3])h(?!\w)")
_LASTS = re.compile(r"(?<!\w)(?:for|by|of|lasting|duration|length|takes|took|about)[\s:]*$")
_SHORT = 480  # minutes; "10:00 - 2h" is a length, "8:00 - 14h" may be an end
_WORD = re.compile(r"[\w'@&/+-]+|.", re.DOTALL)


def pieces(low: str, now: datetime) -> list[Piece]:
    """All pieces of the lower-case text, in order. ``now`` is in the asker's zone. Raises ``Unclear`` for "31 feb".

    Words that are nothing but one slip away from a word about time are read as that one.
    """
    found: list[Piece] = []
    place = 0
    while place < len(low):
        if skipped := _SKIP.match(low, place):
            place = skipped.end()
            continue
        new, end = _next(low, place, now)
        right = closest(low[place:end], _WORDS) if new and isinstance(new[0], Junk) else None
        if right:
            return pieces(low[:place] + right + low[end:], now)
        found.extend(new)
        place = end
    return found


def time_prefix(low: str, now: datetime) -> int:
    """How far the text is nothing but a phrase about time: 0 when it does not begin with one."""
    place, meant = 0, False
    while place < len(low):
        if skipped := _SKIP.match(low, place):
            place = skipped.end()
            continue
        new, end = _next(low, place, now)
        if any(isinstance(piece, Junk) for piece in new):
            break
        meant, place = meant or any(not isinstance(piece, Mark) for piece in new), end
    return place if meant else 0


def _next(low: str, place: int, now: datetime) -> tuple[list[Piece], int]:
    for reader in (_instant, _moment, _rules, _span, _length, _mark, _number):
        result = reader(low, place, now)
        if result is not None:
            return result
    if filler := _FILLER.match(low, place):
        return [], filler.end()
    word = _WORD.match(low, place)
    end = word.end() if word else place + 1
    text = low[place:end]
    return ([Junk(text)] if any(letter.isalnum() or letter < " " for letter in text) else []), end


Read = tuple[list[Piece], int]


def _instant(low: str, place: int, now: datetime) -> Read | None:
    """ "2027-01-07T14:00:00-05:00"; without an offset, or with that of UTC, day and time are pieces of their own."""
    match = _WITH_OFFSET.match(low, place)
    if match is None:
        return None
    try:
        return [Instant(datetime.fromisoformat(match.group().upper()).astimezone(now.tzinfo))], match.end()
    except (ValueError, OverflowError):
        raise Unclear("There is no such time. Which date and time do you mean?") from None


def _moment(low: str, place: int, now: datetime) -> Read | None:
    """ "in 2 hours", "half an hour from now", "10 minutes ago", "2 days ago"."""
    lead = _IN.match(low, place)
    found = durations.read(low, lead.end() if lead else place)
    if found is None:
        return None
    span, end = found
    tail = None if lead else _FROM_NOW.match(low, end)
    if tail and tail["ago"] and span.days:
        return [Day(now.date() - timedelta(days=span.days))], tail.end()
    if not span.minutes or not (lead or tail):
        return None
    minutes = -span.minutes if tail and tail["ago"] else span.minutes
    return [Instant(now + timedelta(minutes=minutes))], tail.end() if tail else end


def _length(low: str, place: int, now: datetime) -> Read | None:
    """ "10:00 - 2h": a dash in front of a length is no "to"."""
    dash = _DASH.match(low, place)
    found = durations.read(low, dash.end()) if dash else None
    if found is None or not 0 < found[0].minutes <= _SHORT:
        return None
    return [found[0]], found[1]


def _rules(low: str, place: int, now: datetime) -> Read | None:
    if place and (low[place - 1].isalnum() and not (low[place] == "t" and low[place - 1].isdigit())):
        return None
    for pattern, build_day in days.RULES:
        if (match := pattern.match(low, place)) and (day := build_day(match, now.date())):
            return [day], match.end()
    for pattern, build_clock in clocks.RULES:
        if (match := pattern.match(low, place)) and (clock := build_clock(match, now)):
            return clock, match.end()
    return None


def _span(low: str, place: int, now: datetime) -> Read | None:
    if (hour := _HOUR.match(low, place)) and not _LASTS.search(low, 0, place):
        raise Unclear(f"Is {hour.group()} a time or a length? Please write it like 10:00, or like 10 hours.")
    found = durations.read(low, place)
    return ([found[0]], found[1]) if found else None


def _mark(low: str, place: int, now: datetime) -> Read | None:
    for pattern, mark in _MARKS:
        if match := pattern.match(low, place):
            return [mark], match.end()
    return None


def _number(low: str, place: int, now: datetime) -> Read | None:
    pattern, build = clocks.PLAIN
    match = pattern.match(low, place)
    found = build(match, now) if match else None
    return (found, match.end()) if match and found else None
