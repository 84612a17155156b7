"""A sentence cut into clauses, each with the command that it calls, if it calls one and is meant to.

A command counts only where a clause begins with it: in "Jo will schedule it" nobody asks the bot for anything. What
follows "and" belongs to what came before, so "we decided to link Acme and schedule it" asks for nothing either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from planeapp.bot.grammar import lexer, manners
from planeapp.bot.grammar.outcome import Unclear
from planeapp.bot.grammar.phrases import Hit, find
from planeapp.bot.grammar.pieces import Clock, Day, Days, Number
from planeapp.bot.grammar.speech import Speech

_JOINT = re.compile(
    r"\s*[,;:]\s*(?P<comma>and\s+then\s+|and\s+also\s+|and\s+|then\s+|but\s+|also\s+|after\s+that,?\s+|"
    r"afterwards\s+)?(?=\S)"
    r"|\s+(?P<and>and\s+then|and\s+also|and|then|but|&|\+|plus|also)\s+(?=\S)"
)
_CONDITION = re.compile(
    r"(?:if|unless|once|when|whenever|as\s+soon\s+as|in\s+case|provided|until|while|after|before|should)\s"
)
# Words in front of a comma that make what follows part of a report or a plan of people, not a request to the bot.
_REPORT = re.compile(
    r"(?<![\w'])(?:said|says|told|tell|asked|asks|wants?|wanted|decided|agreed|suggested|suggests|should|would|"
    r"will|could|"
    r"might|going\s+to|plans?|planned|i'll|we'll|he'll|she'll|they'll|have\s+to|has\s+to|need\s+to|needs\s+to|"
    r"to)(?![\w'])"
)
_GO_AHEAD = re.compile(r"(?<!\w)(?:go\s+ahead|go|so\s+kind|try)$")  # what follows "and" is the request itself
_INTRO = re.compile(r"(?<!\w)(?:things?|to-?dos?|steps?|requests?|tasks?|favou?rs?|wishes|summary|next|following)$")
LONGEST = 500  # characters of a sentence that is read as commands
AHEAD = 120  # characters that show whether a clause begins with a command
_TIMED = ("schedule", "move")
_FOR_COMPANY = ("set_phase", "contacts", "customer", "add_contact", "tag")
_FOR = re.compile(r"(?:for|at|to)\s+")
# "Could we schedule a meeting": not the block of this item.
OTHER_THING = re.compile(
    r"\s*(?:a|an|another|our|some|the)\s+(?!block|slot|session|time|work|item|task|issue|card)[a-z]{3,}"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a sentence; ``joined`` is "", "comma", "colon" or "and". ``hit``: the command that is meant.

    ``together``: asked of "us"; ``greeted``: a greeting stood in front; ``called``: somebody was called by name.
    """

    said: Speech
    joined: str = ""
    polite: bool = False
    negated: bool = False
    hit: Hit | None = None
    together: bool = False
    greeted: bool = False
    called: bool = False


def split(sentence: Speech, now: datetime) -> list[Clause]:
    """The clauses of a sentence in order. Raises ``Unclear`` for a command that waits for a condition or never ends."""
    if len(sentence.low) > LONGEST:
        return _too_long(sentence)
    return _meant(_merged(_cut(manners.strip_back(sentence)), now))


def _too_long(sentence: Speech) -> list[Clause]:
    if _clause(sentence.part(0, AHEAD), "").hit:
        raise Unclear("That is a long sentence. Please write what I should do in a short one of its own.")
    return [Clause(sentence)]


def _cut(sentence: Speech) -> list[Clause]:
    clauses: list[Clause] = []
    start, joined = 0, ""
    for match in _JOINT.finditer(sentence.low):
        if (
            match.start() < start
            or _GO_AHEAD.search(sentence.low, start, match.start())
            or _clause(sentence.part(match.end(), match.end() + AHEAD), "").hit is None
        ):
            continue
        clauses.append(_clause(sentence.part(start, match.start()), joined))
        start = match.end()
        joined = _joint(match)
    clauses.append(_clause(sentence.part(start), joined))
    return [clause for clause in clauses if clause.said or clause.negated]


def _joint(match: re.Match[str]) -> str:
    if match["and"]:
        return "comma" if match["and"] == "but" else "and"
    return "colon" if match.group().lstrip().startswith(":") else "comma"


def _clause(said: Speech, joined: str) -> Clause:
    whole, bare = said, manners.strip_front(said)
    said = manners.strip_back(bare.said).without(manners.PLEASE)
    said = said.part(len(said.low) - len(said.low.lstrip(" ")))
    greeted = len(bare.said.low) < len(whole.low.strip())
    return Clause(said, joined, bare.polite, bare.negated, find(said), bare.together, greeted, bare.called)


