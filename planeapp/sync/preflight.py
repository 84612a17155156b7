"""A look before rules are used: what they would do to real items, and which fields this connection can keep in step.

The plan is the very plan that a run with these rules would apply; nothing is written anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from planeapp.lib.budget import PREVIEW, calling_for
from planeapp.providers.base import Field
from planeapp.sync import snapshot as reading
from planeapp.sync.engine import plan_for
from planeapp.sync.models import ProjectPair
from planeapp.sync.options import Options, as_data
from planeapp.sync.shapes import Plan, Rule, Snapshot
from planeapp.sync.snapshot import Sides
from planeapp.sync.timeline import reason_text

CANNOT_WRITE = "Plane does not allow the app to write this. The overview says which permission is missing."


@dataclass(frozen=True)
class FieldCheck:
    """How one field would fare. ``reason`` says why it cannot be kept in step so (``""``: it can).

    ``out`` and ``back``: how many items would be written over there and in Plane; ``held``: how many wait for a person.
    """

    name: str
    label: str
    rule: Rule
    reason: str
    out: int
    back: int
    held: int


@dataclass(frozen=True)
class Check:
    """The outcome of a look: a line for each field, the plan, and why items are held back (reason text → count)."""

    fields: tuple[FieldCheck, ...]
    plan: Plan
    snapshot: Snapshot
    held: Mapping[str, int]


def objections(sides: Sides) -> dict[str, str]:
    """Field → why its rule cannot work on this connection; fields that can are left out."""
    rules = sides.rules()
    found = {known.name: _objection(sides, known, rules[known.name]) for known in sides.vendor.fields}
    return {name: why for name, why in found.items() if why}


def _objection(sides: Sides, known: Field, rule: Rule) -> str:
    if rule.direction == "off":
        return ""
    if rule.direction not in known.directions:
        return f"{sides.vendor.name} cannot have {known.label.lower()} kept in step in this direction."
    ways = ("out", "in") if rule.direction == "both" else (rule.direction,)
    closed = CANNOT_WRITE if "in" in ways and rule.closed else ""
    return closed or next((why for way in ways if (why := sides.vendor.objection(known.name, way))), "")


def check(pair: ProjectPair, rules: Mapping[str, Any], options: Options, zone: str = "") -> Check:
    """Look at both sides as if the pair had these rules, options and time zone (default: its own).

    Raises what the vendors answer.
    """
    draft = ProjectPair.objects.select_related("connection__installation").get(pk=pair.pk)
    draft.rules, draft.options, draft.zone = dict(rules), as_data(options), zone or draft.zone
    with calling_for(PREVIEW), closing(Sides(draft)) as sides:
        snapshot = reading.of_pair(sides)
        plan = plan_for(sides, snapshot)
        why, known_rules = objections(sides), sides.rules()
        lines = tuple(
            _line(known, known_rules[known.name], why.get(known.name, ""), plan) for known in sides.vendor.fields
        )
    reasons = {(held.item_id, held.code): reason_text(held.code, held.text) for held in plan.held}
    return Check(lines, plan, snapshot, dict(Counter(reasons.values()).most_common()))


def _line(known: Field, rule: Rule, reason: str, plan: Plan) -> FieldCheck:
    writes = [change for change in plan.changes if change.kind in ("create", "update") and known.name in change.values]
    return FieldCheck(
        known.name, known.label, rule, reason,
        out=sum(change.side == "vendor" for change in writes), back=sum(change.side == "plane" for change in writes),
        held=sum(known.name in held.detail for held in plan.held),
    )  # fmt: skip
