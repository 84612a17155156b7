"""The plan of a rule for one company: what will be made and changed, with all texts filled in. Pure.

A step is plain data with ``do``, and ``note`` where there is something to say beforehand:

- ``create_item``: ``project``, ``title``, ``notes`` (HTML), ``state``, ``priority``, ``labels``, ``assign`` (an e-mail address
  or ``""``), ``start`` and ``end`` (ISO days or None);
- ``label`` (``label``), ``comment`` (``html``) and ``assign`` (``assign``): on each of ``items``
  (``project``, ``item``, ``key``, ``sure``: it is known to be open; else that is looked up then), ``more`` are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from planeapp.customers.rule_texts import Known, complete, facts_of, line, markup

if TYPE_CHECKING:
    from planeapp.customers.rules import Assign, CreateItem, PutLabel, RuleSpec, Say

MOST_ITEMS = 100
Step = dict[str, Any]


@dataclass(frozen=True)
class Tied:
    """A work item tied to the company. ``sure``: it is open as far as we know; else Plane has to be asked."""

    project: str
    item: str
    key: str = ""
    sure: bool = True


@dataclass(frozen=True)
class _Case:
    """What the steps of one firing are made of."""

    facts: Mapping[str, str]
    owner: str
    items: Sequence[Tied]
    today: date

    def who(self, told: str) -> tuple[str, str]:
        """An e-mail address, and what to say where there is none."""
        if told != "owner":
            return told, ""
        return self.owner, "" if self.owner else "The company has no owner, so nobody is assigned."

    def day(self, ahead: int | None) -> str | None:
        """An ISO day so many days ahead."""
        return None if ahead is None else (self.today + timedelta(days=ahead)).isoformat()

    def on_items(self, do: str, **more: Any) -> Step:
        """A step on all open work items; none of them when it could not be told what to do."""
        items = [] if more.get("note") else self.items[:MOST_ITEMS]
        left = 0 if more.get("note") else max(len(self.items) - MOST_ITEMS, 0)
        return _noted({"do": do, "items": [asdict(item) for item in items], "more": left, **more})


def steps(
    spec: RuleSpec, company: Known, before: Any, after: Any, items: Sequence[Tied], *, today: date | None = None
) -> list[Step]:
    """The plan: one step for each action, in order. ``items`` are the company's open work items."""
    facts = facts_of(company, before, after)
    case = _Case(facts, str(company.values.get("owner") or "").lower(), items, today or timezone.localdate())
    return [STEPS[action.do](action, case) for action in spec.then]


def _create(action: CreateItem, case: _Case) -> Step:
    assign, note = case.who(action.assign)
    labels = [line(label, case.facts) for label in action.labels if complete(label, case.facts)]
    return _noted({
        "do": action.do, "project": str(action.project_id), "title": line(action.title, case.facts),
        "notes": markup(action.notes, case.facts), "state": action.state, "priority": action.priority,
        "labels": list(dict.fromkeys(labels)), "assign": assign,
        "start": case.day(action.start_in), "end": case.day(action.due_in), "note": note,
    })  # fmt: skip


def _label(action: PutLabel, case: _Case) -> Step:
    note = "" if complete(action.label, case.facts) else "What the label speaks of is not known, so none is put."
    return case.on_items(action.do, label=line(action.label, case.facts), note=note)


def _comment(action: Say, case: _Case) -> Step:
    return case.on_items(action.do, html=markup(action.text, case.facts))


def _assign(action: Assign, case: _Case) -> Step:
    assign, note = case.who(action.who)
    return case.on_items(action.do, assign=assign, note=note)


def _noted(step: Step) -> Step:
    return {name: value for name, value in step.items() if name != "note" or value}


STEPS: Mapping[str, Callable[[Any, _Case], Step]] = {
    "create_item": _create, "label": _label, "comment": _comment, "assign": _assign,
}  # fmt: skip
