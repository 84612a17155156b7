"""Leaving a note on a company, or a task for its owner, each at most once for a mark.

Source: Planhat developer docs, "Conversation" (a note is one of type ``note``; its key is ``externalId``), "Task" (its key
is ``sourceId``; the owner's field is ``ownerId``) and "Bulk upsert", by which one key leaves one record.
"""

from __future__ import annotations

from planeapp.lib.errors import FixSettings, Gone, RetryLater
from planeapp.providers.planhat import answers, notes
from planeapp.providers.planhat.mapping import MARK_PREFIX, owner_id
from planeapp.providers.planhat.models import Json, Record, record_id
from planeapp.providers.planhat.resources import Api, BulkResource
from planeapp.providers.planhat.team import Team

LONGEST_TITLE = 255


def tell(api: Api, team: Team, company_id: str, how: str, title: str, html: str, mark: str) -> str:
    """The id of the note or task (``how``) with this mark; one that is there already is left as it is.

    The mark counts within the company and is told apart over there from other programs' keys. Gone when there is no such
    company; FixSettings for any other ``how``.
    """
    if how not in ("note", "task"):
        raise FixSettings(f"planhat takes notes and tasks, not {how!r}")
    resource: BulkResource = api.conversations if how == "note" else api.tasks
    key = "externalId" if how == "note" else "sourceId"
    mark = f"{MARK_PREFIX}{company_id}:{mark}"
    known = _known(resource, key, mark)
    if known:
        return known
    company = api.companies.read(company_id)
    if not company:
        raise Gone(f"planhat company {company_id} is gone", person="This company is no longer there in Planhat.")
    line, text = " ".join(title.split())[:LONGEST_TITLE], notes.for_planhat(html)
    body = {"companyId": company_id, key: mark, "description": text}
    more = {"type": "note", "subject": line} if how == "note" else _task(team, company, line)
    return _written(resource, key, mark, {**body, **more})


def _task(team: Team, company: Record, title: str) -> Json:
    """For the company's owner; for nobody in particular when that one has left."""
    owner = owner_id(company)
    colleague = team.known([owner]).get(owner) if owner else None
    mine = {"ownerId": owner} if owner and (colleague is None or colleague.active) else {}
    return {"mainType": "task", "action": title, **mine}


def _known(resource: BulkResource, key: str, mark: str) -> str:
    """The id of the record with this mark, as far as Planhat finds records of this model by it."""
    try:
        return record_id(resource.by_key(key, mark) or {})
    except FixSettings as problem:
        if problem.code == "no_permission":
            raise
        return ""


def _written(resource: BulkResource, key: str, mark: str, body: Json) -> str:
    result = resource.upsert([body])
    where = f"PUT {resource.model.path} {mark}"
    if mark in result.permission_errors:
        why = result.permission_errors[mark]
        raise answers.no_permission(resource.model, f"{where}: {why}", why)
    why = result.errors.get(mark) or "; ".join(result.unplaced)
    if why:
        raise FixSettings(f"{where}: {why}", person=f"Planhat did not take this: {why}.")
    found = result.ids.get(mark) or _known(resource, key, mark)
    if not found:
        raise RetryLater(f"{where}: not there after it was written")
    return found
