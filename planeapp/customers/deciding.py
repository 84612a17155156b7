"""Writing down that a rule fires for a company, with all that it is going to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.utils import timezone
from pydantic import ValidationError

from planeapp.customers.models import Company, CompanyChange, CompanyRule, Firing
from planeapp.customers.open_items import open_items
from planeapp.customers.rule_steps import Step, Tied
from planeapp.customers.rules import RuleSpec, spec_of, steps
from planeapp.installations.models import Connection

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Fire:
    """A rule that fires for a company, and what was before and after."""

    rule: CompanyRule
    spec: RuleSpec
    company: Company
    occasion: str
    before: Any
    after: Any
    change: CompanyChange | None = None
    state: str = Firing.State.HELD

    @property
    def key(self) -> tuple[Any, int, str]:
        """Unique."""
        return self.rule.pk, self.company.pk, self.occasion


def today_of(connection: Connection) -> date:
    """The day that it is in the workspace."""
    return timezone.localdate(timezone=ZoneInfo(connection.installation.zone))


def armed(connection: Connection) -> Iterator[tuple[CompanyRule, RuleSpec]]:
    """The connection's rules that are on, oldest first."""
    rules = CompanyRule.objects.filter(connection=connection, enabled=True, armed_at__isnull=False)
    for rule in rules.order_by("created_at"):
        try:
            yield rule, spec_of(rule)
        except ValidationError as error:  # saved by another version: the others go on
            log.warning("rule not understood", rule=str(rule.pk), detail=str(error))


def store(connection: Connection, found: Iterable[Fire]) -> int:
    """Write down those that are new, each with its plan; gives their number."""
    fresh = {fire.key: fire for fire in found}
    rules, occasions = {key[0] for key in fresh}, {key[2] for key in fresh}
    known = Firing.objects.filter(rule__in=rules, occasion__in=occasions)
    for key in known.values_list("rule_id", "company_id", "occasion"):
        fresh.pop(key, None)
    rows = [_row(connection, fire) for fire in fresh.values()]
    Firing.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _row(connection: Connection, fire: Fire) -> Firing:
    now, known = timezone.now(), fire.state == Firing.State.KNOWN
    plan = [] if known else plan_for(connection, fire.spec, fire.company, fire.before, fire.after)
    return Firing(
        rule=fire.rule, company=fire.company, change=fire.change, occasion=fire.occasion, state=fire.state, plan=plan,
        due_at=now, finished_at=now if known else None,
    )  # fmt: skip


def plan_for(
    connection: Connection, spec: RuleSpec, company: Company, before: Any, after: Any, items: list[Tied] | None = None
) -> list[Step]:
    """What the rule does for the company, to its open work items as we know them (or to ``items``)."""
    if items is None:
        items = items_for(connection, spec, company)
    return steps(spec, company, before, after, items, today=today_of(connection))


def items_for(connection: Connection, spec: RuleSpec, company: Company) -> list[Tied]:
    """The company's open work items, if the rule does anything with them."""
    alone = all(action.do == "create_item" for action in spec.then)
    return [] if alone else open_items(connection, company)
