"""What a rule would do, shown on companies as they are. Nothing is written, here or anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import F

from planeapp.customers.deciding import items_for, plan_for, today_of
from planeapp.customers.models import Company
from planeapp.customers.open_items import OPEN
from planeapp.customers.rule_steps import Step, Tied
from planeapp.customers.rule_tests import STATES, within
from planeapp.customers.rules import RuleSpec, holds
from planeapp.installations.gateways import side_for
from planeapp.installations.models import Connection
from planeapp.lib.budget import PREVIEW, calling_for

MOST_LOOKS = 20
"""So many work items, of which we do not know whether they are open, are looked at in Plane for one preview."""


@dataclass(frozen=True)
class Example:
    """A company, what the rule takes for before and after, and the plan for it."""

    company: Company
    before: Any
    after: Any
    steps: list[Step]


def preview(connection: Connection, spec: RuleSpec, most: int = 5) -> list[Example]:
    """Companies for which it is now as the rule waits for, last changed first, with what would be made and changed."""
    found = []
    for company in _fitting(connection, spec):
        found.append(company)
        if len(found) == most:
            break
    return _examples(connection, spec, found)


def for_company(connection: Connection, spec: RuleSpec, company: Company) -> Example:
    """What the rule would do if it fired for this company now."""
    return _examples(connection, spec, [company])[0]


def _fitting(connection: Connection, spec: RuleSpec) -> Iterator[Company]:
    today = today_of(connection)
    companies = Company.objects.filter(connection=connection, gone_at=None)
    latest = "created_at" if spec.when.test == "created" else "changed_at"
    for company in companies.order_by(F(latest).desc(nulls_last=True), "pk").iterator():
        if holds(spec, company) and _as_after(spec, company, today):
            yield company


def _as_after(spec: RuleSpec, company: Company, today: date) -> bool:
    """Whether the company is as it would be when the rule fires."""
    test, value = spec.when.test, company.values.get(spec.when.field)
    if test == "created":
        return True
    if test == "within":
        return within(value, spec.when.value, today)
    if test == "changes":
        return value not in (None, "", [])
    is_so, leaving = STATES[test]
    return is_so(value, spec.when.value) != leaving


def _examples(connection: Connection, spec: RuleSpec, companies: list[Company]) -> list[Example]:
    with calling_for(PREVIEW):
        looks = _Looks(connection, MOST_LOOKS)
        return [_example(connection, spec, company, looks) for company in companies]


def _example(connection: Connection, spec: RuleSpec, company: Company, looks: _Looks) -> Example:
    before, after = _last_change(spec, company)
    items = [known for item in items_for(connection, spec, company) if (known := looks.known(item))]
    return Example(company, before, after, plan_for(connection, spec, company, before, after, items))


def _last_change(spec: RuleSpec, company: Company) -> tuple[Any, Any]:
    """Before and after, as a firing would have them: the last change if we saw one."""
    if spec.when.test == "created":
        return None, company.name
    last = company.changes.filter(field=spec.when.field).order_by("-at", "-pk").first()
    return last.before if last else None, company.values.get(spec.when.field)


class _Looks:
    """Asks Plane about work items that we know nothing of, as the firing will; only so often."""

    def __init__(self, connection: Connection, left: int) -> None:
        self.connection, self.left = connection, left

    def known(self, tied: Tied) -> Tied | None:
        """The work item, known to be open if that can be told; None when it is finished or gone."""
        if tied.sure or not self.left:
            return tied
        self.left -= 1
        item = side_for(self.connection.installation).get(tied.project, tied.item)
        if item is None or item.values.get("state", "unstarted") not in OPEN:
            return None
        return replace(tied, sure=True, key=tied.key or str(item.values.get("key") or ""))
