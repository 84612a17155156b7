"""What a person's words mean in the talk so far: a new command, or the answer to what the bot asked last.

What was asked is kept on the turn that asked (``Turn.pending``): either ``{"text", "verb"}``, words that lacked something,
or ``{"commands", "slot", "name"}``, commands of which the first lacks a company.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rapidfuzz import fuzz, process

from planeapp.bot.context import Talk
from planeapp.bot.models import Turn
from planeapp.bot.understand import Spoken, Understanding, understand
from planeapp.customers.search import named_in
from planeapp.lib.folding import folded

GOOD_FOR = timedelta(hours=24)
CLOSE_ENOUGH = 80.0
SHORT = 6
"""An answer to "which company?" has at most so many words; more of them are a remark."""
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6}
_NUMBER = re.compile(r"(?:(?:number|no\.?|nr\.?|option|#)\s*)?(\d{1,2})\s*[.)]?")
_YES = re.compile(r"(?:yes|yep|yeah|sure|ok|okay|please|please\s+do|do\s+it|go\s+ahead)(?:\s+please)?[.!]*")
_NEVER_MIND = re.compile(
    r"(?:never\s*mind|forget\s+it|cancel|none(?:\s+of\s+(?:them|these|those))?|no(?:pe)?|stop)[.!]*"
)


@dataclass(frozen=True)
class Heard:
    """What to do, or what to ask. ``pending`` is what the question is about; ``options`` when it is asked once more.

    ``dropped``: the person wants nothing done any more.
    """

    commands: tuple[Spoken, ...] = ()
    ask: str | None = None
    pending: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[dict[str, str], ...] = ()
    dropped: bool = False


def hear(talk: Talk, zone: str) -> Heard:
    """The turn's words, in the light of what was asked last."""
    said, asked = talk.turn.text, _asked(talk.turn)
    alone = _read(talk, said, zone)
    if asked is not None and not alone.commands:
        answered = _answer(talk, said, asked, zone)
        if answered is not None:
            return answered
    pending = {"text": said, "verb": alone.about} if alone.ask else {}
    return Heard(alone.commands, alone.ask, pending)


def _asked(turn: Turn) -> Turn | None:
    """The turn before this one, when its answer was a question to the same person that is still open."""
    earlier = Turn.objects.filter(
        installation_id=turn.installation_id, item_id=turn.item_id, asker=turn.asker, created_at__lt=turn.created_at,
        state__in=[Turn.State.ANSWERED, Turn.State.ACTED],
    ).order_by("-created_at")  # fmt: skip
    last = earlier.first()
    recent = last is not None and last.created_at > timezone.now() - GOOD_FOR
    return last if last is not None and recent and last.pending else None


def _read(talk: Talk, text: str, zone: str) -> Understanding:
    known = named_in(talk.installation, text)
    return understand(text, now=timezone.now(), zone=zone, companies=known)


def _answer(talk: Talk, said: str, asked: Turn, zone: str) -> Heard | None:
    """The answer to a question, or None when the words are none."""
    if _NEVER_MIND.fullmatch(folded(said)):
        return Heard(dropped=True)
    if "text" in asked.pending:
        return _completed(talk, said, asked.pending, zone)
    if "commands" not in asked.pending:
        return None
    choice = chosen(said, asked.options)
    if choice is not None:
        return Heard(_filled(asked.pending, {"id": choice["id"]}))
    if len(said.split()) <= SHORT and said.strip():
        return Heard(_filled(asked.pending, said.strip(" \t\n.!?\"“”'")))
    if asked.options:
        return Heard(ask="Which one do you mean?", pending=asked.pending, options=tuple(asked.options))
    return None


def _completed(talk: Talk, said: str, pending: Mapping[str, Any], zone: str) -> Heard | None:
    """What lacked something, with what was said now; the whole text first, then its command alone with the new words."""
    verb, text = pending.get("verb", ""), pending["text"]
    tries = [f"{text} {said}", *([f"{verb} {said}", f"{verb} to {said}"] if verb else [])]
    if verb and _YES.fullmatch(folded(said)):
        tries = [f"{verb} {text}"]
    readings = [_read(talk, text, zone) for text in tries]
    for reading in readings:
        if reading.commands and not reading.ask:
            return Heard(reading.commands)
    asking = next((index for index, reading in enumerate(readings) if reading.ask), None)
    if asking is None:
        return None
    return Heard(ask=readings[asking].ask, pending={"text": tries[asking], "verb": verb})


def chosen(said: str, options: Sequence[Mapping[str, str]]) -> Mapping[str, str] | None:
    """The option that a person means: by its id, its number, its label, or words that fit one label alone."""
    wanted = folded(said).strip(" .!?\"“”'")
    if not wanted or not options:
        return None
    for option in options:
        if wanted in (folded(option["id"]), folded(option["label"])):
            return option
    number = _number(wanted)
    if number is not None:
        return options[number - 1] if 1 <= number <= len(options) else None
    return _by_words(wanted, options)


def _number(wanted: str) -> int | None:
    bare = re.sub(r"^(?:the|take|use|choose)\s+|\s+(?:one|please)$", "", wanted)
    bare = re.sub(r"^(?:the)\s+|\s+(?:one)$", "", bare)
    found = _NUMBER.fullmatch(bare)
    return int(found[1]) if found else ORDINALS.get(bare)


def _by_words(wanted: str, options: Sequence[Mapping[str, str]]) -> Mapping[str, str] | None:
    labels = {index: folded(option["label"]) for index, option in enumerate(options)}
    holding = [index for index, label in labels.items() if re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", label)]
    if len(holding) == 1:
        return options[holding[0]]
    if holding:
        return None  # it fits several
    near = process.extract(wanted, labels, scorer=fuzz.ratio, score_cutoff=CLOSE_ENOUGH, limit=2)
    return options[near[0][2]] if near and (len(near) == 1 or near[0][1] - near[1][1] > 10) else None


def _filled(pending: Mapping[str, Any], company: str | dict[str, str]) -> tuple[Spoken, ...]:
    """The commands that waited, with the company that was asked for."""
    first, *rest = pending["commands"]
    args = dict(first["args"])
    if pending["slot"] == "companies":
        args["companies"] = [company if name == pending["name"] else name for name in args["companies"]]
    else:
        args["company"] = company
    return (Spoken(first["name"], args), *(Spoken(one["name"], one["args"]) for one in rest))
