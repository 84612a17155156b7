"""The properties of Plane's customers: their definitions in the workspace, and what each customer holds of them.

Source: Plane developer docs, "API reference / Customer"; plane-sdk 0.3, ``customers/properties`` and ``property_values``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

from plane.models.customers import CreateCustomerProperty
from plane.models.enums import CustomerPropertyType
from plane.models.work_item_property_configurations import DateAttributeSettings, TextAttributeSettings

from planeapp.lib.errors import FixSettings
from planeapp.lib.folding import folded
from planeapp.plane.bodies import as_dict
from planeapp.plane.records import Row
from planeapp.plane.workspace import SOURCE, Workspace

Kind = Literal["TEXT", "DATETIME", "DECIMAL", "BOOLEAN", "URL", "EMAIL"]
Value = str | bool | int | float | date
_SETTINGS = {
    "TEXT": TextAttributeSettings(display_format="single-line"),
    "DATETIME": DateAttributeSettings(display_format="yyyy/MM/dd"),
}


class CustomerValues(Workspace):
    """Definitions and values. Property ids are Plane's uuids as text; values are lists of text, whatever the kind."""

    def customer_properties(self) -> list[Row]:
        """The workspace's properties of customers: id, name, display_name, property_type, is_active, external pair, …"""
        return list(self._pages("customer-properties"))

    def ensure_property(self, name: str, kind: Kind, external_id: str) -> Row:
        """The property that carries our ``external_id``, else the one of that name, else a new one. May be repeated.

        One that was renamed by hand is still ours. FixSettings (``property_kind``) when the one of that name is of
        another kind, so that our values would not fit it.
        """
        known = self.customer_properties()
        found = ours_in(known, external_id) or _named(known, name)
        if found is None:
            return self._make_property(name, kind, external_id)
        if found.get("property_type") != kind:
            person = (
                f"Plane has a customer property “{found.get('display_name')}” already, of another type. "
                "Rename or remove it in Plane, then try again."
            )
            raise FixSettings(f"property {found.get('id')} is not {kind}", code="property_kind", person=person)
        return found

    def _make_property(self, name: str, kind: Kind, external_id: str) -> Row:
        wanted = CreateCustomerProperty(
            name=name,
            display_name=name,
            property_type=CustomerPropertyType(kind),
            settings=_SETTINGS.get(kind),
            is_active=True,
            external_source=SOURCE,
            external_id=external_id,
        )
        body = wanted.model_dump(mode="json", exclude_none=True)
        return self._make_or_adopt((*self._place(), "customer-properties"), body)[0]

    def customer_values(self, customer: str) -> dict[str, list[str]]:
        """Property id → what the customer holds. Empty properties, and those switched off in Plane, are left out."""
        told = as_dict(self._wire.read(*self._place(), "customers", customer, "property-values"))
        return {name: [str(value) for value in held] for name, held in told.items() if isinstance(held, list)}

    def set_values(self, customer: str, values: Mapping[str, Sequence[Value]]) -> None:
        """Give these properties (by id) these values, in one call; the others keep theirs. May be repeated.

        An empty list empties a property. FixSettings, and nothing is written, when a value does not fit its property.
        """
        if values:
            body = {"customer_property_values": {name: _texts(held) for name, held in values.items()}}
            path = (*self._place(), "customers", customer, "property-values")
            self._wire.make(*path, data=body, repeatable=True)

    def set_value(self, customer: str, property_id: str, values: Sequence[Value]) -> None:
        """Give one property these values; :meth:`set_values` does several in the same one call."""
        self.set_values(customer, {property_id: values})


def ours_in(rows: Iterable[Row], external_id: str) -> Row | None:
    """The row that carries our external id."""
    pair = {"external_source": SOURCE, "external_id": external_id}
    return next((row for row in rows if pair.items() <= row.items()), None)


def _named(rows: Iterable[Row], name: str) -> Row | None:
    wanted = folded(name)
    return next((row for row in rows if folded(str(row.get("display_name") or row.get("name"))) == wanted), None)


def _texts(values: Sequence[Value]) -> list[str]:
    """As Plane takes them: days as YYYY-MM-DD, truth as ``True`` and ``False`` (plane-sdk, ``property_values``)."""
    return [value.strftime("%Y-%m-%d") if isinstance(value, date) else str(value) for value in values]
