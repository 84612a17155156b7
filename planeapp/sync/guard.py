"""The guard: a run that would take away or change far more than usual stops before its first write and asks.

A wrong filter, an emptied project or a vendor that answers nonsense looks like hundreds of ordinary changes. Making new rows
is not guarded: a first run makes hundreds, and they can be taken away again.
"""

from __future__ import annotations

from planeapp.sync.shapes import ENDS, Plan

FEW_ENDS, SHARE_OF_ENDS = 10, 0.2
FEW_CHANGES, SHARE_OF_CHANGES = 50, 0.5


def objection(plan: Plan, linked: int, missing: int = 0) -> str:
    """Why a person has to agree first, with the numbers, or ``""``.

    ``linked`` is how many items are linked now; ``missing`` how many of them a listing shows no more, which counts though
    only some were looked for in this run.
    """
    ends = max(sum(change.kind in ENDS for change in plan.changes), missing)
    changed = len({change.link_id for change in plan.changes if change.kind == "update"})
    found = []
    if ends > max(FEW_ENDS, SHARE_OF_ENDS * linked):
        found.append(f"end {ends} of {linked} links")
    if changed > max(FEW_CHANGES, SHARE_OF_CHANGES * linked):
        found.append(f"change {changed} of {linked} items")
    return f"It would {' and '.join(found)}, far more than usual. Nothing was written." if found else ""
