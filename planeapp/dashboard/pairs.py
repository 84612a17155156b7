"""Pairing Plane projects with places of a provider; where it has a single place, choosing the projects that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from planeapp.dashboard.context import known_provider, shown
from planeapp.dashboard.zones import LongSelect, zone_choices
from planeapp.installations import audit
from planeapp.installations.access import admin
from planeapp.installations.gateways import plane_for, provider_for
from planeapp.installations.models import Connection, Membership
from planeapp.lib.errors import GroundcrewError
from planeapp.providers import provider_class
from planeapp.providers.base import Place
from planeapp.sync import due
from planeapp.sync.models import ProjectPair, SyncRun

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Choices:
    """What can be paired, as both sides tell it now; ``fault`` when one of them did not answer.

    ``only``: the id of the single place that there is.
    """

    projects: dict[str, dict[str, str]]
    places: dict[str, str]
    fault: str = ""
    only: str = ""


class PairForm(forms.Form):
    """One project, one place (not asked where there is just one), one time zone."""

    project = forms.ChoiceField(label="Plane project")
    place = forms.ChoiceField()
    zone = forms.ChoiceField(
        label="Time zone", help_text="Days and times of this project are understood in it.",
        choices=zone_choices(), widget=LongSelect,
    )  # fmt: skip

    def __init__(self, data: object, choices: Choices, taken: set[str], place_label: str, zone: str) -> None:
        super().__init__(data, initial={"zone": zone})  # type: ignore[arg-type]
        self.fields["project"].choices = [  # type: ignore[attr-defined]
            (key, project["name"]) for key, project in choices.projects.items() if key not in taken
        ]
        self.fields["place"].choices = list(choices.places.items())  # type: ignore[attr-defined]
        self.fields["place"].label = place_label
        if choices.only:
            del self.fields["place"]


def _connection(membership: Membership, provider: str) -> Connection:
    known_provider(provider)
    found = Connection.objects.filter(installation=membership.installation, provider=provider).first()
    if found is None:
        raise Http404("nothing to pair here")
    return found


def _choices(connection: Connection) -> Choices:
    only = provider_class(connection.provider).only_place
    known = only.id if only else ""
    try:
        rows = plane_for(connection.installation).projects()
        places = [only] if only else _places(connection)
    except GroundcrewError as error:
        log.warning("no choice of projects", code=error.code, detail=str(error))
        return Choices({}, {}, error.person, known)
    projects = {
        str(row["id"]): {"name": row["name"], "key": row["identifier"], "zone": row.get("timezone") or "UTC"}
        for row in rows
    }
    return Choices(projects, {place.id: place.name for place in places}, only=known)


def _places(connection: Connection) -> Sequence[Place]:
    with closing(provider_for(connection)) as provider:
        return provider.places()


@require_http_methods(["GET", "POST"])
@admin
def pairs(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Existing pairs, and a form for a further one."""
    connection = _connection(membership, provider)
    if request.method == "POST" and _paired_already(connection, request.POST):
        return redirect("pairs", membership.installation.slug, provider)
    choices = _choices(connection)
    existing = _with_stops(connection.pairs.order_by("project_name"))
    taken = {str(pair.project_id) for pair in existing}
    vendor = provider_class(provider)
    label = f"{vendor.name} {vendor.place_name}"
    form = PairForm(request.POST or None, choices, taken, label, membership.installation.zone)
    if request.method == "POST" and not choices.fault and form.is_valid():
        pair = _make(connection, choices, form.cleaned_data)
        audit.record("paired", membership.installation, request, provider=provider, project=pair.project_key)
        where = vendor.name if choices.only else pair.place_name
        messages.success(request, f"{pair.project_name} is now kept in step with {where}.")
        return redirect("pairs", membership.installation.slug, provider)
    return render(request, "dashboard/pairs.html", {
        "membership": membership, "installation": membership.installation, "connection": connection, "pairs": existing,
        "form": form, "fault": choices.fault, "provider": shown(provider), "free": len(choices.projects) > len(taken),
    }, status=422 if form.errors else 200)  # fmt: skip


def _with_stops(pairs: QuerySet[ProjectPair]) -> list[Any]:
    """The pairs; those whose last full run was stopped by the guard tell why in ``stopped``."""
    last = SyncRun.objects.filter(pair=OuterRef("pk"), whole=True).order_by("-started_at")
    why = Case(When(state=SyncRun.State.STOPPED, then=F("detail")), default=Value(""))
    return list(pairs.annotate(stopped=Subquery(last.values(why=why)[:1])))


def _paired_already(connection: Connection, data: Mapping[str, str]) -> bool:
    """Whether the form only asks for what is there: it was sent twice."""
    only = provider_class(connection.provider).only_place
    same = {"project_id": data.get("project"), "place_id": only.id if only else data.get("place")}
    return any({name: str(getattr(pair, name)) for name in same} == same for pair in connection.pairs.all())


def _make(connection: Connection, choices: Choices, data: dict[str, str]) -> ProjectPair:
    """The pair (made once, though the form may be sent twice) and the first look at all of it."""
    project, place = choices.projects[data["project"]], choices.only or data["place"]
    with transaction.atomic():
        pair, _ = ProjectPair.objects.get_or_create(
            connection=connection,
            project_id=data["project"],
            defaults={
                "project_name": project["name"], "project_key": project["key"], "place_id": place,
                "place_name": choices.places[place], "zone": data["zone"],
            },
        )  # fmt: skip
        due.ask(pair, reason="paired")
    return pair


def _pair(membership: Membership, provider: str, pair_id: UUID) -> ProjectPair:
    found = _connection(membership, provider).pairs.filter(pk=pair_id).first()
    if found is None:
        raise Http404("no such pair")
    return found


@require_POST
@admin
def remove(request: HttpRequest, membership: Membership, provider: str, pair_id: UUID) -> HttpResponse:
    """Stop keeping two projects in step. Nothing is deleted on either side. A second click finds it done."""
    pair = _connection(membership, provider).pairs.filter(pk=pair_id).first()
    if pair is None:
        return redirect("pairs", membership.installation.slug, provider)
    audit.record("unpaired", membership.installation, request, provider=provider, project=pair.project_key)
    messages.success(request, f"{pair.project_name} is no longer kept in step. Nothing was deleted on either side.")
    pair.delete()
    return redirect("pairs", membership.installation.slug, provider)


@require_POST
@admin
def sync_now(request: HttpRequest, membership: Membership, provider: str, pair_id: UUID) -> HttpResponse:
    """Look at the whole pair now."""
    pair = _pair(membership, provider, pair_id)
    with transaction.atomic():
        due.ask(pair, reason="asked for")
    messages.success(request, f"{pair.project_name} is being looked at now.")
    return redirect("pairs", membership.installation.slug, provider)


@require_POST
@admin
def allow_run(request: HttpRequest, membership: Membership, provider: str, pair_id: UUID) -> HttpResponse:
    """Let the next run pass the guard, once, and begin it."""
    pair = _pair(membership, provider, pair_id)
    with transaction.atomic():
        ProjectPair.objects.filter(pk=pair.pk).update(allow_once=True)
        due.ask(pair, reason="allowed by a person")
    audit.record("allowed_run", membership.installation, request, provider=provider, project=pair.project_key)
    messages.success(request, f"{pair.project_name} is brought in step now, however much that changes.")
    return redirect("pairs", membership.installation.slug, provider)
