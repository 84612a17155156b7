"""Company names as people write them: quoted or not, one or several, with or without "Inc."."""

from __future__ import annotations

import re
from collections.abc import Collection

from planeapp.bot.grammar.dates import MONTH, WEEKDAY
from planeapp.bot.grammar.outcome import NotACommand, Unclear
from planeapp.bot.grammar.phrases import IT
from planeapp.bot.grammar.speech import KNOWN, MAIL, QUOTE, URL, Speech

LONGEST_WORDS = 6
_HERE = rf"(?:{IT}|here|(?:work\s+)?(?:item|task|issue|ticket)(?=\s+(?:to|with|from)\s))(?!\w)"
_LEAD = re.compile(
    rf"[\s,:;-]*(?:(?:{_HERE}|up)\s*)?(?:(?:to|with|for|from|of|at|by|on)\s+)?(?:both(?:\s+of)?\s+)?"
    r"(?:(?:(?:the|our|a|my|these|those|this|following)\s+)*(?:customers?|company|companies|accounts?|clients?)(?:\s*:\s*|\s+(?!and\b)))?"
)
_PLURAL = re.compile(
    rf"[\s,:;-]*(?:{_HERE}\s*)?(?:(?:to|with|for|from)\s+)?(?:the\s+|our\s+)?(?:customers|companies|accounts|clients)\s"
)
_TAIL = re.compile(
    rf"\s+(?:(?:to|from|with|on|for|as)\s+)(?:{_HERE}|the\s+(?:item|task|issue|ticket)"
    r"|(?:a\s+|the\s+)?(?:customers?|company|companies))[\s.!?;:,]*$"
)
_SPLIT = re.compile(r"\s*,\s*(?:and\s+(?:also\s+)?|&\s*)?|\s+(?:and(?:\s+also)?|as\s+well\s+as)\s+")
# Little words behind a name that say when or how, not whom.
_ADVERB = re.compile(
    r"\s+(?:instead|too|also|as\s+well|again|now|right\s+now|right\s+away|immediately|asap|then|only|here|for\s+now|and)"
    r"[\s.!?;:,]*$"
)
# An "&" that can only be part of one name: "Smith & Sons", "Johnson & Johnson".
_ONE_NAME = re.compile(
    r"(?:sons?|daughters?|brothers?|bros\.?|partners?|co\.?|company|associates?|söner|sohn|söhne|cie|fils|friends|family)"
    r"(?:\s+\w+\.?)?$"
)
_SUFFIX = re.compile(r"(?:inc|ltd|llc|gmbh|ab|co|corp|sa|plc|oy|as|bv)\.?\s*$")
_KEEPS_DOT = re.compile(r"(?:inc|ltd|co|corp|bros|st|a\.b|s\.a)\.$")
# Words that stand in sentences and not in names: the text only talks about the thing.
_SENTENCE = re.compile(
    r"(?<![\w&'])(?:is|are|was|were|be|been|isn't|aren't|wasn't|has|have|had|will|would|should|could|can|can't|"
    r"cannot|may|"
    r"might|must|do|does|did|doesn't|didn't|don't|said|says|say|asks?|asked|asking|wants?|wanted|needs?|needed|told|"
    r"called|who|what|when|where|why|how|which|whose|because|since|while|it|i|i'm|i'll|i've|we|we're|you|you're|"
    r"he|she|they|"
    r"they're|it's|that's|there|there's|me|him|them|her|my|your|their|his|seems?|looks?|works?|goes|went|got|get|gets|"
    r"takes|took|fails|failed|failing|breaks|broke|crashes|crashed|happens|happened|keeps|"
    r"broken|dead|missing|wrong|in|into|above|below|about|very|really|still|already|just|so|then|than|too|also|"
    r"if|unless)"
    r"(?![\w&])"
)
_ASKS = re.compile(
    rf"(?<![\w&])(?:or|us|to|for|from|with|at|on|by|via|not|no|all|every|everything|everyone|any|both|except|"
    rf"without|but|"
    rf"schedule|scheduled|tomorrow|today|tonight|yesterday|this|these|those|next|{WEEKDAY}|{MONTH})(?![\w&]|\.\w)"
)


