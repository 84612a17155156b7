"""Rich text for Planhat: Plane's description HTML in the few tags that Planhat's editor keeps, on one line.

The editor keeps p, strong, em, lists, blockquote, links and rules, and strips headings, styles and raw newlines. It
also rewrites what it keeps, so what comes back is never compared with what was sent.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

import nh3

KEPT = {"p", "strong", "em", "ul", "ol", "li", "blockquote", "a", "hr"}
SCHEMES = {"http", "https", "mailto"}

_READ = KEPT | {"b", "i", "br", "div", "pre", "tr", "td", "th", "img", *(f"h{level}" for level in range(1, 7))}
_RENAMED = (
    (re.compile(r"<(/?)b>"), r"<\1strong>"),
    (re.compile(r"<(/?)i>"), r"<\1em>"),
    (re.compile(r"<h[1-6]>"), "<p><strong>"),
    (re.compile(r"</h[1-6]>"), "</strong></p>"),
    (re.compile(r"<(/?)(?:div|pre|tr)>"), r"<\1p>"),
    (re.compile(r"<br>"), "</p><p>"),
    (re.compile(r"</?t[dh]>"), " "),
)
_PRE = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)
_IMAGE = re.compile(r"<img\b([^>]*)>")
_ATTRIBUTE = re.compile(r'\b(src|alt)="([^"]*)"')
_SPACE = re.compile(r"[\s\u200b\ufeff]+")
_NO_ADDRESS = re.compile(r"<a>(.*?)</a>", re.DOTALL)
_EMPTY = re.compile(r"<(p|strong|em|li|ul|ol|blockquote)> ?</\1>")
_EDGE = re.compile(r" ?(</?(?:p|ul|ol|li|blockquote)>|<hr>) ?")


def for_planhat(html: str, base: str = "") -> str:
    """``html`` in Planhat's subset. Relative links are made absolute with ``base``, or lose their address without it.

    Images become links where they have an address of their own, else their description; everything else loses its tags
    and keeps its text. Cleaning a second time changes nothing.
    """
    read = _cleaned(html, _READ, base)
    flat = _IMAGE.sub(_image, _PRE.sub(_lines, read))
    for pattern, replacement in _RENAMED:
        flat = pattern.sub(replacement, flat)
    return _tidy(_cleaned(flat, KEPT, base))


def _cleaned(html: str, tags: set[str], base: str) -> str:
    return nh3.clean(
        html,
        tags=tags,
        clean_content_tags={"script", "style"},
        attributes={"a": {"href"}, "img": {"src", "alt"}},
        url_schemes=SCHEMES,
        url_relative=lambda url: urljoin(base, url) if base else None,
        link_rel=None,
    )


def _lines(found: re.Match[str]) -> str:
    return f"<pre>{found[1].strip().replace(chr(10), '<br>')}</pre>"


def _image(found: re.Match[str]) -> str:
    told = dict(_ATTRIBUTE.findall(found[1]))
    text = told.get("alt") or ("image" if told.get("src") else "")
    return f'<a href="{told["src"]}">{text}</a>' if told.get("src") else text


def _tidy(html: str) -> str:
    """One line, no empty elements, no blanks around blocks."""
    html = _EDGE.sub(r"\1", _SPACE.sub(" ", _NO_ADDRESS.sub(r"\1", html)))
    while (shorter := _EDGE.sub(r"\1", _EMPTY.sub("", html))) != html:
        html = shorter
    return html.strip()
