"""Who is to be written, field by field, for a work item and its row: the heart of planning. Pure.

A verdict is ``plane`` or ``vendor`` (that side is written), ``agree`` (nobody, but it is remembered), ``ask`` (a person
chooses) or ``same``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from planeapp.providers.base import Field, Item
from planeapp.sync.shapes import Link, Rule

MISSING: Any = object()
SPAN = ("start", "end")
OTHER = {"plane": "vendor", "vendor": "plane"}


def verdicts_on(
    link: Link, ours: Item, theirs: Item, fields: Sequence[Field], rules: Mapping[str, Rule]
) -> dict[str, str]:  # fmt: skip
    """A verdict for every field of the provider."""
    found = {known.name: _field(link, ours, theirs, known.name, rules[known.name]) for known in fields}
    return _decided(_span_together(found, rules, newer(ours, theirs)), link, ours, theirs)


def _decided(verdicts: Mapping[str, str], link: Link, ours: Item, theirs: Item) -> dict[str, str]:
    """Where a person has chosen between these very values, that side stays and the other is written."""
    found = dict(verdicts)
    for name in [name for name, verdict in verdicts.items() if verdict == "ask"]:
        known = link.decided.get(name)
        if known and (known.mine, known.their) == (ours.values.get(name), theirs.values.get(name)):
            found[name] = OTHER[known.stays]
    if "ask" in {found.get(name) for name in SPAN}:  # one end of a span is not written without the other
        return found | {name: verdicts[name] for name in SPAN if name in verdicts}
    return found


def _span_together(verdicts: Mapping[str, str], rules: Mapping[str, Rule], newer: str) -> dict[str, str]:
    """First and last day get one verdict where they have one direction, so that no span ends before it begins.

    Each side having moved another end of the span is a span that both moved.
    """
    found = dict(verdicts)
    if not all(name in verdicts for name in SPAN) or len({rules[name].direction for name in SPAN}) > 1:
        return found
    wanted = {verdicts[name] for name in SPAN} & {"plane", "vendor", "ask"}
    if len(wanted) > 1:
        winners = {winner(rules[name], newer) for name in SPAN}
        wanted = winners if len(winners) == 1 else {"ask"}
    return found | dict.fromkeys(SPAN, wanted.pop()) if wanted else found


def _field(link: Link, ours: Item, theirs: Item, name: str, rule: Rule) -> str:
    """Who is to be written for one field: ``plane``, ``vendor``, ``agree`` (nobody), ``ask`` or ``same``."""
    mine, their = ours.values.get(name, MISSING), theirs.values.get(name, MISSING)
    if rule.direction == "off" or mine is MISSING:
        return "same"
    # A field that the vendor takes but never tells (a note that its editor rewrites) cannot have moved over there.
    mine_moved = mine != link.ours.get(name)
    theirs_moved = their is not MISSING and their != link.theirs.get(name)
    if not mine_moved and not theirs_moved:
        return "same"
    if mine == their:
        return "agree"
    if mine_moved and theirs_moved:
        return winner(rule, newer(ours, theirs))
    if mine_moved:
        return "vendor" if rule.direction in ("out", "both") else "agree"
    return "plane" if rule.direction in ("in", "both") else "agree"


def winner(rule: Rule, newer: str) -> str:
    """Both sides moved apart. A one-way field follows its source; a two-way one its rule."""
    if rule.direction != "both":
        return "vendor" if rule.direction == "out" else "plane"
    wins = newer if rule.winner == "newest" else rule.winner
    return {"plane": "vendor", "vendor": "plane"}.get(wins, "ask")


def newer(ours: Item, theirs: Item) -> str:
    """The side whose row was written later (``plane`` or ``vendor``); ``""`` when the rows do not tell, or at one moment."""
    mine, their = _written_at(ours), _written_at(theirs)
    if mine is None or their is None or mine == their:
        return ""
    return "plane" if mine > their else "vendor"


def _written_at(item: Item) -> datetime | None:
    """When a row was last written, where its version is a time with a zone."""
    try:
        found = datetime.fromisoformat(item.version)
    except ValueError:
        return None
    return found if found.tzinfo else None
