"""A connection whose vendor keeps companies in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from planeapp.customers.models import Book, Company, CompanyChange
from planeapp.installations.models import Connection
from planeapp.providers import PROVIDERS
from tests.customers.factories import KnowingConnectionFactory
from tests.providers.memory_companies import Companies, MemoryWithCompanies


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Companies]:
    """The pretended vendor of this test alone."""
    monkeypatch.setitem(PROVIDERS, "memory", "tests.providers.memory_companies.MemoryWithCompanies")
    MemoryWithCompanies.shelf = Companies()
    yield MemoryWithCompanies.shelf
    del MemoryWithCompanies.shelf


@pytest.fixture
def connection(db: None, shelf: Companies) -> Connection:
    """Connected to it; nothing was read yet."""
    made: Connection = KnowingConnectionFactory(provider="memory")
    return made


def read_before(connection: Connection) -> None:
    """The first whole look is over."""
    Book.objects.update_or_create(connection=connection, defaults={"number": 1, "newest": "0"})


def names(connection: Connection) -> list[str]:
    """The companies that are there, by name."""
    return sorted(Company.objects.filter(connection=connection, gone_at=None).values_list("name", flat=True))


def told(connection: Connection) -> list[tuple[str, object, object]]:
    """What changed, in order."""
    changes = CompanyChange.objects.filter(company__connection=connection).order_by("pk")
    return [(change.field, change.before, change.after) for change in changes]
