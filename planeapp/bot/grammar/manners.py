"""Politeness, greetings and negations around a command: what may be taken off, and what forbids to act."""

from __future__ import annotations

import re
from dataclasses import dataclass

from planeapp.bot.grammar.phrases import IT, forms, starts_command
from planeapp.bot.grammar.speech import Speech, ends_abbreviated

_PLEASE = r"(?:please|pls|plz|plse|pleas|plase|pleaase|pleaes|plesae|plaese|kindly)"
PLEASE = re.compile(rf"(?<![\w'-]){_PLEASE}(?![\w'-])")
_GAP = r"[\s,.:!-]*"
# Words that may stand before a command, and words that need a comma there, since else they describe ("great plan").
_SOMEBODY = re.compile(r"@(?![\w.-]*(?:bot|groundcrew)(?![\w.-]))[\w.-]+[\s,:]*")
_GREETING = re.compile(
    rf"(?:@[\w.-]+|hey|hi|hello|hej|hallo|yo|dear|ok|okay|alright|oops|oh|so|and|then|also|now|first|finally|actually|just|"
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
_TOGETHER = re.compile(r"(?:let's|lets|let\s+us|(?:could|can|would|will)\s+we)(?![\w'])")
_MIND = re.compile(r"(?:(?:would|do)\s+you\s+)?mind\s+(?=[a-z-]+ing\b)")
_HAVE_IT = re.compile(
    rf"(?:i\s+(?:need|want)|i(?:'d|\s+would)\s+like|have|get)\s+{IT}\s+(?:to\s+be\s+)?(?=[a-z-]+ed\b)"
)
# "Could I get a status": asking for something to read is asking the bot to show it.
_MAY_I_SEE = re.compile(
    r"(?:(?:can|could|may)\s+(?:i|we)\s+(?:please\s+)?(?:get|have|see)|let\s+me\s+see|"
    r"i(?:'d|\s+would)\s+like\s+to\s+see|i\s+(?:want|need)\s+to\s+see)\s+(?:an?\s+|the\s+|your\s+)?"
    r"(?=(?:current\s+|latest\s+)?(?:status|contacts|commands|customer\s+(?:card|info))(?![\w-]))"
)
_WHY = re.compile(
    r"(?:any\s+idea|do\s+you\s+know|tell\s+(?:me|us)|explain(?:\s+to\s+(?:me|us))?|say)\s+"
    rf"(?=why\s+{IT}\s*(?:is|was|did|has|does|'s)(?:n't|\s))"
)
_TOLD = re.compile(rf"why\s+(?P<it>{IT})\s+(?P<aux>(?:is|was|did|has|does)(?:n't)?)\s+")
# "Can this be moved?" For time alone: "can this be linked to the outage?" is a question among people.
_PASSIVE = re.compile(
    rf"(?:can|could)\s+(?:{IT})\s+(?:please\s+)?be\s+(?=(?:(?:re|un)?-?schedul|mov|postpon|extend|shorten|shift|plann|book)"
    r"[a-z]*ed(?!\w))"
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
    rf"[\s,.;:!?()-]*(?:(?<![\w'-])(?:{_PLEASE}|(?:and\s+)?(?:many\s+)?thanks(?:\s+(?:a\s+lot|a\s+million|so\s+much|"
    rf"very\s+much|in\s+advance|again|bot|all|mate))?"
    r"|(?:and\s+)?thank\s+you(?:\s+(?:so\s+much|very\s+much|a\s+lot|in\s+advance|bot))?|thx|ty|tack|cheers|for\s+me|for\s+us|"
    r"sorry|if\s+possible|if\s+you\s+(?:can|could|would|please)|if\s+you\s+don't\s+mind|if\s+that's\s+(?:ok|okay|possible)|"
    r"when\s+you\s+(?:can|have\s+(?:time|a\s+moment|a\s+minute))|when\s+you\s+get\s+a\s+chance|will\s+you|would\s+you|"
    r"could\s+you|can\s+you|ok|okay|bot|groundcrew)|:-?\)|;-?\)|<3|(?<=\s)x(?:x+|o+)[xo]*)[\s,.;:!?)-]*$"
)
_REASON = re.compile(
    r"[\s,(-]+(?:because|cause|so\s+that|so\s+(?:we|i|they|he|she)\s+(?:can|could|have)|as\s+(?:we|i|they|he|"
    r"she|the)\s|since\s+(?:we|i|they|he|she|the|it)\s|"
    r"(?<=, )(?:we|it|they|that|this|the\s+\w+)\s+(?:is|was|are|were|don't|do\s+not|doesn't|does\s+not|no\s+longer)\s"
    r"[^.;\n]*(?:need(?:ed)?|any\s*more|longer|wrong|mistake|obsolete|outdated|done|finished|cancel+ed)\b[\w\s]*[.!]*$|"
    r"(?:and\s+)?(?:let|tell)\s+(?:me|us)\s+(?:(?:know\s+)?(?:when|if|once)\b|know[\s.!]*$)).*$",
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
    r"true|sorry|absolutely|definitely|certainly|totally|obviously|congrats|bravo|kudos|hooray|yay|ditto|fantastic|"
    r"everybody|everyone|guys|folks|team|understood|noted|whatever|morning|afternoon|evening|night|weekend|"
    r"let|get|give|take|put|find|free|start|review|test|check|deploy|merry|poor|wrong|danke|merci|tack|bitte|ptal|"
    r"works|makes|sounds|happy|glad|interesting|amazing|ouch|damn|weird|strange|funny|nothing|anything|something|"
    r"oops|hello|hi|hey|hej|bye|cheers|congrats|congratulations|welcome|see|talk|later|soon|wait|hold|stop|"
    r"cancel|continue|"
    r"i|i'm|i'll|i've|we|we're|you|you're|he|she|they|it's|that's|is|are|was|were|be|has|have|had|will|would|"
    r"should|could|"
    r"can|may|might|must|does|did|not|never|nobody|nothing|very|so|too|who|what|when|where|why|how|which|call|"
    r"contact|email|write|cc|fyi|wip|"
    r"anyone|anybody|someone|somebody|back|more|tell|time|spent|estimated?|eta|due|deadline|looks?|seems?|same|here|ship|bump(?=\W*$)|nit|typo|sgtm|np|brb|ack|nack|gotcha|roger|yup|nah|phew|tbd|todo|wontfix|stale|"
    r"related|relates|lgtm|fixed|shipped|merged|duplicate|ping|up|any|some|none|"
    r"all|both|maybe|perhaps|because|and)(?![\w'])"
)


@dataclass(frozen=True, slots=True)
class Bare:
    """A clause without its manners: ``polite`` when it was asked for, ``negated`` when it was forbidden.

    ``together``: "let's" and "can we", which people also say to each other; ``called``: "@jo" stood in front.
    """

    said: Speech
    polite: bool = False
    negated: bool = False
    together: bool = False
    called: bool = False


def withdrawn(said: Speech) -> bool:
    """Whether the text ends with "never mind" or the like: everything before it is taken back."""
    return _WITHDRAWN.search(said.low) is not None


def strip_front(said: Speech) -> Bare:
    """Greetings and requests taken off the front. "Would you mind undoing" becomes "undo"."""
    said, polite, together, called = _from_first_word(said), False, False, False
    while True:
        called = called or _SOMEBODY.match(said.low) is not None
        if match := _REQUEST.match(said.low):
            polite, together = True, together or _TOGETHER.match(said.low) is not None
        elif not (match := _GREETING.match(said.low) or _WITH_COMMA.match(said.low)):
            break
        said = _from_first_word(said.part(match.end()))
    if match := _WHY.match(said.low):
        return Bare(_turned(said.part(match.end())), polite=True)
    if match := _MAY_I_SEE.match(said.low):
        return Bare(said.part(match.end()), polite=True)
    if match := _PASSIVE.match(said.low):
        return Bare(_plain_verb(said.part(match.end()), "ed"), polite=True)
    if match := _MIND.match(said.low):
        return Bare(_plain_verb(said.part(match.end()), "ing"), polite=True)
    if match := _HAVE_IT.match(said.low):
        return Bare(_plain_verb(said.part(match.end()), "ed"), polite=True)
    if match := _NEGATION.match(said.low):
        return Bare(said.part(match.end()), negated=True)
    if (match := _HELP_ME.match(said.low)) and starts_command(said.part(match.end())):
        return Bare(said.part(match.end()), polite=True)
    return Bare(said, polite, together=together, called=called)


def _from_first_word(said: Speech) -> Speech:
    return said.part(len(said.low) - len(said.low.lstrip(" ,.:!*_/-")))


def _turned(said: Speech) -> Speech:
    """ "why this is not synced" as the question that it reports: "why is this not synced"."""
    if short := re.match(r"why\s+it(?='s\s)", said.low):
        said = said.part(0, short.end()).joined(Speech("is", "is")).joined(said.part(short.end() + 3))
    match = _TOLD.match(said.low)
    if match is None:
        return said
    it, aux, rest = said.part(*match.span("it")), said.part(*match.span("aux")), said.part(match.end())
    return Speech("why", "why").joined(aux).joined(it).joined(rest)


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
