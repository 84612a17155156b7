"""A company's record → :class:`planeapp.providers.base.Company`. Pure functions.

Source: Planhat developer docs, "Company" and "Custom field". Lists leave out what single answers have and vice versa, so
a key that is missing says nothing, while null says that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from planeapp.providers.base import Company
from planeapp.providers.planhat.mapping import deep_link, iso_day, number, owner_id
from planeapp.providers.planhat.models import Json, record_id
from planeapp.providers.planhat.team import Colleague

CUSTOM = "custom:"
LONGEST_NAME = 100
"""Custom fields with longer names are left out: nobody could tell them apart on a page."""
REVENUES = ("arr", "mrr")

_UNKNOWN: Any = object()


@dataclass(frozen=True)
class Reading:
    """What is needed to understand a record.

    ``colleagues`` by id; ``customs`` the names of the tenant's custom fields (None: not visible to this token, so every
    key that a record has is told); ``ours`` names of those that we write; ``revenue`` is ``arr``, ``mrr`` or
    ``custom:<name>``; ``slug`` the tenant's name in links.
    """

    colleagues: Mapping[str, Colleague] = field(default_factory=dict)
    customs: frozenset[str] | None = None
    ours: frozenset[str] = frozenset()
    revenue: str = REVENUES[0]
    slug: str = ""


def company(record: Json, reading: Reading) -> Company:
    """The company, with what the record tells of it."""
    return Company(
        id=record_id(record),
        name=str(record.get("name") or ""),
        external_id=str(record.get("externalId") or ""),
        source_id=str(record.get("sourceId") or ""),
        domains=domains(record.get("domains")),
        values=values(record, reading),
        url=deep_link(reading.slug, "Company", record_id(record)),
    )


def values(record: Json, reading: Reading) -> dict[str, Any]:
    """The values by the names of ``COMPANY_FIELDS``, and the custom ones."""
    read = {
        "phase": _text(record, "phase"),
        "status": _text(record, "status"),
        "health": _number(record, "h"),
        "revenue": revenue(record, reading.revenue),
        "renewal": _day(record, "renewalDate"),
        "tags": tags(record),
        **_owner(record, reading.colleagues),
        **_customs(record, reading),
    }
    return {name: value for name, value in read.items() if value is not _UNKNOWN}


def revenue(record: Json, chosen: str) -> Any:
    """What an admin chose to call revenue: a number, None when there is none (a private mark when it is not told)."""
    if not chosen.startswith(CUSTOM):
        return _number(record, chosen)
    customs = record.get("custom")
    if not isinstance(customs, Mapping):
        return _UNKNOWN
    value = customs.get(chosen.removeprefix(CUSTOM))
    return _amount(value) if isinstance(value, str) else number(value)


def money(record: Json, chosen: str) -> tuple[str, str]:
    """The revenue for people: its label, and the amount (``""`` when it is not known)."""
    amount = number(revenue(record, chosen))
    return chosen.removeprefix(CUSTOM) if chosen.startswith(CUSTOM) else chosen.upper(), (
        "" if amount is None else f"{amount:,.0f}"
    )


def domains(value: Any) -> tuple[str, ...]:
    """Internet domains, lower-case and sorted."""
    found = {str(one).strip().lower() for one in value} if isinstance(value, list) else set()
    return tuple(sorted(found - {""}))


def tags(record: Json) -> Any:
    """The tags, each once and sorted."""
    value = record.get("tags", _UNKNOWN)
    if value is None:
        return []
    return sorted({str(one) for one in value if one not in (None, "")}) if isinstance(value, list) else _UNKNOWN


def _owner(record: Json, colleagues: Mapping[str, Colleague]) -> dict[str, Any]:
    """``owner`` and ``owner_name``. An owner whom this token may not look up is not known, apart from the nickname that
    lists tell."""
    if "owner" not in record:
        return {}
    ident = owner_id(record)
    if not ident:
        return {"owner": None, "owner_name": None}
    found = colleagues.get(ident)
    if found is not None:
        return {"owner": found.email or None, "owner_name": found.name or None}
    told = record["owner"]
    nick = str(told.get("nickName") or "") if isinstance(told, Mapping) else ""
    return {"owner_name": nick} if nick else {}


def _customs(record: Json, reading: Reading) -> dict[str, Any]:
    """``custom:<name>`` of each field that the tenant has: None where the company has no value for it."""
    told = record.get("custom")
    if not isinstance(told, Mapping):
        return {}
    names = (reading.customs if reading.customs is not None else set(told)) - reading.ours
    return {f"{CUSTOM}{name}": _custom(told.get(name)) for name in sorted(names) if len(name) <= LONGEST_NAME}


def _custom(value: Any) -> Any:
    if value in (None, ""):
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return float(value)
    return [str(one) for one in value] if isinstance(value, list) else _UNKNOWN


def _text(record: Json, name: str) -> Any:
    value = record.get(name, _UNKNOWN)
    return None if value == "" else value if value is None or isinstance(value, str) else _UNKNOWN


def _number(record: Json, name: str) -> Any:
    value = record.get(name, _UNKNOWN)
    if value is None:
        return None
    found = number(value)
    return _UNKNOWN if found is None else found


def _amount(text: str) -> float | None:
    """A number that is kept as text."""
    try:
        return float(text.strip())
    except ValueError:
        return None


def _day(record: Json, name: str) -> Any:
    value = record.get(name, _UNKNOWN)
    if value in (None, ""):
        return None
    day = iso_day(value)
    return day if day else _UNKNOWN


def days_of(value: date | None) -> str | None:
    """A day as a custom field of type date takes it: null is what clears one, ``""`` is ignored."""
    return None if value is None else f"{value.isoformat()}T00:00:00.000Z"
