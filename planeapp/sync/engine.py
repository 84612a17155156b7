"""One run: snapshot → plan → apply. The preview stops after the plan, which is the very plan a run would apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import structlog
from django.utils import timezone
from structlog.contextvars import bind_contextvars

from planeapp.lib.budget import PREVIEW, calling_for
from planeapp.lib.errors import GroundcrewError
from planeapp.sync import brake, untold
from planeapp.sync import snapshot as reading
from planeapp.sync.apply import Applier, Outcome, always
from planeapp.sync.guard import objection
from planeapp.sync.models import ItemLink, ProjectPair, SyncRun
from planeapp.sync.plan import make_plan
from planeapp.sync.shapes import Plan, Snapshot
from planeapp.sync.snapshot import Sides
from planeapp.sync.timeline import note
from planeapp.sync.told import Told

log = structlog.get_logger(__name__)


def plan_for(sides: Sides, snapshot: Snapshot) -> Plan:
    """The plan for what was read."""
    vendor = sides.vendor
    return make_plan(snapshot, vendor.fields, sides.rules(), vendor.held_back, sides.plane.mark_of, sides.policy)


def preview(pair: ProjectPair) -> Plan:
    """What a run over the whole pair would do. Writes nothing anywhere."""
    with calling_for(PREVIEW), closing(Sides(pair)) as sides:
        return plan_for(sides, reading.of_pair(sides))


def preview_item(pair: ProjectPair, item_id: str) -> Plan:
    """What a run over one work item would do. Writes nothing anywhere."""
    with calling_for(PREVIEW), closing(Sides(pair)) as sides:
        return plan_for(sides, reading.of_item(sides, item_id))


def run_item(
    pair: ProjectPair, item_id: str, extra: Mapping[str, Any] | None = None, told: Told = reading.NOTHING
) -> Outcome:
    """Bring one work item in step. Raises what concerns the whole connection; what failed for the item is in the outcome."""
    with closing(Sides(pair)) as sides:
        return run_item_of(sides, item_id, extra, told)


def run_item_of(
    sides: Sides, item_id: str, extra: Mapping[str, Any] | None = None, told: Told = reading.NOTHING
) -> Outcome:
    """:func:`run_item` with sides that are open already, for several items of one pair."""
    snapshot = reading.of_item(sides, item_id, extra, told)
    plan = plan_for(sides, snapshot)
    brake.check(sides.pair, plan)
    return Applier(sides, snapshot).apply(plan)


def run_pair(pair: ProjectPair, *, forced: bool = False, beat: Callable[[], bool] = always) -> SyncRun:
    """Bring the whole pair in step and keep a record of it.

    A run that would change far more than usual ends as *stopped* before its first write, unless it is ``forced`` or a
    person has allowed this one (``pair.allow_once``). ``beat`` says between changes whether the work is still ours.
    """
    run = SyncRun.objects.create(pair=pair, whole=True)
    bind_contextvars(run=str(run.pk))
    try:
        with closing(Sides(pair)) as sides:
            snapshot = reading.of_pair(sides, thorough=forced or pair.allow_once)
            plan = plan_for(sides, snapshot)
            linked = sum(link.state == ItemLink.State.LINKED for link in snapshot.links)
            why = objection(plan, linked, snapshot.missing)
            if why and not forced and not _allowed(pair):
                return _stopped(run, plan, why)
            outcome = Applier(sides, snapshot, run, beat).apply(plan)
            untold.note(sides, snapshot, plan, outcome)
    except Exception as error:
        told = error.person if isinstance(error, GroundcrewError) else GroundcrewError.default_person
        _finish(run, SyncRun.State.FAILED, {}, told)
        raise
    ProjectPair.objects.filter(pk=pair.pk).update(reconciled_at=run.started_at)
    _finish(run, SyncRun.State.DONE, dict(outcome.counts) | ({"failed": len(outcome.failed)} if outcome.failed else {}))
    return run


def _allowed(pair: ProjectPair) -> bool:
    """Whether a person let the next run pass; that is used up."""
    return bool(ProjectPair.objects.filter(pk=pair.pk, allow_once=True).update(allow_once=False))


def _stopped(run: SyncRun, plan: Plan, why: str) -> SyncRun:
    note(run.pair, "guard", f"{why} An admin can let it run once, on the page of the pairs.", run=run)
    _finish(run, SyncRun.State.STOPPED, plan.counts, why)
    return run


def _finish(run: SyncRun, state: str, counts: Mapping[str, int], detail: str = "") -> None:
    run.state, run.counts, run.detail, run.finished_at = state, dict(counts), detail[:500], timezone.now()
    run.save()
