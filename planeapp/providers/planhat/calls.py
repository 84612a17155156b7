"""Writing down a phone call: with the token, or on the open endpoint where accounts offer only that one.

Source: Planhat API page, "Calls". Planhat's docs of today do not tell of them any more, so an account may have neither.
"""

from __future__ import annotations

from planeapp.lib.errors import FixSettings, ReconnectNeeded
from planeapp.providers.base import Access, PhoneCall
from planeapp.providers.planhat import mapping
from planeapp.providers.planhat.client import TENANT_SLOT
from planeapp.providers.planhat.models import record_id
from planeapp.providers.planhat.resources import Api

ELSEWHERE = frozenset({"not_available", "no_permission"})
"""What the open endpoint may still mend."""


def log(api: Api, access: Access, call: PhoneCall) -> str:
    """Write the call down and give its id; the open endpoint tells none. OutcomeUnknown when the answer was lost: calls carry
    no mark by which to look for them.
    """
    body = mapping.call_body(
        call.number,
        _agent(api, call.agent),
        start=call.start,
        end=call.end,
        waiting=call.waiting,
        names="later" if access.settings.get("call_names") == "later" else "first",
    )
    try:
        return record_id(api.calls.create(body))
    except FixSettings as problem:
        tenant = tenant_of(access) if problem.code in ELSEWHERE else ""
        if not tenant:
            raise
    return record_id(api.calls.create_open(tenant, body))


def tenant_of(access: Access) -> str:
    """The tenant's UUID, ``""`` when an admin gave none. A secret: it opens the account for writing."""
    try:
        return access.token(TENANT_SLOT)
    except (FixSettings, ReconnectNeeded):
        return ""


def _agent(api: Api, email: str) -> str:
    """The colleague's id in the customer's own system, else the address."""
    try:
        user = api.users.by_email(email)
    except FixSettings:
        return email
    return str((user or {}).get("externalId") or "") or email
