"""Calendar arithmetic under the day words: names of days and months, and which date a day without a year means."""

from __future__ import annotations

import calendar
from datetime import MAXYEAR, date, timedelta

from dateutil.relativedelta import relativedelta

from planeapp.bot.grammar.outcome import Unclear
from planeapp.bot.grammar.pieces import Day, Days, Weekday, YearlessDate

FAR = 270  # days: a passed date without a year means next year only if that is not this far off

WEEKDAYS = {
    "monday": 0, "mondays": 0, "mon": 0, "munday": 0, "tuesday": 1, "tues": 1, "tue": 1, "tuseday": 1, "teusday": 1,
    "wednesday": 2, "weds": 2, "wed": 2, "wensday": 2, "wendesday": 2, "wednsday": 2, "wednesay": 2, "thursday": 3,
    "thurs": 3, "thur": 3, "thu": 3, "thrusday": 3, "thurday": 3, "thursay": 3, "friday": 4, "fri": 4, "firday": 4,
    "firiday": 4, "saturday": 5, "sat": 5, "saterday": 5, "sunday": 6, "sun": 6,
}  # fmt: skip
MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name[:3]: number for name, number in MONTHS.items()} | {"sept": 9}
WEEKDAY = rf"(?:{'|'.join(sorted(WEEKDAYS, key=len, reverse=True))})(?!\w)\.?"
MONTH = rf"(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})(?!\w)\.?"
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip


def safe_date(year: int, month: int, day: int) -> date:
    """The date, or a question when there is no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        raise Unclear("There is no such day in the calendar. Which date do you mean?") from None


def monday_of(day: date, weeks: int = 0) -> date:
    """Monday of the week ``weeks`` after that of ``day``."""
    return day - timedelta(days=day.weekday()) + timedelta(weeks=weeks)


def whole_month(day: date) -> Days:
    """All days of the month of ``day``."""
    return Days(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def five_days(monday: date) -> Days:
    """The working week that begins on ``monday``."""
    return Days(monday, monday + timedelta(days=4))


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
