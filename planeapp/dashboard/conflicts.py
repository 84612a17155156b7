"""The conflict inbox: both sides' values, and a person who says which stays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import get_text_list
from django.views.decorators.http import require_POST, require_safe

from planeapp.dashboard.words import label, value_in_words, where
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.models import Installation, Membership
from planeapp.sync import choosing, conflicts
from planeapp.sync.models import Conflict

SHOWN = 25


@dataclass(frozen=True)
class Line:
    """One field of a conflict in words."""

    label: str
    agreed: str
    plane: str
    vendor: str


@dataclass(frozen=True)
class Question:
    """A conflict as the page asks it. ``alike``: how many open ones have this pair and field, this one included.

    ``stamp`` and ``stamp_alike`` stand for the values that the person saw.
    """

    conflict: Conflict
    provider_name: str
    lines: list[Line]
    alike: int = 1
    stamp: str = ""
    stamp_alike: str = ""

    @property
    def title(self) -> str:
        """The fields in words."""
        return get_text_list([line.label for line in self.lines], "and")

    @property
    def item_title(self) -> str:
        """The work item's title when both sides last agreed."""
        return str(self.conflict.link.ours.get("title") or "")

    @property
    def stays(self) -> str:
        """Whose value was chosen."""
        return where(self.conflict.choice, self.provider_name)


@require_safe
@member
def inbox(request: HttpRequest, membership: Membership) -> HttpResponse:
    """What waits for a choice, oldest first, and what was chosen and is being written."""
    return _page(request, membership)


def _page(request: HttpRequest, membership: Membership, status: int = 200) -> HttpResponse:
    installation = membership.installation
    waiting = conflicts.open_in(installation)
    return render(request, "dashboard/conflicts.html", {
        "membership": membership,
        "installation": installation,
        "questions": _questions(waiting),
        "count": waiting.count(),
        "writing": [_question(conflict) for conflict in _chosen(installation)[:SHOWN]],
    }, status=status)  # fmt: skip


def _chosen(installation: Installation) -> QuerySet[Conflict]:
    """Chosen and not written yet, the latest choice first."""
    found = Conflict.objects.filter(link__pair__connection__installation=installation, closed_at=None)
    return found.exclude(choice="").select_related("link__pair__connection").order_by("-chosen_at")


def _questions(waiting: QuerySet[Conflict]) -> list[Question]:
    groups: dict[tuple[Any, str], list[Conflict]] = {}
    shown = list(waiting[:SHOWN])
    for conflict in shown:
        key = (conflict.link.pair_id, conflict.name)
        if key not in groups:
            groups[key] = list(_alike(waiting, conflict))
    return [_question(one, groups[one.link.pair_id, one.name]) for one in shown]


def _alike(waiting: QuerySet[Conflict], conflict: Conflict) -> QuerySet[Conflict]:
    return waiting.filter(link__pair=conflict.link.pair_id, name=conflict.name)


def _question(conflict: Conflict, alike: list[Conflict] | None = None) -> Question:
    pair, group = conflict.link.pair, alike or [conflict]
    lines = [
        Line(label(pair.connection.provider, name), *(value_in_words(name, value, pair.zone) for value in told))
        for name, told in conflict.values.items()
    ]
    return Question(conflict, pair.connection.provider_name, lines, len(group), _stamp([conflict]), _stamp(group))


def _stamp(shown: Iterable[Conflict]) -> str:
    """Stands for these conflicts with these values."""
    told = sorted((str(conflict.pk), json.dumps(conflict.values, sort_keys=True)) for conflict in shown)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


@require_POST
@admin
def choose(request: HttpRequest, membership: Membership, conflict_id: UUID) -> HttpResponse:
    """Whose value stays, for one conflict or (``alike``) for all of its pair and field; only as the person saw them."""
    known = Conflict.objects.filter(link__pair__connection__installation=membership.installation)
    conflict = get_object_or_404(known.select_related("link__pair__connection"), pk=conflict_id)
    stays = request.POST.get("stays", "")
    if stays not in Conflict.Choice.values:
        messages.error(request, "Say which value stays. Nothing was changed.")
        return _page(request, membership, status=422)
    if conflict.choice or conflict.closed_at:
        messages.info(request, f"{conflict.link.item_key or 'This one'} is already chosen. Nothing was changed.")
        return redirect("conflicts", membership.installation.slug)
    waiting = conflicts.open_in(membership.installation)
    asked = list(_alike(waiting, conflict)) if "alike" in request.POST else [conflict]
    if request.POST.get("seen") != _stamp(asked):
        messages.warning(request, "The values changed while you looked. Nothing was chosen; please look once more.")
    else:
        _choose(request, membership, asked, stays)
    return redirect("conflicts", membership.installation.slug)


def _choose(request: HttpRequest, membership: Membership, asked: list[Conflict], stays: str) -> None:
    count = choosing.choose(asked, stays, str(membership.user))
    if not count:
        messages.info(request, "That is already chosen. Nothing was changed.")
        return
    pair, name = asked[0].link.pair, where(stays, asked[0].link.pair.connection.provider_name)
    which = {"item": asked[0].link.item_key} if len(asked) == 1 else {"conflicts": count}
    audit.record(
        "chose", membership.installation, request, provider=pair.connection.provider, project=pair.project_key,
        field=asked[0].name, stays=name, **which,
    )  # fmt: skip
    values = "value stays; it is" if count == 1 else f"values stay in {count:,} conflicts; they are"
    messages.success(request, f"{name}’s {values} written to the other side now.")
