"""Lists: a bare array, with ``limit``, ``offset``, ``sort``, ``select`` and the few filters that a model has.

Filters that a model does not know, or that are empty, change nothing: the caller gets page one of everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planeapp.sandbox.planhat.gate import sees
from planeapp.sandbox.planhat.models import Model
from planeapp.sandbox.planhat.shapes import shaped
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.store import Doc

Params = Mapping[str, str]


def page(tenant: Tenant, model: Model, params: Params, token: Doc) -> list[Doc]:
    """One page of a model's records as this token may see them, in the list's shape."""
    return page_of(tenant, model, tenant.store.all(model.path), params, token)


def page_of(tenant: Tenant, model: Model, records: list[Doc], params: Params, token: Doc) -> list[Doc]:
    """The same, from records already at hand."""
    found = [doc for doc in records if _matches(model, doc, params) and sees(token, model.path, doc)]
    if params.get("sort") and model.path not in tenant.setting("quirks").get("unsorted", []):
        field = params["sort"].removeprefix("-")
        found.sort(key=lambda doc: _rank(value_at(doc, field)), reverse=params["sort"].startswith("-"))
    start = _number(params.get("offset"), 0)
    size = min(_number(params.get("limit"), model.default) or model.default, model.cap)
    shown = (shaped(tenant, model.path, doc, listed=True) for doc in found[start : start + size])
    return [selected(doc, params.get("select", "")) for doc in shown]


def _matches(model: Model, record: Doc, params: Params) -> bool:
    if model.path == "tasks" and not params.get("isArchived") and record.get("isArchived"):
        return False  # completed tasks are hidden from the default list
    return all(_equal(record.get(field), params[name]) for name, field in model.filters.items() if params.get(name))


def _equal(stored: Any, wanted: str) -> bool:
    choices = wanted.split(",")
    if isinstance(stored, list):
        return any(choice in stored for choice in choices)
    if isinstance(stored, bool):
        return wanted.lower() == str(stored).lower()
    return stored in choices or str(stored or "").lower() == wanted.lower()


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return (3, value)
    if isinstance(value, (int, float)):
        return (1, value)
    return (2, value) if isinstance(value, str) else (0, 0)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


def value_at(record: Doc, path: str) -> Any:
    """A root field, or ``custom.X``."""
    root, dot, key = path.partition(".")
    return (record.get(root) or {}).get(key) if dot and isinstance(record.get(root), dict) else record.get(path)


def selected(record: Doc, select: str) -> Doc:
    """The fields named in a comma list; ``_id`` always comes, and null stays null. An empty list leaves the record whole."""
    if not select:
        return record
    chosen: Doc = {"_id": record["_id"]}
    for name in (part.strip() for part in select.split(",")):
        root, dot, key = name.partition(".")
        value = value_at(record, name)
        if dot and value is not None:
            chosen.setdefault(root, {})[key] = value
        elif name in record:
            chosen[name] = value
    return chosen
