"""Changing a company: its phase, its owner, single tags. Only what differs is written, and what stands there is read again.

Source: Planhat developer docs, "Company" (arrays are replaced whole; phases are free text and may be recomputed).
"""

from __future__ import annotations

from typing import Any

from planeapp.lib.errors import FixSettings, Gone
from planeapp.lib.folding import folded
from planeapp.providers.base import Company, Values
from planeapp.providers.planhat.companies import Companies
from planeapp.providers.planhat.mapping import owner_id
from planeapp.providers.planhat.models import Record, record_id

WRITABLE = frozenset({"phase", "owner", "add_tags", "remove_tags"})


def update(companies: Companies, company_id: str, values: Values) -> Company:
    """Write the named values and give the company as it is then. Gone when there is none; may be repeated.

    FixSettings for an owner who is not an active colleague over there, and for any other name.
    """
    unknown = sorted(values.keys() - WRITABLE)
    if unknown:
        raise FixSettings(f"not writable on a company: {', '.join(unknown)}")
    body = _changes(companies, _read(companies, company_id), values)
    if body:
        companies.api.companies.update(company_id, body)
    return companies.understood([_read(companies, company_id)])[0]


def _read(companies: Companies, company_id: str) -> Record:
    record = companies.api.companies.read(company_id)
    if not record or not record_id(record):
        raise Gone(f"planhat company {company_id} is gone", person="This company is no longer there in Planhat.")
    return record


def _changes(companies: Companies, record: Record, values: Values) -> Record:
    body: dict[str, Any] = {}
    if "phase" in values:
        body["phase"] = companies.phase(values["phase"]) if values["phase"] else None
    if "owner" in values:
        body["owner"] = _colleague(companies, values["owner"]) if values["owner"] else None
    if values.get("add_tags") or values.get("remove_tags"):
        body["tags"] = _tags(record, values)
    stands = {"phase": record.get("phase"), "owner": owner_id(record) or None, "tags": record.get("tags") or []}
    return {name: value for name, value in body.items() if value != stands[name]}


def _colleague(companies: Companies, email: str) -> str:
    user = companies.api.users.by_email(email)
    if user is None:
        raise FixSettings(
            f"no active planhat user has the address {email}",
            person=f"Planhat has no active colleague with the address {email}. Check the address, or invite them there.",
            code="unknown_owner",
        )
    return record_id(user)


def _tags(record: Record, values: Values) -> list[str]:
    """The tags as they stand, without those to be removed and with those to be added, each once whatever its case."""
    gone = {folded(tag) for tag in values.get("remove_tags") or ()}
    stands = [str(tag) for tag in record.get("tags") or () if folded(str(tag)) not in gone]
    known = {folded(tag) for tag in stands} | {""}
    for tag in values.get("add_tags") or ():
        if folded(tag) not in known:
            known.add(folded(tag))
            stands.append(tag.strip())
    return stands
