"""What in Plane stands for which company: what waits for a person, what was matched and by what, what was left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from planeapp.customers import review
from planeapp.customers.models import Company, Reference
from planeapp.customers.search import search
from planeapp.dashboard.companies import FOUND, LONGEST_SEARCH, connection_of, frame, lines
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.models import Connection, Membership
from planeapp.lib.errors import GroundcrewError
from planeapp.sync.models import Tie

log = structlog.get_logger(__name__)
PAGE = review.PAGE
SHOWN = {"waiting": "To be decided", "matched": "Matched", "ignored": "Left out"}


@require_safe
@member
def company_matching(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """The review list; with ``?show=`` what is matched, or left out."""
    connection = connection_of(membership, provider)
    show = request.GET.get("show", "")
    show = show if show in SHOWN else "waiting"
    rows: dict[str, Any] = {
        "waiting": range(review.count(connection)), "matched": _matched(connection), "ignored": _ignored(connection),
    }  # fmt: skip
    pages = {one: Paginator(told, PAGE) for one, told in rows.items()}
    page = pages[show].get_page(request.GET.get("page"))
    waiting = review.waiting(connection, max(page.start_index() - 1, 0), PAGE) if show == "waiting" else []
    return render(request, "dashboard/company_matching.html", {
        **frame(membership, connection, "matching"), "show": show, "page": page, "waiting": waiting,
        "sure": any(line.sure for line in waiting), "rows": [] if show == "waiting" else page.object_list,
        "chips": [(one, label, pages[one].count) for one, label in SHOWN.items()],
    })  # fmt: skip


def _matched(connection: Connection) -> QuerySet[Reference]:
    rows = Reference.objects.filter(connection=connection, gone_at=None, state=Reference.State.MATCHED)
    return rows.filter(company__isnull=False).select_related("company").order_by("name", "pk")


def _ignored(connection: Connection) -> QuerySet[Reference]:
    rows = Reference.objects.filter(connection=connection, gone_at=None, state=Reference.State.IGNORED)
    return rows.select_related("company").order_by("name", "pk")


@require_POST
@admin
def decide(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Do with what was ticked what the button says: ``do=confirm``, ``ignore`` or ``undo``. A second click does nothing."""
    connection = connection_of(membership, provider)
    ids, do = request.POST.getlist("pick"), request.POST.get("do", "")
    if do not in DONE:
        raise Http404("no such decision")
    try:
        count = DONE[do][0](connection, ids, str(membership.user)) if ids else 0
    except GroundcrewError as error:
        log.warning("not decided", code=error.code, detail=str(error))
        messages.error(request, error.person)
        return _back(request, membership, provider)
    if count:
        audit.record(f"{DONE[do][1]}_matches", membership.installation, request, provider=provider, count=count)
        messages.success(request, DONE[do][2].format(count=f"{count:,}"))
    else:
        messages.info(
            request, "Nothing was changed. Tick those that are meant; where several companies fit, choose one."
        )
    return _back(request, membership, provider)


def _reopen(connection: Connection, ids: list[str], who: str) -> int:
    return review.reopen(connection, ids)


DONE: dict[str, tuple[Callable[[Connection, list[str], str], int], str, str]] = {
    "confirm": (review.confirm, "confirmed", "Confirmed: {count}. Work items follow in a moment."),
    "ignore": (review.ignore, "ignored", "Left out: {count}. They stand for no company from now on."),
    "undo": (_reopen, "reopened", "Taken back: {count}. They are matched anew."),
}  # fmt: skip


def _back(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """To the list where the button was."""
    show = request.POST.get("show", "")
    address = reverse("company_matching", args=[membership.installation.slug, provider])
    return redirect(f"{address}?show={show}" if show in SHOWN else address)


@require_http_methods(["GET", "POST"])
@admin
def choose_company(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Search the company that one line (``?id=``) stands for, and on POST keep the choice."""
    connection = connection_of(membership, provider)
    ident = request.GET.get("id", "")
    name, company = _named(connection, ident)
    if request.method == "POST":
        return _chosen(request, membership, connection, ident, name)
    query = request.GET.get("q", name)[:LONGEST_SEARCH].strip()
    return render(request, "dashboard/choose_company.html", {
        **frame(membership, connection, "matching"), "ident": ident, "name": name, "query": query, "now": company,
        "lines": lines(connection, search(connection, query, FOUND)),
        "tied": Tie.objects.filter(connection=connection, party_id=ident.removeprefix(review.GONE), state=Tie.State.GONE).count(),
    })  # fmt: skip


def _named(connection: Connection, ident: str) -> tuple[str, Company | None]:
    """What a line is called, and the company that it stands for now; 404 for one that is not there."""
    if ident.startswith(review.GONE):
        tie = Tie.objects.filter(connection=connection, party_id=ident.removeprefix(review.GONE)).first()
        if tie is not None:
            return tie.party_name, None
    elif _is_uuid(ident):
        row = Reference.objects.filter(connection=connection, pk=ident).select_related("company").first()
        if row is not None:
            return row.name, row.company
    raise Http404("no such line")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _chosen(
    request: HttpRequest, membership: Membership, connection: Connection, ident: str, name: str
) -> HttpResponse:  # fmt: skip
    picked = request.POST.get("pick", "")
    company = Company.objects.filter(connection=connection, pk=int(picked) if picked.isdecimal() else 0).first()
    installation = membership.installation
    if company is None:
        messages.error(request, "Choose a company. Nothing was changed.")
        address = reverse("choose_company", args=[installation.slug, connection.provider])
        return redirect(f"{address}?{urlencode({'id': ident})}")
    try:
        done = review.choose(connection, ident, company, str(membership.user))
    except GroundcrewError as error:
        log.warning("not chosen", code=error.code, detail=str(error))
        messages.error(request, error.person)
        return redirect("company_matching", installation.slug, connection.provider)
    if done:
        audit.record(
            "chose_company", installation, request, provider=connection.provider, name=name, company=company.name
        )
        messages.success(request, f"{name} stands for {company.name} from now on. Its work items follow in a moment.")
    else:
        messages.info(request, "That was decided already. Nothing was changed.")
    return redirect("company_matching", installation.slug, connection.provider)
