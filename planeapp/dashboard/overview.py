"""The first page of a workspace: how its connections fare, what is waiting, what is next, and how the last days went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, Func, IntegerField, Max, OuterRef, Prefetch, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.query import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from planeapp.bot.models import Turn
from planeapp.customers.models import Book
from planeapp.dashboard import figures, trends
from planeapp.dashboard.context import shown
from planeapp.inbox.models import Delivery
from planeapp.inbox.work import OPEN
from planeapp.installations import budgets, silences
from planeapp.installations.access import member
from planeapp.installations.budgets import Standing
from planeapp.installations.gateways import plane_off
from planeapp.installations.models import Connection, Installation, Membership, Silence, plane_webhook_url
from planeapp.providers import PROVIDERS
from planeapp.sync.models import Due, ItemLink, ProjectPair

LATEST = 12
LIVE = "live"
"""The part of the page that asks for itself again, by its id."""


@dataclass(frozen=True)
class Health:
    """How one system fares. ``last``: when it was last reached (of Plane: heard of). ``waiting``: work items that have to be
    looked at (of Plane: messages). ``standing``: the limits of its tokens."""

    last: datetime | None
    waiting: int
    standing: list[Standing]


@require_safe
@member
def overview(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The page, or when the live part asks for itself that part alone."""
    installation = membership.installation
    live = request.htmx.target == LIVE  # type: ignore[attr-defined]
    facts = _facts(installation, _live_counts() if live else _live_counts() | _more_facts())
    entries = installation.timeline.select_related("connection").order_by("-at", "-id")[:LATEST]
    context = {"membership": membership, "installation": installation, "entries": entries, **facts}
    template, more = ("_live", {}) if live else ("overview", _rest(installation, facts))
    answer = render(request, f"dashboard/{template}.html", context | more)
    patch_vary_headers(answer, ["HX-Target"])  # a browser must not show the part for the page
    return answer


def _rest(installation: Installation, facts: dict[str, Any]) -> dict[str, Any]:
    """What the page has around its live part."""
    prefetch_related_objects([installation], Prefetch("connections", _connections()))
    connections, known = list(installation.connections.all()), figures.of(installation)
    standing = budgets.now(installation, known.keys)
    cards = [_card(key, connections, standing) for key in PROVIDERS]
    charts = trends.charts(known, connections, standing)
    return {
        "cards": cards,
        "plane": Health(facts["heard_at"], facts["open_messages"], [one for one in standing if one.connection is None]),
        "features_off": plane_off(installation),
        "silences": [_silence(found) for found in silences.told(installation)] if facts["silent"] else [],
        "steps": _steps(cards, facts["answered"]),
        "days": figures.DAYS,
        "charts": charts,
        "has_trends": not all(chart.is_empty for chart in charts),
        "connected": bool(connections),
    }


# What the page asks the database


def _facts(installation: Installation, wanted: dict[str, Any]) -> dict[str, Any]:
    """All of it in one question."""
    return dict(Installation.objects.filter(pk=installation.pk).values(**wanted).get())


def _live_counts() -> dict[str, Any]:
    linked = ItemLink.objects.filter(pair=OuterRef("pk"), state=ItemLink.State.LINKED)
    pairs = ProjectPair.objects.filter(connection__installation=OuterRef("pk")).order_by()
    links = pairs.annotate(linked=_count(linked)).values(
        all=Func("linked", function="SUM", output_field=IntegerField())
    )
    return {
        "waiting": _count(Due.objects.filter(pair__connection__installation=OuterRef("pk"))),
        "links": Coalesce(Subquery(links), 0),
    }


def _more_facts() -> dict[str, Any]:
    arrived = Delivery.objects.filter(installation=OuterRef("pk"))
    from_plane = arrived.filter(source=Delivery.Source.PLANE).order_by("-received_at")
    return {
        "open_messages": _count(arrived.filter(state__in=OPEN)),
        "heard_at": Subquery(from_plane.values("received_at")[:1]),
        "silent": Exists(Silence.objects.filter(installation=OuterRef("pk")).exclude(told_at=None)),
        "answered": Exists(Turn.objects.filter(installation=OuterRef("pk"), state=Turn.State.ANSWERED)),
    }


def _connections() -> QuerySet[Connection]:
    """Connections, each with whether it is ``paired``, how much is ``due``, and when all of it was looked at last."""
    pairs = ProjectPair.objects.filter(connection=OuterRef("pk")).order_by().values("connection")
    return Connection.objects.annotate(
        paired=Exists(ProjectPair.objects.filter(connection=OuterRef("pk"))),
        due=_count(Due.objects.filter(pair__connection=OuterRef("pk"))),
        looked_at=Subquery(pairs.annotate(last=Max("reconciled_at")).values("last")),
        read_at=Subquery(Book.objects.filter(connection=OuterRef("pk")).values("finished_at")[:1]),
    ).order_by("created_at")  # fmt: skip


def _count(rows: QuerySet[Any]) -> Subquery:
    """How many rows there are, as a part of another question, from an index alone where one serves."""
    number = Func(Value(1), function="COUNT", output_field=IntegerField())
    return Subquery(rows.order_by().annotate(number=number).values("number"))


# What the page shows of it


def _card(key: str, connections: Sequence[Connection], standing: Sequence[Standing]) -> dict[str, Any]:
    """One provider: connected or not, and how it fares."""
    found: Any = next((one for one in connections if one.provider == key), None)
    if found is None:
        return shown(key) | {"connection": None}
    moments = [at for at in (found.probed_at, found.looked_at, found.read_at) if at]
    limits = [one for one in standing if one.connection == found]
    return shown(key) | {"connection": found, "health": Health(max(moments, default=None), found.due, limits)}


def _steps(cards: Sequence[dict[str, Any]], answered: bool) -> list[dict[str, Any]]:
    """The onboarding checklist: what is done and where the next step is."""
    steps: list[dict[str, Any]] = [{"done": True, "text": "Install the app in Plane"}]
    for card in cards:
        steps.append({
            "done": card["connection"] is not None, "text": f"Connect {card['name']}", "url": "connect", "key": card["key"],
        })  # fmt: skip
        if card["connection"] is not None:
            steps.append(_pair_step(card))
    steps.append({"done": answered, "text": f"Mention the bot under a work item: @{settings.APP_NAME} help"})
    return steps


def _pair_step(card: dict[str, Any]) -> dict[str, Any]:
    paired = card["connection"].paired
    told = ("Turn on a Plane project for", "Turn on a project")
    if card["needs_pairs"]:
        told = ("Pair a Plane project with", "Pair a project")
    return {"done": paired, "text": f"{told[0]} {card['name']}", "button": told[1], "url": "pairs", "key": card["key"]}


def _silence(found: Silence) -> dict[str, Any]:
    key = found.connection.provider if found.connection else ""
    return {"since": found.missed_at, "provider": shown(key) if key else None, "address": plane_webhook_url()}
