"""Times of day: "10", "9.30", "10am", "half past nine", "noon", "after lunch", "now", "in 2 hours".

Conventions: a bare 1 to 6 is the afternoon (13:00 to 18:00), a bare 7 to 12 the morning and noon, since people plan
working hours; "03:00" and "3am" are taken literally. The morning starts at 9, the afternoon (after lunch) at 13,
the evening at 18.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta

from planeapp.bot.grammar.outcome import Unclear
from planeapp.bot.grammar.pieces import Clock, Day, Instant, Mark, Number, Part, Piece

_HOURS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
_HOUR_WORD = rf"(?:{'|'.join(_HOURS)})(?!\w)"
_AT = r"(?:at|@|kl\.?)\s*(?:around\s+|about\s+|approx\.?\s+)?"
_MERIDIEM = r"(?P<ap>a\.?m\.?|p\.?m\.?)(?!\w)"
_FRACTION = r"(?P<n>half|(?:a\s+)?quarter|(?:five|ten|twenty|twenty-five)(?=\s+past))"
_PAST = {"half": 30, "five": 5, "ten": 10, "twenty": 20, "twenty-five": 25}  # else a quarter
_UNITS = (
    r"(?!\s*(?:%|hours?\b|hrs?\b|h\b|min|mins\b|m\b|days?\b|d\b|weeks?\b|w\b|sec|s\b|working|business|and\s+a\s+half))"
)
_START = {"morning": 9, "afternoon": 13, "evening": 18, "night": 18}

Builder = Callable[[re.Match[str], datetime], list[Piece] | None]


def _hour(word: str) -> int:
    return _HOURS.get(word) or int(word)


def _bare(hour: str) -> bool:
    """ "3" and "3:30" are bare, "03:30" is not, nor are hours over 12."""
    return not hour.startswith("0") and _hour(hour) <= 12


def _checked(clock: Clock) -> Clock:
    if clock.hour > 23 or clock.minute > 59:
        raise Unclear("There is no such time of day. At what time?")
    return clock


def _meridiem(match: re.Match[str], now: datetime) -> list[Piece]:
    hour, minute = int(match["h"]), int(match["m"] or 0)
    if not 1 <= hour <= 12:
        raise Unclear("There is no such time of day. At what time?")
    hour = hour % 12 + (12 if match["ap"].startswith("p") else 0)
    return [_checked(Clock(hour, minute, half=match["ap"][0] + "m"))]


def _colon(match: re.Match[str], now: datetime) -> list[Piece]:
    return [_checked(Clock(int(match["h"]), int(match["m"]), bare=_bare(match["h"])))]


def _marked(match: re.Match[str], now: datetime) -> list[Piece]:
    return [Number(_checked(Clock(_hour(match["h"]), 0, bare=_bare(match["h"]))), marked=True)]


def _compact(match: re.Match[str], now: datetime) -> list[Piece]:
    """ "at 1000", "1430"."""
    digits = match["t"].zfill(4)
    return [Number(_checked(Clock(int(digits[:2]), int(digits[2:]))), marked=bool(match["at"]))]


def _number(match: re.Match[str], now: datetime) -> list[Piece] | None:
    hour = int(match["h"])
    return [Number(Clock(hour, 0, bare=_bare(match["h"])))] if hour < 24 else None


def _relative(match: re.Match[str], now: datetime) -> list[Piece]:
    """ "half past nine", "quarter to 3"."""
    hour, word = _hour(match["h"]), match["n"].strip()
    minutes = _PAST.get(word, 15)
    _checked(Clock(hour, minutes))
    half, bare = (match["ap"] or "")[:1], _bare(match["h"])
    if half and bare:
        hour, bare = hour % 12 + (12 if half == "p" else 0), False
    if match["way"] == "past":
        return [Clock(hour, minutes, bare=bare)]
    moment = Clock(hour, 0, bare=bare).time() or time(0)
    before = datetime.combine(now.date(), moment) - timedelta(minutes=minutes)
    return [Clock(before.hour, before.minute)]


def _part(match: re.Match[str], now: datetime) -> list[Piece]:
    start = _START[match["p"]]
    part = Part(Clock(start), "am" if start < 12 else "pm")
    return [Day(now.date()), part] if match["q"] else [part]


def _noon(match: re.Match[str], now: datetime) -> list[Piece]:
    return [Clock(12)]


def _now(match: re.Match[str], now: datetime) -> list[Piece]:
    return [Instant(now)]


def _tonight(match: re.Match[str], now: datetime) -> list[Piece]:
    return [Day(now.date()), Part(Clock(_START["evening"]), "pm")]


def _first_thing(match: re.Match[str], now: datetime) -> list[Piece]:
    return [Part(Clock(_START["morning"]), "am")]


def _lunch(match: re.Match[str], now: datetime) -> list[Piece]:
    if match["w"].startswith("before"):
        return [Part(Clock(12), before=True)]
    return [Part(Clock(13), "pm")] if match["w"].startswith("after") else [Clock(12)]


def _iso(match: re.Match[str], now: datetime) -> list[Piece]:
    """The time of an ISO moment; what stands before the "T" was read as a day."""
    clock: list[Piece] = [_checked(Clock(int(match["h"]), int(match["m"])))]
    return clock + ([Mark("utc")] if match["z"] else [])


def _midnight(match: re.Match[str], now: datetime) -> list[Piece]:
    raise Unclear("Midnight at the start or at the end of the day? Please write the date and 00:00.")


_TABLE: tuple[tuple[str, Builder], ...] = (
        (r"(?<=[0-9])t(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?(?P<z>z|[+]00:?00)?(?![\w:])", _iso),
        (r"(?:right\s+)?now(?!\w)|right\s+away(?!\w)|immediately(?!\w)", _now),
        (r"tonight(?!\w)", _tonight),
        (r"(?P<q>this\s+)?(?:in\s+the\s+|the\s+|at\s+)?(?P<p>morning|afternoon|evening|night)(?!\w)", _part),
        (r"first\s+thing(?:\s+in\s+the\s+morning)?(?!\w)", _first_thing),
        (r"(?P<w>after|before|at|over|during)\s+(?:the\s+)?(?:lunch(?:time|\s*break)?|noon|midday)(?!\w)", _lunch),
        (r"(?:noon|midday|lunchtime)(?!\w)", _noon),
        (r"midnight(?!\w)", _midnight),
        (
            rf"(?:{_AT})?{_FRACTION}\s+(?P<way>past|to)\s+(?P<h>[0-9]{{1,2}}(?![0-9:])|{_HOUR_WORD})"
            rf"(?:\s?{_MERIDIEM})?",
            _relative,
        ),
        (rf"(?:{_AT})?(?P<h>[0-9]{{1,2}})(?:[:.](?P<m>[0-9]{{2}}))?\s?{_MERIDIEM}", _meridiem),
        (rf"(?:{_AT})?(?P<h>[0-9]{{1,2}}):(?P<m>[0-9]{{2}})(?::00)?(?:\s*(?:o(?:'|\s)?clock|h))?(?![\w:])", _colon),
        (rf"{_AT}(?P<h>[0-9]{{1,2}})[.h](?P<m>[0-9]{{2}})(?![\w:])", _colon),
        (r"(?P<h>[0-9]{1,2})h(?P<m>00|(?<=1[3-9]h)[0-5][0-9]|(?<=2[0-3]h)[0-5][0-9])(?![\w:])", _colon),
        (rf"(?:{_AT})?(?P<h>[0-9]{{1,2}}|{_HOUR_WORD})\s*o(?:'|\s)?clock(?!\w)", _marked),
        (rf"{_AT}(?P<h>[0-9]{{1,2}})(?:\s?h)?(?![\w:]|[.][0-9]){_UNITS}", _marked),
        (rf"{_AT}(?P<h>{_HOUR_WORD}){_UNITS}", _marked),
        (rf"(?P<at>{_AT})?(?P<t>[0-9]{{3,4}})(?![\w:-]|[.,][0-9]){_UNITS}", _compact),
)  # fmt: skip
RULES: tuple[tuple[re.Pattern[str], Builder], ...] = tuple((re.compile(pattern), build) for pattern, build in _TABLE)
PLAIN: tuple[re.Pattern[str], Builder] = (re.compile(r"(?P<h>[0-9]{1,2})(?![\w:%]|[.,][0-9])"), _number)
