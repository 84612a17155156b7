"""The companies of a connection: search, list, reading them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from planeapp.customers import errands, scan, tallies
from planeapp.customers.book import book_of, has_companies
from planeapp.customers.cache import facts, there
from planeapp.customers.models import Book, Company
from planeapp.customers.search import search
from planeapp.dashboard.context import known_provider, shown
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.models import Connection, Membership

PAGE = 50
FOUND = 50
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Line:
    """A company with its facts by label, and how many of its work items are open."""

    company: Company
    facts: Mapping[str, str]
    open: int

    @property
    def cells(self) -> list[tuple[str, str]]:
        """What the table tells of it, column by column."""
        return [(label, self.facts.get(label, "")) for label in COLUMNS]


COLUMNS = ("Phase", "Health", "Owner", "Revenue", "Renewal")


def connection_of(membership: Membership, provider: str) -> Connection:
    """The workspace's connection to a provider whose companies may be read; 404 for any other."""
    known_provider(provider)
    rows = Connection.objects.select_related("installation")
    found = rows.filter(installation=membership.installation, provider=provider).first()
    if found is None or not has_companies(found):
        raise Http404("no companies are read there")
    return found


def frame(membership: Membership, connection: Connection, here: str) -> dict[str, Any]:
    """What every page about companies knows; ``here`` is the name of its tab."""
    return {
        "membership": membership, "installation": membership.installation, "connection": connection,
        "provider": shown(connection.provider), "tab": here,
    }  # fmt: skip


@require_safe
@member
def companies(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """The companies by name, page by page; with ``?q=`` those that fit best."""
    connection = connection_of(membership, provider)
    query = request.GET.get("q", "")[:LONGEST_SEARCH].strip()
    page = (
        None
        if query
        else Paginator(there(connection).order_by("folded", "remote_id"), PAGE).get_page(request.GET.get("page"))
    )
    found = search(connection, query, FOUND) if query else list(page.object_list if page else [])
    book = book_of(connection)
    return render(request, "dashboard/companies.html", {
        **frame(membership, connection, "companies"), "query": query, "page": page, "lines": lines(connection, found),
        "columns": COLUMNS, "count": _count(connection, page), "book": book, "reading": _reading(connection, book),
    })  # fmt: skip


def _count(connection: Connection, page: Page[Company] | None) -> int:
    return page.paginator.count if page else there(connection).count()


def _reading(connection: Connection, book: Book) -> bool:
    """Whether all companies are being read, or are about to be."""
    return book.begun_at is not None or book.number == 0


def lines(connection: Connection, companies: Sequence[Company]) -> list[Line]:
    """Companies as a list shows them."""
    figures = tallies.figures(connection) if companies else {}
    return [
        Line(one, dict(facts(one)), figures[one.remote_id].open if one.remote_id in figures else 0) for one in companies
    ]


@require_POST
@admin
def read_companies(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Have all companies read again. A second click joins the first."""
    connection = connection_of(membership, provider)
    errands.ask(connection, "scan")
    audit.record("asked_for_companies", membership.installation, request, provider=provider)
    messages.success(request, "All companies are being read again. You can leave this page.")
    return redirect("companies", membership.installation.slug, provider)


@require_POST
@admin
def agree(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Say that so many companies are gone indeed. A second click finds it done."""
    connection = connection_of(membership, provider)
    if not book_of(connection).stopped:
        messages.info(request, "There is nothing to agree to any more.")
        return redirect("companies", membership.installation.slug, provider)
    scan.agree(connection)
    audit.record("agreed_companies_gone", membership.installation, request, provider=provider)
    messages.success(
        request, "Thank you. All companies are read once more, and those that are gone are taken off the list."
    )
    return redirect("companies", membership.installation.slug, provider)
