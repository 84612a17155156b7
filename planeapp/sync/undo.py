"""Taking a run back: each write is undone from its before-image, as far as nobody changed the row since.

Whatever a person (or another run) changed meanwhile stays as it is and is told. Afterwards both sides count as agreed, so
the next look does not write the same again: what a run carried over stays where it came from until it moves once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from planeapp.lib.claims import LEASE
from planeapp.lib.errors import FixSettings, Gone
from planeapp.providers.base import Item, Values
from planeapp.sync import conflicts
from planeapp.sync.links import BUSY_SECONDS, Busy
from planeapp.sync.models import ItemLink, RunChange, SyncRun
from planeapp.sync.record import Entry, Recorder
from planeapp.sync.shapes import Change, Kind, Side
from planeapp.sync.snapshot import Sides
from planeapp.sync.timeline import note
from planeapp.sync.values import from_json, spoken, to_json

log = structlog.get_logger(__name__)
LEFT = (FixSettings, Gone)
ELSEWHERE = "It lies in another place now, so it is left as it is."


@dataclass(frozen=True)
class Return:
    """What goes back to how it was (field → value), and the names that somebody changed since."""

    restore: dict[str, Any]
    changed: tuple[str, ...]


def returning(before: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]) -> Return:
    """Which of the fields that were written (``after``) still stand as written, and what they were. Pure."""
    same = {name for name, value in after.items() if now.get(name) == value}
    restore = {name: before.get(name) for name in after if name in same and before.get(name) != after[name]}
    back = {name for name in after if now.get(name) == before.get(name)}  # it never came, or went back without us
    return Return(restore, tuple(name for name in after if name not in same | back))


class Kept(Exception):
    """A change is left as it is; the text says why."""


def undoable(run: SyncRun) -> QuerySet[RunChange]:
    """The changes of a run that can still be taken back, last one first. Showing an address goes with its row."""
    return run.changes.filter(undone_at=None).exclude(kind="show").order_by("-pk")


class Undoer:
    """Takes back the changes of one run; ``result`` is the run that this makes."""

    def __init__(self, sides: Sides, result: SyncRun) -> None:
        self.sides = sides
        self.record = Recorder(sides.pair, result)

    def undo(self, change: RunChange) -> bool:
        """Take one change back; false when it was left as it is, with the reason in ``change.kept``.

        Errors that concern the whole connection are raised, and Busy when another worker is at the item.
        """
        link = self._take(change)
        try:
            self._step(change, link)
        except Kept as why:
            return self._keep(change, str(why))
        except LEFT as error:
            log.warning("undo left a change", item=str(change.item_id), code=error.code, detail=str(error))
            return self._keep(change, error.person)
        finally:
            self._release(link)
        change.undone_at = timezone.now()
        change.save()
        note(
            self.sides.pair, "undone", self._told(change), item_id=str(change.item_id), item_key=change.item_key,
            run=self.record.run,
        )  # fmt: skip
        return True

    def _step(self, change: RunChange, link: ItemLink | None) -> None:
        {"update": self._update, "create": self._create, "adopt": self._adopt, "unlink": self._unlink,
         "delete": self._deleted}[change.kind](change, link)  # fmt: skip

    def _take(self, change: RunChange) -> ItemLink | None:
        if change.link_id is None:
            return None
        now = timezone.now()
        free = Q(claimed_at=None) | Q(claimed_at__lt=now - LEASE)
        if not ItemLink.objects.filter(free, pk=change.link_id).update(claimed_at=now):
            raise Busy(f"link {change.link_id} is at work", delay=BUSY_SECONDS)
        return ItemLink.objects.get(pk=change.link_id)

    def _release(self, link: ItemLink | None) -> None:
        if link is not None:
            ItemLink.objects.filter(pk=link.pk).update(claimed_at=None)

    def _keep(self, change: RunChange, why: str) -> bool:
        change.kept = why[:500]
        change.save()
        return False

    def _told(self, change: RunChange) -> str:
        where = "Plane" if change.side == "plane" else self.sides.vendor.name
        done = {"update": "a change in", "create": "a new row in", "adopt": "a link to", "unlink": "the end of a link to",
                "delete": "a removal from"}[change.kind]  # fmt: skip
        return f"Taken back: {done} {where}." + (f" {change.kept}" if change.kept else "")

    # One kind of change each

    def _update(self, change: RunChange, link: ItemLink | None) -> None:
        side: Side = "plane" if change.side == "plane" else "vendor"
        row = self._read(change, side)
        found = returning(from_json(change.before), from_json(change.after), row.values)
        if found.changed:
            change.kept = f"Changed since, so left as it is: {_listed(found.changed, row.values)}."
        if not found.restore:
            if found.changed:
                raise Kept(change.kept)
            if link is not None:
                self._remember(link, side, row, from_json(change.after))
            return  # it never came to be, or it went back and the answer was lost
        before = {name: row.values.get(name) for name in found.restore}
        with self._writing("update", change, link, side, found.restore, before) as entry:
            fresh = self._write(side, row, found.restore)
            if link is not None:
                entry.now(link, fresh.values)
                self._remember(link, side, fresh, found.restore)

    def _read(self, change: RunChange, side: Side) -> Item:
        if side == "plane":
            found = self.sides.plane.get(self.sides.project, str(change.item_id))
        else:
            found = self.sides.rows.get(change.remote_id)
            if found is not None and self.sides.rows.elsewhere(found):
                raise Kept(ELSEWHERE)
        if found is None:
            raise Kept("It is no longer there.")
        return found

    def _write(self, side: Side, row: Item, values: dict[str, Any]) -> Item:
        if side == "plane":
            return self.sides.plane.update(self.sides.project, row, values)
        return self.sides.rows.update(row, values)

    def _remember(self, link: ItemLink, side: Side, fresh: Item, names: Mapping[str, Any]) -> None:
        """What was restored counts as agreed: the other side's value did not move, so nothing is written again."""
        told = to_json({name: fresh.values.get(name) for name in names})
        if side == "plane":
            link.ours = {**link.ours, **told}
        else:
            link.theirs = {**link.theirs, **told}
        link.save()

    def _create(self, change: RunChange, link: ItemLink | None) -> None:
        row = self._made(change)
        if row is not None:
            if self.sides.rows.elsewhere(row):
                raise Kept(ELSEWHERE)
            wrote = {name: value for name, value in from_json(change.after).items() if name in row.values}
            changed = [name for name, value in wrote.items() if row.values[name] != value and name in self._compared()]
            if changed:
                raise Kept(f"Changed since, so it is not removed: {_listed(changed, row.values)}.")
            with self._writing("delete", change, link, "vendor", {}, {**row.values}):
                self.sides.rows.delete(row)
        self._end(link)

    def _compared(self) -> set[str]:
        return {known.name for known in self.sides.vendor.fields}

    def _made(self, change: RunChange) -> Item | None:
        """The row that a change made, looked up by our mark when the answer was lost.

        A create that was refused for certain has no link any more, and made nothing.
        """
        if change.remote_id:
            return self.sides.rows.get(change.remote_id)
        return self._marked(change) if change.link_id else None

    def _marked(self, change: RunChange) -> Item | None:
        """A row with the work item's mark that no other link knows."""
        links = self.sides.pair.links.filter(item_id=change.item_id)
        others = {link.remote_id for link in links if link.pk != change.link_id}
        found = self.sides.rows.find(self.sides.plane.mark_of(str(change.item_id)))
        return next((row for row in found if row.id not in others), None)

    def _end(self, link: ItemLink | None) -> None:
        if link is None:
            return
        link.state = ItemLink.State.UNLINKED
        link.save()
        conflicts.close([str(link.pk)], ())
        if link.shown and self.sides.plane.shows:
            with suppress(Gone):  # with its work item
                self.sides.plane.unshow(self.sides.project, str(link.item_id), link.remote_url)
            link.shown = False
            link.save()

    def _adopt(self, change: RunChange, link: ItemLink | None) -> None:
        self._end(link)

    def _unlink(self, change: RunChange, link: ItemLink | None) -> None:
        """Link both again, if both are there: what moved since is carried over by the next look."""
        if link is None:
            raise Kept("The link itself is gone.")
        if self.sides.plane.get(self.sides.project, str(change.item_id)) is None:
            raise Kept("The work item is no longer there, so it cannot be linked again.")
        self._read(change, "vendor")
        link.state = ItemLink.State.LINKED
        link.save()

    def _deleted(self, change: RunChange, link: ItemLink | None) -> None:
        """Make the row again as it was, linked if its work item is there (else both would be thought gone at once)."""
        if self.sides.rows.get(change.remote_id) is not None:
            return  # it was never removed
        mark = self.sides.plane.mark_of(str(change.item_id))
        with self._writing("create", change, link, "vendor", from_json(change.before), {}) as entry:
            row = self._marked(change) or self.sides.rows.create(from_json(change.before), mark)
            if link is not None:
                link.remote_id, link.remote_url, link.shown = row.id, row.url, False
                if self.sides.plane.get(self.sides.project, str(change.item_id)) is not None:
                    link.state = ItemLink.State.LINKED
                link.save()
                entry.now(link, row.values, remote_id=row.id)

    def _writing(
        self, kind: Kind, change: RunChange, link: ItemLink | None, side: Side, values: Values, before: Values
    ) -> AbstractContextManager[Entry]:  # fmt: skip
        planned = Change(kind, side, str(change.item_id), change.remote_id, values=values, before=before, why="undo")
        return self.record.writing(planned, link, None, key=change.item_key)


