"""Politeness, greetings and negations around a command: what may be taken off, and what forbids to act."""

from __future__ import annotations

import re
from dataclasses import dataclass

from planeapp.bot.grammar.phrases import IT, forms, starts_command
from planeapp.bot.grammar.speech import Speech, ends_abbreviated

_PLEASE = r"(?:please|pls|plz|plse|kindly)"
PLEASE = re.compile(rf"(?<![\w'-]){_PLEASE}(?![\w'-])")
_GAP = r"[\s,.:!-]*"
# Words that may stand before a command, and words that need a comma there, since else they describe ("great plan").
_GREETING = re.compile(
    rf"(?:@[\w.-]+|hey|hi|hello|hej|hallo|yo|dear|ok|okay|alright|oops|oh|so|and|then|also|first|finally|actually|just|"
    rf"simply|quickly|there|team|everyone|bot|groundcrew|good\s+(?:morning|afternoon|evening)|"
    rf"{_PLEASE})(?![\w'-]){_GAP}"
)
_WITH_COMMA = re.compile(
    r"(?:great|cool|perfect|nice|super|thanks(?:\s+(?:a\s+lot|all|everyone|team))?|thank\s+you|thx|right|yes|"
    r"yep|sure|well|"
    r"sorry|excellent|awesome|fine|now|next|after\s+that|afterwards|all|team|everyone|urgent|important|"
    r"fyi)\s*[,:!.-]+\s*"
)
_REQUEST = re.compile(
    r"(?:(?:could|can|would|will)\s+(?:you|u|ya|we)(?:\s+(?:maybe|perhaps|possibly|also|just|then|quickly|"
    r"be\s+able\s+to))*"
    r"|(?:could|would|can)\s+(?:you\s+)?be\s+so\s+kind\s+(?:as\s+to|to|and)|be\s+so\s+kind\s+(?:as\s+to|to|and)"
    r"|i(?:'d|\s+would)\s+(?:like|love|want)\s+(?:you\s+)?to|i\s+(?:want|need)\s+(?:you\s+)?to|let's|lets|let\s+us"
    r"|go\s+ahead\s+and|(?:is|would)\s+it\s+(?:be\s+)?possible\s+to|may\s+i\s+ask\s+you\s+to|i\s+ask\s+you\s+to"
    r"|it\s+would\s+be\s+(?:great|nice|good|lovely|helpful)\s+if\s+you\s+(?:could|would|can)"
    r"|i(?:'d|\s+would)\s+(?:appreciate|be\s+grateful)(?:\s+it)?\s+if\s+you\s+(?:could|would|can)?"
    rf"|any\s+chance\s+you\s+(?:could|can)|{_PLEASE})(?![\w'])\s*,?\s*"
)
_MIND = re.compile(r"(?:(?:would|do)\s+you\s+)?mind\s+(?=[a-z-]+ing\b)")
_HAVE_IT = re.compile(
    rf"(?:i\s+(?:need|want)|i(?:'d|\s+would)\s+like|have|get)\s+{IT}\s+(?:to\s+be\s+)?(?=[a-z-]+ed\b)"
)
_HELP_ME = re.compile(r"help\s+(?:me|us)\s+(?:to\s+)?")
_NEGATION = re.compile(
    r"(?:don't|dont|do\s+not|never|not|no\s+need\s+to|(?:you|we|i|they)\s+(?:should|must|may|can|could|would|"
    r"will)\s*(?:not|n't)|"
    r"shouldn't|mustn't|can't|cannot|won't|wouldn't|without|stop|avoid|refrain|rather\s+not|better\s+not|"
    r"instead\s+of)(?![\w])\s*"
    r"(?:ever\s+|yet\s+|just\s+)?"
)
_TAIL = re.compile(
    rf"[\s,.;:!?()-]*(?:(?<![\w'-])(?:{_PLEASE}|(?:many\s+)?thanks(?:\s+(?:a\s+lot|a\s+million|so\s+much|"
    rf"very\s+much|in\s+advance|again|bot|all|mate))?"
    r"|thank\s+you(?:\s+(?:so\s+much|very\s+much|a\s+lot|in\s+advance|bot))?|thx|ty|tack|cheers|for\s+me|for\s+us|"
    r"if\s+possible|if\s+you\s+(?:can|could|would|please)|if\s+you\s+don't\s+mind|if\s+that's\s+(?:ok|okay|possible)|"
    r"when\s+you\s+(?:can|have\s+(?:time|a\s+moment|a\s+minute))|when\s+you\s+get\s+a\s+chance|will\s+you|would\s+you|"
    r"could\s+you|can\s+you|ok|okay|bot|groundcrew)|:-?\)|;-?\)|<3|(?<=\s)x+o*)[\s,.;:!?)-]*$"
)
_REASON = re.compile(
    r"[\s,(-]+(?:because|cause|so\s+that|so\s+(?:we|i|they|he|she)\s+(?:can|could|have)|as\s+(?:we|i|they|he|"
    r"she|the)\s|since\s+(?:we|i|they|he|she|the|it)\s|"
    r"(?:and\s+)?(?:let|tell)\s+(?:me|us)\s+(?:know\s+)?(?:when|if|once|know)\b).*$",
    re.DOTALL,
)
_WITHDRAWN = re.compile(
    r"(?<![\w'])(?:never\s*mind|forget\s+(?:it|that|this|about\s+it)|scratch\s+that|ignore\s+(?:that|this|me)|"
    r"disregard(?:\s+(?:that|this))?|changed\s+my\s+mind|false\s+alarm|cancel\s+that)[\s.!)]*(?:please|thanks|"
    r"sorry|:\))?[\s.!)]*$"
)


