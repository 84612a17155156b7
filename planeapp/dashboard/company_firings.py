"""What rules on companies did: every firing with its steps, what came of them, and why one failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from planeapp.customers import firing as engine
from planeapp.customers.models import Firing
from planeapp.customers.rule_texts import said
from planeapp.dashboard import rule_words
from planeapp.dashboard.companies import connection_of, frame
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.models import Connection, Installation, Membership
from planeapp.sync.models import ProjectPair

PAGE = 30
TONES = {
    Firing.State.DONE: "ok", Firing.State.FAILED: "bad", Firing.State.HELD: "warn", Firing.State.WAITING: "none",
    Firing.State.DROPPED: "none", Firing.State.KNOWN: "none",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What was to be done, what came of it (``""``: nothing yet), and the work item that was made."""

    told: str
    said: str = ""
    item: str = ""
    key: str = ""


@dataclass(frozen=True)
class Fired:
    """A firing in words."""

    firing: Firing
    projects: Mapping[str, str]

    @property
    def tone(self) -> str:
        """How its pill looks."""
        return TONES[Firing.State(self.firing.state)]

    @property
    def why(self) -> str:
        """The change that it fired for: "Phase: Trial → Onboarding"."""
        change = self.firing.change
        if change is None:
            kind, _, what = self.firing.occasion.partition(":")
            return f"Renewal on {said(what)}" if kind == "renewal" else ""
        if change.field == "created":
            return "The company is new"
        return f"{rule_words.label_of(change.field)}: {said(change.before) or 'nothing'} → {said(change.after) or 'nothing'}"

    @property
    def steps(self) -> list[Step]:
        """Its steps, in order."""
        results = [*self.firing.results, *({} for _ in self.firing.plan)]
        return [
            Step(
                rule_words.step(plan, self.projects), *(str(result.get(name) or "") for name in ("said", "item", "key"))
            )
            for plan, result in zip(self.firing.plan, results, strict=False)
        ]


def fired(installation: Installation, rows: Any) -> list[Fired]:
    """Firings in words. Projects are named as far as our own rows know them."""
    pairs = ProjectPair.objects.filter(connection__installation=installation)
    projects = {str(key): name for key, name in pairs.values_list("project_id", "project_name")}
    return [Fired(row, projects) for row in rows]


@require_safe
@member
def firings(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """The log, newest first; ``?state=`` and ``?rule=`` narrow it."""
    connection = connection_of(membership, provider)
    state, rule = request.GET.get("state", ""), _uuid(request.GET.get("rule", ""))
    rows = _rows(connection, rule)
    counts = dict(rows.values_list("state").annotate(number=Count("pk")).order_by())
    shown = rows.filter(state=state) if state in Firing.State.values else rows
    newest = shown.select_related("rule", "company", "change").order_by("-created_at", "pk")
    page = Paginator(newest, PAGE).get_page(request.GET.get("page"))
    chips = [("", "All", sum(counts.values()))] + [
        (key, label, counts[key]) for key, label in Firing.State.choices if key in counts
    ]
    return render(request, "dashboard/firings.html", {
        **frame(membership, connection, "firings"), "page": page, "lines": fired(membership.installation, page.object_list),
        "states": chips, "state": state, "rule": connection.company_rules.filter(pk=rule).first() if rule else None,
    })  # fmt: skip


def _rows(connection: Connection, rule: UUID | None) -> QuerySet[Firing]:
    rows = Firing.objects.filter(rule__connection=connection)
    return rows.filter(rule=rule) if rule else rows


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_POST
@admin
def retry_firing(request: HttpRequest, membership: Membership, provider: str, firing_id: UUID) -> HttpResponse:
    """Try a firing that failed once more, from the step that failed. A second click joins the first."""
    connection = connection_of(membership, provider)
    rows = Firing.objects.select_related("rule__connection__installation", "company").filter(
        rule__connection=connection
    )
    found = get_object_or_404(rows, pk=firing_id)
    if found.state == Firing.State.FAILED:
        engine.retry(found)
        audit.record(
            "retried_firing", membership.installation, request, provider=provider, rule=found.rule.name,
            company=found.company.name,
        )  # fmt: skip
        messages.success(
            request, f"{found.rule.name} is tried again for {found.company.name}, from the step that failed."
        )
    else:
        messages.info(request, "It did not fail, or is being tried again already. Nothing was changed.")
    if request.POST.get("back") == "company":
        return redirect("company", membership.installation.slug, provider, found.company_id)
    return redirect("firings", membership.installation.slug, provider)
