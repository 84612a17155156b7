"""A work item's companies: search and tie, take off, choose another for one that is gone, look at the item again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from planeapp.customers import ties
from planeapp.customers.cache import by_ids
from planeapp.customers.models import Company
from planeapp.customers.search import search
from planeapp.dashboard import tied
from planeapp.dashboard.companies import LONGEST_SEARCH, Line, connection_of, frame, lines
from planeapp.dashboard.company import tie_to
from planeapp.dashboard.context import shown
from planeapp.dashboard.tied import Spot, TiedCompany
from planeapp.installations import audit
from planeapp.installations.access import admin
from planeapp.installations.models import Connection, Installation, Membership
from planeapp.lib.budget import calling_for
from planeapp.lib.errors import GroundcrewError
from planeapp.sync import due
from planeapp.sync.models import ItemLink, ProjectPair, Tie

log = structlog.get_logger(__name__)
FOUND = 20


@dataclass(frozen=True)
class Side:
    """A connection's part of a work item's page."""

    connection: Connection
    companies: list[TiedCompany]

    @property
    def provider(self) -> dict[str, Any]:
        """The other system, for templates."""
        return shown(self.connection.provider)


def sides(installation: Installation, item_id: UUID) -> list[Side]:
    """The work item's companies, connection by connection."""
    return [Side(one, tied.companies_of(one, item_id)) for one in tied.with_companies(installation)]


@require_http_methods(["GET", "POST"])
@admin
def item_companies(request: HttpRequest, membership: Membership, provider: str, item_id: UUID) -> HttpResponse:
    """Companies that fit ``?q=``, to be ticked; on POST the ticked ones are tied, instead of the one that is gone."""
    connection = connection_of(membership, provider)
    spot, fault = _spot(membership.installation, item_id)
    if request.method == "POST" and spot is not None:
        if _tie(request, connection, item_id, spot):
            return redirect("item", membership.installation.slug, item_id)
        messages.error(request, "Tick at least one company. Nothing was changed.")
    query = request.GET.get("q", "")[:LONGEST_SEARCH].strip()
    return render(request, "dashboard/item_companies.html", {
        **frame(membership, connection, "item"), "item_id": item_id, "key": spot.key if spot else "", "query": query,
        "lines": _offered(connection, item_id, query), "instead": request.GET.get("instead", ""), "fault": fault,
    }, status=422 if request.method == "POST" else 200)  # fmt: skip


def _spot(installation: Installation, item_id: UUID) -> tuple[Spot | None, str]:
    """Where the item is, or why that cannot be told; 404 for an item of which nothing is known."""
    try:
        with calling_for("pages"):
            found = tied.spot_of(installation, item_id)
    except GroundcrewError as error:
        log.warning("no item to tie", code=error.code, detail=str(error))
        return None, error.person
    if found is None:
        raise Http404("nothing is known of this item")
    return found, ""


def _offered(connection: Connection, item_id: UUID, query: str) -> list[Line]:
    """What the search finds, without what is tied already."""
    tied_now = {one.party_id for one in tied.companies_of(connection, item_id) if not one.gone}
    return lines(connection, [one for one in search(connection, query, FOUND) if one.remote_id not in tied_now])


def _tie(request: HttpRequest, connection: Connection, item_id: UUID, spot: Spot) -> bool:
    """Tie what was ticked; false when nothing was."""
    picked = [int(one) for one in request.POST.getlist("pick") if one.isdecimal()]
    chosen = list(Company.objects.filter(connection=connection, gone_at=None, pk__in=picked).order_by("folded"))
    if not chosen:
        return False
    with calling_for("pages"):
        _paired(request, connection, spot)
    if instead := request.POST.get("instead", ""):
        gone = Tie.objects.filter(connection=connection, item_id=item_id, party_id=instead, state=Tie.State.GONE)
        gone.update(state=Tie.State.OFF)
    tie_to(request, connection, str(item_id), spot, chosen)
    return True


def _paired(request: HttpRequest, connection: Connection, spot: Spot) -> None:
    """See that the item's project is in step; the tie is kept also where it is not yet."""
    try:
        ties.pair_for(connection, spot.project_id)
    except GroundcrewError as error:
        log.warning("tied without a pair", code=error.code, detail=str(error))
        messages.warning(request, error.person)


@require_POST
@admin
def untie(request: HttpRequest, membership: Membership, provider: str, item_id: UUID) -> HttpResponse:
    """Take a company off a work item; a rule or a label does not tie the two again. A second click finds it done."""
    connection, party = connection_of(membership, provider), request.POST.get("party", "")
    answer = _back(request, membership, connection, item_id, party)
    link = ItemLink.objects.filter(pair__connection=connection, item_id=item_id).select_related("pair").first()
    tie = Tie.objects.filter(connection=connection, item_id=item_id, party_id=party).first()
    known = next((one for one in tied.companies_of(connection, item_id) if one.party_id == party), None)
    if known is None:
        messages.info(request, "It is not tied to this company any more. Nothing was changed.")
        return answer
    if tie is not None:
        spot = Spot(str(tie.project_id), tie.item_key or (link.item_key if link else ""))
        ties.untie(connection, str(item_id), party)
    elif link is not None:
        spot = Spot(str(link.pair.project_id), link.item_key)
        ties.shut_out(connection, spot.project_id, str(item_id), party, known.name, spot.key)
    else:
        raise Http404("nothing is known of this item")
    ties.look(connection, [(spot.project_id, str(item_id))])
    audit.record("untied", membership.installation, request, provider=provider, item=spot.key, company=known.name)
    messages.success(request, f"{spot.key or 'The work item'} is no longer tied to {known.name}.")
    return answer


def _back(
    request: HttpRequest, membership: Membership, connection: Connection, item_id: UUID, party: str
) -> HttpResponse:  # fmt: skip
    """To the page where the button was."""
    company = by_ids(connection, [party]).get(party) if request.POST.get("back") == "company" else None
    if company is None:
        return redirect("item", membership.installation.slug, item_id)
    return redirect("company", membership.installation.slug, connection.provider, company.pk)


@require_POST
@admin
def look_again(request: HttpRequest, membership: Membership, item_id: UUID) -> HttpResponse:
    """Have every pair of the item's project look at it now. A second click joins the first."""
    installation = membership.installation
    spot, fault = _spot(installation, item_id)
    if spot is None:
        messages.error(request, fault)
        return redirect("item", installation.slug, item_id)
    pairs = ProjectPair.objects.filter(connection__installation=installation, project_id=spot.project_id, enabled=True)
    due.ask_all([due.Wish(pair.pk, str(item_id)) for pair in pairs], reason="asked for")
    if pairs:
        audit.record("looked_again", installation, request, item=spot.key)
        messages.success(
            request, f"{spot.key or 'The work item'} is being looked at now. What comes of it shows below."
        )
    else:
        messages.info(request, "Its project is in step with nothing yet, so there is nothing to look at.")
    return redirect("item", installation.slug, item_id)
