"""The page of one work item."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from planeapp.dashboard import item_companies
from planeapp.installations.access import member
from planeapp.installations.models import Membership
from planeapp.sync.models import ItemLink, Tie, TimelineEntry

SHOWN = 50


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
