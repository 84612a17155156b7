"""From the words behind a command to its arguments, in the names and shapes of the contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from planeapp.bot.grammar import calls, moves, names, people, sides, times
from planeapp.bot.grammar.outcome import NotACommand, Unclear
from planeapp.bot.grammar.phrases import IT, Hit
from planeapp.bot.grammar.speech import COVERS, MAIL, URL, Speech
from planeapp.providers import PROVIDERS

Args = dict[str, Any]

_LITTLE = re.compile(
    r"(?<![\w'])(?:of|in|to|as|well|and|for|on|this|it|that|these|them|the|a|an|work|item|items|task|issue|ticket|one|card|now|"
    r"right|away|again|here|"
    r"yet|too|once|more|time|from|with|calendar|schedule|plane|instead|then|also|do|update|report|info|"
    rf"{'|'.join(PROVIDERS)}|"
    r"me|us|immediately|today|last|action|change|my|your|you|just|please|currently|so|far|synced|syncing|"
    r"scheduled|already|still)(?![\w'])"
)
_UP = re.compile(r"up(?!\w)")  # "sync up" is a talk among people
_CONDITION = re.compile(r"(?<![\w'])(?:if|unless|once|when|whenever)(?![\w'])")
_OBJECT = re.compile(rf"[\s,.:!?]*(?:$|[+-]|(?:to|by|until)\s|(?:for|by)\s+another\s|{IT}(?!\w))")
# Verbs of the table that people use for other things every day: without a time or an object they are talk.
_EVERYDAY = frozenset(
    ["plan", "block", "book", "reserve", "move", "shift", "delay", "push", "extend", "make", "allocate", "set aside"]
)
# Verbs that are said of many other things: more words than the command needs, and it is about those.
_ELSEWHERE = frozenset(["refresh", "revert", "rollback", "roll [it] back", "explain", "usage"])
_COMPOUND = re.compile(  # "sync issues again", "status report": a word of another thing
    r"(?:issues?|problems?|errors?|fail\w*|bugs?|jobs?|reports?|meetings?|pages?|buttons?|history|wanted|desk|texts?|"
    r"settings?|logs?|engines?|sync|imports?|lists?|tables?|tabs?|views?|apis?|endpoints?|models?|fields?|columns?|"
    r"support|success|service|data|feedback|forms?|commits?|"
    r"merge|deployments?|migrations?|builds?|branch)(?!\w)"
)
_TIED = frozenset(["connect", "attach", "associate", "disconnect", "detach"])
_TIME_MADE = frozenset(["find time", "find slot", "set aside", "set aside time", "allocate", "allocate time"])
_CHANGED = frozenset(["change date", "change start", "change start date", "change time", "change [this] to"])
# What people add, note and save every day: a call only with its number.
_ANY_CALL = frozenset(["add [long] call", "note [long] call", "save [long] call"])
_NEEDS_NAME = frozenset(["tell [me] about", "what do we know about"])
_DETERMINED = re.compile(
    rf"\s*(?:(?:to|with|from)\s+)?(?!{IT}(?!\w))(?:the|a|an|your|my|our|their|his|her|some)\s+(?!work\s+item|item|issue|task|ticket|card)"
)
_ONE_WORD = re.compile(r"(?!(?:it|this|that|them|him|her|you|yourself|everything|yesterday|today|work|life)$)\S+")
_CUSTOMER = re.compile(r"(?:(?:the|this|our)\s+)?(?:customer|company|account|client)(?!\w)")
_PROSE = re.compile(
    r"(?<![\w'])(?:is|are|was|were|be|been|isn't|aren't|has|have|had|will|would|should|could|can|may|might|must|"
    r"do|does|did|"
    r"looks?|seems?|went|goes|i|i'm|we|we're|you|he|she|they|it's|that's|who|nobody|everybody|a\s+lot|sense|"
    r"sure|fast|failed|fails|failing|worked|works|shows)(?![\w'])"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """When and by whom a sentence was heard: ``now`` in the asker's zone, and the company names that are known."""

    now: datetime
    companies: tuple[str, ...] = ()


def read(hit: Hit, heard: Heard) -> Args:
    """The arguments of the command. Raises ``Unclear`` with a question, or ``NotACommand`` for mere talk."""
    return _READERS.get(hit.command.name, _none)(hit, heard)


def _none(hit: Hit, heard: Heard) -> Args:
    left = _without_little(hit.rest)
    if not left:
        return {}
    is_question = " " in hit.phrase and not hit.command.changes
    is_talk = is_question or hit.phrase in _ELSEWHERE or ":" in hit.rest.low or (hit.phrase == "why" and left == "not")
    is_talk = is_talk or _COMPOUND.match(left) is not None
    if is_talk or len(left.split()) > 2 or _PROSE.search(left) or _UP.match(left):
        raise NotACommand
    raise Unclear(f"I did not understand “{left[:60]}”. Do you mean: {hit.command.example}?")


