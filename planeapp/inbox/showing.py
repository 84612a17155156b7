"""What people may read of a delivery: its content without secrets, what it meant, and what came with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from planeapp.inbox.doors import SECRET_HEADERS
from planeapp.inbox.models import Delivery
from planeapp.inbox.routes import ROUTES
from planeapp.inbox.work import open_deliveries, read
from planeapp.installations.models import Installation
from planeapp.lib.events import Event

SHOWN = 100_000  # characters of a body; the largest are 5 MB
TOGETHER = timedelta(hours=1)
SIBLINGS = 10
LATELY = timedelta(days=7)
HIDDEN = "•••"


def content(delivery: Delivery) -> str:
    """The body, indented, with the values of what looks like a secret taken out; as it came when it is no JSON."""
    raw = bytes(delivery.body)
    try:
        text = json.dumps(_without_secrets(json.loads(raw, strict=False)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = raw.decode("utf-8", "replace")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… (the rest is not shown)"


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if SECRET_HEADERS.search(name) else _without_secrets(held) for name, held in value.items()}
    return [_without_secrets(held) for held in value] if isinstance(value, list) else value


def meaning(delivery: Delivery) -> list[Event]:
    """The events that we read in it; none when it cannot be read."""
    try:
        return read(delivery)
    except ValueError:
        return []


def siblings(installation: Installation, delivery: Delivery) -> QuerySet[Delivery]:
    """What else came in the workspace about the same subject at about the same time, newest first."""
    near = (delivery.received_at - TOGETHER, delivery.received_at + TOGETHER)
    rows = installation.deliveries.filter(received_at__range=near, subject=delivery.subject)
    same = rows.exclude(subject="").exclude(pk=delivery.pk)
    return same.defer("body", "headers").select_related("connection").order_by("-received_at", "-pk")[:SIBLINGS]


def unread(installation: Installation) -> int:
    """How many have just arrived for the workspace and were not looked at yet."""
    return open_deliveries().filter(lane=str(installation.workspace_id), installation=None).count()


def of_no_use(installation: Installation) -> list[Mapping[str, Any]]:
    """What came lately that we have no work for, by event and reason, the most frequent first: ``kind, reason, count, last``."""
    lately = installation.deliveries.filter(received_at__gt=timezone.now() - LATELY)
    ignored = lately.filter(state=Delivery.State.IGNORED).exclude(kind__in=ROUTES)
    grouped = ignored.values("kind", "reason").annotate(count=Count("*"), last=Max("received_at"))
    return list(grouped.order_by("-count", "kind")[:20])
