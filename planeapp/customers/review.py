"""What only a person can decide: references that fit several companies or none, and work items of companies that are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from planeapp.customers import errands, plane_labels, ties
from planeapp.customers.cache import by_ids
from planeapp.customers.lookup import formers, index_for, proposals
from planeapp.customers.matching import Subject
from planeapp.customers.models import Company, Reference
from planeapp.customers.options import options_of
from planeapp.customers.reference_rows import SETTLED, settle, unsettle
from planeapp.customers.settling import here
from planeapp.installations.models import Connection
from planeapp.lib.errors import Gone
from planeapp.sync.models import Tie

PAGE = 50
GONE = "gone:"
OPEN = (Reference.State.AMBIGUOUS, Reference.State.UNMATCHED)
REASONS = {
    "external_id": "{many} have this external id.",
    "domain": "{many} have this domain.",
    "name": "{many} have this name.",
}


@dataclass(frozen=True)
class Waiting:
    """One line of the review list.

    ``id`` is what the functions here take: a reference's, or ``gone:<the company's id>``. ``proposals``: best first, all
    there. ``sure``: :func:`confirm` accepts the first. ``exact``: it is the only one, and more than a similar name speaks
    for it, so that it may be ticked beforehand. ``items``: how many work items wait for it, where that is known.
    """

    id: str
    kind: Literal["label", "customer", "gone"]
    name: str
    why: str
    proposals: tuple[Company, ...] = ()
    sure: bool = False
    exact: bool = False
    items: int | None = None


def count(connection: Connection) -> int:
    """How many lines wait."""
    return len(_gone_parties(connection)) + _open(connection).count()


def waiting(connection: Connection, start: int = 0, most: int = PAGE) -> list[Waiting]:
    """Some lines of the list: work items of companies that are gone first, then what fits several, then what fits none."""
    gone = _gone_parties(connection)
    lines = _gone_lines(connection, dict(list(gone.items())[start : start + most]))
    begin, room = max(start - len(gone), 0), most - len(lines)
    order = Case(When(state=Reference.State.AMBIGUOUS, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = list(_open(connection).order_by(order, "name", "pk").select_related("company")[begin : begin + room])
    known = by_ids(connection, {one for row in rows for one in row.candidates})
    return lines + [_line(row, _there(known, row.candidates)) for row in rows]


def _open(connection: Connection) -> QuerySet[Reference]:
    """References that wait; customers only while they are read at all."""
    rows = here(connection).filter(state__in=OPEN)
    return rows.exclude(kind=Reference.Kind.CUSTOMER) if options_of(connection).customers == "off" else rows


def _there(known: dict[str, Company], ids: Iterable[str]) -> tuple[Company, ...]:
    return tuple(known[one] for one in ids if one in known and known[one].gone_at is None)


def _line(row: Reference, proposed: tuple[Company, ...]) -> Waiting:
    former = row.company.name if row.company is not None else ""
    kind: Literal["label", "customer"] = "label" if row.kind == Reference.Kind.LABEL else "customer"
    why = _why(row, former, len(proposed))
    exact = len(proposed) == 1 and bool(row.how)
    return Waiting(str(row.pk), kind, row.name, why, proposed, _is_sure(row, proposed), exact)


def _why(row: Reference, former: str, proposed: int) -> str:
    if former:
        return f"It stood for {former}, which is no longer there."
    if row.state == Reference.State.AMBIGUOUS:
        return REASONS.get(row.how, "{many} fit.").format(many=f"{proposed} companies")
    return "No company fits. These have similar names." if proposed else "No company fits."


def _is_sure(row: Reference, proposed: Sequence[Company]) -> bool:
    """Of several that fit equally well nobody is picked unasked."""
    return len(proposed) == 1 or (bool(proposed) and row.state != Reference.State.AMBIGUOUS and not row.how)


def _gone_parties(connection: Connection) -> dict[str, tuple[str, int]]:
    """Company that is gone → its name and how many work items were tied to it; most work first."""
    rows = Tie.objects.filter(connection=connection, state=Tie.State.GONE).values_list("party_id")
    counted = rows.annotate(items=Count("pk")).order_by("-items", "party_id").values_list("party_id", "items")
    names = dict(Tie.objects.filter(connection=connection, state=Tie.State.GONE).values_list("party_id", "party_name"))
    return {party: (names[party], items) for party, items in counted}


def _gone_lines(connection: Connection, parties: dict[str, tuple[str, int]]) -> list[Waiting]:
    subjects = _subjects(connection, {party: name for party, (name, _) in parties.items()})
    index = index_for(connection, subjects.values())
    found = {party: proposals([subject], index)[0] for party, subject in subjects.items()}
    known = by_ids(connection, {one for ids in found.values() for one in ids})
    lines = []
    for party, (name, items) in parties.items():
        proposed, why = _there(known, found[party]), f"{name} is no longer there."
        one = len(proposed) == 1
        lines.append(Waiting(GONE + party, "gone", name, why, proposed, one, one, items))
    return lines


def _subjects(connection: Connection, names: dict[str, str]) -> dict[str, Subject]:
    """What was known of companies that are gone, by id; of one that was never stored, the name."""
    rows = by_ids(connection, names)
    known = formers(rows.values())
    return {party: known[rows[party].pk] if party in rows else Subject(name) for party, name in names.items()}


def confirm(connection: Connection, ids: Collection[str], who: str) -> int:
    """Accept each one's proposal; gives how many were accepted. Where several fit equally well, it stays in the list."""
    rows = _chosen(connection, ids)
    known = by_ids(connection, {one for row in rows for one in row.candidates})
    found = [(row, _there(known, row.candidates)) for row in rows if row.state in OPEN]
    sure = [(row, proposed[0]) for row, proposed in found if _is_sure(row, proposed)]
    _decide(connection, sure, who)
    gone = [line for line in _gone_lines(connection, _gone_among(connection, ids)) if line.sure]
    for line in gone:
        relink(connection, line.id.removeprefix(GONE), line.proposals[0], who)
    return len(sure) + len(gone)


