"""Pieces of a time phrase put together: a start, and an end or a length when said.

What stays unsaid is never guessed: no day and no time, a time that has passed, a week with an hour, an end before the
start, or any word the grammar does not know, and ``Unclear`` asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from planeapp.bot.grammar import dates
from planeapp.bot.grammar.durations import Span
from planeapp.bot.grammar.outcome import Unclear
from planeapp.bot.grammar.pieces import Day, Part, Weekday, YearlessDate
from planeapp.bot.grammar.sides import WHEN, Phrase, Side, gather, is_plain


@dataclass(frozen=True, slots=True)
class When:
    """``start`` and ``end`` are a datetime with zone or a date (whole days, ``end`` included); ``minutes`` a length."""

    start: datetime | date
    end: datetime | date | None = None
    minutes: int | None = None

    def as_args(self) -> dict[str, Any]:
        """The arguments of the contract: ISO 8601, what was not said left out."""
        args: dict[str, Any] = {"start": self.start.isoformat()}
        if self.end is not None:
            args["end"] = self.end.isoformat()
        if self.minutes is not None:
            args["minutes"] = self.minutes
        return args


def read(low: str, now: datetime, *, past: bool = False) -> When:
    """The time said in ``low`` (lower case), as heard at ``now`` (in the asker's zone); ``past`` looks back.

    Raises ``Unclear`` with a question when it is not all understood.
    """
    phrase = gather(low, now)
    if phrase.endless:
        raise Unclear("From when? Please write the start as well as the end.")
    return build(phrase, now, past=past)


def build(phrase: Phrase, now: datetime, *, past: bool = False) -> When:
    """The start and the end that the phrase means; raises ``Unclear`` where it leaves a choice."""
    _numbers(phrase)
    when = _range(phrase, now, past) if phrase.to and not phrase.right.empty else _single(phrase, now, past)
    if not past:
        _not_over(when, now)
    return when


def _numbers(phrase: Phrase) -> None:
    """Bare numbers become clock times where a day, "at" or a second time stands beside them."""
    left, right = phrase.left, phrase.right
    anchored = any((left.day, right.day, left.days, left.part, left.instant, left.clock, right.clock))
    paired = left.number is not None and right.number is not None
    for side in (left, right):
        if side.number is None:
            continue
        if side.clock is not None:
            raise Unclear("I heard two different times. Which one?")
        if not (anchored or paired or side.number.marked):
            raise Unclear(f"What does {side.number.clock.hour} mean? Please write a day and a time, like monday 10:00.")
        side.clock, side.number = side.number.clock, None


def _single(phrase: Phrase, now: datetime, past: bool) -> When:
    said = phrase.left
    if said.days:
        return _several_days(said)
    if said.instant:
        if said.day or said.timed:
            raise Unclear("I heard two different times. Which one?")
        return _with_span(said.instant.at, said.span)
    if said.day is None and not said.timed:
        raise Unclear(WHEN)
    day = _date(said, now.date(), past)
    if not said.timed:
        return _whole(day, said.span, phrase)
    if said.part and said.part.before:
        return _before(said, day, phrase.zone, now)
    return _with_span(_at(day, _time(said), phrase.zone, now), said.span)


def _several_days(said: Side) -> When:
    if said.days is None or said.timed or said.span or said.day or said.instant:
        raise Unclear("On which day of that week or month? Please name the day.")
    return When(said.days.first, said.days.last)


def _whole(day: date, span: Span | None, phrase: Phrase) -> When:
    if span is None:
        return When(day)
    if span.minutes:
        return When(day, minutes=span.minutes)
    if span.weeks and phrase.began:
        raise Unclear("Do you mean so many weeks long, or so many weeks later? Please write both dates.")
    return When(day, span.last_day(day))


def _with_span(start: datetime, span: Span | None) -> When:
    if span and not span.minutes:
        raise Unclear("Whole days, or from that hour? Please write either the days or from when to when.")
    return When(start, minutes=span.minutes if span else None)


def _before(said: Side, day: date, zone: tzinfo, now: datetime) -> When:
    if said.span is None or not said.span.minutes or said.clock:
        raise Unclear(WHEN)
    noon = _at(day, time(12), zone, now)
    return When(_shifted(noon, -said.span.minutes), minutes=said.span.minutes)


def _shifted(moment: datetime, minutes: int) -> datetime:
    return (moment.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(moment.tzinfo)


def _time(said: Side, fallback: Part | None = None) -> time:
    part = said.part or (fallback if said.clock and said.clock.bare else None)
    if said.clock is None:
        return time(part.start.hour if part else 0)
    found = said.clock.time(part.half if part else "")
    if found is None or (part and part.half and not _fits(found, part)):
        raise Unclear("That time and that part of the day do not go together. At what time?")
    return found


def _end_time(right: Side, part: Part | None) -> time:
    """The end: "9-12 in the morning" ends at noon, and "afternoon 1 to 3" at 15:00."""
    morning = right.part.half == "am" if right.part else False
    if right.clock and right.clock.hour == 12 and right.clock.bare and (morning or right.part is None):
        return time(12, right.clock.minute)
    return _time(right, part if part and part.half == "pm" else None)


def _fits(moment: time, part: Part) -> bool:
    return moment.hour < 12 if part.half == "am" else moment.hour >= 12


def _at(day: date, moment: time, zone: tzinfo, now: datetime) -> datetime:
    """The moment in the asker's zone. A time that the clock change skips moves on to one that exists."""
    try:
        return datetime.combine(day, moment, zone).astimezone(UTC).astimezone(now.tzinfo)
    except OverflowError:
        raise Unclear("That date is too far away. Which date do you mean?") from None


def _range(phrase: Phrase, now: datetime, past: bool) -> When:
    left, right = phrase.left, phrase.right
    if left.days or right.days or left.span or right.span or right.instant or (left.part and left.part.before):
        raise Unclear("From when to when? Please write one start and one end.")
    if left.instant:
        start: datetime = left.instant.at
        end_day = dates.resolve(right.day, now.date()) if right.day else start.date()
        if not right.timed:
            raise Unclear("Until what time?")
        return _ordered(start, _at(end_day, _time(right), phrase.zone, now))
    first, last = _both_days(left, right, now.date(), past)
    if not left.timed and not right.timed:
        if phrase.listed and last - first != timedelta(days=1):
            raise Unclear("I can block days in a row only. From which day to which day?")
        if last < first:
            raise Unclear("The end is before the start. From when to when?")
        return When(first, last)
    if not left.timed or not right.timed:
        raise Unclear("From what time to what time?")
    return _clock_range(phrase, first, last, now)


def _both_days(left: Side, right: Side, today: date, past: bool) -> tuple[date, date]:
    """Both days; one said for both counts for both, and a plain weekday is the one nearest to the other day."""
    if left.day is None or right.day is None:
        day = _date(left if left.day else right, today, past)
        return day, day
    if is_plain(left.day) and not is_plain(right.day):
        last = _date(right, today, past)
        return (_weekday_before(left.day, last) if _is_week(right.day) else _date(left, today, past)), last
    first = _date(left, today, past)
    if right.weekday:
        return first, _date(right, today, past)
    return first, _after(right.day, first, today, past)


def _date(said: Side, today: date, past: bool) -> date:
    """The day of one side; a weekday said beside a date must be that of the date."""
    day = dates.resolve(said.day, today, past) if said.day else today
    if said.weekday and isinstance(said.weekday.value, Weekday) and said.weekday.value.number != day.weekday():
        raise Unclear(f"{day.day} {day:%B} {day.year} is a {day:%A}. Which day do you mean?")
    return day


def _is_week(day: Day) -> bool:
    return isinstance(day.value, Weekday)


def _weekday_before(day: Day, last: date) -> date:
    assert isinstance(day.value, Weekday)
    return last - timedelta(days=(last.weekday() - day.value.number) % 7)


def _after(day: Day, first: date, today: date, past: bool) -> date:
    """The end: a plain weekday or a date without a year is the first one from ``first`` on."""
    if is_plain(day):
        assert isinstance(day.value, Weekday)
        return first + timedelta(days=(day.value.number - first.weekday()) % 7)
    if isinstance(day.value, YearlessDate) and not past:
        return dates.resolve(day, max(first, today))
    return dates.resolve(day, today, past)


def _clock_range(phrase: Phrase, first: date, last: date, now: datetime) -> When:
    """Start and end with times; a part of the day said for one counts for the other."""
    left, right = phrase.left, phrase.right
    start, end = _time(left, right.part), _end_time(right, left.part)
    if first == last:
        start = _same_half(left, right, start, end)
    return _ordered(_at(first, start, phrase.zone, now), _at(last, end, phrase.zone, now))


def _same_half(left: Side, right: Side, start: time, end: time) -> time:
    """ "2-4pm" and "8-9pm" start in the half of the day of their end, "9-1pm" in the other since it must be before."""
    half = right.clock.half if right.clock else ""
    if not (left.clock and left.clock.bare and half) or left.part:
        return start
    early, late = left.clock.hour % 12, left.clock.hour % 12 + 12
    options = (late, early) if half == "pm" else (early, late)
    return next((found for hour in options if (found := time(hour, left.clock.minute)) < end), start)


def _ordered(start: datetime, end: datetime) -> When:
    if end.astimezone(UTC) <= start.astimezone(UTC):
        raise Unclear("The end is not after the start. From when to when?")
    return When(start, end)


def _not_over(when: When, now: datetime) -> None:
    if isinstance(when.start, datetime):
        if when.start.astimezone(UTC) < now.astimezone(UTC):
            raise Unclear(f"{when.start:%H:%M} on {when.start.day} {when.start:%B} has passed. {WHEN}")
    elif when.start < now.date():
        raise Unclear(f"{when.start.day} {when.start:%B %Y} has passed. {WHEN}")
