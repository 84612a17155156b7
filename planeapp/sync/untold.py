"""What a sweep found that a webhook should have told: the first sign that a vendor no longer pushes to us.

A change in Plane counts as untold when all of this holds:

- the sweep carried it over from a linked work item, so its content differs from what both sides last agreed on. A newer
  ``updated_at`` alone says little: links, relations and reactions move it, and no webhook tells of them;
- one of the fields moved that every Plane version tells of (``TOLD``), which leaves out what we derive ourselves;
- Plane dates it after the last full look, so that it is neither an old difference nor the first look at a pair;
- neither our own bot nor another bot wrote the row last.

New work items do not count: one that is restored, moved here or accepted from intake looks new and is not told of.

A change at a provider that pushes counts when the sweep carried it over to Plane: with the pushes it would have been
there before. When it was made is not known, so nothing may have come since the last full look.

This only raises the suspicion; whether deliveries really stay out is judged by ``planeapp.inbox.silence``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from planeapp.installations import silences
from planeapp.plane.paging import moment
from planeapp.sync.apply import Outcome
from planeapp.sync.shapes import Change, Plan, Side, Snapshot
from planeapp.sync.snapshot import Sides

TOLD = frozenset({"title", "notes", "start", "end", "priority", "state", "people", "labels"})


def note(sides: Sides, snapshot: Snapshot, plan: Plan, outcome: Outcome) -> None:
    """Write down the suspicions that a run gives rise to."""
    since = sides.pair.reconciled_at
    if since is None:
        return
    missed = list(_in_plane(sides, snapshot, plan, outcome, since))
    if missed:
        silences.suspect(sides.installation, None, min(missed))
    if silences.pushes(sides.pair.connection) and any(_carried(plan, outcome, "plane")):
        silences.suspect(sides.installation, sides.pair.connection, since)


def _carried(plan: Plan, outcome: Outcome, to: Side) -> Iterator[Change]:
    """Updates that were written to one side."""
    for change in plan.changes:
        if (change.kind, change.side) == ("update", to) and change.item_id not in outcome.failed:
            yield change


def _in_plane(
    sides: Sides, snapshot: Snapshot, plan: Plan, outcome: Outcome, since: datetime
) -> Iterator[datetime]:  # fmt: skip
    for change in _carried(plan, outcome, "vendor"):
        item = snapshot.ours[change.item_id]
        changed = moment(item.version)
        if TOLD & change.values.keys() and changed and changed > since and not _by_bot(sides, item.by):
            yield changed


def _by_bot(sides: Sides, by: str) -> bool:
    return by == str(sides.installation.app_bot) or by in sides.plane.bots(sides.project)
