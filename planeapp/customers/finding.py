"""Which companies a person means, also those that our copy does not know yet."""

from __future__ import annotations

from contextlib import closing

from planeapp.customers.book import book_of
from planeapp.customers.cache import by_ids, take
from planeapp.customers.models import Company
from planeapp.customers.search import search
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection

MOST_READ = 6
"""So many companies that are new to us are read for one question."""


def find(connection: Connection, query: str) -> list[Company]:
    """Companies that fit ``query``, best first; the vendor is asked when our copy knows none, or was not read yet."""
    book = book_of(connection)
    found = search(connection, query)
    if found and book.number > 0:
        return found
    with closing(provider_for(connection)) as provider:
        parties = provider.parties(query)[:MOST_READ]
        known = by_ids(connection, [party.id for party in parties])
        told = [provider.company(party.id) for party in parties if party.id not in known]
    take(connection, [one for one in told if one is not None], quiet=book.number == 0)
    known = by_ids(connection, [party.id for party in parties])
    return [known[party.id] for party in parties if party.id in known]


def concerned(connection: Connection, company: Company, email: str) -> list[str]:
    """Ids of the company's people with this address: asked for only when its domain is one of the company's."""
    domain = email.lower().partition("@")[2]
    if not domain or not company.domains.filter(domain=domain).exists():
        return []
    with closing(provider_for(connection)) as provider:
        return [one.id for one in provider.contacts(company.remote_id) if one.email.lower() == email.lower()]
