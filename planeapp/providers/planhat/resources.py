"""Planhat's resources, a method per call, with the oddities of each.

Source: Planhat API page (companies, team, contacts, calls) and developer docs (issues, tasks, conversations, custom
fields, bulk upsert). Lists take no filter on trust: Planhat ignores the ones it does not know and answers with
everything, so each filter is applied here once more, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from planeapp.lib.errors import FixSettings, Gone, OutcomeUnknown, RetryLater
from planeapp.providers.base import Access
from planeapp.providers.planhat import answers, bulk, models
from planeapp.providers.planhat.bulk import BulkResult
from planeapp.providers.planhat.client import Client, Scan
from planeapp.providers.planhat.models import Json, Model, Record, record_id


class Resource:
    """Create, read, update, delete and list the records of one model."""

    def __init__(self, client: Client, model: Model) -> None:
        self.client = client
        self.model = model

    def create(self, body: Json) -> Record:
        """POST; the new record, or ``{}`` when the answer had no body. OutcomeUnknown when the answer was lost."""
        return self.client.create(self.model, body)

    def read(self, ident: str) -> Record | None:
        """One record by ``_id``, or None when it is gone."""
        try:
            return self.client.one(self.model, ident)
        except Gone:
            return None

    def update(self, ident: str, body: Json) -> Record:
        """Change the named fields; the record as answered (``{}`` when it was not). Gone when there is none."""
        return self.client.update(self.model, ident, body)

    def delete(self, ident: str) -> bool:
        """Remove a record; False when it was gone already."""
        try:
            answer = self.client.remove(self.model, ident)
        except Gone:
            return False
        return answer.get("deletedCount") != 0  # many answers have no body at all

    def page(self, params: Mapping[str, str | int]) -> list[Record]:
        """One page of the list, as Planhat gives it."""
        return self.client.page(self.model, params)

    def all(self, *, select: Sequence[str] = ()) -> Scan:
        """Every record. ``select`` names the fields that are wanted; ``_id`` always comes."""
        return self.client.scan(self.model, {"select": ",".join(select)} if select else {})

    def by_key(self, name: str, value: str) -> Record | None:
        """The record whose ``sourceId`` or ``externalId`` (``name``) is exactly ``value``, by a prefixed path."""
        if not value:
            return None
        record = self.read(f"{'srcid' if name == 'sourceId' else 'extid'}-{value}")
        return record if record is not None and record.get(name) == value else None


class BulkResource(Resource):
    """A model that takes bulk upserts."""

    def upsert(self, rows: Iterable[Json]) -> BulkResult:
        """Write records by their keys, 5,000 at a time, one batch after the other; failures are in the result.

        Raises when a whole call was refused (no such model, no permission at all, quota, no answer).
        """
        return bulk.write_all(self._put, self.model, rows)

    def _put(self, rows: Sequence[Json]) -> BulkResult:
        status, body, asked = self.client.put_all(self.model, rows)
        if bulk.is_report(body):
            return bulk.read_report(body, self.model, rows)
        text = answers.words(body)
        if status >= 400:
            raise answers.refusal(status, text, asked.problem(status, text), asked)
        raise answers.unreadable(asked, body)


class OfCompanies(BulkResource):
    """A model whose records belong to companies: ``field`` holds the id, or the ids."""

    def __init__(self, client: Client, model: Model, field: str, filters: tuple[str, ...] = ("companyId",)) -> None:
        super().__init__(client, model)
        self.field = field
        self.filters = filters

    def of_company(self, company_id: str) -> Scan:
        """The records of one company, by its ``_id``."""
        scan = self.client.scan(self.model, dict.fromkeys(self.filters, company_id))
        return Scan(tuple(record for record in scan.records if self._belongs(record, company_id)), scan.complete)

    def _belongs(self, record: Json, company_id: str) -> bool:
        value = record.get(self.field)
        return company_id in value if isinstance(value, list) else value == company_id


class Users(BulkResource):
    """Planhat's own users: the customer's colleagues."""

    def by_email(self, email: str) -> Record | None:
        """The user with exactly this e-mail address (letter case apart), or None. Hidden and removed ones count not."""
        wanted = email.strip().lower()
        if not wanted:
            return None
        found = self.page({"email": wanted, "limit": self.model.page})
        return next(
            (user for user in found if str(user.get("email") or "").lower() == wanted and is_active(user)), None
        )


class Calls(Resource):
    """Phone calls: on older accounts only (404: FixSettings ``not_available``); there is no list."""

    def create_open(self, tenant: str, body: Json) -> Record:
        """POST to the open endpoint of a tenant: no Authorization header is sent, and no error or log line names the
        tenant.
        """
        return self.client.open_post(self.model, tenant, body)


class CustomFields(Resource):
    """Definitions of custom fields. Values under a name without definition are kept but shown nowhere."""

    def of(self, parent: str) -> list[Record]:
        """The definitions of one model, by its lower-case name (``company``, ``issue``)."""
        scan = self.client.scan(self.model, {"parent": parent})
        return [record for record in scan.records if record.get("parent") == parent]

    def make(self, parent: str, name: str, kind: str) -> Record:
        """A new definition. ``kind`` is Planhat's type (``number``, ``date``); one of that name that is there after all is
        given back, since a POST whose answer is lost may have happened.
        """
        wanted = {"parent": parent, "name": name, "type": kind, "isHidden": False, "isFeatured": True}
        try:
            made = self.create(wanted)
        except (OutcomeUnknown, FixSettings) as problem:
            found = None if problem.code == "no_permission" else definition_named(self.of(parent), name)
            if found is None and isinstance(problem, OutcomeUnknown):
                raise RetryLater(f"{problem}; not there when looked for") from problem
            if found is None:
                raise
            return found
        found = made if record_id(made) else definition_named(self.of(parent), name)
        if found is None:
            raise RetryLater(f"POST customfields {parent}/{name}: not there after it was made")
        return found


class Api:
    """Every resource of one account."""

    def __init__(self, access: Access) -> None:
        client = Client(access)
        self.client = client
        self.companies = BulkResource(client, models.COMPANIES)
        self.endusers = OfCompanies(client, models.ENDUSERS, "companyId", ("c", "companyId"))
        self.users = Users(client, models.USERS)
        self.calls = Calls(client, models.CALLS)
        self.issues = OfCompanies(client, models.ISSUES, "companyIds")
        self.tasks = OfCompanies(client, models.TASKS, "companyId")
        self.conversations = OfCompanies(client, models.CONVERSATIONS, "companyId")
        self.custom_fields = CustomFields(client, models.CUSTOM_FIELDS)

    def my_profile(self) -> Record | None:
        """The user that the token belongs to; None or FixSettings on accounts that do not know the call any more."""
        return self.client.one(models.PROFILE)

    def lean_companies(self, *, external_id: str = "", source_id: str = "") -> list[Record]:
        """Every company as ``{_id, name, externalId?, sourceId?, slug?}`` in one answer, or those with exactly these
        ids.
        """
        wanted = {name: value for name, value in (("externalId", external_id), ("sourceId", source_id)) if value}
        found = self.client.page(models.LEAN_COMPANIES, wanted)
        return [
            one for one in found if record_id(one) and all(one.get(name) == value for name, value in wanted.items())
        ]


def is_active(user: Json) -> bool:
    """Whether a Planhat user can own something: not removed, not inactive, not hidden."""
    return not any(user.get(flag) for flag in ("removed", "inactive", "isHidden"))


def definition_named(defined: Iterable[Record], name: str) -> Record | None:
    """The definition of that name; Planhat refuses two names that differ in letter case alone."""
    return next((one for one in defined if str(one.get("name") or "").casefold() == name.casefold()), None)
