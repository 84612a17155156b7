"""Which command the first words of a clause call. The longest phrase wins; small typos are forgiven."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

from rapidfuzz.distance import OSA

from planeapp.bot.commands import BY_NAME, PHRASES, Command
from planeapp.bot.grammar.slips import OTHER_WORDS, PLAIN, closest
from planeapp.bot.grammar.speech import Speech
from planeapp.providers import PROVIDERS

_ARTICLE = r"(?:the|a|an|this|that|its|my|your|our|new|all|following|current|latest|already|still|currently|actually)"
# What else may stand in front of a word: "the scheduled block", "an incoming call".
_KINDS = {
    "block": r"(?:scheduled|planned|schedule|time|calendar|existing)",
    "slot": r"(?:scheduled|planned|time|calendar)",
    "status": r"(?:(?:work\s+)?item|task|issue|ticket)(?:'s)?",
    "call": r"(?:incoming|outgoing|inbound|outbound|quick|short|long|phone|customer|support)",
}
_NO_NAME = (
    r"(?:customers?|company|companies|up|out|off|on|in|to|of|for|next|last|first|second|each|every|any|some|more|no)"
)
IT = (
    r"(?:(?:this|that|the|my|our)\s+(?:work\s+)?(?:item|task|issue|ticket|one(?!\s+(?:week|day|hour|month|and))|"
    r"thing|card|story|block|slot)"
    r"|this|it|that|these|them|(?:the\s+)?(?:block|slot))"
)
_PLACES = {
    "[it]": rf"(?:\s+{IT})?",
    "[this]": rf"\s+{IT}",
    "[vendor]": rf"\s+(?:{'|'.join(PROVIDERS)})",
    "[me]": r"(?:\s+(?:me|us))?",
    "[whose]": (
        r"(?:\s+(?P<whose>\S+(?:\s\S+){0,3}?)'s"
        rf"|\s+(?!(?:{_ARTICLE}|{_NO_NAME})\s)(?P<bare>\S+(?:\s\S+){{0,2}}?))?"
    ),
    "[label]": rf"(?:\s+(?:{_ARTICLE}\s+)*(?!(?:{_ARTICLE}|{_NO_NAME})\s)(?P<label>\S+))?",
    "[phase]": rf"(?:\s+(?:{_ARTICLE}\s+)*(?!(?:{_ARTICLE}|{_NO_NAME}|phase)\s)(?P<long>\S+))?",
    "[theirs]": r"\s+(?P<whose>\S+(?:\s\S+){0,3}?)'s",
    "[name]": r"\s+(?P<whose>\S+(?:\s\S+){0,4}?)",
    "[who]": r"(?:\s+(?P<whose>\S+(?:\s\S+){0,4}?))?",
    "[long]": (
        r"(?:\s+(?:an?\s+|another\s+|an\s+extra\s+)?(?P<long>(?:[0-9]{1,3}(?:[.,][0-9])?|half(?:\s+an)?|an|one|two|three|five|ten|"
        r"fifteen|twenty|thirty|forty-five)[ -]?(?:m|min|mins|minutes?|h|hours?)))?"
    ),
}
_STOP = r"(?![\w'/=_@#]|-\w|\.\w)"
_CONTACTS_OF = re.compile(r"(?!(?:it|that|there|here|who|what)')(\S+(?:\s\S+){0,3}?)'s\s+contacts[\s.!?]*")
_WORD = re.compile(r"[a-zà-ÿ-]+")
_SHORTENED = re.compile(r"[a-z]+'[a-z]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A command that was called: by which phrase, with what ``rest`` behind it, and ``whose`` ("Acme's") if said."""

    command: Command
    phrase: str
    rest: Speech
    whose: Speech | None = None


def _pattern(phrase: str) -> re.Pattern[str]:
    words = phrase.split()
    parts = [re.escape(words[0])]
    for word in words[1:]:
        before = f"(?:{_ARTICLE}|{_KINDS[word]})" if word in _KINDS else _ARTICLE
        parts.append(_PLACES.get(word) or rf"\s+(?:{before}\s+)*{re.escape(word)}")
    return re.compile("".join(parts) + _STOP)


@cache
def _by_first_word() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    table: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for phrase in PHRASES:
        table.setdefault(phrase.split()[0], []).append((_pattern(phrase), phrase))
    return table


@cache
def _vocabulary(first: bool) -> tuple[str, ...]:
    words = {
        word
        for phrase in PHRASES
        for place, word in enumerate(phrase.split())
        if (place == 0) == first and word not in PLAIN and word.isalpha() and len(word) > 2
    }
    return tuple(sorted(words))


