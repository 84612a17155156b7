"""How the inbox stands, for operators: what waits, what was given up, and what came that nobody here has a use for."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, Min
from django.utils import timezone

from planeapp.inbox.models import Delivery
from planeapp.inbox.routes import ROUTES

MOST = 20


def summary() -> dict[str, Any]:
    """JSON-able: ``states`` (state → count), ``oldest_waiting_seconds`` (None: nothing waits), and the most frequent
    ``unknown_workspaces`` (``workspace, count, last``) and ``unknown_events`` (``kind, count, last``) of what is kept."""
    rows = Delivery.objects.order_by()
    oldest = rows.filter(state__in=[Delivery.State.WAITING, Delivery.State.FAILED]).aggregate(at=Min("received_at"))[
        "at"
    ]
    ignored = rows.filter(state=Delivery.State.IGNORED)
    strangers, unused = ignored.filter(installation=None), ignored.exclude(installation=None).exclude(kind__in=ROUTES)
    return {
        "states": {state: rows.filter(state=state).count() for state in Delivery.State.values},
        "oldest_waiting_seconds": None if oldest is None else round((timezone.now() - oldest).total_seconds(), 1),
        "unknown_workspaces": [
            {"workspace": row["lane"], "count": row["count"], "last": row["last"]} for row in _most(strangers, "lane")
        ],
        "unknown_events": list(_most(unused, "kind")),
    }


def _most(rows: Any, by: str) -> Any:
    return rows.values(by).annotate(count=Count("*"), last=Max("received_at")).order_by("-count", by)[:MOST]