def companies(said: Speech, known: Collection[str] = (), alone: bool = False) -> list[str]:
    """The names in ``said``, as written. Raises ``Unclear`` for what may be no name, ``NotACommand`` for prose.

    ``alone``: one name is expected, so that "Ben & Jerry's" is not taken for two. Who writes "and" between names
    means "&" as part of one, too.
    """
    several = not alone and _PLURAL.match(said.low)
    said = _bare(said)
    if not said:
        raise Unclear("Which company?")
    if several and _may_be_two(said.low) and not _is_known(said, known):
        said = Speech(said.text.replace(" & ", " , "), said.low.replace(" & ", " , "))
    parts = _parts(said, known)
    one_each = alone or any(joint.group().strip() == "and" for joint in _SPLIT.finditer(said.low))
    return [_one(part, known, one_each) for part in parts]


def company(said: Speech, known: Collection[str] = ()) -> str:
    """The one name in ``said``; two are a question."""
    names = companies(said, known, alone=True)
    if len(names) > 1:
        raise Unclear("One company at a time, please. Which one?")
    return names[0]


def _bare(said: Speech) -> Speech:
    lead = _LEAD.match(said.low)
    said = said.part(lead.end() if lead else 0)
    while tail := _ADVERB.search(said.low) or _TAIL.search(said.low):
        said = said.part(0, tail.start())
    return said.trimmed(" \n,;:!?-")


def _parts(said: Speech, known: Collection[str]) -> list[Speech]:
    if _is_known(said, known):
        return [said]
    found: list[Speech] = []
    start = 0
    for match in _SPLIT.finditer(said.low):
        if match.end() < len(said.low) and _SUFFIX.match(re.split(r"\s*,|\s+and\s", said.low[match.end() :])[0]):
            continue
        found.append(said.part(start, match.start()))
        start = match.end()
    return [part for part in (*found, said.part(start)) if part]


def _is_known(said: Speech, known: Collection[str]) -> bool:
    return said.text.strip().casefold() in {name.strip().casefold() for name in known}


def _one(said: Speech, known: Collection[str], alone: bool) -> str:
    said = _trimmed(said)
    covered = set(said.low) <= {QUOTE} or set(said.low) <= {KNOWN}
    if covered or _is_known(said, known):
        name = said.text.strip("\"' ") if set(said.low) <= {QUOTE} else said.text
        if name.strip():
            return " ".join(name.split())
        raise Unclear("Which company?")
    _check(said, alone)
    return " ".join(said.text.split())


def _trimmed(said: Speech) -> Speech:
    said = said.trimmed(" \n,;:!?-*")
    while said.low and not (said.low[-1].isalnum() or said.low[-1] in f".){QUOTE}{KNOWN}{MAIL}{URL}"):
        said = said.part(0, len(said.low) - 1)
    if said.low.endswith(".") and not _KEEPS_DOT.search(said.low):
        said = said.trimmed(" .")
    return said


_ODD = re.compile(r"\s[+/]\s|\w\w/\w\w|[|<>=]|:\s|\((?:the|a|not|from|in|our)\s")


def _may_be_two(low: str) -> bool:
    """Whether an "&" may stand between two names; not in "Smith & Sons" or "Johnson & Johnson"."""
    left, ampersand, right = low.partition(" & ")
    return bool(ampersand) and left != right and not _ONE_NAME.match(right)


_STATEMENT = re.compile(
    r"(?<![\w&'])(?:is|are|was|were|isn't|aren't|has|have|had|will|would|should|could|can|does|did|i|we|you|"
    r"they|he|she)(?!\w)"
)


def refuse_statement(said: Speech) -> None:
    """Raises ``NotACommand`` when ``said`` is a statement; milder than for names, since a phase may be "in use"."""
    if _STATEMENT.search(said.low):
        raise NotACommand


def refuse_prose(said: Speech) -> None:
    """Raises ``NotACommand`` when ``said`` reads like a sentence rather than a name."""
    if _SENTENCE.search(said.low):
        raise NotACommand


def _check(said: Speech, alone: bool) -> None:
    if not said.low or not any(letter.isalnum() for letter in said.low):
        raise Unclear("Which company?")
    refuse_prose(said)
    if len(said.low.split()) > LONGEST_WORDS or (URL in said.low and " " in said.low):
        raise NotACommand
    odd = any(letter in said.low for letter in (QUOTE, KNOWN, MAIL, URL))
    if odd or _ASKS.search(said.low) or _ODD.search(said.low) or (not alone and _may_be_two(said.low)):
        raise Unclear(f"Is “{said.text[:60]}” the name of a company? If so, please put it in quotes.")
    if re.match(r"(?:the|a|an)\s", said.low) and not said.text.split()[1][:1].isupper():
        raise Unclear(f"Which company is “{said.text[:60]}”? Please write its name in quotes.")
