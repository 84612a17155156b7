"""Troubles that only a person can mend: open while they last, one of a kind and key at a time.

What is the matter is found by looking (``planeapp.operators.troubles``), not told by whoever meets it: so a trouble that was
mended closes by itself, and however often it is met it is one row. ``alert_telling`` brings it to people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from planeapp.installations.models import Alert, Connection, Installation

KEPT = timedelta(days=90)
"""How long a trouble that is over can be looked up."""
FLAPS = timedelta(hours=1)
"""A trouble that ends and comes back within this time is not told anew before it is over."""
AGAIN = timedelta(days=1)
"""The least time between two mails about one trouble that goes on."""
LONGEST_TITLE, LONGEST_KEY = 300, 100


@dataclass(frozen=True)
class Trouble:
    """What is the matter, in words, and the path of the page that mends it; see :class:`Alert` for ``key`` and ``mark``."""

    installation: Installation
    title: str
    text: str
    page: str
    button: str
    key: str = ""
    mark: str = ""
    connection: Connection | None = None

    @property
    def words(self) -> dict[str, Any]:
        """The columns that may change while it goes on."""
        return {
            "title": self.title[:LONGEST_TITLE], "text": self.text, "page": self.page, "button": self.button,
            "mark": self.mark[:LONGEST_KEY],
        }  # fmt: skip


def settle(kind: str, troubles: Iterable[Trouble]) -> int:
    """Make the open alerts of ``kind`` just these troubles; gives how many there are. Two at once do no harm."""
    found = {(one.installation.pk, one.key): one for one in troubles}
    known = {(row.installation_id, row.key): row for row in Alert.objects.filter(kind=kind, closed_at=None)}
    over = [row.pk for place, row in known.items() if place not in found]
    Alert.objects.filter(pk__in=over, closed_at=None).update(closed_at=timezone.now())
    fresh = [_opened(kind, one) for place, one in found.items() if place not in known]
    Alert.objects.bulk_create(fresh, ignore_conflicts=True)
    for place, row in known.items():
        if place in found:
            _go_on(row, found[place])
    return len(found)


def _opened(kind: str, trouble: Trouble) -> Alert:
    now = timezone.now()
    before = Alert.objects.filter(
        installation=trouble.installation, kind=kind, key=trouble.key, told_at__gt=now - FLAPS
    )
    last = before.order_by("-told_at").values_list("told_at", flat=True).first()
    return Alert(
        installation=trouble.installation, connection=trouble.connection, kind=kind, key=trouble.key,
        due_at=last + FLAPS if last else now, **trouble.words,
    )  # fmt: skip


def _go_on(row: Alert, trouble: Trouble) -> None:
    changed = {name: value for name, value in trouble.words.items() if value != getattr(row, name)}
    if "mark" in changed:
        soonest = row.told_at + AGAIN if row.told_at else timezone.now()
        changed |= {"seen_at": None, "seen_by": "", "due_at": max(soonest, timezone.now())}
    if changed:
        Alert.objects.filter(pk=row.pk, closed_at=None).update(**changed)


def open_in(installation: Installation) -> QuerySet[Alert]:
    """What goes on in a workspace, the newest first, what nobody has put aside before the rest."""
    rows = installation.alerts.filter(closed_at=None).select_related("connection")
    return rows.order_by("seen_at", "-opened_at")


def over_in(installation: Installation, count: int) -> QuerySet[Alert]:
    """The last troubles of a workspace that are over."""
    return installation.alerts.exclude(closed_at=None).order_by("-closed_at")[:count]


def put_aside(alert: Alert, who: str) -> bool:
    """Somebody has seen it: no mail any more and not on the overview, until something more happens. False: it was already."""
    rows = Alert.objects.filter(pk=alert.pk, closed_at=None, seen_at=None)
    return bool(rows.update(seen_at=timezone.now(), seen_by=who[:200]))


def forget_old(now: datetime | None = None) -> int:
    """Delete what has been over for long; gives the number."""
    return Alert.objects.filter(closed_at__lt=(now or timezone.now()) - KEPT).delete()[0]
