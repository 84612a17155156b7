"""Long work: backfills and undos that are under way, and the form that begins a backfill."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from planeapp.dashboard import progress
from planeapp.dashboard.context import known_provider, shown
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.models import Membership
from planeapp.sync import jobs as engine
from planeapp.sync.models import Job, ProjectPair


class BackfillForm(forms.Form):
    """How far back to look."""

    since = forms.DateField(
        required=False, label="Only what changed since", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Leave it empty to bring everything over.",
    )  # fmt: skip

    def clean_since(self) -> datetime | None:
        """The beginning of the day, without a zone yet; no day that is still to come."""
        found = self.cleaned_data["since"]
        if found and found > timezone.localdate():
            raise forms.ValidationError("That day is still to come.")
        return datetime.combine(found, time.min) if found else None


@require_safe
@member
def jobs(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Long work that is under way or has ended lately; ``?run=`` that of one run, ``?provider=`` of one provider."""
    only = Q()
    if run := _uuid(request.GET.get("run", "")):
        only = of_run(run)
    if provider := request.GET.get("provider", ""):
        only &= Q(pair__connection__provider=provider)
    return render(request, "dashboard/jobs.html", {
        "membership": membership, "installation": membership.installation, "query": request.GET.urlencode(),
        **progress.as_context(progress.of(membership.installation, only)),
    })  # fmt: skip


def of_run(run: UUID) -> Q:
    """Jobs that make this run or take it back."""
    return Q(run=run) | Q(result=run)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_http_methods(["GET", "POST"])
@admin
def backfill(request: HttpRequest, membership: Membership, provider: str, pair_id: UUID) -> HttpResponse:
    """Asks how far back, and begins to bring over what has no counterpart yet. A second click joins the first."""
    known_provider(provider)
    rows = ProjectPair.objects.filter(connection__installation=membership.installation, connection__provider=provider)
    pair = get_object_or_404(rows.select_related("connection__installation"), pk=pair_id)
    form = BackfillForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _begin(request, membership, pair, form.cleaned_data["since"])
        return redirect("jobs", membership.installation.slug)
    return render(request, "dashboard/backfill.html", {
        "membership": membership, "installation": membership.installation, "pair": pair, "form": form,
        "provider": shown(provider), "running": _running(pair),
    }, status=422 if form.errors else 200)  # fmt: skip


def _running(pair: ProjectPair) -> Job | None:
    return pair.jobs.filter(kind=Job.Kind.BACKFILL, state=Job.State.WAITING).first()


def _begin(request: HttpRequest, membership: Membership, pair: ProjectPair, since: datetime | None) -> None:
    if _running(pair) is not None:
        messages.info(request, f"{pair.project_name} is being brought over already. Nothing was begun anew.")
        return
    since = since.replace(tzinfo=ZoneInfo(pair.zone)) if since else None
    engine.ask_backfill(pair, str(membership.user), since)
    told = {"since": since.date().isoformat()} if since else {}
    audit.record(
        "began_backfill", membership.installation, request, provider=pair.connection.provider, project=pair.project_key,
        **told,
    )  # fmt: skip
    messages.success(request, f"{pair.project_name} is being brought over now. You can leave this page.")


@require_POST
@admin
def end_job(request: HttpRequest, membership: Membership, job_id: UUID) -> HttpResponse:
    """End long work; what it has done stays. A second click finds it done."""
    rows = Job.objects.filter(pair__connection__installation=membership.installation)
    job = get_object_or_404(rows.select_related("pair__connection"), pk=job_id)
    if engine.end(job):
        audit.record(
            f"ended_{job.kind}", membership.installation, request, provider=job.pair.connection.provider,
            project=job.pair.project_key,
        )  # fmt: skip
        messages.success(request, f"{job.get_kind_display()} of {job.pair} is ended. What it has done stays.")
    else:
        messages.info(request, "It was over already.")
    return redirect("jobs", membership.installation.slug)
