"""Texts of rules: placeholders filled with what is known of a company. What comes from outside never becomes markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Protocol

from planeapp.plane.writing import UNSENDABLE, escape

LONGEST_LINE = 255
UNKNOWN = "–"
PLACEHOLDERS = (
    "company", "phase", "status", "health", "owner", "revenue", "renewal", "tags", "before", "after", "url",
)  # fmt: skip
NAME = re.compile(r"\{([^{}\n]*)\}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
WEB = re.compile(r"https?://\S+")


class Known(Protocol):
    """A company, of which rules read the name, the address over there and the values."""

    name: str
    url: str
    values: Any


def unknown_names(text: str) -> list[str]:
    """Placeholders in ``text`` that there are none of, as written: ``{phaze}``."""
    return [f"{{{name}}}" for name in NAME.findall(text) if name not in PLACEHOLDERS]


def facts_of(company: Known, before: Any, after: Any) -> dict[str, str]:
    """Placeholder → text; ``""`` for what is not known."""
    values = company.values
    told = {name: values.get(name) for name in ("phase", "status", "health", "revenue", "renewal", "tags")}
    told |= {"company": company.name, "owner": values.get("owner_name") or values.get("owner"), "url": company.url}
    return {name: said(value) for name, value in {**told, "before": before, "after": after}.items()}


def said(value: Any) -> str:
    """A value for people, in one line; ``""`` when there is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, (list, tuple)):
        return ", ".join(filter(None, map(said, value)))
    text = " ".join(UNSENDABLE.sub("", str(value or "")).split())
    return _day(text) if DAY.fullmatch(text) else text


def line(text: str, facts: Mapping[str, str]) -> str:
    """Plain text in one line of at most ``LONGEST_LINE`` characters."""
    filled = _filled(text, facts, str)
    return " ".join(UNSENDABLE.sub("", filled).split())[:LONGEST_LINE].rstrip()


def complete(text: str, facts: Mapping[str, str]) -> bool:
    """Whether all that ``text`` speaks of is known."""
    return all(facts.get(name) for name in NAME.findall(text))


def markup(text: str, facts: Mapping[str, str]) -> str:
    """HTML: paragraphs and line breaks as they are written in ``text``, everything else escaped; ``{url}`` is a link."""
    filled = _filled(text.strip(), {name: " ".join(fact.split()) for name, fact in facts.items()}, escape)
    blocks = [block.strip() for block in re.split(r"\n[ \t]*\n", filled) if block.strip()]
    return "".join("<p>{}</p>".format("<br>".join(block.split("\n"))) for block in blocks)


def _filled(text: str, facts: Mapping[str, str], fit: Callable[[str], str]) -> str:
    """Text and facts made ``fit`` piece by piece, so that neither completes what the other began."""
    pieces = NAME.split(text.replace("\r\n", "\n").replace("\r", "\n"))
    parts = [
        fit(piece) if number % 2 == 0 else _fact(piece, facts.get(piece, ""), fit)
        for number, piece in enumerate(pieces)
    ]
    return "".join(parts)


def _fact(name: str, fact: str, fit: Callable[[str], str]) -> str:
    if name == "url" and fit is escape and WEB.fullmatch(fact):
        return f'<a href="{escape(fact)}" target="_blank">{escape(fact)}</a>'
    return fit(fact or UNKNOWN)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).strftime("%a %d %b %Y")
    except ValueError:
        return text
