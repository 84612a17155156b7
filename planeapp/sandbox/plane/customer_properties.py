"""Properties of customers, defined in the workspace, and what each customer holds of them.

Made after the docstrings and models of plane-sdk 0.3 and the developer docs; no real server was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from planeapp.sandbox.plane import customers, fields, serializers
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, of_workspace
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError, bad, conflict, missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.plane.plans import with_customers
from planeapp.sandbox.store import Doc

TAKEN = "Customer property with the same external id and external source already exists"
_TYPES = ("TEXT", "DATETIME", "DECIMAL", "BOOLEAN", "OPTION", "RELATION", "URL", "EMAIL", "FILE")
_CHECKS: dict[str, fields.Check] = {
    "name": fields.text(blank=True),
    "display_name": fields.text(),
    "description": fields.text(limit=0, null=True, blank=True),
    "property_type": fields.choice(*_TYPES),
    "relation_type": fields.anything,
    "is_required": fields.flag,
    "is_active": fields.flag,
    "is_multi": fields.flag,
    "default_value": fields.anything,
    "settings": fields.anything,
    "external_source": fields.text(null=True, blank=True),
    "external_id": fields.text(null=True, blank=True),
}
_BLANK: Doc = {
    "description": "", "relation_type": None, "is_required": False, "is_active": True, "is_multi": False,
    "default_value": [], "settings": {}, "logo_props": {}, "validation_rules": {}, "options": [],
    "external_source": None, "external_id": None,
}  # fmt: skip


def _decimal(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


_FITS: dict[str, Callable[[str], object]] = {
    "DATETIME": re.compile(r"\d{4}-\d\d-\d\d").fullmatch,
    "DECIMAL": _decimal,
    "BOOLEAN": ("True", "False").__contains__,
    "URL": re.compile(r"https?://\S+").fullmatch,
    "EMAIL": re.compile(r"[^@\s]+@[^@\s]+").fullmatch,
}


def _all(call: Call) -> list[Doc]:
    return call.plane.live("customer_property", workspace=call.here["id"])


def _list(call: Call) -> Answer:
    return 200, page(call.query, [serializers.pick(row, serializers.CUSTOMER_PROPERTY) for row in _all(call)])


def _create(call: Call) -> Answer:
    values = fields.clean(call.plane, call.data, _CHECKS, required=["display_name", "property_type"])
    pair = (values.get("external_id"), values.get("external_source"))
    for row in _all(call):
        if all(pair) and pair == (row["external_id"], row["external_source"]):
            raise conflict(TAKEN, row["id"])
    named = {"name": values["display_name"], "workspace": call.here["id"], "sort_order": 65535.0}
    row = call.plane.new("customer_property", call.user["id"], **_BLANK | named | values)
    return 201, serializers.pick(row, serializers.CUSTOMER_PROPERTY)


def _property(call: Call) -> Doc:
    row = call.plane.one("customer_property", call.path["property_id"])
    if row is None or row["workspace"] != call.here["id"]:
        raise missing()
    return row


def _get(call: Call) -> Answer:
    return 200, serializers.pick(_property(call), serializers.CUSTOMER_PROPERTY)


def _update(call: Call) -> Answer:
    row, values = _property(call), fields.clean(call.plane, call.data, _CHECKS)
    changed = call.plane.change("customer_property", row, call.user["id"], **values)
    return 200, serializers.pick(changed, serializers.CUSTOMER_PROPERTY)


def _delete(call: Call) -> Answer:
    row = _property(call)
    row["deleted_at"] = call.plane.stamp()
    call.plane.store.put("customer_property", row["id"], row)
    return 204, None


# Values


def held(plane: Plane, customer: Doc) -> dict[str, list[str]]:
    """Property id → values, of the properties that are switched on and not empty."""
    kept = (plane.store.get("customer_values", customer["id"]) or {}).get("values", {})
    return {key: values for key, values in kept.items() if values and _is_on(plane, key)}


def _is_on(plane: Plane, key: str) -> bool:
    row = plane.one("customer_property", key)
    return row is not None and bool(row["is_active"])


def _check(row: Doc, values: object) -> list[str]:
    name = row["display_name"]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise bad(**{name: ["Expected a list of strings."]})
    if row["is_required"] and not values:
        raise bad(**{name: ["This property is required."]})
    if len(values) > 1 and not row["is_multi"]:
        raise bad(**{name: ["This property takes one value."]})
    fits = _FITS.get(row["property_type"])
    if fits and not all(fits(value) for value in values):
        raise bad(**{name: [f"Not a valid {row['property_type']} value."]})
    return values


def _keep(call: Call, customer: Doc, values: dict[str, list[str]]) -> Answer:
    kept = (call.plane.store.get("customer_values", customer["id"]) or {}).get("values", {})
    call.plane.store.put("customer_values", customer["id"], {"values": kept | values})
    call.plane.touch("customer", customer)
    return 204, None


def _values(call: Call) -> Answer:
    return 200, held(call.plane, customers.of_path(call))


def _set_values(call: Call) -> Answer:
    customer = customers.of_path(call)
    told = call.data.get("customer_property_values") if isinstance(call.data, dict) else None
    if not isinstance(told, dict):
        raise bad(customer_property_values=["This field is required."])
    known = {row["id"]: row for row in _all(call)}
    if not told.keys() <= known.keys():
        raise ApiError(400, {"error": "Some of the properties do not exist"})
    return _keep(call, customer, {key: _check(known[key], values) for key, values in told.items()})


def _value(call: Call) -> Answer:
    key = _property(call)["id"]
    return 200, {name: values for name, values in held(call.plane, customers.of_path(call)).items() if name == key}


def _set_value(call: Call) -> Answer:
    customer, row = customers.of_path(call), _property(call)
    told = call.data.get("values") if isinstance(call.data, dict) else None
    return _keep(call, customer, {row["id"]: _check(row, told)})


def endpoints(workspace: str) -> list[Endpoint]:
    """Addresses under the workspace's path."""
    defined = workspace + "customer-properties/"
    values = workspace + "customers/{customer_id:uuid}/property-values/"
    table = {
        (defined, "customers.properties"): {"GET": _list, "POST": _create},
        (defined + "{property_id:uuid}/", "customers.properties"): {"GET": _get, "PATCH": _update, "DELETE": _delete},
        (values, "customers.property_values"): {"GET": _values, "POST": _set_values},
        (values + "{property_id:uuid}/", "customers.property_values"): {"GET": _value, "PATCH": _set_value},
    }
    return [Endpoint(path, scope, of_workspace, with_customers(by)) for (path, scope), by in table.items()]
