"""Planning: from what both sides hold and what they last agreed on to a list of changes. Pure: no database, no network.

=========  ==========  ==========================  ==================================================================
Plane has  vendor has  changed since the link      plan
=========  ==========  ==========================  ==================================================================
yes        yes         one side                    update the other, where the field's direction allows
yes        yes         both, same values           remember it
yes        yes         both, different             the field's rule decides who wins, or a person
yes        no          (no link)                   create, unless the provider or the pair's filters hold it back
yes        no          (linked, row known gone)    unlink and say so; never made again by itself
no         yes         (linked, item known gone)   unlink and say so; delete the row only by the pair's rule, if we made
                                                   it and nobody changed it since
archived   yes         (linked)                    leave both alone until it is restored
yes        elsewhere   (linked)                    leave both alone until the row is back in its place
=========  ==========  ==========================  ==================================================================

A work item may have several rows: their first and last day together are its days (see :func:`_several`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from planeapp.providers.base import Field, Item, Values
from planeapp.sync.shapes import Change, Held, HeldBack, Link, MarkOf, Plan, Policy, Rule, Side, Snapshot
from planeapp.sync.verdicts import SPAN, newer, verdicts_on, winner

TIMES = ("starts_at", "ends_at")
PLAIN = Policy()
OUTER: Mapping[str, Callable[[Sequence[Any]], Any]] = {"start": min, "end": max}


def make_plan(
    snapshot: Snapshot, fields: Sequence[Field], rules: Mapping[str, Rule], held_back: HeldBack, mark_of: MarkOf,
    policy: Policy = PLAIN,
) -> Plan:  # fmt: skip
    """The plan for a snapshot. ``held_back`` is the provider's, ``mark_of`` gives the mark of a work item's id."""
    return _Planning(snapshot, fields, rules, held_back, mark_of, policy).plan()


def outgoing(values: Values, fields: Sequence[Field], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """What a new row over there starts with: every field that has a direction at all, and times that were asked for."""
    names = [known.name for known in fields if rules[known.name].direction != "off"]
    return {name: values[name] for name in (*names, "key", "url", *TIMES) if name in values}


@dataclass
class _Planning:
    """One planning, with the changes and what is held back so far."""

    snapshot: Snapshot
    fields: Sequence[Field]
    rules: Mapping[str, Rule]
    held_back: HeldBack
    mark_of: MarkOf
    policy: Policy
    changes: list[Change] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    def plan(self) -> Plan:
        """Everything that is to be done, linked items first."""
        by_item = _by_item(self.snapshot.links)
        marked = self._marked()
        for item_id, links in by_item.items():
            self._linked(item_id, [link for link in links if link.state == "linked"])
        for item in self.snapshot.ours.values():
            self._unlinked(item, by_item.get(item.id, []), marked.get(self.mark_of(item.id), []))
        return Plan(tuple(self.changes), tuple(self.held))

    def _marked(self) -> dict[str, list[Item]]:
        """Rows that carry a mark and were never linked, by mark."""
        known = {link.remote_id for link in self.snapshot.links}
        found: dict[str, list[Item]] = {}
        for row in self.snapshot.theirs.values():
            if row.mark and row.id not in known:
                found.setdefault(row.mark, []).append(row)
        return found

    # Items without a live link

    def _unlinked(self, item: Item, links: Sequence[Link], marked: Sequence[Item]) -> None:
        """Rows that carry the item's mark are adopted; else it is held back or gets a row."""
        states = {link.state for link in links}
        if marked and "unlinked" not in states:
            self.changes += [
                Change("adopt", "vendor", item.id, row.id, before=row.values, why="carries our mark") for row in marked
            ]
        elif "linked" not in states:
            self._new(item, states)

    def _new(self, item: Item, states: set[str]) -> None:
        filtered = self.policy.filtered(item.values)
        reason = "unlinked" if "unlinked" in states else "filtered" if filtered else self.held_back(item.values)
        if reason:
            self.held.append(Held(item.id, reason, text=filtered if reason == "filtered" else ""))
            return
        values = outgoing(self.policy.placed(item.values), self.fields, self.rules)
        self.changes.append(Change("create", "vendor", item.id, values=values, why="not there yet"))

    # Linked items

    def _linked(self, item_id: str, links: Sequence[Link]) -> None:
        """The links of one item: what is gone or out of sight first, then what both sides hold."""
        whole = [link for link in links if not self._ended(link)]
        ours = self.snapshot.ours.get(item_id)
        rows = [
            (link, self.snapshot.theirs[link.remote_id]) for link in whole if link.remote_id in self.snapshot.theirs
        ]
        if ours is None or not rows:
            return
        filtered = self.policy.filtered(ours.values)
        if filtered:
            self.held.append(Held(item_id, "filtered", text=filtered))
            return
        elsewhere = any(link.remote_id in self.snapshot.moved for link in links)
        if len(whole) > 1 or elsewhere:
            self._several(ours, rows, complete=len(rows) == len(whole) and not elsewhere)
        else:
            self._compared(*rows[0], ours, self.rules)
        self._show(link for link, _ in rows)

    def _ended(self, link: Link) -> bool:
        """Whether one side is gone or out of sight, with what follows from that."""
        if link.remote_id in self.snapshot.gone_theirs:
            self._unlink("vendor", link, "removed over there")
        elif link.item_id in self.snapshot.archived:
            self.held.append(Held(link.item_id, "archived"))
        elif link.item_id in self.snapshot.gone_ours:
            self._without_item(link)
        elif link.remote_id in self.snapshot.moved:
            self.held.append(Held(link.item_id, "moved_over_there"))
        else:
            return False
        return True

    def _unlink(self, side: Side, link: Link, why: str) -> None:
        self.changes.append(Change("unlink", side, link.item_id, link.remote_id, link.id, why=why))

    def _without_item(self, link: Link) -> None:
        """The work item is gone: its row stays, unless the pair's rule is to delete and it is ours, as we left it."""
        row = self.snapshot.theirs.get(link.remote_id)
        if row is None or not self.policy.deletes:
            self._unlink("plane", link, "no longer in Plane")
        elif not link.made_by_us:
            self._unlink("plane", link, "no longer in Plane; its counterpart was not made by us, so it stays")
        elif any(row.values.get(known.name) != link.theirs.get(known.name) for known in self.fields):
            self._unlink("plane", link, "no longer in Plane; its counterpart was changed since, so it stays")
        else:
            before = {**row.values}
            self.changes.append(
                Change(
                    "delete", "vendor", link.item_id, link.remote_id, link.id, before=before, why="no longer in Plane"
                )
            )

    def _show(self, links: Iterable[Link]) -> None:
        """Rows whose address does not stand on the work item yet."""
        for link in links:
            if self.policy.shows and link.url and not link.shown:
                url = {"url": link.url}
                self.changes.append(Change("show", "plane", link.item_id, link.remote_id, link.id, url, why="link"))

    def _compared(self, link: Link, theirs: Item, ours: Item, rules: Mapping[str, Rule]) -> None:
        """One item and one row: what is written where, what waits."""
        verdicts = verdicts_on(link, ours, theirs, self.fields, rules)
        to_vendor = _other_than(theirs.values, _named(verdicts, "vendor", ours.values)) | _times(ours, theirs)
        wanted = _named(verdicts, "plane", theirs.values)
        to_plane = _other_than(ours.values, {name: value for name, value in wanted.items() if not rules[name].closed})
        conflicts = [name for name, verdict in verdicts.items() if verdict == "ask"]
        if conflicts:
            self.held.append(_left_open("conflict", conflicts, link, ours, theirs))
        for code in sorted({rules[name].closed for name in wanted} - {""}):
            names = [name for name in wanted if rules[name].closed == code]
            self.held.append(_left_open(code, names, link, ours, theirs))
        if to_vendor:
            self.changes.append(_update("vendor", link, to_vendor, theirs.values))
        if to_plane:
            self.changes.append(_update("plane", link, to_plane, ours.values))
        if not to_vendor and not to_plane and "agree" in verdicts.values():
            self.changes.append(Change("agree", "plane", link.item_id, link.remote_id, link.id))

    # Items with several rows

    def _several(self, ours: Item, rows: Sequence[tuple[Link, Item]], complete: bool) -> None:
        """Every other field as with one row; the days are those from the first beginning to the last end.

        Days that move in Plane cannot say which row is meant, so they wait for a person; rows that move over there move
        Plane's days. While some of the rows are out of sight nothing is compared: what moved would count as agreed.
        """
        if not complete:
            return
        single = {**self.rules, **{name: Rule("off") for name in SPAN if name in self.rules}}
        for link, row in rows:
            self._compared(link, row, ours, single)
        names = [name for name in SPAN if name in self.rules and self.rules[name].direction in ("in", "both")]
        if names:
            self._span_of(ours, rows, names)

    def _span_of(self, ours: Item, rows: Sequence[tuple[Link, Item]], names: Sequence[str]) -> None:
        """``names``: those of first and last day that come in from over there."""
        now = _around([row.values for _, row in rows], names)
        then = _around([link.theirs for link, _ in rows], names)
        mine = {name: ours.values.get(name) for name in names}
        moved = all(any(mine[name] != link.ours.get(name) for name in names) for link, _ in rows)
        if None in now.values() or (now == then and not moved):
            return
        if mine == now:
            self._agree([link for link, _ in rows], mine)
        elif now != then and (not moved or self._span_winner(ours, [row for _, row in rows], names) == "plane"):
            self._span_to_plane(ours, [link for link, _ in rows], now)
        elif all(self.rules[name].direction == "in" for name in names):
            self._agree([link for link, _ in rows], mine)
        else:
            self._hold_span("several", ours, [link for link, _ in rows], now)

    def _span_to_plane(self, ours: Item, links: Sequence[Link], now: Values) -> None:
        closed = {self.rules[name].closed for name in now} - {""}
        if closed:
            self._hold_span(min(closed), ours, links, now)
            return
        values = {name: day for name, day in now.items() if day != ours.values.get(name)}
        self.changes.append(_update("plane", links[0], values, ours.values))
        self._agree(links[1:], now)

    def _hold_span(self, code: str, ours: Item, links: Sequence[Link], now: Values) -> None:
        detail = {name: (links[0].ours.get(name), ours.values.get(name), day) for name, day in now.items()}
        self.held += [Held(ours.id, code, detail, link.id) for link in links]

    def _span_winner(self, ours: Item, rows: Sequence[Item], names: Sequence[str]) -> str:
        latest = {newer(ours, row) for row in rows}
        return winner(self.rules[names[0]], latest.pop() if len(latest) == 1 else "")

    def _agree(self, links: Sequence[Link], span: Values) -> None:
        """The values keep a link's days open until then, should a change before this one fail."""
        self.changes += [Change("agree", "plane", link.item_id, link.remote_id, link.id, span) for link in links]


