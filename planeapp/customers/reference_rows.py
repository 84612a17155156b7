"""What Plane told of its labels and customers, kept as references."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from planeapp.customers.models import Company, Reference
from planeapp.installations.models import Connection
from planeapp.lib.folding import folded

CHUNK = 500
READ = ("name", "domain", "external_id", "gone_at")
SETTLED = ("company", "state", "how", "candidates", "decided_by", "looked_at")


@dataclass(frozen=True)
class Told:
    """What Plane tells of a label or customer; ``made_for`` is the company's id when we made it for that one.

    The ``name`` is whole; of a label ``external_id`` is what it says after its prefix.
    """

    name: str
    domain: str = ""
    external_id: str = ""
    made_for: str = ""


def keep(connection: Connection, kind: Reference.Kind, told: Mapping[str, Told]) -> None:
    """Keep what was read, by key. What is called something else now is matched anew, unless somebody decided on it."""
    keys = sorted(told)
    for begin in range(0, len(keys), CHUNK):
        with transaction.atomic():
            _keep_some(connection, kind, {key: told[key] for key in keys[begin : begin + CHUNK]})


def _keep_some(connection: Connection, kind: Reference.Kind, told: Mapping[str, Told]) -> None:
    mine = Reference.objects.filter(connection=connection, kind=kind, key__in=told)
    fresh = [
        Reference(connection=connection, kind=kind, key=key)
        for key in told.keys() - set(mine.values_list("key", flat=True))
    ]
    companies = _made_for(connection, told.values())
    Reference.objects.bulk_create([_filled(row, told[row.key], companies) for row in fresh], ignore_conflicts=True)
    known = list(mine.select_for_update())
    changed = [row for row in known if _as_told(row) != _wanted(told[row.key]) or row.gone_at is not None]
    Reference.objects.bulk_update([_filled(row, told[row.key], companies) for row in changed], [*READ, *SETTLED])


def _filled(row: Reference, told: Told, companies: Mapping[str, Company]) -> Reference:
    renamed = _identity(_as_told(row)) != _identity(_wanted(told))
    row.name, row.domain, row.external_id = _wanted(told)
    row.gone_at = None
    if told.made_for in companies and row.company_id is None and not row.decided_by:
        settle(row, companies[told.made_for], Reference.How.CUSTOMER)
    elif renamed and not is_decided(row):
        unsettle(row)
    return row


def is_decided(row: Reference) -> bool:
    """Whether a person said what it stands for, or we made it for a company: a new name changes nothing about that then."""
    return bool(row.decided_by) or row.how in (Reference.How.PERSON, Reference.How.CUSTOMER)


def settle(row: Reference, company: Company, how: str, by: str = "") -> None:
    """It stands for this company."""
    row.company, row.state, row.how, row.candidates = company, Reference.State.MATCHED, how, []
    row.decided_by, row.looked_at = by[:200], None


def unsettle(row: Reference) -> None:
    """Nothing is known of what it stands for: it is matched with the next turn."""
    row.company, row.state, row.how, row.candidates = None, Reference.State.UNMATCHED, "", []
    row.decided_by, row.looked_at = "", None


def leave_out(connection: Connection, kind: Reference.Kind, keys: Collection[str]) -> None:
    """Those of the kind that are not among ``keys`` are no longer there in Plane."""
    rows = Reference.objects.filter(connection=connection, kind=kind, gone_at=None)
    lost = [pk for pk, key in rows.values_list("pk", "key").iterator() if key not in keys]
    for begin in range(0, len(lost), CHUNK):
        rows.filter(pk__in=lost[begin : begin + CHUNK]).update(gone_at=timezone.now())


def _made_for(connection: Connection, told: Collection[Told]) -> dict[str, Company]:
    ids = {one.made_for for one in told} - {""}
    rows = Company.objects.filter(connection=connection, remote_id__in=ids) if ids else Company.objects.none()
    return {row.remote_id: row for row in rows}


def _as_told(row: Reference) -> tuple[str, str, str]:
    return row.name, row.domain, row.external_id


def _wanted(told: Told) -> tuple[str, str, str]:
    return told.name[:255], told.domain[:255], told.external_id[:255]


def _identity(told: tuple[str, str, str]) -> tuple[str, ...]:
    return tuple(folded(text) for text in told)
