"""Incoming messages: the list, one of them, and working on them again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from planeapp.dashboard.delivery_filter import PAGE, REACH, DeliveryFilter, by_state, page_of
from planeapp.inbox import replay, showing
from planeapp.inbox.models import Delivery
from planeapp.installations.access import admin, member
from planeapp.installations.models import Installation, Membership
from planeapp.lib.errors import Refused


@require_safe
@member
def deliveries(request: HttpRequest, membership: Membership) -> HttpResponse:
    """What vendors delivered and how it ended, newest first."""
    installation = membership.installation
    form = DeliveryFilter(request.GET, installation.zone)
    rows = installation.deliveries.all()
    narrowed, edge = bool(form.told) or not form.is_valid(), form.edge(rows)
    rows = rows.filter(received_at__gt=edge) if edge else rows
    return render(request, "dashboard/deliveries.html", {
        "membership": membership,
        "installation": installation,
        "form": form,
        "narrowed": narrowed,
        "edge": edge,
        "reach": REACH,
        "states": by_state(form.narrow(rows, but="state"), request.GET.get("state", "")),
        "page": page_of(form.narrow(rows), request.GET),
        "unread": showing.unread(installation),
        "of_no_use": [] if narrowed or not membership.is_admin else showing.of_no_use(installation),
        "kept_days": settings.DELIVERY_DAYS,
        "earlier": installation.delivery_counts.aggregate(Sum("count"))["count__sum"],
    })  # fmt: skip


@require_safe
@member
def delivery(request: HttpRequest, membership: Membership, delivery_id: UUID) -> HttpResponse:
    """One message: what it meant and how it ended; its content for admins alone, since it may quote any project."""
    installation = membership.installation
    found = get_object_or_404(installation.deliveries.select_related("connection__installation"), pk=delivery_id)
    return render(request, "dashboard/delivery.html", {
        "membership": membership,
        "installation": installation,
        "delivery": found,
        "events": showing.meaning(found),
        "content": showing.content(found) if membership.is_admin else "",
        "siblings": showing.siblings(installation, found),
        "can_replay": membership.is_admin and replay.ended(installation.deliveries.filter(pk=found.pk)).exists(),
        "kept_days": settings.DELIVERY_DAYS,
    })  # fmt: skip


@require_POST
@admin
def replay_one(request: HttpRequest, membership: Membership, delivery_id: UUID) -> HttpResponse:
    """Work on one message again."""
    installation = membership.installation
    get_object_or_404(installation.deliveries, pk=delivery_id)
    _picked(request, installation, [delivery_id])
    return redirect("delivery", installation.slug, delivery_id)


@require_http_methods(["GET", "POST"])
@admin
def replay_many(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Work on the ticked messages again, or on all that fit the filter in the address (which a GET asks to confirm)."""
    installation = membership.installation
    form = DeliveryFilter(request.GET, installation.zone)
    back = redirect(f"{reverse('deliveries', args=[installation.slug])}?{_filter_of(request.GET).urlencode()}")
    if request.method != "POST":
        return _confirm(request, membership, form)
    if "all" in request.POST:
        _all(request, installation, form)
        return back
    ids = _ids(request.POST.getlist("pick"))
    if ids:
        _picked(request, installation, ids)
    else:
        messages.info(request, "Tick the messages that should be worked on again. Nothing was changed.")
    return back


def _confirm(request: HttpRequest, membership: Membership, form: DeliveryFilter) -> HttpResponse:
    """Says how many; what comes in while somebody reads it is left out."""
    installation, now = membership.installation, timezone.now()
    matching = form.narrow(installation.deliveries.all())
    count = replay.ended(matching).count()
    query = _filter_of(request.GET)
    query["until"] = query.get("until") or now.isoformat()
    return render(request, "dashboard/replay.html", {
        "membership": membership,
        "installation": installation,
        "form": form,
        "told": {form.fields[name].label or "Outcome": words for name, words in form.told.items()},
        "count": count,
        "too_many": count > replay.LIMIT,
        "limit": replay.LIMIT,
        "query": query.urlencode(),
        "back": _filter_of(request.GET).urlencode(),
    })  # fmt: skip


def _all(request: HttpRequest, installation: Installation, form: DeliveryFilter) -> None:
    if not form.is_valid():
        messages.error(request, "The filter is not understood. Nothing was changed.")
        return
    _do(request, installation, replay.ended(form.narrow(installation.deliveries.all())), **form.told)


def _picked(request: HttpRequest, installation: Installation, ids: list[UUID]) -> None:
    rows = installation.deliveries.filter(pk__in=ids)
    gone = len(ids) - rows.count()
    _do(request, installation, rows, deliveries=replay.named(ids))
    if gone:
        told = f"{gone} of them are not here any more: messages are kept for {settings.DELIVERY_DAYS} days."
        messages.warning(request, told)


def _do(request: HttpRequest, installation: Installation, rows: QuerySet[Delivery], **which: Any) -> None:
    try:
        outcome = replay.replay(rows, installation, request, **which)
    except Refused as error:
        messages.error(request, error.person)
        return
    if outcome.replayed:
        messages.success(request, f"{_messages(outcome.replayed)} worked on again. Refresh to see how it went.")
    if outcome.left_alone:
        messages.info(request, f"{_messages(outcome.left_alone)} left alone: there the work is not done yet.")
    if not outcome.replayed and not outcome.left_alone:
        messages.info(request, "There was nothing to work on again.")


def _messages(count: int) -> str:
    return "1 message is" if count == 1 else f"{count:,} messages are"


def _ids(texts: list[str]) -> list[UUID]:
    """Those of a page that were ticked; what is no id was not written by our form."""
    found = []
    for text in texts[:PAGE]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _filter_of(query: QueryDict) -> QueryDict:
    """The filter in an address, without the place in the list."""
    kept = query.copy()
    for name in set(kept) - set(DeliveryFilter.base_fields):
        del kept[name]
    return kept
