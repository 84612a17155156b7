"""Days as people say them: "tomorrow", "next mon", "23 Nov", "end of month", "in 3 working days", "week 48".

Conventions: a plain weekday is the next one after today; a week is Monday to Friday; dates with dots are day first,
with slashes day first unless only month first is possible, and asked for when both are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from planeapp.bot.grammar import durations
from planeapp.bot.grammar.dates import (
    MONTH,
    MONTHS,
    ORDINALS,
    WEEKDAY,
    WEEKDAYS,
    five_days,
    monday_of,
    resolve,
    safe_date,
    whole_month,
)  # fmt: skip
from planeapp.bot.grammar.outcome import Unclear
from planeapp.bot.grammar.pieces import Clock, Day, Days, Dotted, Piece, Weekday, YearlessDate

_NTH = r"(?:\s?(?:st|nd|rd|th)(?!\w)|\.(?=\s))?"
_YEAR = r"(?:,?\s+(?P<y>20[0-9]{2})(?![0-9:]))?"
_TO = r"\s*(?:-|to|until|till|through|thru)\s*"
_TOMORROW = r"(?:tomorrow|tommorow|tomorow|tommorrow|tomorrw|tomorro|tmrw|tmr|tmw|2morrow|2moro)"
_NOT_CLOCK = r"(?![0-9:]|\s?[ap]\.?m)"

_AND_DATE = re.compile(rf"{WEEKDAY},?\s+(?=\S)")
_ORDINAL = rf"(?P<o>{'|'.join(ORDINALS)})(?!\w)"
_PAIR = r"(?P<a>[0-9]{1,2})(?P<sep>[/.-])(?P<b>[0-9]{1,2})"
_NO_UNIT = r"(?![\w:]|\s?[ap]\.?m|\s*(?:h|hours?|hrs?|m|min|d|days?|w|weeks?)\b)"
_FIRST_DAY = rf"(?:the\s+)?(?P<d>[0-9]{{1,2}}){_NTH}"
_END_DAY = rf"(?P<e>[0-9]{{1,2}}){_NTH}"

Builder = Callable[[re.Match[str], date], Piece | None]


def _iso(match: re.Match[str], today: date) -> Piece:
    return Day(safe_date(int(match[1]), int(match[2]), int(match[3])))


def _numeric(match: re.Match[str], today: date) -> Piece | None:
    first, second, year = int(match["a"]), int(match["b"]), match["y"]
    if match["sep"] == "." and not year:
        return _dotted(match, first, second)
    day, month = first, second
    if match["sep"] == "/" and second > 12 >= first:
        day, month = second, first
    elif match["sep"] == "/" and first <= 12 and second <= 12 and first != second:
        raise Unclear(f"Is {match.group().strip()} day first or month first? Please write it like {first} Dec.")
    if month > 12:
        raise Unclear("There is no such day in the calendar. Which date do you mean?")
    if not year:
        return Day(YearlessDate(day, month))
    return Day(safe_date(int(year) + (2000 if len(year) == 2 else 0), month, day))


def _dotted(match: re.Match[str], first: int, second: int) -> Piece | None:
    """ "9.30" is a time, "23.11" a date, "10.12" may be either."""
    clock = Clock(first, second, bare=not match["a"].startswith("0")) if first < 24 and len(match["b"]) == 2 else None
    day = Day(YearlessDate(first, second)) if 1 <= second <= 12 and 1 <= first <= 31 else None
    if day and (match["end"] or clock is None or second == 0):
        return day
    if clock and second < 60:
        return Dotted(clock, day) if day else clock
    return None


def _named(match: re.Match[str], today: date) -> Piece:
    day, month = int(match["d"]), MONTHS[match["m"].rstrip(".")]
    return Day(safe_date(int(match["y"]), month, day) if match["y"] else YearlessDate(day, month))


def _named_range(match: re.Match[str], today: date) -> Piece:
    month = MONTHS[match["m"].rstrip(".")]
    year = int(match["y"]) if match["y"] else resolve(Day(YearlessDate(int(match["d"]), month)), today).year
    first, last = safe_date(year, month, int(match["d"])), safe_date(year, month, int(match["e"]))
    if last < first:
        raise Unclear("The end is before the start. From when to when?")
    return Days(first, last)


def _month(match: re.Match[str], today: date) -> Piece:
    number = MONTHS[match["m"].rstrip(".")]
    year = int(match["y"]) if match["y"] else today.year + (number < today.month)
    return whole_month(date(year, number, 1))


def _weekday(match: re.Match[str], today: date) -> Piece:
    number = WEEKDAYS[match["wd"].rstrip(".")]
    said = (match.groupdict().get("q") or "").strip()
    week = {"this": "this", "next": "next", "last": "last"}.get(said, "")
    return Day(Weekday(number, week))  # type: ignore[arg-type]


def _weekly(match: re.Match[str], today: date) -> Piece:
    number = WEEKDAYS[match["wd"].rstrip(".")]
    return Day(monday_of(today) + timedelta(days=number)) if match["q"] == "this" else Day(Weekday(number, "weekly"))


def _week(match: re.Match[str], today: date) -> Piece:
    if match["q"] == "next":
        return five_days(monday_of(today, 1))
    friday = monday_of(today) + timedelta(days=4)
    if today > friday:
        raise Unclear("This week's working days are over. Do you mean next week?")
    return Days(today, friday)


def _week_number(match: re.Match[str], today: date) -> Piece:
    try:
        first = date.fromisocalendar(today.year, int(match["n"]), 1)
        if first + timedelta(days=4) < today:
            first = date.fromisocalendar(today.year + 1, int(match["n"]), 1)
    except ValueError:
        raise Unclear("There is no such week in the calendar. Which week do you mean?") from None
    return five_days(first)


def _week_of(match: re.Match[str], today: date) -> Piece | None:
    """ "w/c 30 Nov", "the week of 7 December", "week starting monday": Monday to Friday of the week of that day."""
    for pattern, build in RULES:
        if found := pattern.fullmatch(_AND_DATE.sub("", match["day"].strip())):
            piece = build(found, today)
            if isinstance(piece, Day):
                return five_days(monday_of(resolve(piece, today)))
    return None


def _weekend(match: re.Match[str], today: date) -> Piece:
    saturday = monday_of(today) + timedelta(days=5)
    return Days(max(today, saturday), saturday + timedelta(days=1))


def _edge(match: re.Match[str], today: date) -> Piece:
    """ "end of next week", "start of the month"."""
    start = match["edge"] in ("start", "beginning", "first day")
    ahead = 1 if (match["q"] or "").strip() == "next" else 0
    if match["unit"] == "week":
        monday = monday_of(today, ahead)
        return Day(monday if start else monday + timedelta(days=4))
    if match["unit"] == "year":
        year = today.year + ahead
        return Day(date(year, 1, 1) if start else date(year, 12, 31))
    month = whole_month(today + relativedelta(months=ahead))
    return Day(month.first if start else month.last)


def _edge_of_month(match: re.Match[str], today: date) -> Piece:
    """ "end of january"; one that has passed is next year's."""
    number = MONTHS[match["m"].rstrip(".")]
    year = int(match["y"]) if match["y"] else today.year + (number < today.month)
    month = whole_month(date(year, number, 1))
    return Day(month.last if match["edge"] == "end" else month.first)