def find(said: Speech) -> Hit | None:
    """The command called by the first words of ``said``, or None. Typos count only where no phrase fits as written."""
    hit = _exact(said) or _owned(said)
    if hit and hit.phrase == "customers" and not hit.rest:
        return replace(hit, command=BY_NAME["customer"])
    if hit:
        return _longer(said, hit)
    for place in range(3):
        mended = _mend(said, place)
        if mended is None:
            continue
        said, end = mended
        hit = _exact(said)
        if hit and len(said.low) - len(hit.rest.low) >= end:
            return hit
    return None


def _owned(said: Speech) -> Hit | None:
    """ "Acme's contacts?": nothing else in the clause."""
    match = _CONTACTS_OF.fullmatch(said.low)
    if match is None:
        return None
    return Hit(BY_NAME["contacts"], "contacts", said.part(len(said.low)), said.part(*match.span(1)))


def _longer(said: Speech, hit: Hit) -> Hit:
    """ "add cntact", "why not sycned": a typo in a later word must not make a shorter phrase of it."""
    for place in (1, 2) if " " not in hit.phrase else ():
        mended = _mend(said, place)
        found = _exact(mended[0]) if mended else None
        if found and found.phrase.startswith(f"{hit.phrase} "):
            return found
    return hit


def _exact(said: Speech) -> Hit | None:
    keys = {match.group().rstrip("-") for word in (_WORD, _SHORTENED) if (match := word.match(said.low))}
    options = [option for key in keys for option in _by_first_word().get(key, ())]
    matches = [(match, phrase) for pattern, phrase in options if (match := pattern.match(said.low))]
    if not matches:
        return None
    match, phrase = max(matches, key=_length)
    groups, rest = match.groupdict(), said.part(match.end())
    owner = next((name for name in ("whose", "bare", "label") if groups.get(name)), None)
    whose = said.part(*match.span(owner)) if owner else None
    if groups.get("long"):
        rest = said.part(*match.span("long")).joined(rest)
    return Hit(PHRASES[phrase], phrase, rest, whose)


def _length(found: tuple[re.Match[str], str]) -> tuple[int, int, int]:
    """The longest phrase wins, of two the one with more words of its own, then the one that hears more."""
    words = found[1].split()
    return len(words), sum(not word.startswith("[") for word in words), found[0].end()


def _mend(said: Speech, place: int) -> tuple[Speech, int] | None:
    """``said`` with its word number ``place`` spelled right and where it ends; None if nothing is to be mended."""
    words = list(re.finditer(r"\S+", said.low))[: place + 1]
    if len(words) <= place:
        return None
    match = _WORD.match(said.low, words[place].start())
    right = closest(match.group(), _vocabulary(place == 0)) if match else None
    if match is None or right is None:
        return None
    before, after = said.part(0, match.start()), said.part(match.end())
    mended = Speech(before.text + right + after.text, before.low + right + after.low)
    return mended, match.start() + len(right)


def starts_command(said: Speech) -> bool:
    """Whether the first words call a command, typos forgiven."""
    return find(said) is not None


@cache
def forms(ending: str) -> dict[str, str]:
    """ "undoing" → "undo" or "moved" → "move", by ``ending`` "ing" or "ed", for every verb of the table."""
    found: dict[str, str] = {}
    for verb in (*_vocabulary(True), "take", "make", "show", "give", "list", "put"):
        stem = verb[:-1] if verb.endswith("e") else verb
        found |= {stem + ending: verb, stem + stem[-1] + ending: verb}
    return found


def is_form(word: str) -> bool:
    """Whether ``word`` is an inflected form ("books", "planning", "moved") or another real word near one of ours."""
    plural = word.endswith("s") and word[:-1] in _vocabulary(True)
    return plural or word in OTHER_WORDS or word.endswith(("ed", "ing", "ion", "ions", "ment", "able"))


def is_verb(word: str) -> bool:
    """Whether a phrase of several words begins with ``word`` as written, and none is that word alone."""
    return word in _vocabulary(True) and word not in PHRASES


def nearest(said: Speech) -> Command | None:
    """The command whose words look most like the first word, for a suggestion; None when nothing comes near."""
    word = _WORD.search(said.low)
    if word is None:
        return None
    scored = ((OSA.normalized_similarity(word.group(), right), right) for right in _vocabulary(True))
    score, best = max(scored)
    prefix = next((right for right in _vocabulary(True) if len(right) > 2 and word.group().startswith(right)), None)
    chosen = prefix or (best if score >= (0.6 if len(word.group()) > 4 else 0.65) else None)
    if chosen is None:
        return None
    owner = min((phrase for phrase in PHRASES if phrase.split()[0] == chosen), key=len)
    return BY_NAME[PHRASES[owner].name]
