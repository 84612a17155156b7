"""Finds the companies of references that nobody decided on, and proposes some where it is not clear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Min, Q, QuerySet
from django.utils import timezone

from planeapp.customers import errands
from planeapp.customers.cache import there
from planeapp.customers.lookup import formers, index_for, proposals, subject_of
from planeapp.customers.matching import Index, Subject, match, similar
from planeapp.customers.models import Company, Reference
from planeapp.customers.reference_rows import settle as settled_as
from planeapp.installations.models import Connection

BATCH = 500
COMPARED = 2_000_000
"""How many pairs of names are compared in one turn: some seconds' work."""
MARGIN = timedelta(minutes=1)
"""A company that was being stored while we looked may carry an earlier time."""
FOUND = ("company", "state", "how", "candidates", "looked_at")


def settle(connection: Connection) -> None:
    """Match everything that is open. What stands for a company stays so until it is called something else, or the company
    goes away: then a person chooses, among those that have its external id, domain or name now."""
    open_ones = list(_open(connection).values_list("pk", flat=True))
    for begin in range(0, len(open_ones), BATCH):
        with transaction.atomic():
            _settle_some(connection, open_ones[begin : begin + BATCH])


def here(connection: Connection) -> QuerySet[Reference]:
    """References that are there and that nobody left out."""
    return Reference.objects.filter(connection=connection, gone_at=None).exclude(state=Reference.State.IGNORED)


def _open(connection: Connection) -> QuerySet[Reference]:
    fine = Q(state=Reference.State.MATCHED, company__isnull=False, company__gone_at=None)
    return here(connection).exclude(fine)


def _settle_some(connection: Connection, ids: Sequence[UUID]) -> None:
    rows = list(_open(connection).filter(pk__in=ids).select_related("company").select_for_update(of=("self",)))
    former = formers(row.company for row in rows if row.company is not None)
    index = index_for(connection, [*former.values(), *map(subject_of, rows)])
    before = {row.pk: _outcome(row) for row in rows}
    companies = _matched(connection, rows, index)
    for row in rows:
        if row.company is not None and row.company.gone_at is None:
            settled_as(row, row.company, row.how or Reference.How.PERSON, row.decided_by)  # it is there again
        elif row.company is not None or row.decided_by:
            _propose_another(row, [former[row.company.pk]] if row.company else [], index)
        else:
            _match(row, index, companies)
    Reference.objects.bulk_update([row for row in rows if before[row.pk] != _outcome(row)], FOUND)


def _outcome(row: Reference) -> tuple[object, ...]:
    return row.company_id, row.state, row.how, tuple(row.candidates)


def _matched(connection: Connection, rows: Iterable[Reference], index: Index) -> dict[str, Company]:
    ids = {match(subject_of(row), index).company for row in rows if row.company is None and not row.decided_by}
    return {one.remote_id: one for one in there(connection).filter(remote_id__in=ids - {None})}


def _match(row: Reference, index: Index, companies: Mapping[str, Company]) -> None:
    verdict = match(subject_of(row), index)
    company = companies.get(verdict.company or "")
    if company is not None:
        settled_as(row, company, verdict.how)
    else:
        _leave(row, verdict.state if verdict.candidates else Reference.State.UNMATCHED, verdict.candidates, verdict.how)


def _propose_another(row: Reference, former: Sequence[Subject], index: Index) -> None:
    _leave(row, Reference.State.UNMATCHED, *proposals([*former, subject_of(row)], index))


def _leave(row: Reference, state: str, candidates: Sequence[str], how: str) -> None:
    """To a person. Similar names that were found before stay proposed while nothing fits."""
    as_before = not candidates and row.state == state and not row.how
    if not as_before:
        row.candidates, row.looked_at = list(candidates), None
    row.state, row.how = state, how


def propose(connection: Connection) -> None:
    """Propose companies with similar names where nothing fits: among all for a reference that is new, else among those
    that changed since. So many in one turn that it is soon over."""
    none_fits = here(connection).filter(state=Reference.State.UNMATCHED, how="")
    if _propose_to(none_fits.filter(looked_at=None), there(connection)):
        errands.ask(connection, "match", delay=timedelta(seconds=5))
    newest = there(connection).aggregate(at=Max("changed_at"))["at"]
    stale = none_fits.filter(looked_at__lt=newest + MARGIN) if newest else none_fits.none()
    since = stale.aggregate(at=Min("looked_at"))["at"]
    if since is not None:
        proposed = {one for candidates in stale.values_list("candidates", flat=True) for one in candidates}
        changed = Q(changed_at__gt=since - MARGIN) | Q(remote_id__in=proposed)
        _propose_to(stale, there(connection).filter(changed))


def _propose_to(references: QuerySet[Reference], companies: QuerySet[Company]) -> bool:
    """Whether some were left for another turn."""
    if not references.exists():
        return False
    now = timezone.now()
    names = dict(companies.values_list("remote_id", "folded").iterator())
    most = min(max(COMPARED // max(len(names), 1), 1), BATCH)
    rows = list(references.order_by(F("looked_at").asc(nulls_first=True), "pk")[: most + 1])
    for row in rows[:most]:
        proposed = list(similar(subject_of(row).name, names))
        if proposed != row.candidates:
            references.filter(pk=row.pk, name=row.name).update(candidates=proposed)
    references.filter(pk__in=[row.pk for row in rows[:most]]).update(looked_at=now)
    return len(rows) > most
