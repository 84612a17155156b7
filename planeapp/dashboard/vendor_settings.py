"""What an admin may set once a vendor is connected, what the app may do over there, and a test row."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import structlog
from django.contrib import messages
from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from planeapp.dashboard.context import known_provider, shown
from planeapp.installations import audit
from planeapp.installations.access import admin
from planeapp.installations.connecting import PROBE
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection, Membership
from planeapp.lib.budget import calling_for
from planeapp.lib.errors import GroundcrewError
from planeapp.providers import provider_class, settings_form_of
from planeapp.providers.base import Confirmation, Place, Provider
from planeapp.sync import due

log = structlog.get_logger(__name__)
CLICK_SECONDS = 60 * 60
LONGEST_PLACE = 200
Change = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""A connection's report and settings → its new settings."""


def has_settings(connection: Connection) -> bool:
    """Whether there is anything on this page for a connection."""
    return bool(settings_form_of(connection.provider) or _confirmations(connection) or _tries(connection))


def _confirmations(connection: Connection) -> Sequence[Confirmation]:
    return provider_class(connection.provider).confirmations(connection.report, connection.settings)


def _tries(connection: Connection) -> bool:
    return provider_class(connection.provider).try_out is not Provider.try_out


@require_http_methods(["GET", "POST"])
@admin
def vendor_settings(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """The vendor's form, what the app may do there, and the test row; on POST the form is saved."""
    connection = _connection(membership, provider)
    form = _form(connection, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _page(request, membership, connection, form)
    if form is None:
        raise Http404("nothing to save")
    if not form.is_valid():
        return _page(request, membership, connection, form, status=422)
    changed = _change(connection, lambda _, settings: form.settings(settings))
    if changed:
        audit.record(
            "changed_settings", membership.installation, request, provider=provider, changed=", ".join(changed)
        )
    _say(request, changed, "Saved.")
    for warning in getattr(form, "warnings", ()):
        messages.warning(request, warning)
    return redirect("vendor_settings", membership.installation.slug, provider)


@require_POST
@admin
def confirm_tools(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Allow what is ticked and withhold the rest, if it still is what the admin has seen."""
    connection = _connection(membership, provider)
    offered = _confirmations(connection)
    if request.POST.get("seen") != _seen(offered):
        messages.error(request, "What is offered has changed since the page was loaded. Please look at it once more.")
        return redirect("vendor_settings", membership.installation.slug, provider)
    ticked = {one.name for one in offered} & set(request.POST.getlist("allow"))
    vendor = provider_class(provider)
    changed = _change(connection, lambda report, settings: vendor.confirm(report, settings, ticked))
    if changed:
        labels = [one.label for one in offered if one.name in ticked]
        audit.record(
            "confirmed_tools", membership.installation, request, provider=provider, allowed=", ".join(labels) or "none"
        )
    _say(request, changed, "Saved. The app does what you ticked and nothing else.")
    return redirect("vendor_settings", membership.installation.slug, provider)


@require_POST
@admin
def try_out(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """Make one test row. A second click, or the page sent once more, makes no second one."""
    connection = _connection(membership, provider)
    place, click = request.POST.get("place", "")[:LONGEST_PLACE], request.POST.get("click", "")[:100]
    if not (_tries(connection) and place and click):
        messages.error(request, "Please choose where the test row is to be made.")
        return redirect("vendor_settings", membership.installation.slug, provider)
    if not cache.add(f"try-out:{connection.pk}:{click}", 1, CLICK_SECONDS):
        messages.info(request, "The test row was asked for already. Look for it over there before you make another.")
        return redirect("vendor_settings", membership.installation.slug, provider)
    audit.record("asked_for_test_row", membership.installation, request, provider=provider, place=place)
    try:
        told = _made(connection, place)
    except GroundcrewError as error:
        log.warning("no test row", provider=provider, code=error.code, detail=str(error))
        return _page(request, membership, connection, _form(connection), refusal=error.person, place=place, status=422)
    messages.success(request, told)
    return redirect("vendor_settings", membership.installation.slug, provider)


def _made(connection: Connection, place: str) -> str:
    """Have the row made, and remember that the settings work, unless they were changed meanwhile."""
    with calling_for(PROBE), closing(provider_for(connection)) as provider:
        told = provider.try_out(place)
    tried = dict(connection.settings)
    vendor = provider_class(connection.provider)
    _change(connection, lambda _, settings: vendor.tried_out(settings) if dict(settings) == tried else settings)
    return told


def _connection(membership: Membership, provider: str) -> Connection:
    known_provider(provider)
    rows = Connection.objects.select_related("installation")
    found = rows.filter(installation=membership.installation, provider=provider).first()
    if found is None or not has_settings(found):
        raise Http404("nothing to set")
    return found


def _form(connection: Connection, data: Any = None) -> Any:
    """The vendor's form, or None where it has none."""
    made = settings_form_of(connection.provider)
    return made(data, initial=made.initial_from(connection.settings)) if made else None


def _change(connection: Connection, change: Change) -> list[str]:
    """Store other settings; the report follows without the vendor being asked, and the pairs are looked at again.

    Gives the names of what is other than before; nothing is written when it is all the same.
    """
    with transaction.atomic():
        row = get_object_or_404(Connection.objects.select_for_update(), pk=connection.pk)
        before, after = row.settings, json.loads(json.dumps(dict(change(row.report, row.settings))))
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        if changed:
            row.settings = after
            row.report = dict(provider_class(row.provider).reconsidered(row.report, after))
            row.save(update_fields=["settings", "report", "updated_at"])
            for pair in row.pairs.filter(enabled=True):
                due.ask(pair, reason="settings changed")
    return changed


def _say(request: HttpRequest, changed: Sequence[str], told: str) -> None:
    if changed:
        messages.success(request, told)
    else:
        messages.info(request, "Nothing was changed: the settings are as you see them.")


def _seen(offered: Sequence[Confirmation]) -> str:
    """A mark of what an admin is shown: an answer counts for exactly that."""
    told = json.dumps([[one.name, one.label, one.detail, one.risky] for one in offered])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _places(connection: Connection) -> list[Place]:
    """Where a test row can be made: the paired places, and all others if the vendor answers."""
    if not _tries(connection):
        return []
    paired = [Place(pair.place_id, pair.place_name) for pair in connection.pairs.order_by("place_name")]
    try:
        with calling_for(PROBE), closing(provider_for(connection)) as provider:
            listed = provider.places()
    except GroundcrewError as error:
        log.warning("no choice of places", code=error.code, detail=str(error))
        listed = ()
    return list({place.id: place for place in (*listed, *paired)}.values())


def _page(
    request: HttpRequest, membership: Membership, connection: Connection, form: Any, *, status: int = 200,
    refusal: str = "", place: str = "",
) -> HttpResponse:  # fmt: skip
    offered = _confirmations(connection)
    return render(request, "dashboard/vendor_settings.html", {
        "membership": membership, "installation": membership.installation, "connection": connection, "form": form,
        "provider": shown(connection.provider), "offered": offered, "seen": _seen(offered), "refusal": refusal,
        "tries": _tries(connection), "places": _places(connection), "place": place, "click": secrets.token_urlsafe(12),
    }, status=status)  # fmt: skip
