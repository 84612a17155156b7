"""Carrying out a plan, one change at a time, with the link saved after each. One item's failure leaves the rest alone.

Before a row is made over there, a link in state *unconfirmed* is committed: whatever happens to the answer or to us, the
next look finds that link and asks for our mark before anything is written again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from planeapp.lib.claims import LEASE
from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutcomeUnknown, RetryLater
from planeapp.providers.base import Item, Values
from planeapp.sync.models import ItemLink, ProjectPair, SyncRun
from planeapp.sync.plan import Change, Plan, Snapshot
from planeapp.sync.snapshot import Sides
from planeapp.sync.timeline import note, reason_text
from planeapp.sync.values import spoken, to_json

log = structlog.get_logger(__name__)
ITEM_ERRORS = (FixSettings, OutcomeUnknown, Gone)
LABELS = {"start": "start", "end": "end", "starts_at": "from", "ends_at": "until", "title": "title"}


def _open_fields(plan: Plan) -> dict[str, set[str]]:
    """By link: the fields that a plan is to write or leaves to a person."""
    found: dict[str, set[str]] = {}
    for change in plan.changes:
        if change.kind == "update":
            found.setdefault(change.link_id, set()).update(change.values)
    for held in plan.held:
        if held.link_id:
            found.setdefault(held.link_id, set()).update(held.detail)
    return found


BUSY_SECONDS = 0.5


class Busy(RetryLater):
    """Another worker is at the same item: look again in a moment, at what it left."""

    code = "busy"


@dataclass
class Outcome:
    """What a run did: counts by kind and side, and the items that failed with their errors."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: dict[str, GroundcrewError] = field(default_factory=dict)


