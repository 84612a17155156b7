"""What "move" and its kin mean: a new start, a shift ("+2d", "an hour later") or another length ("extend by 1h")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from planeapp.bot.grammar import durations, sides, times
from planeapp.bot.grammar.durations import Span
from planeapp.bot.grammar.outcome import NotACommand, Unclear
from planeapp.bot.grammar.phrases import IT

LATER = "Earlier or later? Please write it like: move 2 days later."
_LONGER = {"extend": 1, "prolong": 1, "lengthen": 1, "add": 1, "shorten": -1, "cut": -1, "reduce": -1}
_LATER = {"postpone": 1, "defer": 1, "delay": 1, "push": 1, "bring": -1, "pull": -1}
_WAYS = {
    "later": 1,
    "earlier": -1,
    "sooner": -1,
    "longer": 1,
    "shorter": -1,
    "more": 1,
    "back": 0,
    "forward": 0,
    "ahead": 0,
}
_OBJECT = re.compile(rf"\s*(?:{IT}|(?:the\s+)?(?:start|end|schedule|booking|duration|length)(?:\s+time)?)(?![\w'])")
_LEAD = re.compile(
    r"[\s,:]*(?P<way>back|out|forward|later|earlier|longer|shorter)?[\s,]*(?P<by>(?:by|with|for)(?!\w))?\s*(?P<sign>[+-])?\s*"
)
_ANOTHER = re.compile(
    r"(?<!\w)(?:another|an?\s+(?:extra|additional|further))\s+(?P<number>(?=[0-9]|half|two|three|four|five|six|ten|fifteen|twenty|thirty))?"
)
_TAIL = re.compile(
    r"\s*(?:(?P<way>later|earlier|sooner|longer|shorter|more|back|forward|ahead|out)(?!\w))?[\s,.!?;:-]*$"
)


@dataclass(frozen=True, slots=True)
class Delta:
    """A length with what was said about its direction: ``sign`` +1, -1 or 0 (not said), ``way`` a word like "later"."""

    span: Span
    sign: int
    way: str
    by: bool


def read(phrase: str, low: str, now: datetime) -> dict[str, Any]:
    """The arguments of ``move`` (contract): ``start``, ``shift_minutes``/``shift_days`` or ``extend_minutes``.

    ``phrase`` is the phrase of the table that was heard, ``low`` the lower-case rest. Raises ``Unclear``.
    """
    verb = phrase.split()[0]
    rest = _without_object(low)
    delta = _delta(rest)
    if delta:
        return _by(verb, delta)
    if verb in ("make", "start") and not re.fullmatch(r"\s*(?:much\s+)?(?:longer|shorter|later|earlier)\W*", rest):
        raise NotACommand
    if verb in _LONGER or verb == "make":
        raise Unclear("By how much? Please write it like: extend by 1h.")
    return {"start": _new_start(rest, now).isoformat()}


def _without_object(low: str) -> str:
    found = _OBJECT.match(low)
    rest = low[found.end() :] if found else low
    return _ANOTHER.sub(lambda match: "an " if match["number"] is None else "", rest)


def _delta(low: str) -> Delta | None:
    lead = _LEAD.match(low)
    found = durations.read(low, lead.end()) if lead else None
    tail = _TAIL.match(low, found[1]) if found else None
    if lead is None or found is None or tail is None:
        return None
    sign = {"+": 1, "-": -1}.get(lead["sign"] or "", 0)
    return Delta(found[0], sign, tail["way"] or lead["way"] or "", bool(lead["by"]))


def _by(verb: str, delta: Delta) -> dict[str, Any]:
    if delta.span.working_days:
        raise Unclear("Working days or calendar days? Please name the new day, like: move to friday.")
    sizes = verb in _LONGER or delta.way in ("longer", "shorter", "more")
    sign = _direction(verb, delta, sizes)
    minutes, days = sign * delta.span.minutes, sign * delta.span.days
    if sizes:
        return {"extend_minutes": minutes or days * 1440}
    return {"shift_minutes": minutes} if minutes else {"shift_days": days}


def _direction(verb: str, delta: Delta, sizes: bool) -> int:
    """+1 later or longer, -1 earlier or shorter; asks when nothing, or two things, were said about it."""
    own = _LONGER.get(verb, 0) if sizes else _LATER.get(verb, 0)
    way = _WAYS.get(delta.way, 0)
    if delta.way in ("forward", "ahead", "back") and own == 0:
        raise Unclear(LATER)
    if sizes and verb in _LONGER and delta.sign:
        own *= delta.sign
    said = {sign for sign in (own, way, 0 if verb in _LONGER else delta.sign) if sign}
    if len(said) > 1:
        raise Unclear("I heard two directions. Earlier or later?")
    if said:
        return said.pop()
    if delta.by:
        return 1
    raise Unclear("Longer or shorter? Please write it like: extend by 1h." if verb == "make" else LATER)


def _new_start(low: str, now: datetime) -> datetime | date:
    phrase = sides.gather(low, now)
    if phrase.to and phrase.began and not phrase.right.empty:
        phrase.left, phrase.right, phrase.to = phrase.right, sides.Side(), False
    if phrase.left.empty:
        raise Unclear("Where should it go? Please write it like: move to friday 10:00.")
    if not (phrase.left.day or phrase.left.days or phrase.left.instant) and not phrase.right.day:
        raise Unclear("On which day? Please write the day and the time, like: move to friday 10:00.")
    when = times.build(phrase, now)
    if when.minutes is not None or (when.end is not None and not phrase.left.days):
        raise Unclear("A move keeps the length. Please write only the new start, or schedule it with start and end.")
    return when.start
