"""Days as people say them: "tomorrow", "next mon", "23 Nov", "end of month", "in 3 working days", "week 48".

Conventions: a plain weekday is the next one after today; a week is Monday to Friday; dates with dots are day first,
with slashes day first unless only month first is possible, and asked for when both are.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import MAXYEAR, date, timedelta

from dateutil.relativedelta import relativedelta

from planeapp.bot.grammar import durations
from planeapp.bot.grammar.outcome import Unclear
from planeapp.bot.grammar.pieces import Clock, Day, Days, Dotted, Piece, Weekday, YearlessDate

FAR = 270  # days: a passed date without a year means next year only if that is not this far off

_WEEKDAYS = {
    "monday": 0, "mondays": 0, "mon": 0, "munday": 0, "tuesday": 1, "tues": 1, "tue": 1, "tuseday": 1, "teusday": 1,
    "wednesday": 2, "weds": 2, "wed": 2, "wensday": 2, "wendesday": 2, "wednsday": 2, "wednesay": 2, "thursday": 3,
    "thurs": 3, "thur": 3, "thu": 3, "thrusday": 3, "thurday": 3, "thursay": 3, "friday": 4, "fri": 4, "firday": 4,
    "firiday": 4, "saturday": 5, "sat": 5, "saterday": 5, "sunday": 6, "sun": 6,
}  # fmt: skip
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
WEEKDAY = rf"(?:{'|'.join(sorted(_WEEKDAYS, key=len, reverse=True))})(?!\w)\.?"
MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?!\w)\.?"
_NTH = r"(?:\s?(?:st|nd|rd|th)(?!\w)|\.(?=\s))?"
_YEAR = r"(?:,?\s+(?P<y>20[0-9]{2})(?![0-9:]))?"
_TO = r"\s*(?:-|to|until|till|through|thru)\s*"
_TOMORROW = r"(?:tomorrow|tommorow|tomorow|tommorrow|tomorrw|tomorro|tmrw|tmr|tmw|2morrow)"
_NOT_CLOCK = r"(?![0-9:]|\s?[ap]\.?m)"

_PAIR = r"(?P<a>[0-9]{1,2})(?P<sep>[/.-])(?P<b>[0-9]{1,2})"
_NO_UNIT = r"(?![\w:]|\s?[ap]\.?m|\s*(?:h|hours?|hrs?|m|min|d|days?|w|weeks?)\b)"
_FIRST_DAY = rf"(?:the\s+)?(?P<d>[0-9]{{1,2}}){_NTH}"
_END_DAY = rf"(?P<e>[0-9]{{1,2}}){_NTH}"

Builder = Callable[[re.Match[str], date], Piece | None]


def safe_date(year: int, month: int, day: int) -> date:
    """The date, or a question when there is no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        raise Unclear("There is no such day in the calendar. Which date do you mean?") from None


def monday_of(day: date, weeks: int = 0) -> date:
    """Monday of the week ``weeks`` after that of ``day``."""
    return day - timedelta(days=day.weekday()) + timedelta(weeks=weeks)


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
    day, month = int(match["d"]), _MONTHS[match["m"].rstrip(".")]
    return Day(safe_date(int(match["y"]), month, day) if match["y"] else YearlessDate(day, month))


def _named_range(match: re.Match[str], today: date) -> Piece:
    month = _MONTHS[match["m"].rstrip(".")]
    year = int(match["y"]) if match["y"] else resolve(Day(YearlessDate(int(match["d"]), month)), today).year
    first, last = safe_date(year, month, int(match["d"])), safe_date(year, month, int(match["e"]))
    if last < first:
        raise Unclear("The end is before the start. From when to when?")
    return Days(first, last)


def _month(match: re.Match[str], today: date) -> Piece:
    number = _MONTHS[match["m"].rstrip(".")]
    year = int(match["y"]) if match["y"] else today.year + (number < today.month)
    return _whole_month(date(year, number, 1))