# Words of small talk: a short text with one of them is no failed command.
TALK = re.compile(
    r"(?<![\w'])(?:ok|okay|yes|yep|yeah|no|nope|sure|fine|thanks|thank|thx|ty|great|good|nice|cool|super|"
    r"perfect|awesome|"
    r"excellent|brilliant|lovely|wonderful|wow|lol|haha|hm+|well|done|agreed|agree|exactly|indeed|right|correct|"
    r"true|sorry|"
    r"oops|hello|hi|hey|hej|bye|cheers|congrats|congratulations|welcome|see|talk|later|soon|wait|hold|stop|"
    r"cancel|continue|"
    r"i|i'm|i'll|i've|we|we're|you|you're|he|she|they|it's|that's|is|are|was|were|be|has|have|had|will|would|"
    r"should|could|"
    r"can|may|might|must|does|did|not|never|nobody|nothing|very|so|too|who|what|when|where|why|how|which|call|"
    r"contact|email|write|cc|fyi|wip|"
    r"looks?|seems?|same|here|ship|related|relates|lgtm|fixed|shipped|merged|duplicate|ping|up|any|some|none|"
    r"all|both|maybe|perhaps|because|and)(?![\w'])"
)


@dataclass(frozen=True, slots=True)
class Bare:
    """A clause without its manners: ``polite`` when it was asked for, ``negated`` when it was forbidden."""

    said: Speech
    polite: bool = False
    negated: bool = False


def withdrawn(said: Speech) -> bool:
    """Whether the text ends with "never mind" or the like: everything before it is taken back."""
    return _WITHDRAWN.search(said.low) is not None


def strip_front(said: Speech) -> Bare:
    """Greetings and requests taken off the front. "Would you mind undoing" becomes "undo"."""
    said, polite = _from_first_word(said), False
    while True:
        if match := _REQUEST.match(said.low):
            polite = True
        elif not (match := _GREETING.match(said.low) or _WITH_COMMA.match(said.low)):
            break
        said = _from_first_word(said.part(match.end()))
    if match := _MIND.match(said.low):
        return Bare(_plain_verb(said.part(match.end()), "ing"), polite=True)
    if match := _HAVE_IT.match(said.low):
        return Bare(_plain_verb(said.part(match.end()), "ed"), polite=True)
    if match := _NEGATION.match(said.low):
        return Bare(said.part(match.end()), negated=True)
    if (match := _HELP_ME.match(said.low)) and starts_command(said.part(match.end())):
        return Bare(said.part(match.end()), polite=True)
    return Bare(said, polite)


def _from_first_word(said: Speech) -> Speech:
    return said.part(len(said.low) - len(said.low.lstrip(" ,.:!*_/-")))


def _plain_verb(said: Speech, ending: str) -> Speech:
    match = re.match(r"[a-z-]+", said.low)
    verb = forms(ending).get(match.group()) if match else None
    if match is None or verb is None:
        return said
    return Speech(verb + said.text[match.end() :], verb + said.low[match.end() :])


def strip_back(said: Speech) -> Speech:
    """Thanks, "if possible" and reasons ("because …", "so that …") taken off the end."""
    while match := _REASON.search(said.low) or _TAIL.search(said.low):
        if match.start() == 0:
            break
        dot = said.low.startswith(".", match.start()) and ends_abbreviated(said.low[: match.start() + 1])
        said = said.part(0, match.start() + dot)
    return said
