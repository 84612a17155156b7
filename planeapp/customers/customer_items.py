"""Work items that hang on a Plane customer are tied to its company, and untied when they are taken off there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from planeapp.customers import errands, ties
from planeapp.customers.models import Company, Reference
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings, Gone
from planeapp.plane.bodies import clean_id
from planeapp.plane.gateway import Plane
from planeapp.providers import provider_class
from planeapp.sync.models import Tie

TURN = 20
"""How many customers are asked for their work items in one turn, a call each."""
EVERY = timedelta(minutes=14)
Rows = Mapping[str, Mapping[str, Any]]


def bring_in(connection: Connection, plane: Plane) -> None:
    """Ask some customers for their work items, those that were asked longest ago first."""
    let_go(connection)
    asked_before = Q(looked_at=None) | Q(looked_at__lt=timezone.now() - EVERY)
    oldest = F("looked_at").asc(nulls_first=True)
    wanted = list(_standing(connection).filter(asked_before).order_by(oldest, "pk")[: TURN + 1])
    for row in wanted[:TURN]:
        _bring_in(connection, plane, row)
    if len(wanted) > TURN and wanted[TURN].looked_at is None:
        errands.ask(connection, "match", delay=timedelta(seconds=30))


def _standing(connection: Connection) -> QuerySet[Reference]:
    """Customers that stand for a company that is there."""
    return Reference.objects.filter(
        connection=connection, kind=Reference.Kind.CUSTOMER, state=Reference.State.MATCHED, gone_at=None,
        company__isnull=False, company__gone_at=None,
    ).select_related("company")  # fmt: skip


def let_go(connection: Connection) -> None:
    """Take off what was tied by customers that stand for the company no longer."""
    by_customer = Tie.objects.filter(connection=connection, origin=Tie.Origin.CUSTOMER, state=Tie.State.ACTIVE)
    with transaction.atomic():
        _take_off(
            connection, list(by_customer.exclude(party_id__in=_standing(connection).values("company__remote_id")))
        )


def _bring_in(connection: Connection, plane: Plane, row: Reference) -> None:
    """Of several customers that stand for one company, all are asked: what hangs on any of them is tied to it."""
    company = row.company
    if company is None:
        return
    alike = list(_standing(connection).filter(company=company))
    found: dict[str, Mapping[str, Any]] = {}
    for one in alike:
        rows = _items_of(plane, one)
        if rows is None:
            Reference.objects.filter(pk=one.pk).update(gone_at=timezone.now())
        found |= {key: item for item in rows or () if (key := clean_id(item))}
    projects = {str(item.get("project_id") or "") for item in found.values()} - {""}
    _pair(connection, projects)
    with transaction.atomic():
        _carry_over(connection, company, found)
        Reference.objects.filter(pk__in=[one.pk for one in alike]).update(looked_at=timezone.now())


def _items_of(plane: Plane, row: Reference) -> Sequence[Mapping[str, Any]] | None:
    """The customer's work items; None when it was deleted."""
    try:
        return plane.customer_item_rows(row.key)
    except Gone:
        if plane.customer(row.key) is not None:
            raise
        return None


def _pair(connection: Connection, projects: Iterable[str]) -> None:
    """Where projects need no choice of a place, they are paired as soon as one of their items has a company."""
    if provider_class(connection.provider).only_place is None:
        return
    for project in projects:
        with suppress(FixSettings, Gone):  # closed to us: its items are tied all the same, and wait
            ties.pair_for(connection, project)


def _carry_over(connection: Connection, company: Company, found: Rows) -> None:
    known = {str(tie.item_id): tie for tie in Tie.objects.filter(connection=connection, party_id=company.remote_id)}
    fresh = [item for key, item in found.items() if key not in known and item.get("project_id")]
    for item in fresh:
        project, key = str(item["project_id"]), f"{item.get('project__identifier')}-{item.get('sequence_id')}"
        ties.tie(connection, project, clean_id(item), company, origin=Tie.Origin.CUSTOMER, item_key=key)
    ties.look(connection, [(str(item["project_id"]), clean_id(item)) for item in fresh])
    _take_off(connection, [tie for key, tie in known.items() if key not in found and _by_customer(tie)])


def _by_customer(tie: Tie) -> bool:
    return tie.origin == Tie.Origin.CUSTOMER and tie.state == Tie.State.ACTIVE


def _take_off(connection: Connection, gone: Sequence[Tie]) -> None:
    for tie in gone:
        ties.untie(connection, str(tie.item_id), tie.party_id, by_person=False)
    ties.look(connection, [(str(tie.project_id), str(tie.item_id)) for tie in gone])
