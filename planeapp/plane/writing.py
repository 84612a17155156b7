"""HTML that we write into comments: escaped, within the tags that Plane's sanitiser keeps.

``paragraphs`` takes the small Markdown that agent activities take too, so that one text serves a run and a comment.
Source of the tags and of the mention element: Plane Community Edition's editor and content validator.
"""

from __future__ import annotations

import html
import re
import uuid

UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
SPECIAL = re.compile(r"[\\*`\[\]_<]|^[>#+-]")
LIST_LINE = re.compile(r"(?:[-*]|\d{1,3}[.)])\s+(.*)", re.DOTALL)
NUMBERED = re.compile(r"\d{1,3}[.)]\s")
INLINE = re.compile(
    r"\\(?P<literal>[\\*`\[\]_<>#+-])"
    r"|\*\*(?P<bold>(?:\\.|[^*\\])+)\*\*"
    r"|`(?P<code>[^`]+)`"
    r"|\[(?P<label>(?:\\.|[^\]\\])+)\]\((?P<url>(?:https?://|mailto:)[^\s()<>\"]+)\)"
)


def escape(text: str) -> str:
    """Text from outside, made safe inside HTML; characters that Plane refuses (NUL, lone surrogates) are dropped."""
    return html.escape(UNSENDABLE.sub("", text), quote=True)


def literal(text: str) -> str:
    """Text from outside, made safe inside the Markdown of :func:`paragraphs` and of agent activities; one line."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def mention_html(user_id: str) -> str:
    """A mention of a user, with the fresh element id that Plane's editor gives each one; ``""`` for no user."""
    if not user_id:
        return ""
    who = f'id="{uuid.uuid4()}" entity_identifier="{escape(user_id)}" entity_name="user_mention"'
    return f"<mention-component {who}></mention-component>"


def paragraphs(text: str, *, mention: str = "") -> str:
    """HTML of a small Markdown: blank-line paragraphs, ``**bold**``, ```code```, ``[label](https://…)``, lists.

    ``mention`` is the id of a user to address at the start. Everything else is escaped; a backslash makes the next
    special character plain.
    """
    blocks = [_block(block) for block in re.split(r"\n[ \t]*\n", text.strip()) if block.strip()]
    return addressed(mention_html(mention), "".join(blocks) or "<p></p>")


def addressed(mention: str, html: str) -> str:
    """The HTML of :func:`paragraphs` with a mention's HTML at its start; unchanged for ``""``."""
    if not mention:
        return html
    if html.startswith("<p>"):
        return f"<p>{mention} " + html.removeprefix("<p>")
    return f"<p>{mention}</p>{html}"


def _block(block: str) -> str:
    """Lines of one block: runs of list lines become a list, other runs a paragraph."""
    groups: list[tuple[str, list[str]]] = []
    for line in block.strip().split("\n"):
        item = LIST_LINE.fullmatch(line.strip())
        tag = "p" if item is None else ("ol" if NUMBERED.match(line.strip()) else "ul")
        if not groups or groups[-1][0] != tag:
            groups.append((tag, []))
        groups[-1][1].append(_inline(item[1] if item else line.strip()))
    return "".join(_tagged(tag, lines) for tag, lines in groups)


def _tagged(tag: str, lines: list[str]) -> str:
    if tag == "p":
        return f"<p>{'<br>'.join(lines)}</p>"
    return f"<{tag}>" + "".join(f"<li><p>{line}</p></li>" for line in lines) + f"</{tag}>"


def _inline(text: str) -> str:
    parts, end = [], 0
    for found in INLINE.finditer(text):
        parts += [escape(text[end : found.start()]), _marked(found)]
        end = found.end()
    return "".join([*parts, escape(text[end:])])


def _marked(found: re.Match[str]) -> str:
    if found["literal"]:
        return escape(found["literal"])
    if found["bold"]:
        return f"<strong>{_inline(found['bold'])}</strong>"
    if found["code"]:
        return f"<code>{escape(found['code'])}</code>"
    return f'<a href="{escape(found["url"])}" target="_blank">{_inline(found["label"])}</a>'
