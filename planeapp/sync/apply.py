"""Carrying out a plan, one change at a time, with the link saved after each. One item's failure leaves the rest alone.

Before a row is made over there, a link in state *unconfirmed* is committed: whatever happens to the answer or to us, the
next look finds that link and asks for our mark before anything is written again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutcomeUnknown
from planeapp.providers.base import Item, Values, Write
from planeapp.sync import conflicts
from planeapp.sync.links import BUSY_SECONDS, Busy, Links
from planeapp.sync.models import ItemLink, SyncRun
from planeapp.sync.record import Entry, Recorder
from planeapp.sync.shapes import ASKED, Change, Held, Plan, Snapshot
from planeapp.sync.snapshot import Sides
from planeapp.sync.timeline import note, reason_text
from planeapp.sync.values import spoken, to_json
from planeapp.sync.verdicts import SPAN

log = structlog.get_logger(__name__)
ITEM_ERRORS = (FixSettings, OutcomeUnknown, Gone)
LABELS = {"start": "start", "end": "end", "starts_at": "from", "ends_at": "until", "title": "title"}


def _open_fields(plan: Plan) -> dict[str, set[str]]:
    """By link: the fields that a plan is to write or leaves to a person."""
    found: dict[str, set[str]] = {}
    for change in plan.changes:
        if change.kind in ("update", "agree"):
            found.setdefault(change.link_id, set()).update(change.values)
    for held in plan.held:
        if held.link_id:
            found.setdefault(held.link_id, set()).update(held.detail)
    return found


def _asked(plan: Plan) -> list[Held]:
    return [held for held in plan.held if held.code == "conflict"]


def _moved(item: Item, other: Item, names: Sequence[str]) -> Item:
    """As if these fields had moved to where they are now: agreed on is nothing, or the other's value where that is it."""
    before = {name: other.values[name] if item.values[name] is None else None for name in names}
    return replace(item, values={**item.values, **before})


def always() -> bool:
    """For work that no other worker can take over."""
    return True


