"""Inserting, updating and deleting one record; the single calls, the bulk calls and the pages all come here."""

from __future__ import annotations

from typing import Any

from planeapp.sandbox.planhat.cleaning import clean
from planeapp.sandbox.planhat.gate import Refusal
from planeapp.sandbox.planhat.keys import Index
from planeapp.sandbox.planhat.models import Model
from planeapp.sandbox.planhat.rules import apply_rules, company_for, follow_up
from planeapp.sandbox.planhat.tenant import Tenant, is_object_id
from planeapp.sandbox.store import Doc

MOVING = {"updatedAt", "lastUpdated"}  # moved by every write, so they say nothing about a change


def index_of(tenant: Tenant, model: Model) -> Index:
    """The model's key index as the store is now."""
    return Index(model, tenant.store.all(model.path))


def insert(tenant: Tenant, model: Model, body: Any, index: Index, origin: str = "api") -> Doc:
    """Store a new record and return it. Refusal 400 for wrong fields, 500 HTML for a taken slug."""
    values = clean(tenant, model, body, {}, trusted=origin == "page")
    wanted = body.get("_id")
    free = is_object_id(wanted) and tenant.store.get(model.path, wanted) is None
    now = tenant.stamp()
    record = {name: _fresh(value) for name, value in model.blank.items()} | {"createdAt": now} | values
    record |= {"_id": wanted if free else tenant.new_id(), "updatedAt": now, "__v": 0}
    if model.path == "endusers" and not record.get("companyId"):
        record["companyId"] = company_for(tenant, record.get("email"))
    _check(tenant, model, record, {}, index)
    tenant.store.put(model.path, record["_id"], record)
    follow_up(tenant, model.path, record, {})
    index.add(record)
    tenant.changed(model.name, "created", record, origin)
    return record


def update(tenant: Tenant, model: Model, old: Doc, body: Any, index: Index, origin: str = "api") -> tuple[Doc, bool]:
    """Change the named fields only; ``updatedAt`` moves even if nothing else does. Returns (record, really changed)."""
    values = clean(tenant, model, body, old, trusted=origin == "page")
    record = old | {name: value for name, value in values.items() if name != "_id"} | {"updatedAt": tenant.stamp()}
    _check(tenant, model, record, old, index)
    changed = {k: v for k, v in record.items() if k not in MOVING} != {k: v for k, v in old.items() if k not in MOVING}
    index.drop(old)
    index.add(record)
    tenant.store.put(model.path, record["_id"], record)
    follow_up(tenant, model.path, record, old)
    if changed:
        tenant.changed(model.name, "updated", record, origin)
    return record, changed


def delete(tenant: Tenant, kind: str, name: str, ident: str, origin: str = "api") -> Doc:
    """Delete by ``_id`` alone and answer as MongoDB does: ``{n, ok, deletedCount}``."""
    record = tenant.store.get(kind, ident)
    if record is not None:
        tenant.store.delete(kind, ident)
        tenant.changed(name, "deleted", record, origin)
    count = int(record is not None)
    return {"n": count, "ok": 1, "deletedCount": count}


def _check(tenant: Tenant, model: Model, record: Doc, old: Doc, index: Index) -> None:
    for name in model.required:
        if record.get(name) in (None, "", []):
            raise Refusal(400, f"{model.path} validation failed: {name}: Path `{name}` is required.")
    apply_rules(tenant, model.path, record, old)
    clash = index.clash(record)
    if clash == "slug":
        raise Refusal(500, "Failed to create company" if not old else "Failed to update company", "html")
    if clash is not None:
        fields = "externalId,email" if model.path == "endusers" else clash
        raise Refusal(400, f"Duplicate {model.path}: another record has the same {fields}")


def _fresh(value: Any) -> Any:
    return type(value)(value) if isinstance(value, (list, dict)) else value
