"""Rules on what changes about companies: the list, switching on and off, what is held back, and the form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from planeapp.customers import firing, rule_preview
from planeapp.customers.models import CompanyRule, Firing
from planeapp.customers.rule_texts import said
from planeapp.customers.rules import RuleSpec, as_data
from planeapp.dashboard import rule_words
from planeapp.dashboard.companies import connection_of, frame
from planeapp.dashboard.company_rule_choices import Choices
from planeapp.dashboard.company_rule_forms import RuleForm, Typed, stored, typed
from planeapp.dashboard.company_rule_parts import ACTIONS
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.models import Connection, Membership
from planeapp.lib.errors import GroundcrewError

log = structlog.get_logger(__name__)
DAYS = 14


@dataclass(frozen=True)
class Line:
    """A rule in words, with its firings of the last days."""

    rule: Any

    @property
    def told(self) -> str:
        """What it waits for and does."""
        return rule_words.told(self.rule)


@require_safe
@member
def company_rules(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """The rules by name, with how often each fired lately and what of it is held back."""
    connection = connection_of(membership, provider)
    since = timezone.now() - timedelta(days=DAYS)
    lately = Q(firings__created_at__gte=since) & ~Q(firings__state__in=(Firing.State.KNOWN, Firing.State.DROPPED))
    rules = connection.company_rules.annotate(
        fired=Count("firings", filter=lately),
        held=Count("firings", filter=Q(firings__state=Firing.State.HELD)),
        failed=Count("firings", filter=lately & Q(firings__state=Firing.State.FAILED)),
    ).order_by("name")
    return render(request, "dashboard/company_rules.html", {
        **frame(membership, connection, "rules"), "lines": [Line(rule) for rule in rules], "days": DAYS,
    })  # fmt: skip


def _rule(connection: Connection, rule_id: UUID) -> CompanyRule:
    return get_object_or_404(
        CompanyRule.objects.select_related("connection__installation"), connection=connection, pk=rule_id
    )


@require_http_methods(["GET", "POST"])
def company_rule(request: HttpRequest, **parts: Any) -> HttpResponse:
    """A rule, or a new one. POST adds or takes away rows, tries the rule on real companies (``do=try``), or saves it."""
    return _sent(request, **parts) if request.method == "POST" else _looked_at(request, **parts)


@member
def _looked_at(
    request: HttpRequest, membership: Membership, provider: str, rule_id: UUID | None = None
) -> HttpResponse:
    connection = connection_of(membership, provider)
    rule = _rule(connection, rule_id) if rule_id else None
    rows = stored(_data(rule)) if rule else Typed(then=[{"do": "create_item", "title": "Onboard {company}"}])
    return _page(request, membership, connection, rule, RuleForm(rows, Choices(connection)))


def _data(rule: CompanyRule) -> dict[str, Any]:
    return {"name": rule.name, "when": rule.when, "only": rule.only, "then": rule.then}


@admin
def _sent(request: HttpRequest, membership: Membership, provider: str, rule_id: UUID | None = None) -> HttpResponse:
    connection = connection_of(membership, provider)
    rule = _rule(connection, rule_id) if rule_id else None
    rows, do = typed(request.POST), request.POST.get("do", "save")
    if do not in ("try", "save"):
        rows.edited(do)
        return _page(request, membership, connection, rule, RuleForm(rows, Choices(connection)))
    form = RuleForm(rows, Choices(connection), check=True)
    if form.spec is not None and do == "save" and _saved(request, membership, connection, rule, form):
        return redirect("company_rules", membership.installation.slug, provider)
    told = _tried(connection, form) if form.spec is not None and do == "try" else {}
    return _page(request, membership, connection, rule, form, **told)


def _page(
    request: HttpRequest, membership: Membership, connection: Connection, rule: CompanyRule | None, form: RuleForm, *,
    tried: list[dict[str, Any]] | None = None, fault: str = "",
) -> HttpResponse:  # fmt: skip
    if not membership.is_admin:
        for field in (field for part in form.parts for field in part.fields.values()):
            field.disabled = True
    return render(request, "dashboard/company_rule.html", {
        **frame(membership, connection, "rule"), "rule": rule, "form": form, "actions": ACTIONS, "tried": tried,
        "fault": fault,
    }, status=422 if form.errors else 200)  # fmt: skip


def _tried(connection: Connection, form: RuleForm) -> dict[str, Any]:
    """What the rule would do for real companies, or why that cannot be told; nothing is written."""
    assert form.spec is not None
    projects = dict(form.choices.projects)
    try:
        found = rule_preview.preview(connection, form.spec)
    except GroundcrewError as error:
        log.warning("rule not tried", code=error.code, detail=str(error))
        return {"fault": error.person}
    examples = [
        {
            "company": one.company, "before": said(one.before), "after": said(one.after),
            "steps": [rule_words.step(step, projects) for step in one.steps],
        }
        for one in found
    ]  # fmt: skip
    return {"tried": examples}


def _saved(
    request: HttpRequest, membership: Membership, connection: Connection, rule: CompanyRule | None, form: RuleForm
) -> bool:  # fmt: skip
    """Store the rule. False when its name is taken; equal to what is stored (a second click), nothing is written."""
    assert form.spec is not None
    told = _stored_as(form.spec)
    if rule is not None and _data(rule) == told:
        messages.info(request, "Nothing was changed: the rule is as you see it.")
        return True
    if rule is None and _same(connection, told):
        messages.info(request, f"{told['name']} is saved already. Nothing was changed.")
        return True
    try:
        with transaction.atomic():
            found = _written(connection, rule, told)
            audit.record(
                "changed_company_rule" if rule else "made_company_rule", membership.installation, request,
                provider=connection.provider, rule=found.name,
            )  # fmt: skip
    except IntegrityError:
        form.when.add_error("name", "Another rule has this name. Choose a different one.")
        return False
    messages.success(request, f"{found.name} is saved. {_how(found)}")
    return True


def _stored_as(spec: RuleSpec) -> dict[str, Any]:
    data = as_data(spec)
    return {"name": data["name"], "when": data["when"], "only": data.get("only") or [], "then": data["then"]}


def _same(connection: Connection, told: dict[str, Any]) -> bool:
    found = connection.company_rules.filter(name=told["name"]).first()
    return found is not None and _data(found) == told


def _written(connection: Connection, rule: CompanyRule | None, told: dict[str, Any]) -> CompanyRule:
    """An edited rule that is on counts from now on: what changed before was no matter for it."""
    found = rule or CompanyRule(connection=connection)
    for name, value in told.items():
        setattr(found, name, value)
    found.save()
    if found.enabled:
        firing.arm(found)
    return found


def _how(rule: CompanyRule) -> str:
    return "It counts from now on." if rule.enabled else "It is off: switch it on when you are ready."


@require_POST
@admin
def switch_rule(request: HttpRequest, membership: Membership, provider: str, rule_id: UUID) -> HttpResponse:
    """Switch a rule on (``on=yes``) or off. A second click changes nothing."""
    connection = connection_of(membership, provider)
    rule, on = _rule(connection, rule_id), request.POST.get("on") == "yes"
    if rule.enabled == on:
        messages.info(request, f"{rule.name} is {'on' if on else 'off'} already.")
        return _back(membership, provider)
    if on:
        firing.arm(rule)
        messages.success(request, f"{rule.name} is on. What changes from now on counts.")
    else:
        firing.disarm(rule)
        messages.success(request, f"{rule.name} is off. What it has not done yet is dropped.")
    _audit(request, rule, "switched_on_rule" if on else "switched_off_rule")
    return _back(membership, provider)


def _back(membership: Membership, provider: str) -> HttpResponse:
    return redirect("company_rules", membership.installation.slug, provider)


def _audit(request: HttpRequest, rule: CompanyRule, action: str, **more: Any) -> None:
    connection = rule.connection
    audit.record(action, connection.installation, request, provider=connection.provider, rule=rule.name, **more)


@require_POST
@admin
def delete_rule(request: HttpRequest, membership: Membership, provider: str, rule_id: UUID) -> HttpResponse:
    """Take a rule away, with its log. What it made in Plane stays. A second click finds it done."""
    connection = connection_of(membership, provider)
    rule = connection.company_rules.filter(pk=rule_id).first()
    if rule is not None:
        _audit(request, rule, "deleted_company_rule")
        rule.delete()
        messages.success(request, f"{rule.name} is deleted. What it made in Plane stays.")
    return _back(membership, provider)


@require_POST
@admin
def settle_held(request: HttpRequest, membership: Membership, provider: str, rule_id: UUID) -> HttpResponse:
    """Let go what is held of a rule (``do=allow``), or drop it. A second click finds nothing left."""
    connection = connection_of(membership, provider)
    rule, allowed = _rule(connection, rule_id), request.POST.get("do") == "allow"
    count = firing.allow(rule) if allowed else firing.drop(rule)
    if not count:
        messages.info(request, f"Nothing of {rule.name} is held back any more.")
        return _back(membership, provider)
    _audit(request, rule, "allowed_firings" if allowed else "dropped_firings", count=count)
    times = f"{count:,} time{'' if count == 1 else 's'}"
    told = f"{rule.name} is done {times} now." if allowed else f"{rule.name} is left undone {times}."
    messages.success(request, told)
    return _back(membership, provider)
