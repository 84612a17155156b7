"""What Plane does to HTML: descriptions are cleaned and wrapped, comments are kept as sent.

Source: behaviour of Plane Community Edition 1.3.1 (descriptions pass an HTML parser, then nh3).
"""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable

import nh3
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from planeapp.sandbox.plane.errors import bad

MENTION = "mention-component"
_BLOCK_NAMES = (
    "address article aside blockquote center dd details div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6"
    " header hr li main nav ol p pre section table tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_TAGS = nh3.ALLOWED_TAGS | {MENTION, "label", "input", "image-component"}
_GLOBAL = {"class", "id", "title", "role", "style", "start", "type", "aria-label", "aria-hidden"}
_DATA = {"data-id", "data-name", "data-type", "data-checked", "data-emoji-unicode", "data-icon-color"}
_ATTRIBUTES = {
    "*": _GLOBAL | _DATA,
    "a": {"href", "target"},
    "img": {"src", "alt", "title", "width", "height"},
    MENTION: {"id", "entity_identifier", "entity_name"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}
_MARKDOWN = MarkdownIt("js-default", {"breaks": True})


def clean_description(source: str) -> str:
    """A description as Plane stores it. Raises 400 "Invalid HTML passed" when there is nothing in it."""
    wrapped = _wrapped(source)
    return nh3.clean(wrapped, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES)


def _wrapped(source: str) -> str:
    tree = LexborHTMLParser(source or " ", is_fragment=True)
    nodes = list(tree.root.iter(include_text=True)) if tree.root else []
    kept = [node for node in nodes if node.tag != "-comment" and (node.tag != "-text" or node.text().strip())]
    if not kept:
        raise bad(non_field_errors=["Invalid HTML passed"])
    inside = "".join(node.html or "" for node in nodes)
    if len(kept) == 1:
        return f"<p>{inside}</p>" if kept[0].tag == "-text" else kept[0].html or ""
    outer = "div" if any(node.tag in _BLOCKS for node in kept) else "span"
    return f"<{outer}>{inside}</{outer}>"


def stripped(source: str) -> str:
    """The text of ``source`` with nothing put between elements; mentions leave no trace."""
    tree = LexborHTMLParser(source or " ", is_fragment=True)
    for node in tree.css("script, style"):
        node.decompose()
    return str(tree.root.text()) if tree.root else ""


def lines(source: str) -> str:
    """The text of ``source`` with a line per block, for a plain text field."""
    tree = LexborHTMLParser(source or " ", is_fragment=True)
    blocks = tree.css("p, li, h1, h2, h3, h4, pre, blockquote")
    return "\n".join(str(node.text()).strip() for node in blocks) if blocks else stripped(source).strip()


def mentioned(source: str) -> list[str]:
    """Ids of the users whom ``source`` mentions, in order, each once."""
    if not source:
        return []
    nodes = LexborHTMLParser(source, is_fragment=True).css(f'{MENTION}[entity_name="user_mention"]')
    found = [str(node.attributes.get("entity_identifier") or "") for node in nodes]
    return list(dict.fromkeys(key for key in found if key))


def mention(user_id: str) -> str:
    """The element that mentions a user."""
    return f'<{MENTION} id="{uuid.uuid4()}" entity_identifier="{user_id}" entity_name="user_mention"></{MENTION}>'


def paragraphs(words: str, lead: str = "") -> str:
    """Plain text as the web editor writes it; ``lead`` is ready HTML for the start of the first paragraph."""
    rows = [html.escape(row, quote=False) for row in words.replace("\r\n", "\n").split("\n") if row.strip()] or [""]
    rows[0] = lead + rows[0]
    return "".join(f'<p class="editor-paragraph-block">{row}</p>' for row in rows)


def from_markdown(words: str) -> str:
    """The HTML of an agent's Markdown. Raw HTML in it is shown as text."""
    return str(_MARKDOWN.render(words)).strip() or "<p></p>"


def shown(source: str, name_of: Callable[[str], str]) -> str:
    """``source`` made safe for a page, with mentions as chips carrying the person's name."""
    if not source:
        return ""
    tree = LexborHTMLParser(source, is_fragment=True)
    for node in tree.css(MENTION):
        name = html.escape("@" + name_of(str(node.attributes.get("entity_identifier") or "")))
        for chip in LexborHTMLParser(f"<b class='mention'>{name}</b>", is_fragment=True).css("b"):
            node.replace_with(chip)
    tags = nh3.ALLOWED_TAGS | {"label", "input"}
    return nh3.clean(tree.html or "", tags=tags, attributes={"*": {"class"}, "a": {"href"}}, url_schemes=_SCHEMES)
