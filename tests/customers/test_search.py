from __future__ import annotations

import pytest
from django.utils import timezone

from planeapp.customers.models import CompanyDomain
from planeapp.customers.search import exact, search
from planeapp.installations.models import Connection
from tests.customers.factories import CompanyFactory, KnowingConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Connection:
    made: Connection = KnowingConnectionFactory()
    for ident, name, external in (("1", "Acme Air", "acme"), ("2", "Northwind", "nw-1"), ("3", "Northwind", "nw-2"),
                                  ("4", "Globex Cargo", ""), ("5", "Northern Lights", "")):  # fmt: skip
        CompanyFactory(connection=made, remote_id=ident, name=name, external_id=external)
    CompanyDomain.objects.create(company=made.companies.get(remote_id="4"), domain="globex.example")
    CompanyFactory(connection=made, name="Acme Air", gone_at=timezone.now())
    CompanyFactory(name="Acme Air")  # of another workspace
    return made


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("acme", ["1"]),  # an external id before a name that begins so
        ("ACME  air", ["1"]),
        ("acme ari", ["1"]),
        ("northwind", ["2", "3"]),
        ("nw-2", ["3"]),
        ("jo@globex.example", ["4"]),
        ("https://www.globex.example/about", ["4"]),
        ("north", ["5", "2", "3"]),
        ("zzz", []),
        ("   ", []),
    ],
)
def test_companies_are_found_by_id_name_domain_beginning_and_likeness(
    connection: Connection, query: str, ids: list[str]
) -> None:
    found = [company.remote_id for company in search(connection, query)]
    assert found[: len(ids)] == ids and (ids or not found)


def test_no_more_than_asked_for_and_none_twice(connection: Connection) -> None:
    found = [company.remote_id for company in search(connection, "north", most=2)]
    assert found == ["5", "2"]


def test_only_what_is_named_exactly_is_exact(connection: Connection) -> None:
    assert [company.remote_id for company in exact(connection, "Northwind")] == ["2", "3"]
    assert exact(connection, "North") == []
