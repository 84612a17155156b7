"""The guard over single looks: hundreds of deletions that are told one by one are a mass change as well.

What was ended in the last hour and what waits to be ended count together. Beyond the guard's measure nothing more is ended by
single looks: the whole pair is looked at, and that run stops with the numbers and asks a person.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from planeapp.lib.errors import AskPerson
from planeapp.sync.guard import FEW_ENDS, SHARE_OF_ENDS
from planeapp.sync.models import ItemLink, ProjectPair, RunChange, SyncRun
from planeapp.sync.shapes import ENDS, Plan

LATELY = timedelta(hours=1)
DELETED = "deleted"
"""Reason of due rows that a deletion was told for."""


class TooManyEnds(AskPerson):
    """So many links would end, or have just ended, that a person has to agree."""

    code = "guard"
    default_person = "Far more links would end than usual, so nothing more is ended until an admin agrees."


def check(pair: ProjectPair, plan: Plan) -> None:
    """Raise TooManyEnds when this plan for a single item goes beyond what is usual; a plan without an end costs nothing."""
    if not any(change.kind in ENDS for change in plan.changes):
        return
    if stopped(pair) or pair.due.filter(item_id="", reason=DELETED).exists():
        raise TooManyEnds("a look at the whole pair decides, or was stopped and nobody has agreed yet")
    recent = RunChange.objects.filter(run__pair=pair, run__whole=False, run__kind="sync", kind__in=ENDS)
    ended = recent.filter(at__gte=timezone.now() - LATELY).count()
    waiting = pair.due.filter(reason=DELETED).exclude(item_id="").count()
    linked = pair.links.filter(state=ItemLink.State.LINKED).count()
    if ended + max(waiting, 1) > max(FEW_ENDS, SHARE_OF_ENDS * (linked + ended)):
        raise TooManyEnds(f"{ended} links ended within the hour, {waiting} deletions wait, {linked} are left")


def stopped(pair: ProjectPair) -> bool:
    """Whether the last look at the whole pair was stopped by the guard: until a person agrees, nothing is ended."""
    last = pair.runs.filter(whole=True).order_by("-started_at").values_list("state", flat=True).first()
    return last == SyncRun.State.STOPPED


def hand_over(pair: ProjectPair) -> bool:
    """Leave every deletion that waits to a look at the whole pair; false when such a look has stopped already."""
    pair.due.filter(reason=DELETED).exclude(item_id="").delete()
    return not stopped(pair)
