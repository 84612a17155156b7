"""The activity log: everything that was done to work items or held back, to search in and to take along as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from planeapp.dashboard.csv_file import MOST, csv_answer
from planeapp.dashboard.long_lists import page_of
from planeapp.installations.access import member
from planeapp.installations.models import Installation, Membership
from planeapp.providers import PROVIDERS, provider_class
from planeapp.sync.models import ItemLink, Tie, TimelineEntry
from planeapp.sync.timeline import REASONS

ITEMS = 10
"""More work items than this never have one key; two may, one after the other."""
DONE = (
    "created", "updated", "linked", "answered", "rule", "rule_agreed", "rule_held", "guard", "company_gone", "ask_person",
    "error", "failed",
)  # fmt: skip
HEADER = ("When", "System", "Work item", "Code", "What")


class ActivityFilter(forms.Form):
    """What to show. Times without an offset are the workspace's. Unfilled fields do not narrow."""

    text = forms.CharField(
        required=False,
        max_length=100,
        label="Search",
        widget=forms.SearchInput(attrs={"placeholder": "words of a line"}),
    )
    item = forms.CharField(
        required=False, max_length=40, label="Work item", widget=forms.TextInput(attrs={"placeholder": "CUST-12"})
    )
    system = forms.ChoiceField(required=False, label="System")
    code = forms.ChoiceField(required=False, label="What happened")
    since = forms.DateTimeField(required=False, label="Since")
    until = forms.DateTimeField(required=False, label="Until")

    def __init__(self, data: Mapping[str, Any], installation: Installation) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.installation, self.zone = installation, ZoneInfo(installation.zone)
        names = [(key, provider_class(key).name) for key in PROVIDERS]
        system: Any = self.fields["system"]
        system.choices = [("", "All"), *names, ("plane", "None of these")]
        code: Any = self.fields["code"]
        code.choices = [("", "Anything"), *((one, worded(one)) for one in self._codes(str(data.get("code", ""))))]
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def _codes(self, asked: str) -> list[str]:
        """Those that we have words for, and the one that a line's own code leads to."""
        more = [asked] if asked.replace("_", "").isalpha() and len(asked) <= 40 else []
        return sorted({*DONE, *REASONS, *more})

    def full_clean(self) -> None:
        """Read times in the workspace's zone."""
        with timezone.override(self.zone):
            super().full_clean()

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """What narrows."""
        return {name: value for name, value in self.cleaned_data.items() if value} if self.is_valid() else {}

    def within(self) -> QuerySet[TimelineEntry]:
        """The part of the workspace's lines that an index leads to; none when the form holds nonsense."""
        rows = self.installation.timeline.all()
        if not self.is_valid():
            return rows.none()
        for name, lookup in (("since", "at__gte"), ("until", "at__lt")):
            if self.chosen.get(name):
                rows = rows.filter(**{lookup: self.chosen[name]})
        return rows.filter(item_id__in=self._items) if self._items else rows

    @cached_property
    def _items(self) -> list[Any]:
        """The ids of the work item whose key was typed, as far as our own rows know it."""
        key = str(self.chosen.get("item", "")).strip().upper()
        if not key:
            return []
        links = ItemLink.objects.filter(pair__connection__installation=self.installation, item_key=key)
        ties = Tie.objects.filter(connection__installation=self.installation, item_key=key)
        found = links.values_list("item_id", flat=True).union(ties.values_list("item_id", flat=True))
        return list(found[:ITEMS])

    def narrow(self, rows: QuerySet[TimelineEntry]) -> QuerySet[TimelineEntry]:
        """The conditions that every line has to be looked at for."""
        for name in self.costly:
            rows = rows.filter(_condition(name, self.chosen[name]))
        return rows

    @property
    def costly(self) -> list[str]:
        """What no index leads to."""
        served = {"since", "until", *(("item",) if self._items else ())}
        return [name for name in self.chosen if name not in served]


def _condition(name: str, value: Any) -> Q:
    if name == "system":
        return Q(connection=None) if value == "plane" else Q(connection__provider=value)
    if name == "item":
        return Q(item_key__iexact=str(value).strip())
    return Q(code=value) if name == "code" else Q(text__icontains=value) | Q(item_key__icontains=value)


def worded(code: str) -> str:
    """A reason code in words."""
    return code.replace("_", " ").capitalize()


@require_safe
@member
def activity(request: HttpRequest, membership: Membership) -> HttpResponse:
    """What was done to items, and what was held back, newest first."""
    installation = membership.installation
    form = ActivityFilter(request.GET, installation)
    rows = form.within().select_related("connection")
    return render(request, "dashboard/activity.html", {
        "membership": membership,
        "installation": installation,
        "form": form,
        "narrowed": bool(form.chosen) or not form.is_valid(),
        "page": page_of(rows, request.GET, form.narrow if form.costly else None),
    })  # fmt: skip


@require_safe
@member
def activity_csv(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What fits the filter as a file, the newest first, at most ``MOST`` lines."""
    installation = membership.installation
    form = ActivityFilter(request.GET, installation)
    rows = form.narrow(form.within()).select_related("connection").order_by("-at", "-pk")[:MOST]
    return csv_answer(f"activity-{installation.slug}.csv", HEADER, _lines(rows, form.zone))


def _lines(rows: QuerySet[TimelineEntry], zone: ZoneInfo) -> Iterator[tuple[str, ...]]:
    for row in rows.iterator(chunk_size=1000):
        system = row.connection.provider_name if row.connection else ""
        yield _moment(row.at, zone), system, row.item_key, row.code, row.text


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")
