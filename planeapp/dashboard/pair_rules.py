"""The rules of a pair: members look, admins try them on real items and save them."""

from __future__ import annotations

from contextlib import closing
from typing import Any
from uuid import UUID

import structlog
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from planeapp.dashboard.context import known_provider, shown
from planeapp.dashboard.pair_check import Shown, in_words
from planeapp.dashboard.pair_forms import RulesForm
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.models import Membership
from planeapp.lib.errors import GroundcrewError
from planeapp.sync import due, preflight
from planeapp.sync.models import ProjectPair
from planeapp.sync.snapshot import Sides
from planeapp.sync.switching import switched_on

log = structlog.get_logger(__name__)


@require_http_methods(["GET", "POST"])
def pair(request: HttpRequest, **parts: Any) -> HttpResponse:
    """The rules; on POST checked (``do=check``, which writes nothing) or saved."""
    return _sent(request, **parts) if request.method == "POST" else _looked_at(request, **parts)


@member
def _looked_at(request: HttpRequest, membership: Membership, provider: str, pair_id: UUID) -> HttpResponse:
    found = _pair(membership, provider, pair_id)
    return _page(request, membership, found, RulesForm(None, found, shut=not membership.is_admin))


@admin
def _sent(request: HttpRequest, membership: Membership, provider: str, pair_id: UUID) -> HttpResponse:
    found = _pair(membership, provider, pair_id)
    form = RulesForm(request.POST, found)
    if not form.is_valid():
        return _page(request, membership, found, form, status=422)
    if request.POST.get("do") == "check":
        return _page(request, membership, found, form, **_checked(found, form))
    _save(request, membership, found, form)
    return redirect("pair", membership.installation.slug, provider, pair_id)


def _pair(membership: Membership, provider: str, pair_id: UUID) -> ProjectPair:
    known_provider(provider)
    rows = ProjectPair.objects.select_related("connection__installation").filter(pk=pair_id)
    found = rows.filter(connection__installation=membership.installation, connection__provider=provider).first()
    if found is None:
        raise Http404("no such pair")
    return found


def _page(
    request: HttpRequest, membership: Membership, found: ProjectPair, form: RulesForm, *, status: int = 200,
    check: Shown | None = None, fault: str = "",
) -> HttpResponse:  # fmt: skip
    checked = check.fields if check else {}
    return render(request, "dashboard/pair.html", {
        "membership": membership, "installation": membership.installation, "pair": found, "form": form,
        "lines": [(line, checked.get(line.known.name)) for line in form.lines], "check": check, "fault": fault,
        "provider": shown(found.connection.provider),
    }, status=status)  # fmt: skip


def _checked(found: ProjectPair, form: RulesForm) -> dict[str, Any]:
    """What the typed rules would do to real items, or why that cannot be told."""
    try:
        told = preflight.check(found, form.rules(), form.options, zone=form.cleaned_data["zone"])
    except GroundcrewError as error:
        log.warning("rules not checked", code=error.code, detail=str(error))
        return {"fault": error.person}
    return {"check": in_words(told, form.vendor.name, form.vendor.fields)}


def _save(request: HttpRequest, membership: Membership, found: ProjectPair, form: RulesForm) -> None:
    """Store, and have the pair looked at by the new rules. Nothing new (a second click) changes nothing."""
    changes = form.changes()
    if not changes:
        messages.info(request, "Nothing was changed: the rules are as you see them.")
        return
    installation = membership.installation
    with transaction.atomic():
        stored = form.stored_now()
        ProjectPair.objects.filter(pk=found.pk).update(**stored)
        switched_on(found, found.rules, stored["rules"])
        due.ask(found, reason="rules changed")
        audit.record(
            "changed_rules", installation, request,
            provider=found.connection.provider, project=found.project_key, changed=", ".join(changes),
        )  # fmt: skip
    messages.success(request, f"Saved. {found.project_name} is looked at by these rules now.")
    for label, why in _objections(found).items():
        messages.warning(request, f"{label} is not kept in step like this: {why}")


def _objections(found: ProjectPair) -> dict[str, str]:
    """Label of a field → why its rule cannot work; as far as that can be told without asking the vendor."""
    fresh = ProjectPair.objects.select_related("connection__installation").get(pk=found.pk)
    try:
        with closing(Sides(fresh)) as sides:
            why = preflight.objections(sides)
            return {known.label: why[known.name] for known in sides.vendor.fields if known.name in why}
    except GroundcrewError as error:
        log.warning("rules saved unchecked", code=error.code, detail=str(error))
        return {}