def _merged(clauses: list[Clause], now: datetime) -> list[Clause]:
    """ "tomorrow at 10, schedule this" and "for Acme, set phase x": what stands in front goes behind its command."""
    merged: list[Clause] = []
    for clause in clauses:
        if clause.hit is None and not clause.negated:
            clause = _company_first(_time_first(clause, now))
        before = merged[-1] if merged else None
        if before and clause.hit and clause.joined in ("comma", "colon") and _belongs(before, clause, now):
            merged.pop()
            rest = clause.hit.rest.joined(before.said)
            clause = replace(clause, joined=before.joined, hit=replace(clause.hit, rest=rest))
        merged.append(clause)
    return merged


def _time_first(clause: Clause, now: datetime) -> Clause:
    """ "tomorrow 10:00 schedule 2h"."""
    end = _prefix(clause.said, now)
    if not end or end == len(clause.said.low):
        return clause
    inner = _clause(clause.said.part(end), clause.joined)
    if inner.hit is None or inner.negated or inner.hit.command.name not in _TIMED:
        return clause
    before = clause.said.part(0, end)
    if before.low.strip(" ,") == "now" and _says_time(inner.hit.rest, now):
        return inner
    return replace(inner, hit=replace(inner.hit, rest=inner.hit.rest.joined(before)))


def _says_time(rest: Speech, now: datetime) -> bool:
    """Whether a day or an hour is said, so that a "now" in front only means "next"."""
    try:
        return any(isinstance(piece, Day | Days | Clock | Number) for piece in lexer.pieces(rest.low, now))
    except Unclear:
        return True


def _company_first(clause: Clause) -> Clause:
    """ "for Acme please set the phase to onboarding"."""
    lead = _FOR.match(clause.said.low)
    if clause.hit or lead is None:
        return clause
    for gap in list(re.finditer(r"\s+", clause.said.low))[1:5]:
        inner = _clause(clause.said.part(gap.end()), clause.joined)
        if inner.hit and not inner.negated and inner.hit.command.name in _FOR_COMPANY:
            rest = inner.hit.rest.joined(clause.said.part(0, gap.start()))
            return replace(inner, hit=replace(inner.hit, rest=rest))
    return clause


def _belongs(before: Clause, clause: Clause, now: datetime) -> bool:
    if before.hit or before.negated or clause.hit is None:
        return False
    if clause.hit.command.name in _TIMED:
        return only_time(before.said, now)
    return (
        clause.hit.command.name in _FOR_COMPANY
        and re.match(r"(?:for|at|to)\s+\S+(?:\s\S+){0,3}$", before.said.low) is not None
    )


def only_time(said: Speech, now: datetime) -> bool:
    """Whether nothing but a day or a time was said."""
    return bool(said) and _prefix(said, now) == len(said.low)


def time_first(said: Speech, now: datetime) -> bool:
    """Whether it begins with a day or a time."""
    return _prefix(said, now) > 0


def _prefix(said: Speech, now: datetime) -> int:
    try:
        return lexer.time_prefix(said.low, now)
    except Unclear:
        return 0


def _meant(clauses: list[Clause]) -> list[Clause]:
    """The same clauses; ``hit`` is taken from those that forbid, report or suppose."""
    meant: list[Clause] = []
    frame = "open"
    for clause in clauses:
        if clause.negated:
            frame, clause = "negated", replace(clause, hit=None)
        elif clause.hit is None:
            frame = _frame(clause)
        elif _counts(clause, frame):
            frame, clause = "open", replace(clause, called=clause.called or frame == "name")
        else:
            frame, clause = "report", replace(clause, hit=None)
        meant.append(clause)
    return meant


def _counts(clause: Clause, frame: str) -> bool:
    """Whether a clause that begins with a command means it, after what was said before it in the sentence."""
    if frame == "condition":
        if clause.hit and clause.hit.command.name in _TIMED and OTHER_THING.match(clause.hit.rest.low):
            return False
        raise Unclear("I cannot wait for that. Please tell me again when it has happened.")
    if frame == "name":
        return clause.joined != "colon"
    if clause.polite or frame == "open":
        return True
    return frame in ("negated", "harmless") and clause.joined == "comma"


def _frame(clause: Clause) -> str:
    """What talk in front of a command makes of it: a condition, a call to somebody, a report, or nothing special."""
    if _CONDITION.match(clause.said.low):
        return "condition"
    if _REPORT.search(clause.said.low):
        return "report"
    if _INTRO.search(clause.said.low):
        return "open"
    is_name = clause.said.text[:1].isupper() and len(clause.said.low.split()) <= 2
    return "name" if is_name and not manners.TALK.search(clause.said.low) else "harmless"
