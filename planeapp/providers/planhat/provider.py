"""Planhat for one connection: work items as issues on companies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from planeapp.lib.budget import Terms
from planeapp.lib.errors import FixSettings, Gone, GroundcrewError
from planeapp.providers.base import Access, Direction, Field, HandWebhook, Item, Listing, Place, Report, Values, Write
from planeapp.providers.planhat import answers, calls, events, mapping, models, quota
from planeapp.providers.planhat.bulk import BulkResult
from planeapp.providers.planhat.company_side import CompanySide
from planeapp.providers.planhat.models import BULK_ITEMS, Json, record_id
from planeapp.providers.planhat.probe import probe
from planeapp.providers.planhat.resources import Api

SELECT = (
    *("title", "status", "priority", "companyIds", "enduserIds", "source", "sourceId", "sourceUrl", "archived"),
    "updatedAt",
)
SINGLE_LOOKUPS = 5
"""Up to so many rows are looked up one by one; beyond, one listing is cheaper."""

_OUT: tuple[Direction, ...] = ("off", "out")


class Planhat(CompanySide):
    """Issues that carry our mark, one way: Plane → Planhat; and companies, see :class:`CompanySide`.

    Issues are archived, never deleted, which keeps their history over there; an archived one counts as gone here.
    Items that ``create`` and ``update`` give back have the values that were sent, ``notes`` included; items that are
    read have no ``notes`` (see ``mapping.issue_values``).
    """

    key: ClassVar[str] = "planhat"
    name: ClassVar[str] = "Planhat"
    terms: ClassVar[Terms] = quota.TERMS
    bulk: ClassVar[int] = BULK_ITEMS
    place_name: ClassVar[str] = "model"
    only_place: ClassVar[Place | None] = Place("issues", "Issues")
    hand_webhook: ClassVar[HandWebhook | None] = events.BY_HAND
    fields: ClassVar[tuple[Field, ...]] = (
        Field("title", "Title", "out", _OUT),
        Field("notes", "Description", "out", _OUT),
        Field("state", "Status", "out", _OUT),
        Field("priority", "Priority", "out", _OUT),
        Field("parties", "Companies", "out", _OUT),
        Field("contacts", "Contacts", "out", _OUT),
        Field("url", "Link to the work item", "out", _OUT),
    )

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self.api = Api(access)

    def probe(self) -> Report:
        """The permission table. Writes nothing. ReconnectNeeded for a bad token or a wrong region."""
        return probe(self.api, open_calls=bool(calls.tenant_of(self.access)))

    def places(self) -> Sequence[Place]:
        """The one place there is."""
        return [self.only_place] if self.only_place else []

    def held_back(self, values: Values) -> str:
        """``no_company``: an issue without a company is seen by nobody over there."""
        return "" if values.get("parties") else "no_company"

    def list(self, place: str) -> Listing:
        """Our issues that are not archived. Everything is read, since Planhat has no filter for it."""
        scan = self.api.issues.all(select=SELECT)
        rows = (record for record in scan.records if mapping.is_ours(record) and mapping.is_there(record))
        return Listing(tuple(self._read(record) for record in rows), scan.complete)

    def get(self, place: str, item_id: str) -> Item | None:
        """One issue by its id; None when it is gone or archived."""
        record = self.api.issues.read(item_id)
        return self._read(record) if record and mapping.is_there(record) else None

    def find(self, place: str, mark: str) -> Sequence[Item]:
        """The issue whose ``sourceId`` is exactly ``mark``, if it is there and not archived."""
        record = self.api.issues.by_key("sourceId", mark)
        return [self._read(record)] if record and mapping.is_there(record) else []

    def create(self, place: str, values: Values, mark: str) -> Item:
        """Write the issue by its mark: repeating it leaves one issue, and an archived one comes back."""
        outcome = self.write_many(place, [Write(mark, values)])[mark]
        if isinstance(outcome, GroundcrewError):
            raise outcome
        return outcome

    def write_many(self, place: str, writes: Sequence[Write]) -> Mapping[str, Item | GroundcrewError]:
        """Write issues by their marks in bulk: for each mark the issue, or why it was refused."""
        bodies = {one.mark: _body(one) for one in writes}
        result = self.api.issues.upsert(list(bodies.values()))
        known = {one.mark: one.row.id for one in writes if one.row is not None}
        ids = {**known, **self._missing_ids([mark for mark in bodies if mark not in known], result), **result.ids}
        return {one.mark: self._outcome(one, bodies[one.mark], ids.get(one.mark, ""), result) for one in writes}

    def update(self, place: str, item: Item, values: Values) -> Item:
        """Write the named fields. Gone when the issue is gone or somebody archived it."""
        record = self.api.issues.update(item.id, mapping.issue_body(values, item.values)) or self.api.issues.read(
            item.id
        )
        if not record or not mapping.is_there(record):
            raise Gone(f"planhat issue {item.id} is gone or archived")
        read = self._item(record)
        return replace(read, values={**item.values, **read.values, **_told(values)}, mark=read.mark or item.mark)

    def delete(self, place: str, item: Item) -> None:
        """Archive the issue; nothing happens when it is gone."""
        try:
            self.api.issues.update(item.id, {"archived": True})
        except Gone:
            return

    def _read(self, record: Json) -> Item:
        """An issue as Planhat tells it. One that names no people has none: what we wrote before we knew of them lacks the
        field, and is not written again for that."""
        return self._item({**record, "enduserIds": record.get("enduserIds") or []})

    def _item(self, record: Json) -> Item:
        return mapping.issue_item(record, str(self.access.settings.get("tenant_slug") or ""))

    def _missing_ids(self, wanted: Sequence[str], result: BulkResult) -> dict[str, str]:
        """Ids of issues that the answer does not name: those in which nothing changed."""
        missing = [mark for mark in wanted if not result.settled(mark)]
        if len(missing) > SINGLE_LOOKUPS:
            scan = self.api.issues.all(select=("sourceId",))
            return {str(record.get("sourceId")): record_id(record) for record in scan.records}
        found = ((mark, self.api.issues.by_key("sourceId", mark)) for mark in missing)
        return {mark: record_id(record) for mark, record in found if record}

    def _outcome(self, one: Write, body: Json, ident: str, result: BulkResult) -> Item | GroundcrewError:
        mark = one.mark
        if mark in result.permission_errors:
            why = result.permission_errors[mark]
            return answers.no_permission(models.ISSUES, f"PUT issues {mark}: {why}", why)
        if mark in result.errors or not ident:
            why = (
                result.errors.get(mark)
                or "; ".join(result.unplaced)
                or "Planhat does not show the issue after writing it"
            )
            return FixSettings(
                f"PUT issues {mark}: {why}",
                person=f"Planhat did not accept this issue: {why}. Correct it, or link another company, and try again.",
            )
        read = self._item({**body, "_id": ident})
        before = one.row.values if one.row else {}
        return replace(read, values={**before, **read.values, **_told(one.values)})


def _body(one: Write) -> Json:
    """The issue to send: whole for a new one, else the named fields and the key."""
    if one.row is None:
        return mapping.new_issue(one.values, one.mark)
    return {**mapping.issue_body(one.values, one.row.values), "sourceId": one.mark}


def _told(values: Values) -> dict[str, object]:
    """The part of ``values`` that an issue can hold."""
    kept = {field.name for field in Planhat.fields} | {"key"}
    return {name: value for name, value in values.items() if name in kept}
