"""The conflict inbox: fields that both sides changed and whose rule is to ask a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from planeapp.installations.models import Installation
from planeapp.sync.models import Conflict, ProjectPair
from planeapp.sync.shapes import Decision, Held
from planeapp.sync.values import from_json, to_json
from planeapp.sync.verdicts import SPAN

SPAN_NAME = "dates"


def open_in(installation: Installation) -> QuerySet[Conflict]:
    """The workspace's conflicts that nobody has chosen in yet, oldest first."""
    found = Conflict.objects.filter(link__pair__connection__installation=installation, closed_at=None, choice="")
    return found.select_related("link__pair__connection").order_by("opened_at", "name")


def decided(pair: ProjectPair, **only: Any) -> dict[UUID, dict[str, Decision]]:
    """By link: what people have chosen and what is not written yet. ``only`` narrows the links."""
    narrowed = {f"link__{name}": value for name, value in only.items()}
    found: dict[UUID, dict[str, Decision]] = {}
    for conflict in Conflict.objects.filter(link__pair=pair, closed_at=None, **narrowed).exclude(choice=""):
        for name, (_, mine, their) in _rich(conflict.values).items():
            found.setdefault(conflict.link_id, {})[name] = Decision(
                "plane" if conflict.choice == Conflict.Choice.PLANE else "vendor", mine, their
            )
    return found


def note(held: Iterable[Held]) -> None:
    """Keep what a plan found in conflict, one row per link and field (first and last day together).

    Other values than were shown before are a new question: a choice that was made between the old ones is dropped.
    """
    for entry in held:
        for name, fields in _grouped(entry.detail).items():
            _keep(UUID(entry.link_id), name, {field: _plain(field, values) for field, values in fields.items()})


def _plain(field: str, values: Iterable[Any]) -> list[Any]:
    return [to_json({field: value})[field] for value in values]


def _grouped(detail: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for field, values in detail.items():
        found.setdefault(SPAN_NAME if field in SPAN else field, {})[field] = values
    return found


def _keep(link_id: UUID, name: str, values: dict[str, list[Any]]) -> None:
    row, fresh = Conflict.objects.get_or_create(link_id=link_id, name=name, closed_at=None, defaults={"values": values})
    if not fresh and row.values != values:
        row.values, row.choice, row.chosen_at, row.chosen_by = values, "", None, ""
        row.save()


def close(link_ids: Iterable[str], still: Iterable[Held]) -> None:
    """End the open conflicts of links that were looked at, but for those that a plan still found."""
    kept = {(entry.link_id, name) for entry in still for name in _grouped(entry.detail)}
    for row in Conflict.objects.filter(link_id__in=list(link_ids), closed_at=None):
        if (str(row.link_id), row.name) not in kept:
            Conflict.objects.filter(pk=row.pk, closed_at=None).update(closed_at=timezone.now())


def _rich(values: Mapping[str, list[Any]]) -> dict[str, tuple[Any, ...]]:
    """``values`` of a row with dates as dates."""
    return {name: tuple(from_json({name: value})[name] for value in told) for name, told in values.items()}
