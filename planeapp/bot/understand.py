"""What a sentence asks the bot to do. Nothing is done here: no database, no network, the clock comes in.

Conventions, repeated back to the person in full by whoever acts:

- a bare hour 1 to 6 is the afternoon, 7 to 12 the morning and noon ("at 3" is 15:00); "03:00" and "3am" are literal;
- a plain weekday is the next one after today; "next week" is its Monday to Friday; "3 days from monday" is Monday to
  Wednesday (calendar days, both ends count), "3 working days" skips weekends; half a day is four hours;
- the morning starts at 9:00, noon and lunch at 12:00, "after lunch" and the afternoon at 13:00, the evening at 18:00;
- "25.11." is day first, "25/11" and "11/25" are what they can be, "3/4" is a question;
- what has passed, what is missing and what could mean two things is a question, and then nothing else is done either;
- a command counts where a sentence or clause begins with it; reports, plans, conditions and negations command nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.bot.grammar import arguments, clauses, manners, sides, speech
from planeapp.bot.grammar.arguments import Heard
from planeapp.bot.grammar.outcome import NotACommand, Unclear
from planeapp.bot.grammar.phrases import is_form, is_verb, nearest
from planeapp.bot.grammar.speech import Speech

_SECOND_THOUGHT = re.compile(
    r"(?:no(?!\s+(?:rush|hurry|worries|problem|stress|need))|nope|wait|hold\s+on|i\s+mean|i\s+meant|correction|"
    r"rather|on\s+second|"
    r"hmm|or|stop|actually|make\s+(?:that|it)|better|don't|do\s+not)(?![\w'])(?!\s+(?:for|until|schedule|link|"
    r"sync|move|unlink|undo|tag|set|add|remove|log)\b)"
)
SHALL_I = "Shall I schedule it?"
FOR_ME = "Is that for me? If so, please write only the command."
_WITHOUT_ARGUMENTS = frozenset(["help", "status", "unschedule", "sync", "why", "undo"])
_AGREED = re.compile(r"\bthen\W*$")  # "tomorrow then" answers somebody
_PRONOUN = re.compile(r"[a-z]+\s+(?:me\s+|us\s+)?(?:it|its|them|their|they)(?!\w)")
_OBJECT = frozenset(["it", "this", "that", "these", "them", "everything", "all", "me", "us"])
CHANGED = "Did you change your mind? I have done nothing yet; please write again what I should do."


@dataclass(frozen=True, slots=True)
class Spoken:
    """One command that was asked for: its name in the table and its arguments (contract.md gives their shapes)."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Understanding:
    """The commands in the order they were said, or a question; neither when nothing was asked of the bot.

    ``about``: words that call the command which the question is about, ``""`` when that is not known.
    """

    commands: tuple[Spoken, ...] = ()
    ask: str | None = None
    about: str = ""

    def as_data(self) -> dict[str, Any]:
        """What ``manage.py understand`` prints: ``{"commands": [{"name", "args"}], "ask": null | text}``."""
        return {"commands": [{"name": one.name, "args": one.args} for one in self.commands], "ask": self.ask}


def understand(text: str, *, now: datetime, zone: str, companies: Sequence[str] = ()) -> Understanding:
    """What ``text`` (a comment without the mention of the bot) asks for.

    ``now`` is aware; days and hours are those of ``zone`` (IANA name; unknown names raise ``ZoneInfoNotFoundError``).
    ``companies`` are names that are known, so that "Smith and Sons" is one. When one part is unclear the answer is a
    question alone: half of what was asked for is not done.
    """
    if now.tzinfo is None:
        raise ValueError("understand() needs an aware now")
    local = now.astimezone(UTC).replace(second=0, microsecond=0).astimezone(ZoneInfo(zone))
    said = speech.hear(text, companies)
    if manners.withdrawn(said):
        return Understanding()
    try:
        return _commands(said, Heard(local, tuple(companies)))
    except Unclear as unclear:
        return Understanding(ask=unclear.question, about=unclear.about)


def _commands(said: Speech, heard: Heard) -> Understanding:
    spoken: list[Spoken] = []
    talk: list[clauses.Clause] = []
    for sentence in speech.sentences(said):
        before = len(spoken)
        _sentence(sentence, heard, spoken, talk)
        if 0 < before == len(spoken) and _SECOND_THOUGHT.match(sentence.low):
            raise Unclear(CHANGED)
    if spoken and any(_takes_back(clause, heard) for clause in talk):
        raise Unclear(CHANGED)
    if spoken:
        return Understanding(tuple(spoken))
    ask = next((ask for clause in talk if (ask := _suggestion(clause, heard, len(talk)))), None)
    return Understanding(ask=ask, about="schedule" if ask and ask.startswith(SHALL_I) else "")