@dataclass(frozen=True)
class TakenBack:
    """How many changes were taken back, and why the others were left."""

    undone: int
    kept: tuple[str, ...]


def take_back(run: SyncRun) -> TakenBack:
    """Take a small run back at once. Raises what concerns the whole connection; what was done by then stays done."""
    result = SyncRun.objects.create(pair=run.pair, kind=SyncRun.Kind.UNDO, undoes=run)
    undone, kept = 0, []
    with closing(Sides(run.pair)) as sides:
        undoer = Undoer(sides, result)
        for change in undoable(run):
            if undoer.undo(change):
                undone += 1
            else:
                kept.append(change.kept)
    counts = {"undone": undone, "kept": len(kept)}
    SyncRun.objects.filter(pk=result.pk).update(state=SyncRun.State.DONE, counts=counts, finished_at=timezone.now())
    return TakenBack(undone, tuple(kept))


def _listed(names: Iterable[str], now: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} (now {spoken(now.get(name))})" for name in names)


def told(result: Mapping[str, int]) -> str:
    """What an undo did, for people."""
    undone, kept = result.get("undone", 0), result.get("kept", 0)
    parts = [f"{undone} taken back"] + (
        [f"{kept} left as they are, since they were changed or are gone"] if kept else []
    )
    return ", ".join(parts)
