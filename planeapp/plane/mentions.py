"""Comment HTML ↔ text, and who is mentioned.

A mention is an empty element ``<mention-component entity_identifier="<user>" entity_name="user_mention">``: stripping
tags removes it without trace, so everything here works on the parsed tree. Quoted text is nobody's request: block
quotes, code blocks and e-mail-style quoted lines count neither as text nor as mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from planeapp.plane.writing import addressed, escape, literal, mention_html, paragraphs

__all__ = [
    "addressed", "escape", "is_mentioned", "literal", "mention_html", "mentions", "new_mention", "paragraphs",
    "text_for_bot",
]  # fmt: skip

LONGEST = 100_000
"""Characters of a comment that count. Parsing deeply nested elements takes time by the square of their number."""
TAG = "mention-component"
USER = "user_mention"
LEFT_OUT = frozenset({"blockquote", "pre", "script", "style", "template", "head"})
BLOCKS = frozenset({
    "p", "div", "br", "hr", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6",
    "details", "summary", "figure", "section", "article", "header", "footer",
})  # fmt: skip
CELLS = frozenset({"td", "th"})
INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\x00-\x08\x0b\x0c\x0e-\x1f]")
QUOTE_INTRODUCTION = re.compile(r"on .{0,200} wrote:", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """One mention of a user (lower-case id)."""

    user: str


Line = list[str | Mention]


def mentions(html: str) -> list[str]:
    """Ids of the mentioned users, lower case, in order, repetitions included; quoted mentions do not count."""
    return [part.user for line in _lines(html) for part in line if isinstance(part, Mention)]


def is_mentioned(html: str, bot_id: str) -> bool:
    """Whether the comment addresses this user."""
    return bool(bot_id) and bot_id.lower() in mentions(html)


def new_mention(html: str, old_html: str | None, bot_id: str) -> bool:
    """Whether ``html`` addresses the user more often than ``old_html`` did (None: nothing known of an older text)."""
    if not bot_id:
        return False
    return mentions(html).count(bot_id.lower()) > mentions(old_html or "").count(bot_id.lower())


def text_for_bot(html: str, bot_id: str) -> str:
    """What the comment says to the bot: its own mentions gone, a line per block, other people as ``@<id>``."""
    spoken = []
    for line in _lines(html):
        words = [_spoken(part, bot_id.lower()) for part in line]
        joined = " ".join("".join(words).split())
        if joined:
            spoken.append(joined)
    return "\n".join(spoken)


def _spoken(part: str | Mention, bot: str) -> str:
    if isinstance(part, str):
        return part
    return " " if part.user == bot else f" @{part.user} "


def _lines(html: str) -> list[Line]:
    """The comment's lines, without what is quoted."""
    lines: list[Line] = [[]]
    for part in _parts(html):
        if part == "\n":
            lines.append([])
        else:
            lines[-1].append(part)
    kept: list[Line] = []
    for line in lines:
        words = "".join(part if isinstance(part, str) else "@" for part in line).strip()
        if words.startswith(">"):
            if kept and QUOTE_INTRODUCTION.fullmatch(_plain(kept[-1])):
                kept.pop()
        elif words:
            kept.append(line)
    return kept


def _plain(line: Line) -> str:
    return " ".join("".join(part if isinstance(part, str) else "@" for part in line).split())


def _parts(html: str) -> Iterator[str | Mention]:
    """Text, mentions and line ends (``"\\n"``) in reading order. Not recursive: the sender chooses the depth."""
    node: LexborNode | None = LexborHTMLParser(_cut(html)).body
    root_id = node.mem_id if node else 0
    while node is not None:
        tag = node.tag or ""
        yield from _opening(node, tag)
        below = None if tag in LEFT_OUT else node.child
        while below is None and node is not None:
            if (node.tag or "") in BLOCKS:
                yield "\n"
            if node.mem_id == root_id:
                return
            below = node.next
            node = node.parent
        node = below


def _cut(html: str) -> str:
    """What counts of the comment, ending before a tag."""
    return html if len(html) <= LONGEST else html[:LONGEST].rpartition("<")[0]


def _opening(node: LexborNode, tag: str) -> Iterator[str | Mention]:
    if node.is_text_node:
        words = INVISIBLE.sub("", node.text_content or "")
        yield words.replace("\n", " ")
    elif tag == TAG:
        user = (node.attributes.get("entity_identifier") or "").strip().lower()
        if user and (node.attributes.get("entity_name") or USER) == USER:
            yield Mention(user)
    elif tag in BLOCKS or tag in LEFT_OUT:
        yield "\n"
    elif tag in CELLS:
        yield " "