class Applier:
    """Applies one plan for one pair. Errors that concern the whole connection (reconnect, quota, retry) are raised."""

    def __init__(self, sides: Sides, snapshot: Snapshot, run: SyncRun | None = None) -> None:
        self.sides, self.snapshot, self.run = sides, snapshot, run
        self.pair = sides.pair
        self.outcome = Outcome()
        self._ours, self._theirs = dict(snapshot.ours), dict(snapshot.theirs)  # as they stand after our writes
        self._versions = {link.id: link.version for link in snapshot.links}
        self._open: dict[str, set[str]] = {}  # by link: fields that are not agreed yet (to be written, or in conflict)

    def apply(self, plan: Plan) -> Outcome:
        """Do everything in the plan."""
        self._open = _open_fields(plan)
        for held in plan.held:
            self._note(held.item_id, held.code, reason_text(held.code))
        for change in plan.changes:
            try:
                self._apply(change)
            except Busy as error:
                if self.run is None:
                    raise
                log.info("left to another worker", item=change.item_id, detail=str(error))
            except ITEM_ERRORS as error:
                log.warning("change failed", item=change.item_id, code=error.code, detail=str(error))
                self.outcome.failed[change.item_id] = error
                self._note(change.item_id, error.code, error.person)
        return self.outcome

    def _apply(self, change: Change) -> None:
        step = {
            "create": self._create, "adopt": self._adopt, "agree": self._agree, "unlink": self._unlink,
            "update": self._update_vendor if change.side == "vendor" else self._update_plane,
        }[change.kind]  # fmt: skip
        taken = bool(change.link_id) and self._take(change.link_id)
        try:
            step(change)
        except GroundcrewError:
            if taken:
                self.pair.links.filter(pk=change.link_id).update(claimed_at=None)
            raise
        self.outcome.counts[f"{change.kind} {change.side}"] += 1

    def _take(self, link_id: str) -> bool:
        """Make the link ours alone, if it still is as it was when we planned; Busy when another worker was faster."""
        now, version = timezone.now(), self._versions.get(link_id)
        free = Q(claimed_at=None) | Q(claimed_at__lt=now - LEASE)
        known = self.pair.links.filter(free, pk=link_id)
        if version is None or not known.filter(updated_at=version).update(claimed_at=now):
            raise Busy(f"link {link_id} was changed by another worker", delay=BUSY_SECONDS)
        return True

    def _create(self, change: Change) -> None:
        item = self._ours[change.item_id]
        link, fresh = self._reserve(item)
        try:
            row = self._found_or_made(link, fresh, change)
        except GroundcrewError:
            self.pair.links.filter(pk=link.pk).update(claimed_at=None)
            raise
        self._settle(link, item.values, row, made_by_us=True)
        self._note(item.id, "created", f"Made in {self.sides.vendor.name}: {self._told(row.values)}", after=row.values)

    def _found_or_made(self, link: ItemLink, fresh: bool, change: Change) -> Item:
        mark = self.sides.plane.mark_of(change.item_id)
        found = [] if fresh else list(self.sides.vendor.find(self.pair.place_id, mark))
        if found:
            return found[0]
        try:
            return self.sides.vendor.create(self.pair.place_id, change.values, mark)
        except OutcomeUnknown:
            raise
        except GroundcrewError:
            link.delete()  # refused for certain: nothing was made, so nothing has to be looked for
            raise

    def _reserve(self, item: Item) -> tuple[ItemLink, bool]:
        """An unconfirmed link that is ours alone for a while, and whether it is new.

        Raises Busy when another worker has linked the item since we looked, or is making its row just now.
        """
        now = timezone.now()
        with transaction.atomic():
            ProjectPair.objects.select_for_update().get(pk=self.pair.pk)
            if self.pair.links.filter(item_id=item.id, state=ItemLink.State.LINKED).exists():
                raise Busy(f"{item.id} was linked by another worker", delay=BUSY_SECONDS)
            link, fresh = ItemLink.objects.get_or_create(
                pair=self.pair,
                item_id=item.id,
                state=ItemLink.State.UNCONFIRMED,
                defaults={"item_key": item.values.get("key", ""), "claimed_at": now},
            )
            if not fresh and link.claimed_at is not None and link.claimed_at > now - LEASE:
                raise Busy(f"{item.id} is being made by another worker", delay=BUSY_SECONDS)
            link.claimed_at = now
            link.save(update_fields=["claimed_at"])
        return link, fresh

    def _adopt(self, change: Change) -> None:
        item, row = self._ours[change.item_id], self._theirs[change.remote_id]
        link, _ = self._reserve(item)
        self._settle(link, item.values, row, made_by_us=True)
        self._note(item.id, "linked", f"Found again in {self.sides.vendor.name} by our mark.")

    def _update_vendor(self, change: Change) -> None:
        row = self.sides.vendor.update(self.pair.place_id, self._theirs[change.remote_id], change.values)
        self._theirs[change.remote_id] = row
        self._agreed(change)
        self._note_change(change, self.sides.vendor.name)

    def _update_plane(self, change: Change) -> None:
        known = self._ours[change.item_id]
        item = self.sides.plane.update(self.sides.project, known, change.values)
        self._ours[change.item_id] = replace(item, values={**known.values, **item.values})
        self._agreed(change)
        self._note_change(change, "Plane")

    def _agree(self, change: Change) -> None:
        self._agreed(change)

    def _agreed(self, change: Change) -> None:
        """Remember what both sides hold now."""
        still_open = self._open.get(change.link_id, set())
        still_open -= change.values.keys()
        ours, theirs = self._ours[change.item_id].values, self._theirs[change.remote_id]
        self._settle(self._link(change), ours, theirs, keep=still_open)

    def _unlink(self, change: Change) -> None:
        link = self._link(change)
        link.state, link.claimed_at = ItemLink.State.UNLINKED, None
        link.save()
        side = self.sides.vendor.name if change.side == "vendor" else "Plane"
        self._note(change.item_id, "unlinked", f"It is gone in {side}, so the link was taken off. Nothing was deleted.")

    def _link(self, change: Change) -> ItemLink:
        return self.pair.links.get(pk=change.link_id)

    def _settle(
        self, link: ItemLink, ours: Values, row: Item, made_by_us: bool | None = None, keep: Collection[str] = ()
    ) -> None:
        """Remember what both sides hold now. Fields in ``keep`` are still open: their last agreement stays."""
        link.remote_id, link.remote_url, link.state = row.id, row.url, ItemLink.State.LINKED
        link.item_key = str(ours.get("key") or link.item_key)
        link.claimed_at = None
        link.ours = to_json(ours) | {name: link.ours.get(name) for name in keep}
        link.theirs = to_json(row.values) | {name: link.theirs.get(name) for name in keep}
        if made_by_us is not None:
            link.made_by_us = made_by_us
        link.save()
        self._versions[str(link.pk)] = link.updated_at

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
        note(self.pair, code, text, item_id=item_id, item_key=key, run=self.run, data=data)
