"""A time phrase sorted into its two sides: what stands before "to" and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from planeapp.bot.grammar import lexer
from planeapp.bot.grammar.durations import Span
from planeapp.bot.grammar.outcome import Unclear
from planeapp.bot.grammar.pieces import Clock, Day, Days, Dotted, Instant, Junk, Mark, Number, Part, Piece, Weekday

WHEN = "When should it start?"


def is_plain(day: Day) -> bool:
    """Whether it is a weekday without "next" or the like."""
    return isinstance(day.value, Weekday) and not day.value.week


@dataclass(slots=True)
class Side:
    """What was said before or after "to": at most one of each."""

    day: Day | None = None
    days: Days | None = None
    clock: Clock | None = None
    number: Number | None = None
    part: Part | None = None
    span: Span | None = None
    instant: Instant | None = None
    weekday: Day | None = None

    def put(self, piece: Piece) -> None:
        """Fills the slot of the piece; a second of the same kind is a question, "monday 23 november" is one day."""
        name = type(piece).__name__.lower()
        if isinstance(piece, Day) and self.day and is_plain(piece) != is_plain(self.day):
            self.day, self.weekday = (piece, self.day) if is_plain(self.day) else (self.day, piece)
            return
        if isinstance(piece, Part) and self.part and self.part.half == piece.half and not piece.before:
            return  # "first thing in the morning"
        if getattr(self, name) is not None:
            raise Unclear("I heard two different times. Which one?")
        setattr(self, name, piece)

    @property
    def timed(self) -> bool:
        """Whether a time of day was said."""
        return bool(self.clock or self.part)

    @property
    def empty(self) -> bool:
        """Whether nothing was said on this side."""
        return not any((self.day, self.days, self.clock, self.number, self.part, self.span, self.instant))


@dataclass(slots=True)
class Phrase:
    """Both sides of a time phrase, joined by "to" or listed with "and"; ``began`` when "from" was said.

    ``endless``: it opens with "until", which is a start for a move ("postpone until friday") and none for a block.
    """

    left: Side = field(default_factory=Side)
    right: Side = field(default_factory=Side)
    to: bool = False
    began: bool = False
    listed: bool = False
    endless: bool = False
    zone: tzinfo = UTC


def says_time(low: str, now: datetime) -> bool:
    """Whether anything about time is said at all."""
    return any(not isinstance(piece, Mark | Junk) for piece in lexer.pieces(low, now))


def says_more(low: str, now: datetime) -> bool:
    """Whether a word is said that has nothing to do with time."""
    return unknown(low, now) > 0


def unknown(low: str, now: datetime) -> int:
    """How many words are said that have nothing to do with time."""
    return sum(isinstance(piece, Junk) for piece in lexer.pieces(low, now))


def gather(low: str, now: datetime) -> Phrase:
    """The pieces of ``low`` sorted into the two sides of "to"."""
    found = lexer.pieces(low, now)
    junk = [piece.text for piece in found if isinstance(piece, Junk)]
    if junk:
        raise Unclear(_not_understood(junk))
    utc = any(isinstance(piece, Mark) and piece.name == "utc" for piece in found)
    phrase = Phrase(zone=UTC if utc else now.tzinfo or UTC)
    between = False
    for piece in _dots_decided(found):
        _not_before_the_day(piece, phrase)
        if not isinstance(piece, Mark):
            (phrase.right if phrase.to else phrase.left).put(piece)
        elif piece.name in ("from", "between"):
            phrase.began, between = True, piece.name == "between"
        elif piece.name in ("to", "until") or (piece.name == "and" and (between or _next_day(phrase.left))):
            phrase.listed = piece.name == "and" and not between
            phrase.endless = phrase.endless or (piece.name == "until" and phrase.left.empty)
            _turn(phrase)
        elif piece.name == "and" and not phrase.left.empty:
            raise Unclear("I heard two times. Which one, or from when to when?")
    return phrase


def _not_before_the_day(piece: Piece, phrase: Phrase) -> None:
    """ "4 tomorrow" may be "for tomorrow": a single number counts as a time only behind the day or after "at"."""
    number = phrase.left.number
    if isinstance(piece, Day) and number and not number.marked and not phrase.to and not phrase.began:
        raise Unclear(f"What does {number.clock.hour} mean? Please write the time like {number.clock.hour}:00.")


def _not_understood(junk: list[str]) -> str:
    words = " ".join(word for word in junk if word.isprintable())[:60]
    return f"I did not understand “{words}”. {WHEN}" if words else WHEN


def _turn(phrase: Phrase) -> None:
    """ "to": what follows is the end, unless nothing came before ("move to friday")."""
    if phrase.to:
        raise Unclear("I heard more than one end. From when to when?")
    phrase.to = not phrase.left.empty


def _next_day(side: Side) -> bool:
    """ "monday and tuesday": two whole days in a row (checked when both are known)."""
    return side.day is not None and not side.timed and side.number is None and side.span is None


def _dots_decided(found: list[Piece]) -> list[Piece]:
    """ "10.12" is a time beside a day and a date beside a time; alone it is a question."""
    others = [piece for piece in found if not isinstance(piece, Dotted)]
    has_day = any(isinstance(piece, Day | Days) for piece in others)
    has_time = any(isinstance(piece, Clock | Part | Number) for piece in others)
    decided: list[Piece] = []
    for piece in found:
        if isinstance(piece, Dotted):
            if has_day == has_time:
                raise Unclear("Is that a date or a time? Please write the time with a colon, like 10:12.")
            decided.append(piece.clock if has_day else piece.day)
        else:
            decided.append(piece)
    return decided
