"""What Planhat itself does to a record on its way into the database, model by model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from planeapp.sandbox.planhat.gate import Refusal
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.store import Doc

FIELD_TYPES = {
    "number",
    "text",
    "rich text",
    "checkbox",
    "day",
    "date",
    "list",
    "multipicklist",
    "team member",
    "team members",
    "rating",
    "phone",
    "email",
    "enduser",
    "endusers",
    "url",
}
KINDS_BY_PARENT = {
    "company": "companies",
    "enduser": "endusers",
    "issue": "issues",
    "task": "tasks",
    "conversation": "conversations",
}
Rule = Callable[[Tenant, Doc, Doc], None]


def apply_rules(tenant: Tenant, kind: str, record: Doc, before: Doc) -> None:
    """Fill what Planhat fills and refuse what it refuses; ``before`` is empty for a new record."""
    rule = RULES.get(kind)
    if rule is not None:
        rule(tenant, record, before)


def follow_up(tenant: Tenant, kind: str, record: Doc, before: Doc) -> None:
    """What a stored change brings about in other records."""
    effect = EFFECTS.get(kind)
    if effect is not None:
        effect(tenant, record, before)


def slug_of(name: str) -> str:
    """The slug that Planhat makes from a company's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "company"


def _company(tenant: Tenant, record: Doc, before: Doc) -> None:
    now = tenant.stamp()
    record["slug"] = record.get("slug") or slug_of(record["name"])
    record.setdefault("createDate", now)
    record["lastUpdated"] = now
    if record.get("phase") != before.get("phase"):
        record["phaseSince"] = now


def _enduser(tenant: Tenant, record: Doc, before: Doc) -> None:
    email = str(record.get("email") or "").lower()
    if not any(record.get(name) for name in ("email", "externalId", "sourceId")):
        raise Refusal(400, "endusers validation failed: one of email, externalId, sourceId is required.")
    if record.get("firstName") or record.get("lastName"):
        record["name"] = " ".join(part for part in (record.get("firstName"), record.get("lastName")) if part)
    record.setdefault("createDate", tenant.stamp())
    record["emailMd5"] = hashlib.md5(email.encode(), usedforsecurity=False).hexdigest() if email else None
    company = tenant.store.get("companies", record["companyId"])
    if company is not None:
        record.setdefault("companyName", company["name"])


def _spread_domain(tenant: Tenant, record: Doc, before: Doc) -> None:
    company = tenant.store.get("companies", record["companyId"])
    domain = str(record.get("email") or "").lower().partition("@")[2]
    if company is not None and domain and domain not in company.get("domains", []):
        tenant.store.put("companies", company["_id"], company | {"domains": [*company.get("domains", []), domain]})


def company_for(tenant: Tenant, email: str | None) -> str | None:
    """The company whose domains hold this e-mail's, for contacts that name none."""
    domain = (email or "").lower().partition("@")[2]
    return next(
        (doc["_id"] for doc in tenant.store.all("companies") if domain and domain in doc.get("domains", [])), None
    )


def _task(tenant: Tenant, record: Doc, before: Doc) -> None:
    status, was = str(record.get("status") or ""), str(before.get("status") or "")
    if record["mainType"] not in ("task", "event"):
        raise Refusal(400, f"`{record['mainType']}` is not a valid enum value for path `mainType`.")
    if status.lower() != "done" or status == was:
        return
    if status != "Done":
        raise Refusal(500, "Failed to execute task status update", "html")
    record["isArchived"], record["dateDone"] = True, tenant.stamp()


def _log_done_task(tenant: Tenant, record: Doc, before: Doc) -> None:
    # A completed task lives on as a conversation with the same _id.
    if record.get("status") != "Done" or before.get("status") == "Done":
        return
    note = {
        "_id": record["_id"],
        "companyId": record["companyId"],
        "type": record.get("type") or "note",
        "taskId": record["_id"],
        "subject": record.get("action"),
        "description": record.get("description"),
        "date": record["dateDone"],
        "users": record.get("users", []),
        "endusers": record.get("endusers", []),
        "archived": False,
        "custom": {},
        "__v": 0,
        "createdAt": record["dateDone"],
        "updatedAt": record["dateDone"],
    }
    tenant.store.put("conversations", record["_id"], note)


def _conversation(tenant: Tenant, record: Doc, before: Doc) -> None:
    # email, chat, ticket and call are Planhat's own; a type that the tenant does not have becomes a note.
    if record.get("type") not in tenant.setting("conversations").get("types", []) and record.get("type") != before.get(
        "type"
    ):
        record["type"] = "note"
    record.setdefault("type", "note")
    record.setdefault("date", tenant.stamp())
    record["snippet"] = re.sub(r"<[^>]*>", " ", str(record.get("description") or "")).strip()[:200]


def _custom_field(tenant: Tenant, record: Doc, before: Doc) -> None:
    if record["type"] not in FIELD_TYPES:
        raise Refusal(400, f"`{record['type']}` is not a valid enum value for path `type`.")
    for other in tenant.store.find("customfields", parent=record["parent"]):
        if other["_id"] != record["_id"] and other["name"].casefold() == record["name"].casefold():
            raise Refusal(400, f"Custom field {record['name']} already exists on {record['parent']}")


def _move_values(tenant: Tenant, record: Doc, before: Doc) -> None:
    if before and before["name"] != record["name"]:
        _rename_key(tenant, KINDS_BY_PARENT.get(record["parent"], ""), before["name"], record["name"])


def _rename_key(tenant: Tenant, kind: str, old: str, new: str) -> None:
    """Values are kept under display names, so a renamed field takes its values along."""
    for record in tenant.store.all(kind):
        custom = dict(record.get("custom") or {})
        if old in custom:
            custom[new] = custom.pop(old)
            tenant.store.put(kind, record["_id"], record | {"custom": custom})


RULES: dict[str, Rule] = {
    "companies": _company,
    "endusers": _enduser,
    "tasks": _task,
    "conversations": _conversation,
    "customfields": _custom_field,
}

EFFECTS: dict[str, Rule] = {"endusers": _spread_domain, "tasks": _log_done_task, "customfields": _move_values}
