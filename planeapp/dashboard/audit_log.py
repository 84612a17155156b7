"""The audit log: who did what, when and from where; to filter, and to take along as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from planeapp.dashboard.csv_file import MOST, csv_answer
from planeapp.dashboard.long_lists import page_of
from planeapp.installations.access import admin
from planeapp.installations.models import AuditEntry, Installation, Membership

HEADER = ("When", "Who", "What", "Details", "From")
LOOKUPS = {"action": "action", "who": "who__icontains", "since": "at__gte", "until": "at__lt"}


class AuditFilter(forms.Form):
    """What to show. Times without an offset are the workspace's. Unfilled fields do not narrow."""

    who = forms.CharField(required=False, max_length=100, label="Who", widget=forms.SearchInput())
    action = forms.ChoiceField(required=False, label="What")
    since = forms.DateTimeField(required=False, label="Since")
    until = forms.DateTimeField(required=False, label="Until")

    def __init__(self, data: Mapping[str, Any], installation: Installation) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.zone, self.rows = ZoneInfo(installation.zone), installation.audit.all()
        known = self.rows.order_by("action").values_list("action", flat=True).distinct()
        action: Any = self.fields["action"]
        action.choices = [("", "Anything"), *((one, AuditEntry(action=one).label) for one in known)]
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def full_clean(self) -> None:
        """Read times in the workspace's zone."""
        with timezone.override(self.zone):
            super().full_clean()

    def found(self) -> QuerySet[AuditEntry]:
        """What fits; nothing when the form holds nonsense."""
        if not self.is_valid():
            return self.rows.none()
        return self.rows.filter(**{LOOKUPS[name]: value for name, value in self.cleaned_data.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether something is left out."""
        return not self.is_valid() or any(self.cleaned_data.values())


@require_safe
@admin
def audit_log(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Newest first."""
    installation = membership.installation
    form = AuditFilter(request.GET, installation)
    page = page_of(form.found(), request.GET)
    found = {"membership": membership, "installation": installation, "form": form, "page": page}
    return render(request, "dashboard/audit.html", {**found, "entries": page.rows})


@require_safe
@admin
def audit_csv(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What fits the filter as a file, the newest first, at most ``MOST`` lines."""
    installation = membership.installation
    form = AuditFilter(request.GET, installation)
    rows = form.found().order_by("-at", "-pk")[:MOST]
    return csv_answer(f"audit-{installation.slug}.csv", HEADER, _lines(rows, form.zone))


def _lines(rows: QuerySet[AuditEntry], zone: ZoneInfo) -> Iterator[tuple[str, ...]]:
    for row in rows.iterator(chunk_size=1000):
        detail = ", ".join(f"{name} {value}" for name, value in row.detail.items())
        yield row.at.astimezone(zone).isoformat(timespec="seconds"), row.who, row.label, detail, row.address or ""
