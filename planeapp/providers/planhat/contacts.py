"""A company's people.

Source: Planhat developer docs, "End user": ``externalId`` is unique inside a company, an address is not, and one person
may be at two companies. Adding is a POST, so one looks before it and again when its answer is lost.
"""

from __future__ import annotations

from planeapp.lib.errors import FixSettings, Gone, OutcomeUnknown, RetryLater
from planeapp.lib.folding import folded
from planeapp.providers.base import Contact
from planeapp.providers.planhat.models import Json, Record, record_id
from planeapp.providers.planhat.resources import Api


def contact(record: Json) -> Contact:
    """A person in our words."""
    full = f"{record.get('firstName') or ''} {record.get('lastName') or ''}".strip()
    email = str(record.get("email") or "")
    return Contact(
        id=record_id(record),
        name=full or str(record.get("name") or "") or email,
        email=email,
        phone=str(record.get("phone") or ""),
        position=str(record.get("position") or ""),
    )


def of_company(api: Api, company_id: str) -> list[Contact]:
    """The company's people by name, without those that were archived."""
    found = (record for record in api.endusers.of_company(company_id).records if record.get("archived") is not True)
    return sorted((contact(record) for record in found), key=lambda one: (folded(one.name), one.id))


def add(api: Api, company_id: str, email: str, name: str = "") -> Contact:
    """The person with this address at the company, added when missing. Gone for a company that is not there."""
    address = email.strip().lower()
    if "@" not in address or " " in address:
        raise FixSettings(
            f"not an e-mail address: {email[:100]!r}", person=f"“{email}” is no e-mail address. Please check it."
        )
    people = list(api.endusers.of_company(company_id).records)
    found = _with_address(people, address)
    if found is None and not people and api.companies.read(company_id) is None:
        raise Gone(f"planhat company {company_id} is gone", person="This company is no longer there in Planhat.")
    return contact(found or _added(api, company_id, address, name))


def _added(api: Api, company_id: str, email: str, name: str) -> Record:
    first, _, last = name.strip().partition(" ")
    told = {"companyId": company_id, "email": email, "firstName": first, "lastName": last.strip()}
    try:
        made = api.endusers.create({key: value for key, value in told.items() if value})
    except (OutcomeUnknown, FixSettings) as problem:  # it may be there by now, or somebody else was faster
        found = _looked_up(api, company_id, email)
        if found is None and isinstance(problem, OutcomeUnknown):
            raise RetryLater(f"{problem}; not there when looked for") from problem
        if found is None:
            raise
        return found
    if record_id(made):
        return made
    found = _looked_up(api, company_id, email)
    if found is None:
        raise RetryLater("POST endusers: answered without the contact, and it is not there")
    return found


def _looked_up(api: Api, company_id: str, email: str) -> Record | None:
    return _with_address(api.endusers.of_company(company_id).records, email)


def _with_address(people: list[Record] | tuple[Record, ...], email: str) -> Record | None:
    """Who has exactly this address, as their first one rather than as another."""
    main = (one for one in people if str(one.get("email") or "").strip().lower() == email)
    others = (one for one in people if email in {str(other).strip().lower() for other in one.get("otherEmails") or ()})
    return next(main, None) or next(others, None)
