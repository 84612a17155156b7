"""What a Plane customer shows of its company: its own fields, and our properties."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from planeapp.customers import kept
from planeapp.customers.models import Company
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings
from planeapp.plane.bodies import clean_id
from planeapp.plane.customer_values import Kind, Value
from planeapp.plane.gateway import Plane
from planeapp.providers.base import COMPANY_FIELDS

PROPERTIES: dict[str, Kind] = {"phase": "TEXT", "health": "DECIMAL", "owner": "TEXT", "renewal": "DATETIME"}
KIND = "properties"
GOOD = timedelta(days=1)
HALF = 32


@dataclass(frozen=True)
class Shown:
    """``fields`` of the customer itself; ``values`` by property id, an empty list for what is known to be empty."""

    fields: Mapping[str, str | None]
    values: Mapping[str, list[Value]]

    def mark(self, made_by_us: bool) -> str:
        """Fingerprint of both halves; a customer that a person made shows the second alone."""
        return (self.fields_mark if made_by_us else "-" * HALF) + self.values_mark

    @property
    def fields_mark(self) -> str:
        """Fingerprint of the fields."""
        return _fingerprint(self.fields)

    @property
    def values_mark(self) -> str:
        """Fingerprint of the values."""
        return _fingerprint(self.values)


def shown_of(company: Company, properties: Mapping[str, str]) -> Shown:
    """What the company's customer is to show. ``properties``: name → id. What is not known of the company is left out."""
    known = company.values
    fields: dict[str, str | None] = {"name": company.name}
    if domains := sorted(one.domain for one in company.domains.all()):
        fields["website_url"] = f"https://{domains[0]}"
    if "revenue" in known:
        fields["revenue"] = None if known["revenue"] is None else _number(known["revenue"])
    values = {
        properties[name]: _value(name, known[name]) for name in PROPERTIES if name in known and name in properties
    }
    return Shown(fields, values)


def property_ids(connection: Connection, plane: Plane) -> dict[str, str]:
    """Name → id of our properties of customers, made once. One that a person removed stays so; others are looked for daily.

    Empty where the token may not touch properties.
    """
    if not plane.offers("customer_values"):
        return {}
    known = kept.one(connection, KIND)
    if known is not None and known.at > timezone.now() - GOOD:
        return _there(known.value)
    ids = _still_there(plane, known.value["ids"]) if known else {}
    refused = {}
    for name, kind in PROPERTIES.items():
        if name not in ids:
            try:
                ids[name] = clean_id(plane.ensure_property(COMPANY_FIELDS[name], kind, f"company:{name}"))
            except FixSettings as error:
                if error.code != "property_kind":
                    raise
                refused[name] = error.person
    value = {"ids": ids, "refused": refused}
    kept.keep(connection, KIND, "", value)
    return _there(value)


def check_again(connection: Connection) -> None:
    """Plane refused values: have the properties looked at before the next turn."""
    kept.age(connection, KIND, GOOD)


def _still_there(plane: Plane, ids: Mapping[str, str]) -> dict[str, str]:
    """The ids, ``""`` for those of properties that were removed or switched off in Plane."""
    there = {clean_id(row) for row in plane.customer_properties() if row.get("is_active") is not False}
    return {name: ident if ident in there else "" for name, ident in ids.items()}


def _there(value: Mapping[str, Any]) -> dict[str, str]:
    return {name: ident for name, ident in value["ids"].items() if ident}


def _value(name: str, known: Any) -> list[Value]:
    if known in (None, ""):
        return []
    if PROPERTIES[name] == "DECIMAL":
        return [_number(known)]
    return [date.fromisoformat(known[:10])] if PROPERTIES[name] == "DATETIME" else [str(known)]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _fingerprint(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:HALF]