def _without_little(rest: Speech) -> str:
    return " ".join(re.findall(rf"[\w'@-]*[\w{COVERS}][\w'{COVERS}-]*", _LITTLE.sub(" ", rest.low)))


def _schedule(hit: Hit, heard: Heard) -> Args:
    _no_prose(hit, heard.now)
    if hit.phrase in _TIME_MADE and sides.says_more(hit.rest.low, heard.now):
        raise NotACommand
    return times.read(hit.rest.low, heard.now).as_args()


def _no_prose(hit: Hit, now: datetime) -> None:
    """A condition is a question, a statement ("schedule looks tight", "move along") is no command."""
    low = hit.rest.low
    if _CONDITION.search(low):
        raise Unclear("I cannot wait for a condition. Please tell me again when it is met.")
    if not (_OBJECT.match(low) or sides.says_time(low, now)) and sides.unknown(low, now) > 2:
        raise NotACommand
    if _PROSE.search(low) or (hit.phrase in _EVERYDAY and not _OBJECT.match(low) and not sides.says_time(low, now)):
        raise NotACommand


def _move(hit: Hit, heard: Heard) -> Args:
    _no_prose(hit, heard.now)
    if hit.phrase in _CHANGED and (
        sides.says_more(hit.rest.low, heard.now) or not sides.says_time(hit.rest.low, heard.now)
    ):
        raise NotACommand
    return moves.read(hit.phrase, hit.rest.low, heard.now)


def _companies(hit: Hit, heard: Heard) -> Args:
    if hit.whose and _without_little(hit.rest):
        if not _named(hit.whose):
            raise NotACommand
        raise Unclear(f"I did not understand “{hit.rest.text.strip()[:60]}”. Which company?")
    if hit.rest.low.lstrip().startswith(":") and URL in hit.rest.low:
        raise NotACommand
    if _UP.match(hit.rest.low.lstrip()) or (hit.phrase in _TIED and _thing(hit.rest)):
        raise NotACommand
    return {"companies": names.companies(hit.whose or hit.rest, heard.companies)}


def _thing(rest: Speech) -> bool:
    """Whether what follows is no company: "attach the screenshot", "connect the wires to pin 4"."""
    return bool(_DETERMINED.match(rest.low)) and not _CUSTOMER.search(rest.low)


def _company(hit: Hit, heard: Heard) -> Args:
    if hit.whose:
        if _without_little(hit.rest):
            raise NotACommand
        return {} if people.is_own(hit.whose) else {"company": names.company(hit.whose, heard.companies)}
    if _COMPOUND.match(hit.rest.text.lstrip()):  # in lower case: "the contacts page", not "contacts Data Corp"
        raise NotACommand
    labelled = hit.phrase == "customer" and hit.rest.low.lstrip().startswith(":")
    if labelled or (hit.phrase in _NEEDS_NAME and not _named(hit.rest)):
        raise NotACommand
    if not _without_little(hit.rest) or people.is_own(hit.rest):
        return {}
    return {"company": names.company(hit.rest, heard.companies)}


def _named(rest: Speech) -> bool:
    """Whether what follows is meant as a name: "tell me about it" and "… about your weekend" are small talk."""
    said = rest.trimmed()
    return (
        bool(_CUSTOMER.match(said.low) or _ONE_WORD.fullmatch(said.low))
        or said.text[:1].isupper()
        or said.low[:1] in tuple(COVERS)
    )


def _contact(hit: Hit, heard: Heard) -> Args:
    if MAIL not in hit.rest.low and _COMPOUND.match(hit.rest.low.lstrip()):
        raise NotACommand
    return people.contact(hit.rest, heard.companies, bare=" " not in hit.phrase)


def _call(hit: Hit, heard: Heard) -> Args:
    if hit.phrase in _ANY_CALL and not calls.names_number(hit.rest):
        raise NotACommand
    return calls.read(hit.rest, heard.now)


def _phase(hit: Hit, heard: Heard) -> Args:
    return people.phase(hit.rest, hit.whose, heard.companies, bare=hit.phrase == "phase")


def _tag(hit: Hit, heard: Heard) -> Args:
    if hit.whose and hit.phrase.startswith("give"):
        return people.tag(hit.rest, heard.companies, adding=True, whose=hit.whose)
    if hit.whose:
        return people.tag(hit.whose.joined(hit.rest), heard.companies, adding=True)
    return people.tag(hit.rest, heard.companies, adding=hit.phrase != "tag")


_READERS: dict[str, Callable[[Hit, Heard], Args]] = {
    "schedule": _schedule,
    "move": _move,
    "link": _companies,
    "unlink": _companies,
    "customer": _company,
    "contacts": _company,
    "add_contact": _contact,
    "log_call": _call,
    "set_phase": _phase,
    "tag": _tag,
}
