"""Erasing people: accounts that belong to no workspace any more, with their tokens and sessions."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from planeapp.installations.models import AuditEntry, Installation, Membership

NEWCOMER = timedelta(days=1)
"""How long somebody who signed in without a workspace may take to install the app in one."""


def people_of(installation: Installation) -> QuerySet[Any]:
    """Who goes with a workspace: its members and those who were, unless they are members of another one."""
    here = Q(memberships__installation=installation) | Q(auditentry__installation=installation)
    elsewhere = Membership.objects.exclude(installation=installation).values("user")
    return get_user_model().objects.filter(here, is_staff=False).exclude(pk__in=elsewhere).distinct()


def strays() -> QuerySet[Any]:
    """Accounts of no workspace that did not sign in lately: whoever lost the last one, or never installed anything."""
    early = timezone.now() - NEWCOMER
    late = Q(last_login__gte=early) | Q(last_login=None, date_joined__gte=early)
    return get_user_model().objects.filter(memberships=None, is_staff=False).exclude(late)


def erase_people(keys: list[int]) -> Counter[str]:
    """Erase those of the accounts that have no workspace by now; gives the rows that went, by model.

    The rows are locked first, so that somebody who joins a workspace at this moment stays.
    """
    users = get_user_model().objects.filter(pk__in=keys)
    with transaction.atomic():
        list(users.select_for_update().order_by("pk").values_list("pk"))
        going = list(users.filter(memberships=None, is_staff=False).values_list("pk", flat=True))
        forget_names(AuditEntry.objects.filter(user__in=going))
        rows = Counter({Session._meta.label: _end_sessions({str(key) for key in going})})
        rows += Counter(users.filter(pk__in=going).delete()[1])  # leaves out what is zero
    return rows


def forget_names(entries: QuerySet[AuditEntry]) -> None:
    """What was done stays on record; who did it, and from where, goes."""
    entries.update(user=None, who="", address=None)


def _end_sessions(keys: set[str]) -> int:
    """Delete the sessions of these people; a session tells only from within whose it is."""
    if not keys:
        return 0
    theirs = [
        one.pk
        for one in Session.objects.iterator(chunk_size=500)
        if str(one.get_decoded().get(SESSION_KEY)) in keys
    ]  # fmt: skip
    return Session.objects.filter(pk__in=theirs).delete()[0]
