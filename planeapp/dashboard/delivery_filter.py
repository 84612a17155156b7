"""Which deliveries a person looks at: the filter's form, the page of a long list, and the filter in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from planeapp.inbox.models import Delivery
from planeapp.inbox.routes import ROUTES
from planeapp.providers import PROVIDERS, provider_class

PAGE = 50
REACH = 20_000
"""Rows that a search looks at: what is searched for stands in no index."""
COSTLY = ("text", "source", "kind")
OTHER = "other"
KINDS = {
    "item.changed": "Work item changed", "item.deleted": "Work item deleted", "comment.written": "Comment written",
    "run.created": "Agent run began", "run.prompted": "Agent run prompted", "remote.changed": "Changed at a provider",
    "remote.deleted": "Deleted at a provider", "project.changed": "Project changed",
    "company.changed": "Company changed", "company.deleted": "Company deleted", OTHER: "Anything else",
}  # fmt: skip


class DeliveryFilter(forms.Form):
    """What to show. Times without an offset are the workspace's. Unfilled fields do not narrow."""

    state = forms.ChoiceField(required=False, widget=forms.HiddenInput, choices=[("", ""), *Delivery.State.choices])
    text = forms.CharField(
        required=False,
        max_length=100,
        label="Search",
        widget=forms.SearchInput(attrs={"placeholder": "subject or reason"}),
    )
    source = forms.ChoiceField(required=False, label="From")
    kind = forms.ChoiceField(required=False, label="About", choices=[("", "Anything"), *KINDS.items()])
    since = forms.DateTimeField(required=False, label="Since")
    until = forms.DateTimeField(required=False, label="Until")

    def __init__(self, data: Mapping[str, Any], zone: str) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.zone = ZoneInfo(zone)
        source: Any = self.fields["source"]
        source.choices = [("", "Anywhere"), ("plane", "Plane"), *((key, provider_class(key).name) for key in PROVIDERS)]
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def full_clean(self) -> None:
        """Read times in the workspace's zone."""
        with timezone.override(self.zone):
            super().full_clean()

    def narrow(self, rows: QuerySet[Delivery], but: str = "") -> QuerySet[Delivery]:
        """Those of ``rows`` that fit; none when the form holds nonsense. ``but`` is a field that does not count."""
        if not self.is_valid():
            return rows.none()
        for name, value in self.cleaned_data.items():
            if value and name != but:
                rows = rows.filter(_condition(name, value))
        return rows

    def edge(self, rows: QuerySet[Delivery]) -> datetime | None:
        """When the oldest message came that a search looks at; None when it looks at all of them.

        An earlier *until* reaches further back.
        """
        if not self.is_valid() or not any(self.cleaned_data[name] for name in COSTLY):
            return None
        cheap = {name: value for name, value in self.cleaned_data.items() if value and name in ("since", "until")}
        for name, value in cheap.items():
            rows = rows.filter(_condition(name, value))
        return rows.order_by("-received_at").values_list("received_at", flat=True)[REACH : REACH + 1].first()

    @property
    def told(self) -> dict[str, str]:
        """The filter in words, for the confirmation and the audit log; empty when everything is shown."""
        if not self.is_valid():
            return {}
        return {name: self._words(name, value) for name, value in self.cleaned_data.items() if value}

    def _words(self, name: str, value: Any) -> str:
        if isinstance(value, datetime):
            return f"{value.astimezone(self.zone):%-d %B %Y, %H:%M %Z}"
        field: Any = self.fields[name]
        return str(dict(getattr(field, "choices", ())).get(value, value))


def _condition(name: str, value: Any) -> Q:
    if name == "kind":
        return ~Q(kind__in=ROUTES) if value == OTHER else Q(kind__contains=value)
    if name == "source":
        return Q(source=Delivery.Source.PLANE) if value == "plane" else Q(connection__provider=value)
    return {
        "state": Q(state=value),
        "since": Q(received_at__gte=value),
        "until": Q(received_at__lt=value),
        "text": Q(subject__icontains=value) | Q(reason__icontains=value),
    }[name]


def by_state(rows: QuerySet[Delivery], chosen: str) -> list[dict[str, Any]]:
    """How many ended how: ``key, label, count, current`` for all and for every state."""
    found = dict(rows.order_by().values_list("state").annotate(count=Count("*")))
    states = [("", "All", sum(found.values()))]
    states += [(str(key), str(label), found.get(key, 0)) for key, label in Delivery.State.choices]
    return [{"key": key, "label": label, "count": n, "current": key == chosen} for key, label, n in states]


# Pages


@dataclass(frozen=True)
class Page:
    """Deliveries, newest first, and where the list goes on in both directions (``""``: nowhere)."""

    rows: list[Delivery]
    newer: str = ""
    older: str = ""


def page_of(rows: QuerySet[Delivery], query: Mapping[str, Any]) -> Page:
    """The page ``before`` or ``after`` a place in the list. Goes along an index, so that the last page costs no more."""
    rows = rows.defer("body", "headers").select_related("connection")
    before, after = _place(query.get("before", "")), _place(query.get("after", ""))
    if after is not None:
        moment, pk = after
        newer = rows.filter(Q(received_at__gt=moment) | Q(received_at=moment, pk__gt=pk), received_at__gte=moment)
        found = list(newer.order_by("received_at", "pk")[: PAGE + 1])
        if len(found) > PAGE:
            return _page(found[:PAGE][::-1], newer=True, older=True)
        before = None  # not a whole page: that is the first one
    if before is not None:
        moment, pk = before
        rows = rows.filter(Q(received_at__lt=moment) | Q(received_at=moment, pk__lt=pk), received_at__lte=moment)
    found = list(rows.order_by("-received_at", "-pk")[: PAGE + 1])
    return _page(found[:PAGE], newer=before is not None, older=len(found) > PAGE)


def _page(rows: list[Delivery], *, newer: bool, older: bool) -> Page:
    if not rows:
        return Page([])
    return Page(rows, _mark(rows[0]) if newer else "", _mark(rows[-1]) if older else "")


def _mark(row: Delivery) -> str:
    return f"{row.received_at.isoformat()}_{row.pk}"


def _place(mark: str) -> tuple[datetime, UUID] | None:
    """The place that a mark means; None for anything that is no mark."""
    moment, _, pk = mark.partition("_")
    try:
        found = parse_datetime(moment)
        return (found, UUID(pk)) if found is not None and timezone.is_aware(found) else None
    except ValueError:
        return None
