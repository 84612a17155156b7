"""One company: what is known of it, its work items, its people, and what rules did for it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import structlog
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from planeapp.customers import errands, tallies, ties
from planeapp.customers.cache import facts
from planeapp.customers.models import Company, CompanyChange, Firing
from planeapp.dashboard import tied
from planeapp.dashboard.companies import connection_of, frame
from planeapp.dashboard.company_firings import Fired, fired
from planeapp.dashboard.rule_words import label_of
from planeapp.dashboard.tied import Spot
from planeapp.dashboard.words import value_in_words
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection, Membership
from planeapp.lib.budget import calling_for
from planeapp.lib.errors import GroundcrewError
from planeapp.providers.base import Contact
from planeapp.sync.models import TimelineEntry

log = structlog.get_logger(__name__)
SHOWN = 20
PEOPLE = "contacts"
AT_A_GLANCE = frozenset({"phase", "health", "owner", "owner_name", "revenue", "renewal"})
WRITINGS = ("mirror", "labels", "cards")
"""The errands that show a company in Plane."""


class TieForm(forms.Form):
    """A work item by its key."""

    key = forms.CharField(
        label="Work item", max_length=40, help_text="Its key, as in CUST-12.",
        error_messages={"required": "Write the key of a work item, as in CUST-12."},
    )  # fmt: skip


class ContactForm(forms.Form):
    """A further person at the company."""

    email = forms.EmailField(
        label="E-mail address", max_length=254, error_messages={"required": "Write an e-mail address."}
    )
    name = forms.CharField(label="Name", required=False, max_length=200)


@dataclass(frozen=True)
class Moved:
    """A change in words."""

    change: CompanyChange
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class People:
    """The company's people as the vendor told them just now, or why they cannot be told."""

    contacts: tuple[Contact, ...] = ()
    fault: str = ""


@require_safe
@member
def company(request: HttpRequest, membership: Membership, provider: str, company_id: int) -> HttpResponse:
    """The company; its people only when asked for (``?contacts``), since the vendor has to be asked."""
    connection = connection_of(membership, provider)
    return _page(request, membership, connection, _company(connection, company_id))


def _company(connection: Connection, company_id: int) -> Company:
    return get_object_or_404(Company, connection=connection, pk=company_id)


def _page(
    request: HttpRequest, membership: Membership, connection: Connection, found: Company, *,
    tie_form: TieForm | None = None, contact_form: ContactForm | None = None,
) -> HttpResponse:  # fmt: skip
    wrong = bool((tie_form and tie_form.errors) or (contact_form and contact_form.errors))
    asked = PEOPLE in request.GET or contact_form is not None
    return render(request, "dashboard/company.html", {
        **frame(membership, connection, "company"), "company": found, "facts": facts(found), "others": _others(found),
        "domains": found.domains.order_by("domain").values_list("domain", flat=True),
        "items": tied.items_of(connection, found), "tie_form": tie_form or TieForm(),
        "changes": _changes(found, connection.installation.zone),
        "fired": _fired(connection, found),
        "unwritten": unwritten(connection, found)[:SHOWN], "wrong": wrong,
        "people": _people(connection, found) if asked else None, "contact_form": contact_form or ContactForm(),
        "can": {name: name in connection.report.get("abilities", ()) for name in ("contacts", "add_contact")},
    }, status=422 if wrong else 200)  # fmt: skip


def _fired(connection: Connection, found: Company) -> list[Fired]:
    rows = found.firings.exclude(state=Firing.State.KNOWN).select_related("rule", "company", "change")
    return fired(connection.installation, rows.order_by("-created_at")[:SHOWN])


def _others(found: Company) -> list[tuple[str, str]]:
    """What is known beside the facts, by label."""
    rest = (
        (name, value) for name, value in found.values.items() if name not in AT_A_GLANCE and value not in (None, "", [])
    )
    return sorted((label_of(name), value_in_words(name, value, "UTC")) for name, value in rest)


def _changes(found: Company, zone: str) -> list[Moved]:
    rows = found.changes.order_by("-at", "-pk")[:SHOWN]
    return [
        Moved(row, label_of(row.field), _told(row.field, row.before, zone), _told(row.field, row.after, zone))
        for row in rows
    ]


def _told(name: str, value: Any, zone: str) -> str:
    return "" if value in (None, "", []) else value_in_words(name, value, zone)


def unwritten(connection: Connection, found: Company) -> Any:
    """What could not be written onto a company, newest first; what was written since is left out."""
    rows = TimelineEntry.objects.filter(installation=connection.installation, connection=connection, item_id=None)
    return rows.filter(data__company=found.remote_id).order_by("-at", "-pk")


