"""What the engine did: the list of its runs, one run with its changes, and taking a run back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from planeapp.dashboard import progress
from planeapp.dashboard.jobs import of_run
from planeapp.dashboard.uncounted import page_of
from planeapp.dashboard.words import counts_in_words, label, shown_fields, value_in_words, where
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.models import Installation, Membership
from planeapp.sync import jobs
from planeapp.sync.models import Job, ProjectPair, RunChange, SyncRun
from planeapp.sync.retention import KEPT, QUIET
from planeapp.sync.undo import undoable

PAGE, CHANGES = 50, 100
AT_WORK = timedelta(minutes=10)
"""A run that has written nothing for so long and is not over was left by its worker."""
DONE = {
    "create": "Made in {where}", "adopt": "Found again in {where}", "update": "Changed in {where}",
    "show": "Address put on the work item", "unlink": "Link taken off, since it was gone in {where}",
    "delete": "Removed from {where}",
}  # fmt: skip
# what taking back does: kind → one, many
BACK = {
    "create": ("1 row that was made in {where} is removed", "{n} rows that were made in {where} are removed"),
    "adopt": ("1 link to {where} is taken off", "{n} links to {where} are taken off"),
    "update": ("1 change in {where} is set back", "{n} changes in {where} are set back"),
    "unlink": ("1 link that was taken off is made again", "{n} links that were taken off are made again"),
    "delete": ("1 row that was removed is made again in {where}", "{n} rows that were removed are made again in {where}"),
}  # fmt: skip


class RunFilter(forms.Form):
    """Which runs are shown."""

    pair = forms.ModelChoiceField(ProjectPair.objects.none(), required=False, label="Pair", empty_label="All pairs")
    kind = forms.ChoiceField(required=False, label="Kind", choices=[("", "All kinds"), *SyncRun.Kind.choices])
    show = forms.ChoiceField(
        required=False, label="Show", choices=[("", "Runs that changed something"), ("all", "All runs")]
    )

    def __init__(self, data: Mapping[str, Any], installation: Installation) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        pair: Any = self.fields["pair"]
        pair.queryset = ProjectPair.objects.filter(connection__installation=installation).order_by("project_name")

    def narrow(self, rows: QuerySet[SyncRun]) -> QuerySet[SyncRun]:
        """Those that fit; none when the form holds nonsense."""
        if not self.is_valid():
            return rows.none()
        chosen = self.cleaned_data
        if chosen["pair"]:
            rows = rows.filter(pair=chosen["pair"])
        if chosen["kind"]:
            rows = rows.filter(kind=chosen["kind"])
        return rows if chosen["show"] else rows.filter(Exists(_changes()))


@dataclass(frozen=True)
class RunLine:
    """A run in words."""

    run: SyncRun

    @property
    def provider_name(self) -> str:
        """The other system."""
        return self.run.pair.connection.provider_name

    @property
    def did(self) -> list[str]:
        """Its counts in words."""
        return counts_in_words(self.run.counts, self.provider_name)

    @property
    def at_work(self) -> bool:
        """Whether somebody works on it: not so for one whose worker died."""
        if self.run.state != SyncRun.State.RUNNING:
            return False
        if self.run.made_by.filter(state=Job.State.WAITING).exists():
            return True
        last = self.run.changes.order_by("-pk").values_list("at", flat=True).first()
        return (last or self.run.started_at) > timezone.now() - AT_WORK

    @property
    def too_old(self) -> bool:
        """Whether its before-images are about to go."""
        return self.run.started_at < timezone.now() - KEPT


@dataclass(frozen=True)
class ChangeLine:
    """One write in words; ``values`` are (field, before, after), each ``""`` where it says nothing."""

    change: RunChange
    what: str
    values: list[tuple[str, str, str]]


@require_safe
@member
def runs(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Runs, newest first; those that changed nothing only when asked for."""
    installation = membership.installation
    form = RunFilter(request.GET, installation)
    rows = form.narrow(SyncRun.objects.filter(pair__connection__installation=installation)).order_by("-started_at")
    page = page_of(rows.values_list("pk", flat=True), request.GET.get("page"), PAGE)
    shown = _runs(installation).filter(pk__in=page.rows).order_by("-started_at")
    return render(request, "dashboard/runs.html", {
        "membership": membership, "installation": installation, "form": form, "page": page,
        "lines": [RunLine(run) for run in shown], "narrowed": bool(request.GET),
        "kept_days": KEPT.days, "quiet_days": QUIET.days, "query": "",
        **progress.as_context([one for one in progress.of(installation) if one.under_way]),
    })  # fmt: skip


def _changes() -> QuerySet[RunChange]:
    """The changes of the run that is asked about."""
    return RunChange.objects.filter(run=OuterRef("pk"))