def _whole_month(day: date) -> Days:
    return Days(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def _weekday(match: re.Match[str], today: date) -> Piece:
    number = _WEEKDAYS[match["wd"].rstrip(".")]
    said = (match.groupdict().get("q") or "").strip()
    week = {"this": "this", "next": "next", "last": "last"}.get(said, "")
    return Day(Weekday(number, week))  # type: ignore[arg-type]


def _weekly(match: re.Match[str], today: date) -> Piece:
    number = _WEEKDAYS[match["wd"].rstrip(".")]
    return Day(monday_of(today) + timedelta(days=number)) if match["q"] == "this" else Day(Weekday(number, "weekly"))


def _week(match: re.Match[str], today: date) -> Piece:
    if match["q"] == "next":
        first = monday_of(today, 1)
        return Days(first, first + timedelta(days=4))
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
    return Days(first, first + timedelta(days=4))


def _weekend(match: re.Match[str], today: date) -> Piece:
    saturday = monday_of(today) + timedelta(days=5)
    return Days(max(today, saturday), saturday + timedelta(days=1))


def _edge(match: re.Match[str], today: date) -> Piece:
    """ "end of next week", "start of the month"."""
    start = match["edge"] in ("start", "beginning")
    ahead = 1 if (match["q"] or "").strip() == "next" else 0
    if match["unit"] == "week":
        monday = monday_of(today, ahead)
        return Day(monday if start else monday + timedelta(days=4))
    if match["unit"] == "year":
        year = today.year + ahead
        return Day(date(year, 1, 1) if start else date(year, 12, 31))
    month = _whole_month(today + relativedelta(months=ahead))
    return Day(month.first if start else month.last)


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
        (r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?![0-9])(?=t[0-9]|[^\w]|$)", _iso),
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
        (rf"in\s+{_SPAN}(?:\s+time(?!\w))?", _in),
        (rf"{_SPAN}\s+from\s+(?:now|today)(?!\w)", _in),
        (r"in\s+(?P<n>an?|one|two|[0-9]{1,2})\s+months?(?!\w)", _in_months),
        (r"(?:the\s+)?(?:end\s+of\s+(?:the\s+|this\s+)?(?:business\s+)?day|eod|cob)(?!\w)", _end_of_day),
        (r"eom(?!\w)(?P<edge>)(?P<q>)(?P<unit>)", _edge),
        (r"eow(?!\w)(?P<edge>)(?P<q>)(?P<unit>)", lambda m, today: Day(monday_of(today) + timedelta(days=4))),
        (
            r"(?:the\s+)?(?P<edge>end|start|beginning)\s+(?:of\s+)?(?P<q>the\s+|this\s+|next\s+)?(?P<unit>week|"
            r"month|year)(?!\w)",
            _edge,
        ),
        (r"(?P<q>)(?:the\s+)?(?:rest|remainder)\s+of\s+(?:the|this)\s+week(?!\w)", _week),
        (rf"(?P<q>this|next)\s+week,?\s+(?:on\s+)?(?P<wd>{WEEKDAY})", _weekly),
        (rf"(?P<wd>{WEEKDAY})\s+(?:of\s+|in\s+)?(?P<q>this|next)\s+week(?!\w)", _weekly),
        (r"(?:the\s+)?(?P<q>this|next)\s+week(?!\w|end)", _week),
        (r"(?:the\s+)?next\s+month(?!\w)", lambda m, today: _whole_month(today + relativedelta(months=1))),
        (r"(?:in\s+)?(?:week|wk|w|v)\.?\s?(?P<n>[0-9]{1,2})(?!\w)", _week_number),
        (r"(?:this|the|at\s+the|on\s+the)\s+weekend(?!\w)", _weekend),
        (rf"(?P<q>(?:this|next|last|coming|this\s+coming)\s+)?(?P<wd>{WEEKDAY})", _weekday),
    )
)  # fmt: skip


def resolve(day: Day, today: date, past: bool = False) -> date:
    """The date meant by ``day`` as heard on ``today``; ``past`` looks back instead (a call that was made)."""
    if isinstance(day.value, Weekday):
        return _resolve_weekday(day.value, today, past)
    if isinstance(day.value, YearlessDate):
        return _resolve_yearless(day.value, today, past)
    return day.value


def _resolve_weekday(said: Weekday, today: date, past: bool) -> date:
    if past or said.week == "last":
        return today - timedelta(days=(today.weekday() - said.number) % 7 or 7)
    ahead = (said.number - today.weekday()) % 7
    if said.week == "this":
        return today + timedelta(days=ahead)
    nearest, weekly = today + timedelta(days=ahead or 7), monday_of(today, 1) + timedelta(days=said.number)
    if said.week == "next" and nearest != weekly:
        raise Unclear(f"Do you mean {_say(nearest)} or {_say(weekly)}?")
    return weekly if said.week == "weekly" else nearest


def _say(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _resolve_yearless(said: YearlessDate, today: date, past: bool) -> date:
    if not said.month:
        return _day_of_month(said.day, today, -1 if past else 1)
    years = range(today.year, today.year + 9) if not past else range(today.year, today.year - 9, -1)
    for year in years:
        try:
            found = date(min(year, MAXYEAR), said.month, said.day)
        except ValueError:
            continue
        if (found <= today) if past else (found >= today):
            if not past and (found - today).days > FAR and year != today.year:
                raise Unclear(
                    f"{said.day} {calendar.month_name[said.month]} has passed. Please write the year as well."
                )
            return found
    raise Unclear("There is no such day in the calendar. Which date do you mean?")


def _day_of_month(day: int, today: date, step: int) -> date:
    for months in range(12):
        month = today.replace(day=1) + relativedelta(months=months * step)
        if 1 <= day <= calendar.monthrange(month.year, month.month)[1]:
            found = month.replace(day=day)
            if (found - today).days * step >= 0:
                return found
    raise Unclear("There is no such day in the calendar. Which date do you mean?")
