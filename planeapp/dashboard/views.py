"""Pages of a workspace that only look: overview, activity, one work item."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from planeapp.bot.models import Turn
from planeapp.dashboard import item_companies
from planeapp.dashboard.context import shown
from planeapp.installations import silences
from planeapp.installations.access import member
from planeapp.installations.gateways import plane_off
from planeapp.installations.models import Installation, Membership, Silence, plane_webhook_url
from planeapp.providers import PROVIDERS
from planeapp.sync.models import Due, ItemLink, ProjectPair, Tie, TimelineEntry

SHOWN = 50


def _cards(installation: Installation) -> list[dict[str, Any]]:
    """One card per provider: connected or not, and how it fares."""
    connected = {found.provider: found for found in installation.connections.all()}
    return [shown(key) | {"connection": connected.get(key)} for key in PROVIDERS]


def _steps(installation: Installation, cards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The onboarding checklist: what is done and where the next step is."""
    steps: list[dict[str, Any]] = [{"done": True, "text": "Install the app in Plane"}]
    for card in cards:
        steps.append({
            "done": card["connection"] is not None, "text": f"Connect {card['name']}", "url": "connect", "key": card["key"],
        })  # fmt: skip
        if card["connection"] is not None:
            steps.append(_pair_step(card))
    answered = Turn.objects.filter(installation=installation, state=Turn.State.ANSWERED).exists()
    steps.append({"done": answered, "text": f"Mention the bot under a work item: @{settings.APP_NAME} help"})
    return steps


def _pair_step(card: dict[str, Any]) -> dict[str, Any]:
    paired = ProjectPair.objects.filter(connection=card["connection"]).exists()
    told = ("Turn on a Plane project for", "Turn on a project")
    if card["needs_pairs"]:
        told = ("Pair a Plane project with", "Pair a project")
    return {"done": paired, "text": f"{told[0]} {card['name']}", "button": told[1], "url": "pairs", "key": card["key"]}


def _silence(found: Silence) -> dict[str, Any]:
    key = found.connection.provider if found.connection else ""
    return {"since": found.missed_at, "provider": shown(key) if key else None, "address": plane_webhook_url()}


@require_safe
@member
def overview(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Health of the connections, what is waiting, what is next, what happened last."""
    installation = membership.installation
    cards = _cards(installation)
    return render(request, "dashboard/overview.html", {
        "membership": membership,
        "installation": installation,
        "cards": cards,
        "features_off": plane_off(installation),
        "silences": [_silence(found) for found in silences.told(installation)],
        "steps": _steps(installation, cards),
        "waiting": Due.objects.filter(pair__connection__installation=installation).count(),
        "links": ItemLink.objects.filter(pair__connection__installation=installation, state=ItemLink.State.LINKED).count(),
        "entries": installation.timeline.select_related("connection").order_by("-at", "-id")[:12],
    })  # fmt: skip


@require_safe
@member
def activity(request: HttpRequest, membership: Membership) -> HttpResponse:
    """What was done to items, and what was held back."""
    installation = membership.installation
    return render(request, "dashboard/activity.html", {
        "membership": membership,
        "installation": installation,
        "entries": installation.timeline.select_related("connection").order_by("-at", "-id")[:SHOWN],
    })  # fmt: skip


@require_safe
@member
def item(request: HttpRequest, membership: Membership, item_id: UUID) -> HttpResponse:
    """One work item: its links and its timeline."""
    installation = membership.installation
    entries = TimelineEntry.objects.filter(installation=installation, item_id=item_id)
    links = ItemLink.objects.filter(pair__connection__installation=installation, item_id=item_id)
    ties = Tie.objects.filter(connection__installation=installation, item_id=item_id).order_by("party_name")
    sides = item_companies.sides(installation, item_id)
    found = list(entries.select_related("connection").order_by("-at", "-id")[:SHOWN])
    if not found and not links.exists() and not ties.exists():
        raise Http404("nothing is known of this item")
    key = next((entry.item_key for entry in found if entry.item_key), "") or getattr(links.first(), "item_key", "")
    return render(request, "dashboard/item.html", {
        "membership": membership,
        "installation": installation,
        "key": key,
        "entries": found,
        "links": links.select_related("pair__connection"),
        "ties": ties.filter(state=Tie.State.ACTIVE),
        "sides": sides,
        "item_id": item_id,
    })  # fmt: skip