def _people(connection: Connection, found: Company) -> People:
    try:
        with calling_for("contacts"), closing(provider_for(connection)) as provider:
            return People(tuple(provider.contacts(found.remote_id)))
    except GroundcrewError as error:
        log.warning("no contacts", code=error.code, detail=str(error))
        return People(fault=error.person)


@require_POST
@admin
def tie_item(request: HttpRequest, membership: Membership, provider: str, company_id: int) -> HttpResponse:
    """Tie a work item to the company by its key. A second click finds it done."""
    connection = connection_of(membership, provider)
    found, form = _company(connection, company_id), TieForm(request.POST)
    spot = _spot(connection, form)
    if spot is None:
        return _page(request, membership, connection, found, tie_form=form)
    item_id, place = spot
    tie_to(request, connection, item_id, place, [found])
    return redirect("company", membership.installation.slug, provider, company_id)


def _spot(connection: Connection, form: TieForm) -> tuple[str, Spot] | None:
    """The work item that was typed; None with the reason at the field."""
    if not form.is_valid():
        return None
    try:
        with calling_for("pages"):
            spot = tied.by_key(connection.installation, form.cleaned_data["key"])
            if spot is not None:
                ties.pair_for(connection, spot[1].project_id)
                return spot
    except GroundcrewError as error:
        log.warning("no item to tie", code=error.code, detail=str(error))
        form.add_error("key", error.person)
        return None
    key = form.cleaned_data["key"]
    more = "Check the key, and that the app’s bot is a member of its project in Plane."
    form.add_error("key", f"We find no work item {key}. {more}")
    return None


def tie_to(request: HttpRequest, connection: Connection, item_id: str, spot: Spot, companies: list[Company]) -> None:
    """Tie a work item to companies and have it looked at; says what was done."""
    known = {one.party_id for one in ties.of_item(connection, item_id)}
    fresh = [one for one in companies if one.remote_id not in known]
    item = spot.key or "This work item"
    if not fresh:
        messages.info(request, f"{item} is tied to {_names(companies)} already. Nothing was changed.")
        return
    for one in fresh:
        ties.tie(connection, spot.project_id, item_id, one, item_key=spot.key)
    ties.look(connection, [(spot.project_id, item_id)])
    audit.record(
        "tied", connection.installation, request, provider=connection.provider, item=spot.key, companies=_names(fresh),
    )  # fmt: skip
    messages.success(request, f"{item} is tied to {_names(fresh)} now.")


def _names(companies: list[Company]) -> str:
    return ", ".join(one.name for one in companies)


@require_POST
@admin
def add_contact(request: HttpRequest, membership: Membership, provider: str, company_id: int) -> HttpResponse:
    """Add a person to the company over there. Who is there already stays as is, so a second click changes nothing."""
    connection = connection_of(membership, provider)
    found, form = _company(connection, company_id), ContactForm(request.POST)
    if form.is_valid() and _added(connection, found, form):
        audit.record("added_contact", membership.installation, request, provider=provider, company=found.name)
        messages.success(request, f"{form.cleaned_data['email']} is one of {found.name}’s people now.")
        answer = redirect("company", membership.installation.slug, provider, company_id)
        answer["Location"] += f"?{PEOPLE}#people"
        return answer
    return _page(request, membership, connection, found, contact_form=form)


def _added(connection: Connection, found: Company, form: ContactForm) -> bool:
    try:
        with calling_for("contacts"), closing(provider_for(connection)) as provider:
            provider.add_contact(found.remote_id, form.cleaned_data["email"], form.cleaned_data["name"])
    except GroundcrewError as error:
        log.warning("no contact added", code=error.code, detail=str(error))
        form.add_error(None, error.person)
        return False
    return True


@require_POST
@admin
def retry_company(request: HttpRequest, membership: Membership, provider: str, company_id: int) -> HttpResponse:
    """Have what could not be written onto the company tried again, and the company read again."""
    connection = connection_of(membership, provider)
    found = _company(connection, company_id)
    errands.ask(connection, "read", found.remote_id)
    tallies.retry(found)
    for kind in WRITINGS:
        errands.ask(connection, kind)
    ties.look(connection, [(str(one.project_id), str(one.item_id)) for one in _active(connection, found)])
    audit.record("retried_company", membership.installation, request, provider=provider, company=found.name)
    messages.success(request, f"{found.name} and all that is shown on it are looked at again now.")
    return redirect("company", membership.installation.slug, provider, company_id)


def _active(connection: Connection, found: Company) -> Any:
    return connection.ties.filter(party_id=found.remote_id, state="active")
