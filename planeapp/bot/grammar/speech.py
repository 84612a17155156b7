"""What was written, made even: one kind of quote and dash, no quoted mail, no code, cut into sentences.

A ``Speech`` keeps the text as written beside a lower-case copy of the same length in which everything that must not be
read as words (quotes, addresses, known company names) is covered, so that a match in the copy points at the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LIMIT = 4000  # characters that are read; nobody writes a longer command
QUOTE, MAIL, URL, KNOWN = "\x01", "\x02", "\x03", "\x04"
COVERS = QUOTE + MAIL + URL + KNOWN

_EVEN = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»", '"'),
        **dict.fromkeys("‘’‚‛`´", "'"),
        **dict.fromkeys("‐‑‒–—−", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f\t", " "),
        **dict.fromkeys("\u200b\u200c\u200d\ufeff\u2060\ufe0f"),
        "…": ".",
        "→": "-",
    }
)
_LINE_ENDS = str.maketrans({"\r": "\n", "\u2028": "\n", "\u2029": "\n"})
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
# Lines of an answered mail: ">", the line that says who wrote it, and all that follows "Original message".
_QUOTED = re.compile(r"\s*>|.{0,120}[0-9@>].{0,80}(?<!\w)(?:wrote|writes|skrev|schrieb)\s*:\s*$", re.IGNORECASE)
_FORWARDED = re.compile(r"\n\s*-{3,}\s*(?:original|forwarded)\s+message\s*-{3,}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SPACES = re.compile(r" {2,}")
_BULLET = re.compile(r"^\s*(?:[-*•]|[0-9]{1,2}[.)])\s+(?=\S)")
_COVERED = (
    (QUOTE, re.compile(r"\"(?!\s*(?:\S+@\S+|\+[0-9 ()./-]{7,})\")[^\"\n]*\"|(?<!\w)'[^'\n]+'(?!\w)")),
    (MAIL, re.compile(r"\w[\w.+%'-]*@[\w-]+(?:\.[\w-]+)+")),
    (URL, re.compile(r"\b(?:https?://|www\.)\S+")),
)
_ABBREVIATED = re.compile(r"(?:\b(?:inc|ltd|co|corp|llc|approx|dr|mr|mrs|ms|st|kl|[a-z]\.[a-z]))\.$")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_SHORT = rf"(?:{_MONTH}|mon|tue|wed|thu|fri|sat|sun)"
_END = re.compile(rf"(?<=[.!?;])\s+(?!{_MONTH})(?!(?<=[0-9]\.\s)[0-9-])(?!(?<={_SHORT}\.\s)[0-9])|(?<=[!?;])(?=\w)|\n+")


def lower(text: str) -> str:
    """Lower case of the same length (a few letters, such as "İ", grow when lowered; they stay as they are)."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@dataclass(frozen=True, slots=True)
class Speech:
    """``text`` as written and ``low``, its lower-case copy with quotes and addresses covered; both equally long."""

    text: str
    low: str

    def part(self, start: int, end: int | None = None) -> Speech:
        """A slice of both."""
        return Speech(self.text[start:end], self.low[start:end])

    def trimmed(self, chars: str = " \n,.;:!?-") -> Speech:
        """Without these characters at both ends."""
        start = len(self.low) - len(self.low.lstrip(chars))
        return self.part(start, start + len(self.low.strip(chars)))

    def joined(self, other: Speech) -> Speech:
        """Both, one after the other."""
        return Speech(f"{self.text} {other.text}", f"{self.low} {other.low}")

    def without(self, pattern: re.Pattern[str]) -> Speech:
        """Blanks, as many, where ``pattern`` stood."""
        text, low = self.text, self.low
        for match in pattern.finditer(low):
            gap = " " * (match.end() - match.start())
            text = text[: match.start()] + gap + text[match.end() :]
        return Speech(text, pattern.sub(lambda match: " " * len(match.group()), low))

    def __bool__(self) -> bool:
        return any(letter.isalnum() or letter in COVERS for letter in self.low)


def hear(text: str, companies: Iterable[str] = ()) -> Speech:
    """The text without code and quoted mail, evened out and covered. Only the first 4,000 characters are read."""
    even = _CONTROL.sub(" ", _CODE.sub("\n", text[:LIMIT].translate(_LINE_ENDS)).translate(_EVEN))
    own = _FORWARDED.split(even, maxsplit=1)[0].split("\n")
    lines = (_BULLET.sub("", line) for line in own if not _QUOTED.match(line))
    said = _SPACES.sub(" ", "\n".join(lines))
    return Speech(said, _cover(said, companies))


def _cover(text: str, companies: Iterable[str]) -> str:
    low = lower(text)
    for cover, pattern in _COVERED:
        low = pattern.sub(lambda match, cover=cover: cover * len(match.group()), low)  # type: ignore[misc]
    for name in sorted((lower(name) for name in companies if " " in name.strip()), key=len, reverse=True):
        low = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", KNOWN * len(name), low)
    return low


def ends_abbreviated(low: str) -> bool:
    """Whether the dot at the end belongs to the last word ("Inc.", "a.m.")."""
    return _ABBREVIATED.search(low) is not None


def sentences(speech: Speech) -> list[Speech]:
    """Cut at line ends and after . ! ? and ; (not after "Inc." or "23."), empty ones left out."""
    found, start = [], 0
    for match in _END.finditer(speech.low):
        if _ABBREVIATED.search(speech.low, start, match.start()) and "\n" not in match.group():
            continue
        found.append(speech.part(start, match.start()))
        start = match.end()
    found.append(speech.part(start))
    return [sentence.trimmed(" ") for sentence in found if sentence]