def choose(connection: Connection, id: str, company: Company, who: str) -> bool:
    """A person says which company it is, whatever matching says from now on; false when it is no longer there."""
    _check(connection, company)
    if id.startswith(GONE):
        return bool(relink(connection, id.removeprefix(GONE), company, who))
    rows = _chosen(connection, [id])
    _decide(connection, [(row, company) for row in rows], who)
    return bool(rows)


def ignore(connection: Connection, ids: Collection[str], who: str) -> int:
    """These stand for no company. Work items of companies that are gone are taken off them for good."""
    rows = _chosen(connection, ids)
    with transaction.atomic():
        for row in rows:
            unsettle(row)
            row.state, row.decided_by = Reference.State.IGNORED, who[:200]
        _save(connection, rows)
        gone = _gone_among(connection, ids)
        Tie.objects.filter(connection=connection, party_id__in=gone, state=Tie.State.GONE).update(state=Tie.State.OFF)
    return len(rows) + len(gone)


def reopen(connection: Connection, ids: Collection[str]) -> int:
    """Take back what a person decided: these are matched anew."""
    rows = _chosen(connection, ids)
    with transaction.atomic():
        for row in rows:
            unsettle(row)
        _save(connection, rows)
    return len(rows)


def relink(connection: Connection, gone_party_id: str, company: Company, who: str) -> int:
    """Tie everything that was tied to a company to another one, and let what stood for it stand for that one.

    Gives the number of work items that were tied directly.
    """
    _check(connection, company)
    with transaction.atomic():
        moved = ties.move(connection, gone_party_id, company)
        stood = Reference.objects.filter(connection=connection, company__remote_id=gone_party_id)
        rows = list(stood.exclude(state=Reference.State.IGNORED).select_related("company"))
        _decide(connection, [(row, company) for row in rows], who)
    return moved


def _chosen(connection: Connection, ids: Iterable[str]) -> list[Reference]:
    wanted = [one for one in ids if not one.startswith(GONE) and _is_uuid(one)]
    return list(Reference.objects.filter(connection=connection, pk__in=wanted).select_related("company"))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _gone_among(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[str, int]]:
    wanted = {one.removeprefix(GONE) for one in ids if one.startswith(GONE)}
    return {party: told for party, told in _gone_parties(connection).items() if party in wanted} if wanted else {}


def _check(connection: Connection, company: Company) -> None:
    """Only a company of this connection that is there can be chosen."""
    here = Company.objects.filter(pk=company.pk, connection=connection, gone_at=None)
    if not here.exists():
        person = "This company is no longer there. Search for another one."
        raise Gone(f"company {company.remote_id} is gone or not of this connection", person=person)


def _decide(connection: Connection, chosen: Sequence[tuple[Reference, Company]], who: str) -> None:
    with transaction.atomic():
        for row, company in chosen:
            settle(row, company, Reference.How.PERSON, who)
        _save(connection, [row for row, _ in chosen])
        plane_labels.let_pass(connection, {row.key for row, _ in chosen if row.kind == Reference.Kind.LABEL})


def _save(connection: Connection, rows: Sequence[Reference]) -> None:
    """Keep what was decided; labels count at once, customers with the next turn, which asks them for their work items."""
    if rows:
        Reference.objects.bulk_update(rows, SETTLED)
        plane_labels.follow(connection)
        errands.ask(connection, "match")
