"""Notes: Plane's HTML ↔ Planner's plain text, and the line by which a block can be found again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

REF = "Plane ref"
LINE = re.compile(rf"^{REF}(?: (?P<more>.*))? (?P<mark>\S+)$")
FRAGMENT = "plane-ref="
BLOCKS = frozenset(
    {"p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "tr"}
)


@dataclass(frozen=True)
class Ref:
    """What our line says: the mark, and the work item's key and address when they were known."""

    mark: str = ""
    key: str = ""
    url: str = ""


def ref_line(mark: str, key: str = "", url: str = "") -> str:
    """The last line of a block's notes; ``""`` without a mark."""
    return " ".join(part for part in (REF, key, url, mark) if part) if mark else ""


def split_ref(text: str) -> tuple[str, Ref]:
    """Notes without our line, and what the line said."""
    body, _, last = text.rstrip().rpartition("\n")
    found = LINE.match(last.strip())
    if not found:
        return text.strip(), Ref()
    more = (found["more"] or "").split()
    url = next((part for part in more if part.startswith(("http://", "https://"))), "")
    key = next((part for part in more if part != url), "")
    return body.strip(), Ref(found["mark"], key, url)


def url_with_mark(url: str, mark: str) -> str:
    """A web address that carries the mark behind ``#``."""
    return f"{url.split('#')[0]}#{FRAGMENT}{quote(mark, safe='')}" if mark else url


def split_url(url: str) -> tuple[str, str]:
    """A web address without our mark, and the mark (``""`` when there is none)."""
    plain, _, fragment = url.partition("#")
    if fragment.startswith(FRAGMENT):
        return plain, unquote(fragment.removeprefix(FRAGMENT))
    return url, ""


def to_text(html: str) -> str:
    """Readable plain text: a line for each paragraph, a dash for list entries, addresses of links in brackets."""
    if "<" not in html and "&" not in html:
        return html.strip()
    root = LexborHTMLParser(html).body
    if root is None:
        return ""
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(_pieces(root)).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _pieces(node: LexborNode) -> list[str]:
    pieces: list[str] = []
    for child in node.iter(include_text=True):
        tag = child.tag or ""
        if tag == "-text":
            pieces.append((child.text(deep=False) or "").replace("\n", " "))
        elif tag == "br":
            pieces.append("\n")
        elif tag in BLOCKS:
            pieces += ["\n", "- " if tag == "li" else "", *_pieces(child), "\n"]
        else:
            pieces += _inline(child, tag)
    return pieces


def _inline(node: LexborNode, tag: str) -> list[str]:
    inside = _pieces(node)
    target = node.attributes.get("href") if tag == "a" else None
    if target and target.startswith("http") and target not in "".join(inside):
        inside.append(f" ({target})")
    return inside


def to_html(text: str) -> str:
    """Plain text as paragraphs, one for each line that is not empty; ``""`` for no text."""
    return "".join(f"<p>{escape(line.strip(), quote=False)}</p>" for line in text.split("\n") if line.strip())