def _runs(installation: Installation) -> QuerySet[SyncRun]:
    found = SyncRun.objects.filter(pair__connection__installation=installation).annotate(
        changed=Exists(_changes()), taken_back=Exists(_changes().exclude(undone_at=None)),
        rest=Exists(_changes().filter(undone_at=None).exclude(kind="show")),
    )  # fmt: skip
    return found.select_related("pair__connection", "undoes")


def _run_or_none(membership: Membership, run_id: UUID) -> SyncRun | None:
    return _runs(membership.installation).filter(pk=run_id).first()


def _not_kept(request: HttpRequest, membership: Membership) -> HttpResponse:
    return render(request, "dashboard/error.html", {
        "membership": membership, "installation": membership.installation, "title": "This run is not here",
        "text": f"Runs are kept for {KEPT.days} days, those that changed nothing for {QUIET.days}. "
        "What is older can be neither read nor taken back.",
    }, status=404)  # fmt: skip


@require_safe
@member
def run(request: HttpRequest, membership: Membership, run_id: UUID) -> HttpResponse:
    """One run: what it changed, from what to what, and what became of taking it back."""
    found = _run_or_none(membership, run_id)
    if found is None:
        return _not_kept(request, membership)
    line = RunLine(found)
    page = page_of(found.changes.order_by("pk"), request.GET.get("page"), CHANGES)
    counts = found.changes.aggregate(
        in_all=Count("pk"),
        undone=Count("pk", filter=~Q(undone_at=None)), left=Count("pk", filter=~Q(kept="")),
        rest=Count("pk", filter=Q(pk__in=undoable(found))),
    )  # fmt: skip
    return render(request, "dashboard/run.html", {
        "membership": membership, "installation": membership.installation, "run": found, "line": line, "page": page,
        "changes": [_change_line(found.pair, change) for change in page],
        "can_undo": membership.is_admin and not _objection(line, counts["rest"]), **counts,
        "undos": found.undone_by.order_by("started_at"), "keeps_until": found.started_at + KEPT,
        "kept_days": KEPT.days, "query": f"run={found.pk}",
        **progress.as_context(progress.of(membership.installation, of_run(found.pk), KEPT)),
    })  # fmt: skip


def _change_line(pair: ProjectPair, change: RunChange) -> ChangeLine:
    provider = pair.connection.provider
    names = shown_fields(provider, change.before if change.kind == "delete" else change.after)

    def told(stored: Mapping[str, Any], name: str) -> str:
        return value_in_words(name, stored[name], pair.zone) if name in stored else ""

    values = [(label(provider, name), told(change.before, name), told(change.after, name)) for name in names]
    if change.kind != "update":  # of a whole row, what it does not hold says nothing
        values = [entry for entry in values if set(entry[1:]) - {"", "nothing"}]
    what = DONE.get(change.kind, change.kind).format(where=where(change.side, pair.connection.provider_name))
    return ChangeLine(change, what, values)


# Taking back


def _objection(line: RunLine, rest: int) -> str:
    """Why this run, of which so much is left to take back, cannot be taken back now; or ``""``."""
    if line.too_old:
        return f"Runs can be taken back for {KEPT.days} days. This one is older."
    if line.at_work:
        return "This run is still at work. It can be taken back when it is over, or when you have ended it."
    if line.run.jobs.filter(state=Job.State.WAITING).exists():
        return "This run is being taken back already."
    if not rest:
        return "There is nothing to take back in this run."
    return ""


@require_http_methods(["GET", "POST"])
@admin
def undo(request: HttpRequest, membership: Membership, run_id: UUID) -> HttpResponse:
    """Says what would be taken back, and on a POST begins. A second click finds it begun."""
    found = _run_or_none(membership, run_id)
    if found is None:
        return _not_kept(request, membership)
    line, rest = RunLine(found), undoable(found).count()
    if why := _objection(line, rest):
        messages.info(request, why)
        return redirect("run", membership.installation.slug, found.pk)
    if request.method == "POST":
        job = jobs.ask_undo(found, str(membership.user))
        audit.record(
            "undid", membership.installation, request, provider=found.pair.connection.provider,
            project=found.pair.project_key, run=str(found.pk), changes=job.total,
        )  # fmt: skip
        messages.success(request, "The run is being taken back now. You can leave this page.")
        return redirect("run", membership.installation.slug, found.pk)
    return render(request, "dashboard/undo.html", {
        "membership": membership, "installation": membership.installation, "run": found, "line": line,
        "steps": _steps(found), "count": rest,
    })  # fmt: skip


def _steps(found: SyncRun) -> list[str]:
    """What taking back does, one phrase for each kind of change on each side."""
    name = found.pair.connection.provider_name
    rows = undoable(found).order_by("side", "kind").values_list("kind", "side").annotate(count=Count("pk"))
    return [BACK[kind][count > 1].format(n=f"{count:,}", where=where(side, name)) for kind, side, count in rows]