def _around(spans: Sequence[Values], names: Sequence[str]) -> dict[str, Any]:
    """First and last day of several rows; None where a row has none."""
    found = {name: [span.get(name) for span in spans] for name in names}
    known = not any(None in days for days in found.values())
    return {name: OUTER[name](days) if known else None for name, days in found.items()}


def _by_item(links: Sequence[Link]) -> dict[str, list[Link]]:
    found: dict[str, list[Link]] = {}
    for link in links:
        found.setdefault(link.item_id, []).append(link)
    return found


def _left_open(code: str, names: Sequence[str], link: Link, ours: Item, theirs: Item) -> Held:
    """Fields that are not written for now, each with what was agreed last and what both sides hold."""
    detail = {name: (link.ours.get(name), ours.values.get(name), theirs.values.get(name)) for name in names}
    return Held(link.item_id, code, detail, link.id)


def _update(side: Side, link: Link, values: dict[str, Any], stood: Values) -> Change:
    # A field that the other side takes but never tells stood there as we wrote it last.
    before = {name: stood.get(name, link.ours.get(name) if side == "vendor" else None) for name in values}
    return Change("update", side, link.item_id, link.remote_id, link.id, values, before, "changed on the other side")


def _named(verdicts: Mapping[str, str], side: Side, values: Values) -> dict[str, Any]:
    """The values that ``side`` is to be given, as far as the other side has them."""
    return {name: values[name] for name, verdict in verdicts.items() if verdict == side and name in values}


def _other_than(stood: Values, wanted: dict[str, Any]) -> dict[str, Any]:
    """Without what stands there already. First and last day stay together: one of them may follow the other alone."""
    same = {name for name, value in wanted.items() if name in stood and stood[name] == value}
    if not set(SPAN) <= same and set(SPAN) <= wanted.keys():
        same -= set(SPAN)
    return {name: value for name, value in wanted.items() if name not in same}


def _times(ours: Item, theirs: Item) -> dict[str, Any]:
    """Times of day that somebody asked for (Plane itself has none), where the row differs."""
    return {
        name: ours.values[name]
        for name in TIMES
        if ours.values.get(name) is not None and not _same_moment(ours.values[name], theirs.values.get(name))
    }


def _same_moment(mine: datetime, their: datetime | None) -> bool:
    """Compared as moments: two times on the wall are the same in the hour that comes twice."""
    return their is not None and mine.timestamp() == their.timestamp()
