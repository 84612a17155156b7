"""Our copy of the companies: what was read is compared with it, and people search it instead of the other system."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.customers.firing import decide
from planeapp.customers.models import Book, Company, CompanyChange, CompanyDomain, CompanyRule
from planeapp.installations.models import Connection
from planeapp.lib.folding import folded
from planeapp.providers.base import COMPANY_FIELDS, Values
from planeapp.providers.base import Company as Told
from planeapp.sync.models import Tie

CHUNK = 500
CUSTOM = "custom:"
WRITTEN = (
    "name",
    "folded",
    "external_id",
    "source_id",
    "url",
    "values",
    "fingerprint",
    "scan",
    "gone_at",
    "changed_at",
)
IDENTITY = ("name", "external_id")


def take(
    connection: Connection, companies: Sequence[Told], scan: int | None = None, quiet: bool = False
) -> list[CompanyChange]:
    """Compare companies as read just now with our copy, keep what is new, and decide which rules fire for it.

    ``scan`` is the number of the whole look that they belong to. ``quiet``: nothing counts as a change (a first look). Equal
    readings write nothing, so a change that is told several ways is one change.
    """
    watched = _watched(connection)
    found: list[CompanyChange] = []
    for begin in range(0, len(companies), CHUNK):
        with transaction.atomic():
            Book.objects.select_for_update().get(
                connection=connection
            )  # one writer at a time: each change is seen once
            changes = _take_some(connection, companies[begin : begin + CHUNK], scan, set() if quiet else watched)
            decide(connection, changes)
        found += changes
    return found


def _watched(connection: Connection) -> set[str]:
    """The fields whose changes are kept: those that every company has, and what a rule looks at."""
    rules = CompanyRule.objects.filter(connection=connection).values_list("when", flat=True)
    return {*IDENTITY, *COMPANY_FIELDS, "created", *(str(when.get("field") or "") for when in rules)}


def _take_some(
    connection: Connection, told: Sequence[Told], scan: int | None, watched: set[str]
) -> list[CompanyChange]:
    newest = {one.id: one for one in told}
    known = {row.remote_id: row for row in Company.objects.filter(connection=connection, remote_id__in=newest)}
    fresh = [
        _filled(Company(connection=connection, remote_id=key), one, scan)
        for key, one in newest.items()
        if key not in known
    ]
    changes: list[CompanyChange] = []
    altered, same = [], []
    for key, row in known.items():
        if row.fingerprint == fingerprint(_merged(row, newest[key])) and row.gone_at is None:
            same.append(row.pk)
            continue
        changes += [
            CompanyChange(company=row, field=name, before=old, after=new)
            for name, old, new in _differences(row, newest[key], watched)
        ]
        altered.append(_filled(row, newest[key], scan))
    if scan is not None:
        Company.objects.filter(pk__in=same).update(scan=scan)
    _store(connection, fresh, altered, newest)
    changes += [CompanyChange(company=row, field="created", after=row.name) for row in fresh if "created" in watched]
    changes += [change for row in fresh for change in _born(row, watched)]
    return CompanyChange.objects.bulk_create(changes)


def _store(connection: Connection, fresh: list[Company], altered: list[Company], told: Mapping[str, Told]) -> None:
    back = [row.remote_id for row in altered if row.came_back]  # type: ignore[attr-defined]
    Company.objects.bulk_create(fresh)
    Company.objects.bulk_update(altered, WRITTEN)
    rows = [*fresh, *altered]
    CompanyDomain.objects.filter(company__in=altered).delete()
    CompanyDomain.objects.bulk_create(
        [
            CompanyDomain(company=row, domain=domain[:255])
            for row in rows
            for domain in dict.fromkeys(told[row.remote_id].domains)
        ]
    )
    for row in altered:
        Tie.objects.filter(connection=connection, party_id=row.remote_id).exclude(party_name=row.name).update(
            party_name=row.name
        )
    Tie.objects.filter(connection=connection, party_id__in=back, state=Tie.State.GONE).update(state=Tie.State.ACTIVE)


def _filled(row: Company, told: Told, scan: int | None) -> Company:
    """The row with what was read; ``came_back`` tells that it was thought gone."""
    merged = _merged(row, told)
    row.came_back = row.gone_at is not None  # type: ignore[attr-defined]
    row.name, row.folded = merged.name[:255], folded(merged.name)[:255]
    row.external_id, row.source_id, row.url = merged.external_id[:255], merged.source_id[:255], merged.url[:500]
    row.values, row.fingerprint = dict(merged.values), fingerprint(merged)
    row.gone_at, row.changed_at = None, timezone.now()
    row.scan = row.scan if scan is None else scan
    return row


def _merged(row: Company, told: Told) -> Told:
    """What was read, with what it did not tell as we know it: lists leave out what single answers have, and vice versa."""
    custom_told = any(name.startswith(CUSTOM) for name in told.values)
    kept = {name: value for name, value in row.values.items() if not (custom_told and name.startswith(CUSTOM))}
    return Told(
        told.id, told.name or row.name, told.external_id, told.source_id, tuple(sorted(set(told.domains))),
        {**kept, **told.values}, told.url or row.url,
    )  # fmt: skip


def fingerprint(company: Told) -> str:
    """Equal for equal companies."""
    told = [
        company.name,
        company.external_id,
        company.source_id,
        list(company.domains),
        dict(company.values),
        company.url,
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _differences(row: Company, told: Told, watched: set[str]) -> list[tuple[str, Any, Any]]:
    """Field, old and new value, of what is watched; texts that differ in letter case or blanks alone count as equal."""
    after: Values = {"name": told.name or row.name, "external_id": told.external_id, **told.values}
    before: Values = {"name": row.name, "external_id": row.external_id, **row.values}
    found = ((name, before.get(name), after[name]) for name in after if name in watched)
    return [(name, old, new) for name, old, new in found if _comparable(old) != _comparable(new)]


def _born(row: Company, watched: set[str]) -> list[CompanyChange]:
    """The values that a new company comes with: they were not so before."""
    told = ((name, value) for name, value in row.values.items() if name in watched and value not in (None, "", []))
    return [CompanyChange(company=row, field=name, after=value) for name, value in told]


def _comparable(value: Any) -> Any:
    if value in (None, "", []):
        return None
    return folded(value) if isinstance(value, str) else value


def there(connection: Connection) -> QuerySet[Company]:
    """The connection's companies that are not gone."""
    return Company.objects.filter(connection=connection, gone_at=None)


def facts(company: Company) -> tuple[tuple[str, str], ...]:
    """What people want to know at a glance, as (label, text); what is not known is left out."""
    values = company.values
    told = (
        ("Phase", values.get("phase")),
        ("Health", _figure(values.get("health"))),
        ("Owner", values.get("owner_name") or values.get("owner")),
        ("Revenue", _figure(values.get("revenue"))),
        ("Renewal", values.get("renewal")),
    )
    return tuple((label, str(text)) for label, text in told if text not in (None, ""))


def _figure(value: Any) -> str:
    return f"{value:,.1f}".removesuffix(".0") if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def by_ids(connection: Connection, remote_ids: Iterable[str]) -> dict[str, Company]:
    """Companies by their ids over there, gone ones too."""
    return {row.remote_id: row for row in Company.objects.filter(connection=connection, remote_id__in=set(remote_ids))}
