"""How records leave: lists and single reads differ, and issues carry what their companies are worth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.store import Doc

ONLY_BY_ID = ("shareable", "followers", "collaborators", "sales", "licenses", "usage")


def shaped(tenant: Tenant, kind: str, record: Doc, listed: bool = False) -> Doc:
    """The record as the API shows it. ``listed``: as an element of a list."""
    if kind == "companies":
        return _company_in_list(tenant, record) if listed else dict(record)
    if kind == "issues":
        return record | worth(tenant, record)
    return dict(record)


def _company_in_list(tenant: Tenant, record: Doc) -> Doc:
    shown = {name: value for name, value in record.items() if name not in ONLY_BY_ID}
    owner = tenant.store.get("users", record.get("owner") or "")
    if owner is not None:
        shown["owner"] = {"_id": owner["_id"], "nickName": owner["nickName"]}
    if record.get("renewalDate"):
        shown["renewalDaysFromNow"] = (datetime.fromisoformat(record["renewalDate"]) - tenant.clock.now()).days
    return shown


def worth(tenant: Tenant, issue: Doc) -> Doc:
    """What Planhat computes on an issue from its links: names, and the sums of MRR and ARR."""
    companies = _linked(tenant, "companies", issue.get("companyIds"))
    endusers = _linked(tenant, "endusers", issue.get("enduserIds"))
    return {
        "companies": [{"id": doc["_id"], "name": doc["name"]} for doc in companies],
        "endusers": [{"id": doc["_id"], "name": doc.get("name") or doc.get("email")} for doc in endusers],
        "mrrCombined": sum(doc.get("mrr") or 0 for doc in companies),
        "arrCombined": sum(doc.get("arr") or 0 for doc in companies),
    }


def _linked(tenant: Tenant, kind: str, ids: Any) -> list[Doc]:
    found = (tenant.store.get(kind, key) for key in dict.fromkeys(ids or []))
    return [doc for doc in found if doc is not None]


def lean(record: Doc) -> Doc:
    """A company as ``/leancompanies`` shows it; missing ids are left out."""
    return {
        name: record[name] for name in ("_id", "name", "externalId", "sourceId", "slug") if record.get(name) is not None
    }