def _ordinal(match: re.Match[str], today: date) -> Piece:
    """ "the first of december", "the second of next month"."""
    day, month = ORDINALS[match["o"]], match.groupdict().get("m")
    if month:
        return Day(YearlessDate(day, MONTHS[month.rstrip(".")]))
    first = whole_month(today + relativedelta(months=1)).first if "next" in match.group() else today.replace(day=1)
    return Day(safe_date(first.year, first.month, day))


def _end_of_day(match: re.Match[str], today: date) -> Piece:
    raise Unclear("At what time should it start? Please write the time, like 16:00.")


def _in(match: re.Match[str], today: date) -> Piece | None:
    """ "in 3 days", "5 working days from now"; hours and minutes are the clock's."""
    found = durations.read(match.string, match.start("span"))
    if found is None or not (found[0].days or found[0].working_days):
        return None
    return Day(found[0].after(today))


def _in_months(match: re.Match[str], today: date) -> Piece:
    return Day(today + relativedelta(months={"a": 1, "one": 1, "two": 2}.get(match["n"]) or int(match["n"])))


def _ahead(days: int) -> Builder:
    return lambda match, today: Day(today + timedelta(days=days))


_SPAN = rf"(?P<span>{durations.NUMBER}[ -]?(?:(?:working|business|work|week)[ -]?)?(?:days?|d|weeks?|w)(?!\w))"
RULES: tuple[tuple[re.Pattern[str], Builder], ...] = tuple(
    (re.compile(pattern), build)
    for pattern, build in (
        (
            r"(?:the\s+)?(?:w/c|wc|week\s+(?:of|commencing|starting|beginning|from))\s+(?:on\s+)?(?:the\s+)?"
            rf"(?P<day>{WEEKDAY}(?!,?\s*[0-9])|(?:{WEEKDAY},?\s+)?(?:20[0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}}|[0-9]{{1,2}}[/.][0-9]{{1,2}}"
            rf"|[0-9]{{1,2}}{_NTH}(?:\s+(?:of\s+)?{MONTH})?|{MONTH}\s+[0-9]{{1,2}}{_NTH}))(?![\w:])",
            _week_of,
        ),
        (rf"(?:the\s+)?{_ORDINAL}\s+(?:of\s+)?(?P<m>{MONTH})", _ordinal),
        (rf"(?P<m>{MONTH})\s+(?:the\s+)?{_ORDINAL}", _ordinal),
        (rf"(?:the\s+)?{_ORDINAL}\s+of\s+(?:the|this|next)\s+month(?!\w)", _ordinal),
        (rf"(?:the\s+)?(?P<edge>end|start|beginning)\s+of\s+(?P<m>{MONTH}){_YEAR}", _edge_of_month),
        (r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?![0-9])(?=t[0-9]|[^\w]|$)", _iso),
        (r"([0-9]{4})[/.]([0-9]{1,2})[/.]([0-9]{1,2})(?![\w/])", _iso),
        (rf"{_PAIR}(?P=sep)(?P<y>[0-9]{{4}}|[0-9]{{2}})(?![\w:])(?P<end>)", _numeric),
        (rf"(?![0-9]+-){_PAIR}(?P<end>\.(?=\s|$))?{_NO_UNIT}(?P<y>)", _numeric),
        (rf"{_FIRST_DAY}{_TO}(?:the\s+)?{_END_DAY}\s+(?:of\s+)?(?P<m>{MONTH}){_YEAR}", _named_range),
        (rf"(?P<m>{MONTH})\s+(?P<d>[0-9]{{1,2}}){_NTH}{_TO}{_END_DAY}{_NOT_CLOCK}{_YEAR}", _named_range),
        (rf"(?:the\s+)?(?P<d>[0-9]{{1,2}}){_NTH}\s*(?:of\s+)?(?P<m>{MONTH}){_YEAR}", _named),
        (rf"(?P<m>{MONTH})\s*(?:the\s+)?(?P<d>[0-9]{{1,2}}){_NTH}{_NOT_CLOCK}{_YEAR}", _named),
        (rf"(?:in\s+)?(?!may|mar\b|sep\b|dec\b)(?P<m>{MONTH}){_YEAR}", _month),
        (r"(?:the\s+)?(?P<d>[0-9]{1,2})(?:st|nd|rd|th)(?!\w)", lambda m, today: Day(YearlessDate(int(m["d"])))),
        (rf"(?:the\s+)?day\s+after\s+{_TOMORROW}(?!\w)", _ahead(2)),
        (rf"{_TOMORROW}(?!\w)", _ahead(1)),
        (r"today(?!\w)", _ahead(0)),
        (r"yesterday(?!\w)", _ahead(-1)),
        (r"in\s+a\s+fortnight(?!\w)", _ahead(14)),
        (rf"in\s+{_SPAN}(?:\s+time(?!\w))?", _in),
        (rf"{_SPAN}\s+from\s+(?:now|today)(?!\w)", _in),
        (r"in\s+(?P<n>an?|one|two|[0-9]{1,2})\s+months?(?!\w)", _in_months),
        (r"(?:the\s+)?(?:end\s+of\s+(?:the\s+|this\s+)?(?:business\s+)?day|eod|cob)(?!\w)", _end_of_day),
        (r"eom(?!\w)(?P<edge>)(?P<q>)(?P<unit>)", _edge),
        (r"eow(?!\w)(?P<edge>)(?P<q>)(?P<unit>)", lambda m, today: Day(monday_of(today) + timedelta(days=4))),
        (
            r"(?:the\s+)?(?P<edge>end|start|beginning|(?:first|last)\s+day(?=\s+of))\s+(?:of\s+)?(?P<q>the\s+|this\s+|next\s+)?(?P<unit>week|"
            r"month|year)(?!\w)",
            _edge,
        ),
        (r"(?P<q>)(?:the\s+)?(?:rest|remainder)\s+of\s+(?:the|this)\s+week(?!\w)", _week),
        (rf"(?P<q>this|next)\s+week,?\s+(?:on\s+)?(?P<wd>{WEEKDAY})", _weekly),
        (rf"(?P<wd>{WEEKDAY})\s+(?:of\s+|in\s+)?(?P<q>this|next)\s+week(?!\w)", _weekly),
        (r"(?:the\s+)?week\s+after\s+next(?:\s+week)?(?!\w)", lambda m, today: five_days(monday_of(today, 2))),
        (r"(?:the\s+)?(?P<q>this|next)\s+week(?!\w|end)", _week),
        (r"(?:the\s+)?next\s+month(?!\w)", lambda m, today: whole_month(today + relativedelta(months=1))),
        (r"(?:in\s+)?(?:week|wk|w|v)\.?\s?(?P<n>[0-9]{1,2})(?!\w)", _week_number),
        (r"(?:this|the|at\s+the|on\s+the)\s+weekend(?!\w)", _weekend),
        (rf"(?P<q>(?:this|next|last|coming|this\s+coming)\s+)?(?P<wd>{WEEKDAY})", _weekday),
    )
)  # fmt: skip
