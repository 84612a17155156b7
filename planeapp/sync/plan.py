"""Planning: from what both sides hold and what they last agreed on to a list of changes. Pure: no database, no network.

=========  ==========  ==========================  ==================================================================
Plane has  vendor has  changed since the link      plan
=========  ==========  ==========================  ==================================================================
yes        yes         one side                    update the other, where the field's direction allows
yes        yes         both, same values           remember it
yes        yes         both, different             the field's rule decides who wins, or a person
yes        no          (no link)                   create, unless the provider holds it back
yes        no          (linked, row known gone)    unlink and say so; never made again by itself
no         yes         (linked, item known gone)   unlink and say so; never deleted by itself
archived   yes         (linked)                    leave both alone until it is restored
=========  ==========  ==========================  ==================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from planeapp.providers.base import Field, Item, Values

Kind = Literal["create", "adopt", "update", "agree", "unlink"]
Side = Literal["plane", "vendor"]
MISSING: Any = object()
SPAN = ("start", "end")
TIMES = ("starts_at", "ends_at")


@dataclass(frozen=True)
class Rule:
    """One field's direction and who wins when both sides changed it.

    ``closed`` is a reason code when the field cannot be written in Plane now: what it would be given is held back.
    """

    direction: str
    winner: str = "plane"
    closed: str = ""


@dataclass(frozen=True)
class Link:
    """What is known of a pair of rows; ``ours`` and ``theirs`` as each side stood when they last agreed."""

    id: str
    item_id: str
    remote_id: str
    state: str
    ours: Values = field(default_factory=dict)
    theirs: Values = field(default_factory=dict)
    version: datetime | None = None  # when the link was last written, to see whether the plan still fits


@dataclass(frozen=True)
class Snapshot:
    """Both sides as read. ``gone_*`` are ids that were looked for and are certainly not there; ``archived`` are work items
    that Plane keeps out of sight."""

    ours: Mapping[str, Item]
    theirs: Mapping[str, Item]
    links: Sequence[Link]
    gone_ours: frozenset[str] = frozenset()
    gone_theirs: frozenset[str] = frozenset()
    archived: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """One thing to do. ``values`` is what is written to ``side``; ``before`` what stood there."""

    kind: Kind
    side: Side
    item_id: str
    remote_id: str = ""
    link_id: str = ""
    values: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Held:
    """An item that is left alone, with the reason code that its timeline shows."""

    item_id: str
    code: str
    detail: Values = field(default_factory=dict)
    link_id: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything one run would do, in order."""

    changes: tuple[Change, ...]
    held: tuple[Held, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind, such as ``{"create vendor": 2, "held": 1}``; kinds that write nothing left out."""
        found = Counter(f"{change.kind} {change.side}" for change in self.changes if change.kind != "agree")
        if self.held:
            found["held"] = len(self.held)
        return dict(sorted(found.items()))

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"<Plan {told or 'nothing to do'}>"


HeldBack = Callable[[Values], str]
MarkOf = Callable[[str], str]


def make_plan(
    snapshot: Snapshot, fields: Sequence[Field], rules: Mapping[str, Rule], held_back: HeldBack, mark_of: MarkOf
) -> Plan:
    """The plan for a snapshot. ``held_back`` is the provider's, ``mark_of`` gives the mark of a work item's id."""
    changes: list[Change] = []
    held: list[Held] = []
    for link in snapshot.links:
        if link.state == "linked":
            _linked(snapshot, link, fields, rules, changes, held)
    by_item = _states_by_item(snapshot.links)
    marks = {item.mark: item for item in snapshot.theirs.values() if item.mark}
    for item in snapshot.ours.values():
        states = by_item.get(item.id, set())
        if "linked" not in states:
            _unlinked(item, states, marks.get(mark_of(item.id)), fields, rules, held_back, changes, held)
    return Plan(tuple(changes), tuple(held))


def _states_by_item(links: Sequence[Link]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for link in links:
        found.setdefault(link.item_id, set()).add(link.state)
    return found


def _unlinked(
    item: Item, states: set[str], marked: Item | None, fields: Sequence[Field], rules: Mapping[str, Rule],
    held_back: HeldBack, changes: list[Change], held: list[Held],
) -> None:  # fmt: skip
    """A work item with no live link: adopt the row that carries its mark, hold it back, or create a row."""
    reason = held_back(item.values)
    if marked is not None and "unlinked" not in states:
        changes.append(Change("adopt", "vendor", item.id, marked.id, before=marked.values, why="carries our mark"))
    elif "unlinked" in states:
        held.append(Held(item.id, "unlinked"))
    elif reason:
        held.append(Held(item.id, reason))
    else:
        changes.append(
            Change("create", "vendor", item.id, values=outgoing(item.values, fields, rules), why="not there yet")
        )


def outgoing(values: Values, fields: Sequence[Field], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """What a new row over there starts with: every field that has a direction at all, and times that were asked for."""
    names = [known.name for known in fields if rules[known.name].direction != "off"]
    return {name: values[name] for name in (*names, "key", "url", *TIMES) if name in values}


def _linked(
    snapshot: Snapshot, link: Link, fields: Sequence[Field], rules: Mapping[str, Rule],
    changes: list[Change], held: list[Held],
) -> None:  # fmt: skip
    ours, theirs = snapshot.ours.get(link.item_id), snapshot.theirs.get(link.remote_id)
    if link.remote_id in snapshot.gone_theirs:
        changes.append(Change("unlink", "vendor", link.item_id, link.remote_id, link.id, why="removed over there"))
    elif link.item_id in snapshot.archived:
        held.append(Held(link.item_id, "archived"))
    elif link.item_id in snapshot.gone_ours:
        changes.append(Change("unlink", "plane", link.item_id, link.remote_id, link.id, why="no longer in Plane"))
    elif ours is not None and theirs is not None:
        _compared(link, ours, theirs, fields, rules, changes, held)


def _compared(
    link: Link, ours: Item, theirs: Item, fields: Sequence[Field], rules: Mapping[str, Rule],
    changes: list[Change], held: list[Held],
) -> None:  # fmt: skip
    verdicts = {known.name: _field(link, ours, theirs, known.name, rules[known.name]) for known in fields}
    verdicts = _span_together(verdicts, rules, _newer(ours, theirs))
    to_vendor = _named(verdicts, "vendor", ours.values)
    to_vendor.update(_times(ours, theirs))
    wanted = _named(verdicts, "plane", theirs.values)
    to_plane = {name: value for name, value in wanted.items() if not rules[name].closed}
    conflicts = [name for name, verdict in verdicts.items() if verdict == "ask"]
    if conflicts:
        held.append(_left_open("conflict", conflicts, link, ours, theirs))
    for code in sorted({rules[name].closed for name in wanted} - {""}):
        held.append(_left_open(code, [name for name in wanted if rules[name].closed == code], link, ours, theirs))
    if to_vendor:
        changes.append(_update("vendor", link, to_vendor, theirs.values))
    if to_plane:
        changes.append(_update("plane", link, to_plane, ours.values))
    if not to_vendor and not to_plane and "agree" in verdicts.values():
        changes.append(Change("agree", "plane", link.item_id, link.remote_id, link.id))


def _left_open(code: str, names: Sequence[str], link: Link, ours: Item, theirs: Item) -> Held:
    """Fields that are not written for now, each with what was agreed last and what both sides hold."""
    detail = {name: (link.ours.get(name), ours.values.get(name), theirs.values.get(name)) for name in names}
    return Held(link.item_id, code, detail, link.id)


def _update(side: Side, link: Link, values: dict[str, Any], stood: Values) -> Change:
    before = {name: stood.get(name) for name in values}
    return Change("update", side, link.item_id, link.remote_id, link.id, values, before, "changed on the other side")


def _span_together(verdicts: Mapping[str, str], rules: Mapping[str, Rule], newer: str) -> dict[str, str]:
    """First and last day get one verdict where they have one direction, so that no span ends before it begins.

    Each side having moved another end of the span is a span that both moved.
    """
    found = dict(verdicts)
    if not all(name in verdicts for name in SPAN) or len({rules[name].direction for name in SPAN}) > 1:
        return found
    wanted = {verdicts[name] for name in SPAN} & {"plane", "vendor", "ask"}
    if len(wanted) > 1:
        winners = {_winner(rules[name], newer) for name in SPAN}
        wanted = winners if len(winners) == 1 else {"ask"}
    return found | dict.fromkeys(SPAN, wanted.pop()) if wanted else found


def _named(verdicts: Mapping[str, str], side: Side, values: Values) -> dict[str, Any]:
    """The values that ``side`` is to be given, as far as the other side has them."""
    return {name: values[name] for name, verdict in verdicts.items() if verdict == side and name in values}


def _times(ours: Item, theirs: Item) -> dict[str, Any]:
    """Times of day that somebody asked for (Plane itself has none), where the row differs."""
    return {
        name: ours.values[name]
        for name in TIMES
        if ours.values.get(name) is not None and ours.values[name] != theirs.values.get(name)
    }


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
        return _winner(rule, _newer(ours, theirs))
    if mine_moved:
        return "vendor" if rule.direction in ("out", "both") else "agree"
    return "plane" if rule.direction in ("in", "both") else "agree"


def _winner(rule: Rule, newer: str) -> str:
    """Both sides moved apart. A one-way field follows its source; a two-way one its rule."""
    if rule.direction != "both":
        return "vendor" if rule.direction == "out" else "plane"
    wins = newer if rule.winner == "newest" else rule.winner
    return {"plane": "vendor", "vendor": "plane"}.get(wins, "ask")


def _newer(ours: Item, theirs: Item) -> str:
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
