"""When rules fire: decided with the change, let go in measured numbers, worked off in ``performing``.

A firing is decided in the transaction that stores the change, with all that it is going to do: whatever is killed afterwards, it
is done once. It waits until the look that found the change is over, and when its rule fired far more often than usual, until a
person lets it go or drops it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from planeapp.customers import errands, performing, rule_brake
from planeapp.customers.book import book_of
from planeapp.customers.deciding import Fire, armed, store, today_of
from planeapp.customers.models import Company, CompanyChange, CompanyRule, Firing
from planeapp.customers.rule_tests import within
from planeapp.customers.rules import RuleSpec, fires, holds, spec_of
from planeapp.installations.models import Connection

LONGEST_LOOK = timedelta(minutes=15)
"""So long nothing is let go while a whole look is under way; one that takes longer must not hold back what others told."""


def decide(connection: Connection, changes: Sequence[CompanyChange]) -> int:
    """Note down which rules fire for these changes, and what each is going to do; gives the number of new firings.

    To be called in the transaction that stores the changes. Told again, a change makes no second one.
    """
    if not changes:
        return 0
    today = today_of(connection)
    mine = [change for change in changes if change.company.connection_id == connection.pk]
    found = [
        Fire(rule, spec, change.company, _occasion(spec, change), change.before, change.after, change)
        for rule, spec in armed(connection)
        for change in mine
        if rule.armed_at and rule.armed_at < change.at and fires(spec, change.company, change, today=today)
    ]
    return store(connection, found)


def release(connection: Connection) -> int:
    """Let go what is held, rule by rule; gives the number. A rule that fired far more often than usual stays held, and a line
    says so with numbers. While a look at all companies is under way nothing is let go."""
    begun = book_of(connection).begun_at
    if begun is not None and timezone.now() - begun < LONGEST_LOOK:
        return 0
    rules = CompanyRule.objects.filter(connection=connection, enabled=True, firings__state=Firing.State.HELD).distinct()
    released = sum(rule_brake.let_go(rule) for rule in rules)
    if released:
        errands.ask(connection, "fire")
    return released


def allow(rule: CompanyRule) -> int:
    """A person lets go all that is held of a rule, however much it is; gives the number."""
    released = rule_brake.agree(rule)
    if released:
        errands.ask(rule.connection, "fire")
    return released


def drop(rule: CompanyRule) -> int:
    """A person wants nothing of what is held of a rule; gives the number."""
    return _drop(rule, [Firing.State.HELD], "A person dropped it.")


def retry(firing: Firing) -> None:
    """Try a firing that failed once more, from the step that failed."""
    failed = Firing.objects.filter(pk=firing.pk, state=Firing.State.FAILED)
    if failed.update(state=Firing.State.WAITING, attempts=0, detail="", due_at=timezone.now(), finished_at=None):
        errands.ask(firing.rule.connection, "fire")


def arm(rule: CompanyRule) -> None:
    """Switch a rule on: what changes from now on counts. For companies whose renewal is near already it does not fire.

    Armed again (since it was edited), it does not pass over what came near today.
    """
    with transaction.atomic():
        today, was_on = today_of(rule.connection), rule.enabled and rule.armed_at is not None
        rule.enabled, rule.armed_at = True, timezone.now()
        rule.save(update_fields=["enabled", "armed_at"])
        known = _near(rule, spec_of(rule), today - timedelta(days=1) if was_on else today)
        store(rule.connection, [replace(fire, state=Firing.State.KNOWN) for fire in known])


def disarm(rule: CompanyRule) -> None:
    """Switch a rule off. What it has not done yet is dropped."""
    with transaction.atomic():
        rule.enabled, rule.armed_at = False, None
        rule.save(update_fields=["enabled", "armed_at"])
        _drop(rule, [Firing.State.HELD, Firing.State.WAITING], "The rule was switched off.")


def calendar(connection: Connection, key: str = "") -> None:
    """Fire the rules that wait for a renewal to come near, for each company and day once; an errand."""
    if book_of(connection).number == 0:
        return  # the first look is still to come
    today = today_of(connection)
    for rule, spec in armed(connection):
        near = _near(rule, spec, today)
        store(connection, [replace(fire, state=Firing.State.KNOWN) if _was_so(fire) else fire for fire in near])
    release(connection)


def work(connection: Connection, key: str = "") -> None:
    """Work off what rules have decided; an errand. RetryLater when something has to be tried again soon."""
    release(connection)
    performing.work_off(connection)


def _occasion(spec: RuleSpec, change: CompanyChange) -> str:
    return f"renewal:{change.after}" if spec.when.test == "within" else f"change:{change.pk}"


def _near(rule: CompanyRule, spec: RuleSpec, today: date) -> list[Fire]:
    """A firing for each company that a ``within`` rule means on this day; none for other rules."""
    if spec.when.test != "within":
        return []
    field, companies = spec.when.field, Company.objects.filter(connection=rule.connection, gone_at=None)
    days = companies.values_list("pk", f"values__{field}").iterator()
    near = companies.filter(pk__in=[pk for pk, day in days if within(day, spec.when.value, today)]).order_by("pk")
    return [
        Fire(rule, spec, company, f"renewal:{company.values[field]}", None, company.values[field])
        for company in near
        if holds(spec, company)
    ]


def _was_so(fire: Fire) -> bool:
    """Whether the first look at all companies found it so, though the rule was switched on before that."""
    company, armed_at = fire.company, fire.rule.armed_at
    if armed_at is None or company.created_at < armed_at or company.changes.filter(field="created").exists():
        return False
    return within(fire.after, fire.spec.when.value, company.created_at.date())


def _drop(rule: CompanyRule, states: list[str], why: str) -> int:
    dropped = {"state": Firing.State.DROPPED, "detail": why, "finished_at": timezone.now(), "claimed_at": None}
    return rule.firings.filter(state__in=states).update(**dropped)
