"""The brake on rules: one that fires far more often than usual does nothing until a person agrees.

A field that was renamed over there, or an import, looks like hundreds of ordinary changes. What was let go within the hour
counts too, since such changes are also told one by one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.customers.models import Company, CompanyRule, Firing
from planeapp.sync.models import TimelineEntry

FEW, SHARE = 25, 0.02
LATELY = timedelta(hours=1)
HELD, AGREED = "rule_held", "rule_agreed"
OVER = (Firing.State.WAITING, Firing.State.DONE, Firing.State.FAILED)


def let_go(rule: CompanyRule) -> int:
    """Let go what is held of a rule, if it is not far more than usual; gives the number."""
    with transaction.atomic():
        CompanyRule.objects.select_for_update().get(pk=rule.pk)  # one at a time: each counts what the other let go
        held = rule.firings.filter(state=Firing.State.HELD)
        count, known = held.count(), Company.objects.filter(connection=rule.connection_id, gone_at=None).count()
        lately = rule.firings.filter(state__in=OVER, created_at__gt=_since(rule)).count()
        if count + lately <= max(FEW, SHARE * known):
            return held.update(state=Firing.State.WAITING)
        _say_held(rule, count, known)
    return 0


def agree(rule: CompanyRule) -> int:
    """A person lets go all that is held of a rule; gives the number. The count of what is usual begins anew."""
    with transaction.atomic():
        released = rule.firings.filter(state=Firing.State.HELD).update(state=Firing.State.WAITING)
        if released:
            text = f"The rule “{rule.name}” was allowed to go on for {_times(released)}."
            _note(rule, AGREED, text, {"released": released})
    return released


def _since(rule: CompanyRule) -> datetime:
    """From when on firings count: the last hour, or since a person agreed."""
    hour_ago = timezone.now() - LATELY
    agreed = _lines(rule, AGREED).filter(at__gt=hour_ago).order_by("-at").values_list("at", flat=True).first()
    return agreed or hour_ago


def _say_held(rule: CompanyRule, count: int, known: int) -> None:
    """Once for what is held, and again when it is more."""
    first = rule.firings.filter(state=Firing.State.HELD).order_by("created_at").values_list("created_at", flat=True)[0]
    if _lines(rule, HELD).filter(at__gte=first, data__held__gte=count).exists():
        return
    text = (
        f"The rule “{rule.name}” would act for {_times(count)} ({known} companies are known), far more than usual. Nothing "
        "was done for these. An admin can let them go on or drop them on the page of the rules."
    )
    _note(rule, HELD, text, {"held": count, "known": known})


def _times(count: int) -> str:
    return f"{count} change{'' if count == 1 else 's'}"


def _lines(rule: CompanyRule, code: str) -> QuerySet[TimelineEntry]:
    return TimelineEntry.objects.filter(connection=rule.connection, code=code, data__rule=str(rule.pk))


def _note(rule: CompanyRule, code: str, text: str, data: dict[str, int]) -> None:
    TimelineEntry.objects.create(
        installation=rule.connection.installation, connection=rule.connection, code=code, text=text[:500],
        data={"rule": str(rule.pk), **data},
    )  # fmt: skip
