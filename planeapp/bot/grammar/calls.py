"""A phone call to log: number, when, how long, how long the caller waited."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import phonenumbers

from planeapp.bot.grammar import durations, sides, times
from planeapp.bot.grammar.outcome import NotACommand, Unclear
from planeapp.bot.grammar.speech import Speech

# Groups of digits, none of them the hour of "14:00" or the count of "12m".
_GROUP = (
    r"\(?[0-9]+\)?(?![0-9]|:[0-9]|[.,][0-9]{2}(?![0-9.])|\s?(?:[ap]\.?m|h|m|min|mins|minutes?|hours?|s|sec|"
    r"seconds?)(?!\w))"
)
_NUMBER = re.compile(rf"(?<!\w)(?<![0-9]:)(?P<plus>\+\s?)?{_GROUP}(?:[ ./-]{{0,2}}{_GROUP})*")
_DOTTED = re.compile(r"(?<![\w:])\+[0-9]{1,3}(?:\.[0-9]{2,4}){2,5}(?![\w.:])")
_TRUNK = re.compile(r"(?<=[0-9])\s?\(0\)\s?")
_WAIT = re.compile(
    r"(?:,\s*|and\s+)?(?:(?:after\s+)?(?:a\s+)?(?:wait|waiting|waited|on\s+hold|queue|queued|"
    r"hold)(?!\w)(?:\s+(?:of|for|time|was))*[\s:]*)(?=\S)"
)
_SECONDS = re.compile(r"(?P<n>[0-9]{1,5})\s?(?:s|sec|secs|seconds?)(?!\w)")
_MINUTES_SECONDS = re.compile(r"(?P<m>[0-9]{1,3})\s?m(?:in)?\s?(?P<s>[0-9]{1,2})\s?s(?:ec)?(?!\w)")
# "12m 10s waiting": both together, or a call of 12 minutes?
_TWO_LENGTHS = re.compile(r"[0-9]{1,3}\s?m(?:in)?\s+[0-9]")
_WAITED = re.compile(r"\s*(?:of\s+)?(?:wait(?:ing)?|on\s+hold|hold)(?!\w)")
_TALK = re.compile(
    r"\b(?:with|from|to|number|phone|incoming|outgoing|inbound|outbound|it|took|lasted|lasting|was|call|called|a|the|"
    r"(?:we|i|they)?\s*(?:talked|spoke)|"
    r"customer|at number|tel|nr)\b"
    r"(?!\s*[0-9]{1,2}(?::|\s?[ap]m))"
)
_DATE = re.compile(r"20[0-9]{2}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[./-][0-9]{1,2}[./-]20[0-9]{2}")
SHORTEST = 5  # digits; fewer are a time or a count, not a phone number


def read(said: Speech, now: datetime) -> dict[str, Any]:
    """The arguments of ``log_call`` (contract). A national number stays as written: no country is guessed."""
    text, number = _take_number(_evened(said))
    rest, waiting = _take_waiting(text)
    args: dict[str, Any] = {"number": number}
    rest = _TALK.sub(" ", rest)
    if any(letter.isalnum() for letter in rest):
        args |= _when(rest, now)
    if waiting is not None:
        args["waiting_seconds"] = waiting
    return args


def names_number(said: Speech) -> bool:
    """Whether a phone number is said at all."""
    return bool(_numbers(_evened(said)))


def _numbers(said: Speech) -> list[re.Match[str]]:
    found = (match for match in _NUMBER.finditer(said.low) if not _DATE.fullmatch(match.group().strip()))
    return [match for match in found if sum(c.isdigit() for c in match.group()) >= SHORTEST]


def _evened(said: Speech) -> Speech:
    """ "+46.70.123.45.67" and "+46 (0)70 …" as numbers are written elsewhere."""
    low = _DOTTED.sub(lambda match: match.group().replace(".", "-"), said.low)
    return Speech(said.text, _TRUNK.sub(" ", low) if "+" in low else low)


def _take_number(said: Speech) -> tuple[str, str]:
    found = _numbers(said)
    if not found:
        if len(said.low.split()) > 6:
            raise NotACommand
        raise Unclear("Which phone number? Please write it with the country code, like +46 70 123 45 67.")
    if len(found) > 1:
        raise Unclear("I see two phone numbers. Which one?")
    written, number = _longest(found[0].group())
    start = found[0].start()
    return said.low[:start] + " " + said.low[start + len(written) :], number


def _longest(written: str) -> tuple[str, str]:
    """The part of ``written`` that is a phone number, and its E.164 form where the country is known."""
    shorter = [written[: match.start()] for match in re.finditer(r"[ ./-]+(?=[0-9(])", written)]
    options = [option.rstrip(" ./-") for option in (written, *reversed(shorter))]
    if not written.startswith(("+", "00")):
        return written, written.strip()
    for good in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
        for option in options:
            number = _parsed(option)
            if number is not None and good(number):
                return option, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    raise Unclear(f"{written.strip()} is not a whole phone number. Please write it with the country code.")


def _parsed(written: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse("+" + written[2:] if written.startswith("00") else written, None)
    except phonenumbers.NumberParseException:
        return None


def _take_waiting(low: str) -> tuple[str, int | None]:
    """The rest without the waiting time, and that time in seconds; None when none was said."""
    if match := _WAIT.search(low):
        found = seconds(low, match.end())
        if found:
            return low[: match.start()] + " " + low[found[1] :], found[0]
    for place in (match.start() for match in re.finditer(r"(?<!\S)[0-9]", low)):
        found = seconds(low, place)
        tail = _WAITED.match(low, found[1]) if found else None
        if found and tail and _TWO_LENGTHS.match(low, place):
            raise Unclear("How long was the call, and how long the waiting? Please write it like: 12m waiting 10s.")
        if found and tail:
            return low[:place] + " " + low[tail.end() :], found[0]
    return low, None


def seconds(low: str, start: int) -> tuple[int, int] | None:
    """The seconds said at ``start`` ("10s", "1 minute", "1m 20s") and where that ends."""
    if match := _MINUTES_SECONDS.match(low, start):
        return int(match["m"]) * 60 + int(match["s"]), match.end()
    if match := _SECONDS.match(low, start):
        return int(match["n"]), match.end()
    found = durations.read(low, start)
    return (found[0].minutes * 60, found[1]) if found and found[0].minutes else None


def _when(low: str, now: datetime) -> dict[str, Any]:
    phrase = sides.gather(low, now)
    only = phrase.left.span
    if (
        only
        and only.minutes
        and phrase.right.empty
        and not (phrase.left.day or phrase.left.timed or phrase.left.number or phrase.left.instant)
    ):
        return {"minutes": only.minutes}
    when = times.build(phrase, now, past=True)
    if when.end is None:
        return when.as_args()
    if not isinstance(when.start, datetime) or not isinstance(when.end, datetime):
        raise Unclear("When was the call, and how long? Please write it like: 14:00 12m.")
    return {"start": when.start.isoformat(), "minutes": int((when.end - when.start).total_seconds() // 60)}
