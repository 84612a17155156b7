"""Reading companies: page by page, or one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planeapp.lib.errors import OutOfQuota, RetryLater
from planeapp.lib.folding import folded
from planeapp.providers.base import Access, Company, CompanyPage
from planeapp.providers.planhat import company_values, tally_fields
from planeapp.providers.planhat.company_values import CUSTOM, REVENUES, Reading
from planeapp.providers.planhat.mapping import owner_id
from planeapp.providers.planhat.models import SUSPECT_PAGES, Json, Record, record_id
from planeapp.providers.planhat.remembered import Remembered
from planeapp.providers.planhat.resources import Api
from planeapp.providers.planhat.team import Team

BASE_FIELDS = (
    *("name", "externalId", "sourceId", "domains", "phase", "status", "h", "owner", "renewalDate", "tags", "custom"),
)
SMALLEST_PAGE = 1250
"""When Planhat does not come to the end of a page, half of it is asked for, down to this size."""
LONG_TYPES = frozenset({"rich text"})
"""Types of custom fields that are left out: pages of text, which Planhat's editor rewrites."""
PHASES_NOTE, REVENUE_NOTE = "phases", "revenue_field"
MOST_PHASES = 200


@dataclass(frozen=True)
class Bookmark:
    """Where a look at all companies stands: the offset of the next page, the id of the last company before it, and how
    many companies a page holds."""

    offset: int = 0
    last: str = ""
    size: int = 0

    @classmethod
    def read(cls, cursor: str, size: int) -> Bookmark:
        """From its text; one that is not ours means the beginning."""
        try:
            offset, last, told = json.loads(cursor)
            return cls(int(offset), str(last), min(int(told), size))
        except (ValueError, TypeError):
            return cls(size=size)

    def text(self) -> str:
        """As it is handed out."""
        return json.dumps([self.offset, self.last, self.size], separators=(",", ":"))


class Companies:
    """The companies of one account, as :class:`planeapp.providers.base.Company`."""

    def __init__(self, api: Api, access: Access, team: Team) -> None:
        self.api, self.access, self.team = api, access, team
        self._fields = Remembered(access.notes, "company_fields", self._ask_fields)

    @property
    def select(self) -> tuple[str, ...]:
        """The fields that are asked for in lists: what we use, since thousands come at once."""
        chosen = self.chosen_revenue
        return (*BASE_FIELDS, chosen) if chosen in REVENUES else BASE_FIELDS

    @property
    def chosen_revenue(self) -> str:
        """The field that an admin called revenue."""
        return str(self.access.settings.get("revenue") or REVENUES[0])

    def page(self, cursor: str) -> CompanyPage:
        """One page, sorted by id. Pages overlap by one company, which tells whether any moved in between."""
        at = Bookmark.read(cursor, self.api.companies.model.page)
        records, size = self._records(at)
        steady = not at.last or (bool(records) and record_id(records[0]) == at.last)
        # The last of the page before may be all there is; else it was told already.
        fresh = records[1:] if at.last and steady else records
        last = record_id(records[-1]) if records else ""
        stuck = len(records) > 1 and last == at.last  # the offset has no effect: asking on would never end
        ended = len(records) < size and len(records) not in SUSPECT_PAGES
        following = "" if ended or stuck else Bookmark(at.offset + len(records) - 1, last, size).text()
        return CompanyPage(tuple(self.understood(fresh)), following, steady)

    def one(self, company_id: str) -> Company | None:
        """One company by its ``_id``; None when it is gone."""
        record = self.api.companies.read(company_id)
        return self.understood([record])[0] if record and record_id(record) else None

    def understood(self, records: Sequence[Record]) -> list[Company]:
        """Records as companies, each once."""
        rows = {record_id(record): record for record in records if record_id(record)}
        reading = self.reading(rows.values())
        self._remember_phases(rows.values())
        return [company_values.company(record, reading) for record in rows.values()]

    def reading(self, records: Iterable[Json]) -> Reading:
        """What these records are understood with; asks for users and custom fields only when some are new."""
        owners, keys = set[str](), set[str]()
        for record in records:
            owners.add(owner_id(record))
            customs = record.get("custom")
            keys |= set(customs) if isinstance(customs, Mapping) else set()
        fields = self._fields.known(keys)
        return Reading(
            colleagues=self.team.known(owners - {""}),
            customs=None if self._fields.refused else _told(fields),
            ours=tally_fields.known_names(self.access.notes),
            revenue=self._revenue(fields),
            slug=str(self.access.settings.get("tenant_slug") or ""),
        )

    def phase(self, wanted: str) -> str:
        """A phase as this account writes it, where it has one that differs in letter case alone."""
        known = self._phases()
        if wanted in known:
            return wanted
        return next((phase for phase in known if folded(phase) == folded(wanted)), wanted)

    def _records(self, at: Bookmark) -> tuple[list[Record], int]:
        """A page from there, and the size that Planhat could manage (it gives up on heavy lists with a 504)."""
        size = at.size
        while True:
            try:
                params: dict[str, str | int] = {
                    "limit": size,
                    "offset": at.offset,
                    "sort": "_id",
                    "select": ",".join(self.select),
                }
                return self.api.companies.page(params), size
            except OutOfQuota:
                raise
            except RetryLater:
                if size // 2 < SMALLEST_PAGE:
                    raise
                size //= 2

    def _ask_fields(self) -> dict[str, Any]:
        found = self.api.custom_fields.of("company")
        return {str(one.get("name") or ""): [record_id(one), str(one.get("type") or "")] for one in found}

    def _revenue(self, fields: Mapping[str, Any]) -> str:
        """The revenue field, under the name that it has by now: people rename custom fields."""
        chosen = self.chosen_revenue
        if not chosen.startswith(CUSTOM):
            return chosen
        name = chosen.removeprefix(CUSTOM)
        kept = (self.access.notes.read(REVENUE_NOTE) or ({}, 0.0))[0]
        if name in fields:
            told = {"name": name, "id": fields[name][0]}
            if told != kept:
                self.access.notes.write(REVENUE_NOTE, told)
            return chosen
        wanted = kept.get("id") if kept.get("name") == name else None
        return next((f"{CUSTOM}{now}" for now, (ident, _) in fields.items() if ident == wanted), chosen)

    def _phases(self) -> list[str]:
        return list((self.access.notes.read(PHASES_NOTE) or ([], 0.0))[0])

    def _remember_phases(self, records: Iterable[Json]) -> None:
        """Phases are free text, so what companies have is all that is known of them."""
        told = {str(record["phase"]) for record in records if record.get("phase")}
        known = self._phases()
        if told - set(known):
            self.access.notes.write(PHASES_NOTE, sorted({*known, *told})[:MOST_PHASES])


def _told(fields: Mapping[str, Any]) -> frozenset[str]:
    """The custom fields whose values are told."""
    return frozenset(name for name, (_, kind) in fields.items() if name and kind not in LONG_TYPES)
