"""Bulk upsert: ``PUT /<model>`` with an array of at most 5,000 records.

Source: Planhat developer docs, "Bulk upsert" and "HTTP response codes": 200 all fine, 206 some failed, 400 all failed,
403 when a permission was missing for one or all; the body has the same arrays each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response

from planeapp.sandbox.planhat.cleaning import named
from planeapp.sandbox.planhat.gate import Refusal, may, sees
from planeapp.sandbox.planhat.keys import Index
from planeapp.sandbox.planhat.models import Model
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.planhat.writing import index_of, insert, update
from planeapp.sandbox.store import Doc

MOST_ITEMS = 5000


class Report:
    """The answer's counters and arrays, filled while the records go by."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {
            "created": 0,
            "createdErrors": [],
            "insertsKeys": [],
            "updated": 0,
            "updatedErrors": [],
            "updatesKeys": [],
            "nonupdates": 0,
            "modified": [],
            "upsertedIds": [],
            "permissionErrors": [],
        }

    def inserted(self, model: Model, record: Doc) -> None:
        """Count a new record."""
        self.body["created"] += 1
        self.body["insertsKeys"].append(_keys(model, record))
        self.body["upsertedIds"].append(record["_id"])

    def updated(self, model: Model, record: Doc, changed: bool) -> None:
        """Count a matched record; one in which nothing changed is a ``nonupdate``."""
        if not changed:
            self.body["nonupdates"] += 1
            return
        self.body["updated"] += 1
        self.body["updatesKeys"].append(_keys(model, record))
        self.body["modified"].append(record["_id"])

    def answer(self) -> Response:
        """The HTTP answer. The arrays are turned round: their order is promised nowhere."""
        body = {name: value[::-1] if isinstance(value, list) else value for name, value in self.body.items()}
        good = body["created"] + body["updated"] + body["nonupdates"]
        if body["permissionErrors"]:
            return JSONResponse(body, 403)
        if body["createdErrors"] or body["updatedErrors"]:
            return JSONResponse(body, 206 if good else 400)
        return JSONResponse(body)


@dataclass
class Batch:
    """One bulk call under way."""

    tenant: Tenant
    model: Model
    token: Doc
    index: Index
    report: Report = field(default_factory=Report)
    seen: set[object] = field(default_factory=set)

    def take(self, item: Any) -> None:
        """Write one record, or note why not."""
        if not isinstance(item, dict):
            self.report.body["createdErrors"].append("Expected an object")
            return
        hit = self.index.hit(named(self.tenant, item))
        old = self.tenant.store.get(self.model.path, hit) if hit else None
        if not self._allowed(item, old):
            problem = {"message": "Invalid or unauthorized model", **_keys(self.model, item)}
            self.report.body["permissionErrors"].append(problem)
            return
        try:
            self._note_key(item)
            self._write(item, old)
        except Refusal as refusal:
            self._failed(item, old, str(refusal.body))

    def _allowed(self, item: Doc, old: Doc | None) -> bool:
        path = self.model.path
        right = may(self.token, path, "update" if old else "create")
        return right and sees(self.token, path, old or {}) and sees(self.token, path, named(self.tenant, item))

    def _note_key(self, item: Doc) -> None:
        key = self.index.key_of(item)
        if key is None and self.model.bulk_needs_key:
            raise Refusal(400, "At least one keyable is required")
        if key is None:
            return
        whole = (*key, named(self.tenant, item).get("companyId") if self.model.path == "endusers" else None)
        if whole in self.seen:
            raise Refusal(400, f"Duplicated key {key[0]} in the array")
        self.seen.add(whole)

    def _write(self, item: Doc, old: Doc | None) -> None:
        if old is None:
            self.report.inserted(self.model, insert(self.tenant, self.model, item, self.index))
        else:
            record, changed = update(self.tenant, self.model, old, item, self.index)
            self.report.updated(self.model, record, changed)

    def _failed(self, item: Doc, old: Doc | None, message: str) -> None:
        # Strings for a new record, objects for a known one: both forms occur, and neither is specified.
        if old is None:
            self.report.body["createdErrors"].append(message)
        else:
            self.report.body["updatedErrors"].append({"message": message, **_keys(self.model, item)})


def upsert(tenant: Tenant, model: Model, items: Any, token: Doc) -> Response:
    """Write an array of records, each on its own, and report. Refusal 400 for no array or too many records."""
    if not isinstance(items, list):
        raise Refusal(400, "Expected an array")
    if len(items) > MOST_ITEMS:
        raise Refusal(400, f"Too many items, the limit is {MOST_ITEMS}")
    batch = Batch(tenant, model, token, index_of(tenant, model))
    for item in items:
        batch.take(item)
    return batch.report.answer()


def _keys(model: Model, record: Doc) -> Doc:
    return {name: record[name] for name in model.keys if record.get(name)}