def _sentence(sentence: Speech, heard: Heard, spoken: list[Spoken], talk: list[clauses.Clause]) -> None:
    """Adds the sentence's commands to ``spoken``, the rest to ``talk``. What is unclear behind talk is talk."""
    talked = False
    for clause in clauses.split(sentence, heard.now):
        try:
            args = _arguments(clause, heard)
            if args is not None:
                args |= _same_company(clause, args, spoken)
        except Unclear as unclear:
            if not (talked or clause.called or _among_people(clause, heard)):
                unclear.about = clause.hit.command.words[0] if clause.hit else ""
                raise
            args = None
        if clause.called and clause.hit and args is not None:
            if clause.hit.command.changes:
                raise Unclear(FOR_ME)
            args = None
        if clause.hit and args is not None:
            spoken.append(Spoken(clause.hit.command.name, args))
        else:
            talked = talked or clause.hit is not None
            talk.append(clause)


def _among_people(clause: clauses.Clause, heard: Heard) -> bool:
    """ "Let's sync on monday" and "can we get help from Jo" say more than the command, and to each other."""
    if not clause.together or clause.hit is None:
        return False
    if clause.hit.command.name in ("schedule", "move") and sides.says_more(clause.hit.rest.low, heard.now):
        return True
    return clause.hit.command.name in _WITHOUT_ARGUMENTS or clauses.OTHER_THING.match(clause.hit.rest.low) is not None


def _same_company(clause: clauses.Clause, args: dict[str, Any], spoken: list[Spoken]) -> dict[str, str]:
    """ "Tag Acme gold and set its phase": the company that "it" means is the one named just before."""
    takes_one = clause.hit is not None and clause.hit.command.name in ("set_phase", "tag", "contacts", "customer")
    if not takes_one or "company" in args or not spoken or not _PRONOUN.match(clause.said.low):
        return {}
    said = spoken[-1].args
    named = [said["company"]] if "company" in said else said.get("companies", [])
    if len(named) > 1:
        raise Unclear("One company at a time, please. Which one?")
    return {"company": named[0]} if named else {}


def _takes_back(clause: clauses.Clause, heard: Heard) -> bool:
    """ "Schedule it tomorrow. 10:00." and "Link Acme. No, don't." say more than was understood."""
    return (clause.negated and not clause.said) or clauses.time_first(clause.said, heard.now)


def _arguments(clause: clauses.Clause, heard: Heard) -> dict[str, Any] | None:
    """The arguments of the clause's command; None when it commands nothing."""
    if clause.hit is None:
        return None
    try:
        return arguments.read(clause.hit, heard)
    except NotACommand:
        return None


def _suggestion(clause: clauses.Clause, heard: Heard, clauses_said: int) -> str | None:
    """A question for words that look like a failed command: a time alone, or a short order with an unknown verb."""
    said = clause.said
    if clause.negated or clause.hit or clause.together or clauses_said > 1:
        return None
    if clauses.only_time(said, heard.now):
        if said.low.rstrip().endswith("?") or _AGREED.search(said.low) or (clause.greeted and not clause.polite):
            return None
        return f"{SHALL_I} Then please write: schedule {said.text.strip()[:60]}."
    if clauses.time_first(said, heard.now):
        return None
    words = re.findall(r"[^\W\d_][\w'-]*", said.low)
    if not words or len(words[0]) < 3 or "'" in words[0] or any(cover in said.low for cover in (*speech.COVERS, "@")):
        return None
    if manners.TALK.search(said.low) or len(words) > (4 if clause.polite else 3) or is_form(words[0]):
        return None
    command = nearest(said)
    if not (_is_order(said, words, clause) or (command and not is_verb(words[0]))):
        return None  # "remove unused imports" is said to somebody else
    if command:
        return f"I do not know “{words[0]}”. Do you mean: {command.example}? Write help to see everything."
    return f"I do not know “{words[0]}”. Write help to see what I understand."


def _is_order(said: Speech, words: list[str], clause: clauses.Clause) -> bool:
    """Whether unknown words are said to the bot: "archive it", "frobnicate"; not "bravo!", "hi Jo", "review my code"."""
    named = said.text.strip()[:1].isupper() and clause.greeted
    if len(words[0]) < 4:
        return False
    if len(words) == 1:
        return not (named or said.low.rstrip().endswith("!"))
    return words[1] in _OBJECT or re.match(r"\s*\S+\s+[^\W\d_a-z]", said.text) is not None
