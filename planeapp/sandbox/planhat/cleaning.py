"""From what a caller sent to values that may be stored: types, references, custom keys, rich text."""

from __future__ import annotations

from typing import Any

import nh3

from planeapp.sandbox.planhat.gate import Refusal
from planeapp.sandbox.planhat.models import Model
from planeapp.sandbox.planhat.tenant import Tenant, is_object_id
from planeapp.sandbox.store import Doc

KEPT_TAGS = {"p", "strong", "em", "ul", "ol", "li", "blockquote", "a", "hr"}
LISTS = ("ul", "ol", "li")


def clean(tenant: Tenant, model: Model, body: Any, before: Doc, trusted: bool = False) -> Doc:
    """The storable part of a record's body; computed fields are dropped unless ``trusted`` (our own pages).

    Raises Refusal 400 in the words of the document mapper behind Planhat's API.
    """
    if not isinstance(body, dict):
        raise Refusal(400, "Expected an object")
    values = {
        name: value for name, value in body.items() if not _is_custom(name) and (trusted or name not in model.computed)
    }
    for name in model.texts:
        if name in values:
            values[name] = _text(name, values[name])
    for name in model.arrays:
        if name in values and not isinstance(values[name], list):
            raise Refusal(400, f'Cast to Array failed for value "{values[name]}" at path "{name}"')
    for name, target in model.references.items():
        if name in values:
            values[name] = _reference(tenant, target, name, values[name])
    for name in model.html:
        if values.get(name):
            values[name] = rich_text(values[name])
    custom = _custom_writes(body)
    if custom:
        values["custom"] = merged_custom(before.get("custom") or {}, custom)
    return values


def _is_custom(name: str) -> bool:
    return name == "custom" or name.startswith("custom.")


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, (dict, list)):
        raise Refusal(400, f'Cast to string failed for value "{value}" at path "{name}"')
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None else str(value)


def named(tenant: Tenant, item: Doc) -> Doc:
    """An item whose ``companyId`` and ``companyIds`` are ``_id``s where ``extid-``/``srcid-`` values can be found."""
    found = dict(item)
    if item.get("companyId"):
        found["companyId"] = _company_id(tenant, item["companyId"])
    if isinstance(item.get("companyIds"), list):
        found["companyIds"] = [_company_id(tenant, value) for value in item["companyIds"]]
    return found


def _company_id(tenant: Tenant, value: Any) -> str:
    found = by_ident(tenant, "companies", str(value))
    return found["_id"] if found else str(value)


def _reference(tenant: Tenant, target: str, name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_reference(tenant, target, name, item) for item in value]
    if value in (None, "") or is_object_id(value):
        return value or None
    found = by_ident(tenant, target, value) if isinstance(value, str) else None
    if found is None:
        raise Refusal(400, f'Cast to ObjectId failed for value "{value}" at path "{name}"')
    return found["_id"]


def by_ident(tenant: Tenant, kind: str, ident: str) -> Doc | None:
    """A record by ``_id``, ``extid-<externalId>`` or ``srcid-<sourceId>``; None when there is none."""
    for prefix, name in (("extid-", "externalId"), ("srcid-", "sourceId")):
        if ident.startswith(prefix):
            wanted = ident.removeprefix(prefix)
            return next((doc for doc in tenant.store.all(kind) if wanted and doc.get(name) == wanted), None)
    return tenant.store.get(kind, ident)


def _custom_writes(body: Doc) -> Doc:
    custom = body.get("custom") or {}
    if not isinstance(custom, dict):
        raise Refusal(400, 'Cast to Object failed at path "custom"')
    dotted = {name.removeprefix("custom."): value for name, value in body.items() if name.startswith("custom.")}
    return custom | dotted


def merged_custom(old: Doc, new: Doc) -> Doc:
    """``custom`` after a write: other keys stay, ``""`` changes nothing, null removes, one level only."""
    merged = dict(old)
    for name, value in new.items():
        if isinstance(value, dict):
            raise Refusal(400, f'Custom field "{name}" cannot hold an object')
        if value is None:
            merged.pop(name, None)
        elif value != "":
            merged[name] = value
    folded = [name.casefold() for name in merged]
    if len(set(folded)) < len(folded):
        twice = next(name for name in new if folded.count(name.casefold()) > 1)
        raise Refusal(400, f'Custom field "{twice}" exists with another case')
    return merged


def rich_text(html: str) -> str:
    """HTML as the editor keeps it: a few tags, lists with its classes, no raw newlines."""
    kept = nh3.clean(html, tags=KEPT_TAGS, attributes={"a": {"href"}}, link_rel="noopener noreferrer")
    for tag in LISTS:
        kept = kept.replace(f"<{tag}>", f'<{tag} class="ph-editor__{tag}">')
    return kept.replace("\n", " ").strip()
