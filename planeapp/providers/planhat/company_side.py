"""Planhat's companies for one connection: the part of the provider's contract that is about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from planeapp.lib.domains import domain_of
from planeapp.lib.errors import FixSettings, GroundcrewError
from planeapp.providers.base import Company, CompanyPage, Contact, Party, PhoneCall, Provider, Tally, Values
from planeapp.providers.planhat import (
    calls,
    company_values,
    company_writing,
    contacts,
    mapping,
    matching,
    tally_writing,
    telling,
)
from planeapp.providers.planhat.companies import Companies
from planeapp.providers.planhat.models import Json, Record, record_id
from planeapp.providers.planhat.recent import Recent
from planeapp.providers.planhat.resources import Api
from planeapp.providers.planhat.team import Team


class CompanySide(Provider):
    """Companies, their people, and what is left on them."""

    api: Api

    @cached_property
    def team(self) -> Team:
        """The customer's colleagues."""
        return Team(self.api, self.access.notes)

    @cached_property
    def reader(self) -> Companies:
        """Reads companies."""
        return Companies(self.api, self.access, self.team)

    def parties(self, query: str) -> Sequence[Party]:
        """Companies by id, external id, name, domain or similar name; best first, at most 20."""
        companies = self._names()
        if domain_of(query) and not matching.exact(query, companies):
            # Only the full records know domains, so they are read when nothing else fits.
            companies = list(self.api.companies.all(select=("name", "externalId", "domains")).records)
        return [_found(company) for company in matching.best(query, companies)]

    def party(self, party_id: str) -> Party | None:
        """One company with phase, health, owner, revenue and renewal, as far as Planhat tells them."""
        company = self.api.companies.read(party_id)
        if not company:
            return None
        money = company_values.money(company, self.reader.chosen_revenue)
        return mapping.party(company, self._owner(company), money)

    def companies(self, cursor: str = "") -> CompanyPage:
        """One page of all companies, as large as Planhat gives them."""
        return self.reader.page(cursor)

    def recent_companies(self, since: str) -> tuple[Sequence[Company], str] | None:
        """Those that changed lately, where the account's list can be ordered by it."""
        return Recent(self.reader).since(since)

    def company(self, company_id: str) -> Company | None:
        """One company by its ``_id``, or None when it is gone."""
        return self.reader.one(company_id)

    def update_company(self, company_id: str, values: Values) -> Company:
        """Write ``phase``, ``owner``, ``add_tags`` or ``remove_tags``. Gone when there is no such company."""
        return company_writing.update(self.reader, company_id, values)

    def write_tallies(self, tallies: Mapping[str, Tally]) -> Mapping[str, GroundcrewError]:
        """Write figures in bulk into custom fields of ours. FixSettings when these cannot be had."""
        return tally_writing.write(self.api, self.access, tallies)

    def tell(self, company_id: str, how: str, title: str, html: str, mark: str) -> str:
        """Leave a ``note``, or a ``task`` for the owner."""
        return telling.tell(self.api, self.team, company_id, how, title, html, mark)

    def contacts(self, company_id: str) -> Sequence[Contact]:
        """The company's people, by name."""
        return contacts.of_company(self.api, company_id)

    def add_contact(self, company_id: str, email: str, name: str = "") -> Contact:
        """Add a person; who is there already with this address is given back."""
        return contacts.add(self.api, company_id, email, name)

    def remove_contact(self, contact_id: str) -> None:
        """Remove a person that we added. Nothing happens when it is gone."""
        self.api.endusers.delete(contact_id)

    def log_call(self, call: PhoneCall) -> str:
        """Write down a phone call, by whichever of the two ways the account has; its id, if one was told."""
        return calls.log(self.api, self.access, call)

    def remove_call(self, call_id: str) -> None:
        """Remove a call that we wrote down. Nothing happens when it is gone."""
        self.api.calls.delete(call_id)

    def _names(self) -> Sequence[Record]:
        try:
            return self.api.lean_companies()
        except FixSettings:  # not offered to every token; the full list shows the same names
            return self.api.companies.all(select=("name", "externalId", "domains")).records

    def _owner(self, company: Json) -> str:
        ident = mapping.owner_id(company)
        if not ident:
            return ""
        try:
            user = self.api.users.read(ident)
        except FixSettings:
            return "not visible to this Planhat token"
        return mapping.user_name(user) if user else "no longer on the team"


def _found(company: Json) -> Party:
    """A search hit: its external id is what tells companies of one name apart."""
    external = str(company.get("externalId") or "")
    return Party(record_id(company), str(company.get("name") or ""), (("External id", external),) if external else ())