@dataclass
class Outcome:
    """What a run did: counts by kind and side, the items that failed with their errors, and those that were held back with
    the reason for people."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: dict[str, GroundcrewError] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """One change of a bulk write that is about to be made."""

    change: Change
    link: ItemLink
    entry: Entry
    write: Write


class Applier:
    """Applies one plan for one pair. Errors that concern the whole connection (reconnect, quota, retry) are raised.

    ``run`` is the run that this belongs to; without one it is work on a single item, and a run is kept only when it
    changes something. ``beat`` is called between changes, and says whether the work is still ours.
    """

    def __init__(
        self, sides: Sides, snapshot: Snapshot, run: SyncRun | None = None, beat: Callable[[], bool] = always
    ) -> None:
        self.sides, self.snapshot, self.beat = sides, snapshot, beat
        self.alone = run is None
        self.pair = sides.pair
        self.record = Recorder(sides.pair, run)
        self.outcome = Outcome()
        self._ours, self._theirs = dict(snapshot.ours), dict(snapshot.theirs)  # as they stand after our writes
        self.links = Links(sides.pair, {link.id: link.version for link in snapshot.links})
        self._open: dict[str, set[str]] = {}  # by link: fields that are not agreed yet (to be written, or in conflict)
        self._unsettled: set[str] = set()  # items of which a change failed or was left to another worker

    def apply(self, plan: Plan) -> Outcome:
        """Do everything in the plan."""
        self._open = _open_fields(plan)
        self._note_held(plan)
        try:
            for change in self._left_by_bulk(plan.changes):
                self._attempt(change)
        except GroundcrewError as error:
            self.record.finish(self.outcome.counts, len(self.outcome.failed), error.person)
            raise
        self._close_conflicts(plan)
        self.record.finish(self.outcome.counts, len(self.outcome.failed))
        return self.outcome

    def _left_by_bulk(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Write in bulk what can be; gives the other changes."""
        if self.alone or self.sides.vendor.bulk == 1:
            return changes
        many = [change for change in changes if change.side == "vendor" and change.kind in ("create", "update")]
        for at in range(0, len(many), self.sides.vendor.bulk):
            self._must_be_ours()
            self._write_together(many[at : at + self.sides.vendor.bulk])
        together = {id(change) for change in many}
        return [change for change in changes if id(change) not in together]

    def _write_together(self, changes: Sequence[Change]) -> None:
        """One bulk write: everything is put down and taken first, then written, then settled row by row."""
        opened = [one for change in changes if (one := self._opened(change)) is not None]
        try:
            outcomes = self.sides.rows.write_many([one.write for one in opened]) if opened else {}
        except GroundcrewError:
            self.links.release(one.link for one in opened)
            raise
        for one in opened:
            self.beat()  # what was written has to be settled, whoever has the run by now
            self._trying(one.change, partial(self._settled, one, outcomes[one.write.mark]))

    def _opened(self, change: Change) -> Opened | None:
        """The change as a bulk write takes it, with its link ours alone; None when another worker is at the item."""
        mark, item = self.sides.plane.mark_of(change.item_id), self._ours[change.item_id]
        try:
            if change.kind == "create":
                link, row = self.links.reserve(item)[0], None
            else:
                self.links.take(change.link_id)
                link, row = self.links.get(change.link_id), self._theirs[change.remote_id]
        except Busy as error:
            self._unsettled.add(change.item_id)
            log.info("left to another worker", item=change.item_id, detail=str(error))
            return None
        return Opened(change, link, self.record.begin(change, link, item), Write(mark, change.values, row))

    def _settled(self, one: Opened, outcome: Item | GroundcrewError) -> None:
        """Remember what became of one row of a bulk write, as after a write of its own."""
        if isinstance(outcome, GroundcrewError):
            self._not_written(one)
            raise outcome
        if one.change.kind == "create":
            self._made(one.change, one.link, one.entry, outcome)
        else:
            self._changed(one.change, one.entry, outcome)
        self.outcome.counts[f"{one.change.kind} vendor"] += 1

    def _not_written(self, one: Opened) -> None:
        if one.change.kind == "create":
            one.link.delete()  # refused for certain
        else:
            self.links.release([one.link])

    def _must_be_ours(self) -> None:
        if not self.beat():
            raise Busy("the run was taken over by another worker", delay=BUSY_SECONDS)

    def _attempt(self, change: Change) -> None:
        self._must_be_ours()
        if change.kind == "agree" and change.item_id in self._unsettled:
            return  # what it would remember was not written
        self._trying(change, partial(self._apply, change))

    def _trying(self, change: Change, step: Callable[[], None]) -> None:
        """Do it; what goes wrong for this item alone is put down, and the others go on."""
        try:
            step()
        except Busy as error:
            if self.alone:
                raise
            self._unsettled.add(change.item_id)
            log.info("left to another worker", item=change.item_id, detail=str(error))
        except ITEM_ERRORS as error:
            log.warning("change failed", item=change.item_id, code=error.code, detail=str(error))
            self._unsettled.add(change.item_id)
            self.outcome.failed[change.item_id] = error
            self._note(change.item_id, error.code, error.person)

    def _note_held(self, plan: Plan) -> None:
        conflicts.note(_asked(plan))
        for held in plan.held:
            self.outcome.held[held.item_id] = reason_text(held.code, held.text)
            self._note(held.item_id, held.code, self.outcome.held[held.item_id])

    def _close_conflicts(self, plan: Plan) -> None:
        """Of links that both sides were read of. After the writes: a choice that could not be written is not forgotten."""
        seen = [link for link in self.snapshot.links if link.remote_id in self.snapshot.theirs]
        looked = [link.id for link in seen if link.item_id in self.snapshot.ours.keys() - self._unsettled]
        conflicts.close(looked, _asked(plan))

    def _apply(self, change: Change) -> None:
        step = {
            "create": self._create, "adopt": self._adopt, "agree": self._agree, "unlink": self._unlink,
            "delete": self._delete, "show": self._shown,
            "update": self._update_vendor if change.side == "vendor" else self._update_plane,
        }[change.kind]  # fmt: skip
        taken = bool(change.link_id) and self.links.take(change.link_id)
        try:
            step(change)
        except GroundcrewError:
            if taken:
                self.pair.links.filter(pk=change.link_id).update(claimed_at=None)
            raise
        self.outcome.counts[f"{change.kind} {change.side}"] += 1

    def _create(self, change: Change) -> None:
        item = self._ours[change.item_id]
        link, fresh = self.links.reserve(item)
        entry = self.record.begin(change, link, item)
        try:
            row, found = self._found_or_made(link, fresh, change)
        except GroundcrewError:
            self.links.release([link])
            raise
        self._made(change, link, entry, row, found)

    def _made(self, change: Change, link: ItemLink, entry: Entry, row: Item, found: bool = False) -> None:
        """Remember a row that was made for an item (or ``found``, from a try whose answer was lost)."""
        item = self._ours[change.item_id]
        entry.now(link, row.values, remote_id=row.id)
        self.links.settle(link, *(self._as_adopted(item, row) if found else (item, row)), made_by_us=True)
        entry.end()
        self._note(item.id, "created", f"Made in {self.sides.vendor.name}: {self._told(row.values)}", after=row.values)
        self._show(link)

    def _found_or_made(self, link: ItemLink, fresh: bool, change: Change) -> tuple[Item, bool]:
        """The row, and whether it was there already."""
        mark = self.sides.plane.mark_of(change.item_id)
        found = [] if fresh else self.links.free(self.sides.rows.find(mark))
        if found:
            return found[0], True
        try:
            return self.sides.rows.create(change.values, mark), False
        except OutcomeUnknown:
            raise
        except GroundcrewError:
            link.delete()  # refused for certain: nothing was made, so nothing has to be looked for
            raise

    def _as_adopted(self, item: Item, row: Item) -> tuple[Item, Item]:
        """What to remember of both for a row that was there before us.

        Where the two differ nothing was ever agreed: both sides then count as moved, so that the next look follows the
        field's rule (and asks, where that is the rule).
        """
        shared = [
            known.name for known in self.sides.vendor.fields if known.name in item.values.keys() & row.values.keys()
        ]
        apart = [name for name in shared if item.values[name] != row.values[name]]
        return _moved(item, row, apart), _moved(row, item, apart)

    def _adopt(self, change: Change) -> None:
        item, row = self._ours[change.item_id], self._theirs[change.remote_id]
        link = self.links.for_another(item, row)
        with self.record.writing(change, link, item):
            if link.state == ItemLink.State.UNCONFIRMED:
                self.links.settle(link, *self._as_adopted(item, row), made_by_us=True)
            else:
                self._settle_another(link, item, row)
        self._note(item.id, "linked", f"Found again in {self.sides.vendor.name} by our mark.")
        self._show(link)

    def _settle_another(self, link: ItemLink, item: Item, row: Item) -> None:
        """One more row of the item, made by a person who copied one.

        Its days are not agreed yet, so that the next look draws Plane's around all rows.
        """
        ours, theirs = self._as_adopted(item, row)
        days = {name: item.values[name] for name in SPAN if name in item.values}
        untold = {name: value for name, value in theirs.values.items() if name not in SPAN}
        self.links.settle(
            link, replace(ours, values={**ours.values, **days}), replace(theirs, values=untold), made_by_us=False
        )

    def _update_vendor(self, change: Change) -> None:
        entry = self.record.begin(change, self.links.get(change.link_id), self._ours[change.item_id])
        self._changed(change, entry, self.sides.rows.update(self._theirs[change.remote_id], change.values))

    def _changed(self, change: Change, entry: Entry, row: Item) -> None:
        """Remember a row after our write."""
        known = self._theirs[change.remote_id]
        self._theirs[change.remote_id] = replace(row, values=self._written(known, row, change))
        entry.now(self._agreed(change), row.values)
        entry.end()
        self._note_change(change, self.sides.vendor.name)

    def _update_plane(self, change: Change) -> None:
        known = self._ours[change.item_id]
        with self.record.writing(change, self.links.get(change.link_id), known) as entry:
            item = self.sides.plane.update(self.sides.project, known, change.values)
            self._ours[change.item_id] = replace(item, values={**known.values, **self._written(known, item, change)})
            entry.now(self._agreed(change), item.values)
        self._note_change(change, "Plane")

    def _written(self, known: Item, fresh: Item, change: Change) -> Values:
        """A row after our write, as far as it is ours: what a person changed in other fields since we read it has not been
        carried over, so for these the row still counts as we read it."""
        fields = {known_field.name for known_field in self.sides.vendor.fields} - change.values.keys()
        return {**fresh.values, **{name: known.values[name] for name in fields if name in known.values}}

    def _delete(self, change: Change) -> None:
        """Remove a row that we made and that nobody changed since, because its work item is gone."""
        link = self.links.get(change.link_id)
        with self.record.writing(change, link):
            self.sides.rows.delete(self._theirs[change.remote_id])
            self.links.end(link)
        self._note(
            change.item_id,
            "deleted",
            f"Removed from {self.sides.vendor.name}, since {ASKED if change.why == ASKED else 'its work item is gone'}.",
            change.before,
        )

    def _shown(self, change: Change) -> None:
        link = self.links.get(change.link_id)
        with self.record.writing(change, link):
            self._put_link(link)

    def _show(self, link: ItemLink) -> None:
        """Put the row's address on the work item. What fails here is planned again by the next look."""
        if not self.sides.policy.shows or not link.remote_url:
            return
        try:
            self._put_link(link)
        except ITEM_ERRORS as error:
            log.warning("no link on the work item", item=str(link.item_id), code=error.code, detail=str(error))

    def _put_link(self, link: ItemLink) -> None:
        title = f"{self.sides.vendor.name}: {link.item_key or self.pair.project_key}"
        self.sides.plane.show(self.sides.project, str(link.item_id), link.remote_url, title)
        self.links.shown(link)

    def _agree(self, change: Change) -> None:
        self._agreed(change)

    def _agreed(self, change: Change) -> ItemLink:
        """Remember what both sides hold now."""
        still_open = self._open.get(change.link_id, set())
        still_open -= change.values.keys()
        link = self.links.get(change.link_id)
        self.links.settle(link, self._ours[change.item_id], self._theirs[change.remote_id], keep=still_open)
        return link

    def _unlink(self, change: Change) -> None:
        link = self.links.get(change.link_id)
        with self.record.writing(change, link):
            self.links.end(link)
        side = self.sides.vendor.name if change.side == "vendor" else "Plane"
        reason, _, why = change.why.partition("; ")
        since = f"Since {ASKED}," if reason == ASKED else f"It is gone in {side}, so"
        told = f"{since} the link was taken off. Nothing was deleted."
        self._note(change.item_id, "unlinked", f"{told} {why[:1].upper()}{why[1:]}." if why else told)

    def _told(self, values: Values) -> str:
        names = ("starts_at", "ends_at") if values.get("starts_at") else ("start", "end")
        told = [f"{LABELS[name]} {spoken(values[name])}" for name in names if values.get(name)]
        return ", ".join(told) or spoken(values.get("title"))

    def _note_change(self, change: Change, where: str) -> None:
        days = {"start", "end"} if change.values.get("starts_at") else set()  # the times say it already
        shown = [(name, value) for name, value in change.values.items() if name not in days]
        told = ", ".join(f"{LABELS.get(name, name)} → {spoken(value)}" for name, value in shown)
        self._note(change.item_id, "updated", f"Written to {where}: {told}", change.before, change.values)

    def _note(
        self, item_id: str, code: str, text: str, before: Values | None = None, after: Values | None = None
    ) -> None:
        item = self.snapshot.ours.get(item_id)
        key = str(item.values.get("key", "")) if item else ""
        data = {"before": to_json(before or {}), "after": to_json(after or {})} if before or after else {}
        note(self.pair, code, text, item_id=item_id, item_key=key, run=self.record.run, data=data)
