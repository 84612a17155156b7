"""Which references find their company by themselves, and which wait for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from planeapp.customers import settling
from planeapp.customers.models import Company, CompanyDomain, Errand, Reference
from planeapp.customers.reference_rows import Told, keep, leave_out
from planeapp.installations.models import Connection
from tests.customers.factories import CompanyFactory, KnowingConnectionFactory, ReferenceFactory

State, How = Reference.State, Reference.How


@pytest.fixture
def connection(db: None) -> Connection:
    made: Connection = KnowingConnectionFactory()
    return made


def company(connection: Connection, ident: str, name: str, *domains: str, **values: Any) -> Company:
    made: Company = CompanyFactory(connection=connection, remote_id=ident, name=name, **values)
    CompanyDomain.objects.bulk_create([CompanyDomain(company=made, domain=domain) for domain in domains])
    return made


def settled(connection: Connection, **values: Any) -> Reference:
    """A new reference, after a turn."""
    row = ReferenceFactory(connection=connection, **values)
    return again(connection, row)


def again(connection: Connection, row: Reference) -> Reference:
    settling.settle(connection)
    settling.propose(connection)
    row.refresh_from_db()
    return row


def told(row: Reference) -> tuple[str, str, str, list[str]]:
    return row.state, row.how, row.company.remote_id if row.company else "", row.candidates


def gone(company: Company) -> None:
    Company.objects.filter(pk=company.pk).update(gone_at=timezone.now())


@pytest.mark.parametrize(
    ("values", "ident", "how"),
    [
        ({"name": "Globex", "domain": "globex.com", "external_id": "A-1"}, "acme", How.EXTERNAL_ID),
        ({"name": "Acme Air", "domain": "globex.com"}, "globex", How.DOMAIN),
        ({"name": "ＧＬＯＢＥＸ", "domain": "elsewhere.example"}, "globex", How.NAME),
    ],
)
def test_the_external_id_decides_before_the_domain_and_the_domain_before_the_name(
    connection: Connection, values: dict[str, str], ident: str, how: str
) -> None:
    company(connection, "acme", "Acme Air", external_id="A-1")
    company(connection, "globex", "Globex", "globex.com")
    assert told(settled(connection, **values)) == (State.MATCHED, how, ident, [])


def test_namesakes_wait_for_a_person_with_all_of_them_proposed(connection: Connection) -> None:
    company(connection, "n1", "Northwind"), company(connection, "n2", "northwind")
    assert told(settled(connection, name="Northwind")) == (State.AMBIGUOUS, How.NAME, "", ["n1", "n2"])


def test_where_nothing_fits_similar_names_are_proposed(connection: Connection) -> None:
    company(connection, "globex", "Globex GmbH"), company(connection, "acme", "Acme Air")
    assert told(settled(connection, name="Globex Gmb")) == (State.UNMATCHED, "", "", ["globex"])
    assert told(settled(connection, name="Wayne Enterprises")) == (State.UNMATCHED, "", "", [])


def test_companies_of_another_connection_and_those_that_are_gone_never_fit(connection: Connection) -> None:
    company(KnowingConnectionFactory(), "acme", "Acme Air", "acme.com")
    gone(company(connection, "old", "Acme Air", "acme.com"))
    assert told(settled(connection, name="Acme Air", domain="acme.com")) == (State.UNMATCHED, "", "", [])


def test_what_a_person_decided_stays_whatever_matching_would_say(connection: Connection) -> None:
    globex, _ = company(connection, "globex", "Globex"), company(connection, "acme", "Acme Air")
    chosen = {"company": globex, "state": State.MATCHED, "how": How.PERSON, "decided_by": "Ada"}
    row = settled(connection, key="k", name="Acme Air", **chosen)
    keep(connection, Reference.Kind.CUSTOMER, {"k": Told("Acme Air International")})
    assert told(again(connection, row)) == (State.MATCHED, How.PERSON, "globex", [])
    left_out = settled(connection, name="Acme Air", state=State.IGNORED, decided_by="Ada")
    assert told(left_out)[0] == State.IGNORED


def test_a_new_namesake_does_not_unsettle_what_was_clear(connection: Connection) -> None:
    company(connection, "acme", "Acme Air")
    row = settled(connection, name="Acme Air")
    company(connection, "acme2", "Acme Air")
    assert told(again(connection, row))[:3] == (State.MATCHED, How.NAME, "acme")


def test_what_is_called_something_else_is_matched_anew(connection: Connection) -> None:
    company(connection, "acme", "Acme Air"), company(connection, "globex", "Globex")
    row = settled(connection, key="k", name="Acme Air")
    keep(connection, Reference.Kind.CUSTOMER, {"k": Told("ACME  air")})
    assert told(again(connection, row))[2] == "acme"
    keep(connection, Reference.Kind.CUSTOMER, {"k": Told("Globex")})
    row.refresh_from_db()
    assert row.company is None
    assert told(again(connection, row)) == (State.MATCHED, How.NAME, "globex", [])


@pytest.mark.parametrize("decided_by", ["", "Ada"])
def test_when_a_company_goes_away_its_likeliest_successor_is_proposed_and_not_taken(
    connection: Connection, decided_by: str
) -> None:
    acme = company(connection, "acme", "Acme Air", "acme.com", external_id="A-1")
    matched = {"company": acme, "state": State.MATCHED, "how": How.NAME, "decided_by": decided_by}
    row = settled(connection, name="Acme Air", **matched)
    gone(acme)
    company(connection, "b", "Acme Aviation", external_id="A-1"), company(connection, "c", "Acme Air")
    found = again(connection, row)
    assert told(found) == (State.UNMATCHED, How.EXTERNAL_ID, "acme", ["b", "c"])
    assert told(again(connection, row)) == told(found)


def test_a_company_that_comes_back_stands_where_it_stood(connection: Connection) -> None:
    acme = company(connection, "acme", "Acme Air")
    row = settled(connection, name="Acme Air")
    gone(acme)
    assert told(again(connection, row))[0] == State.UNMATCHED
    Company.objects.update(gone_at=None)
    assert told(again(connection, row))[::2] == (State.MATCHED, "acme")


def test_a_customer_that_we_made_stands_for_its_company_whatever_its_name(connection: Connection) -> None:
    company(connection, "acme", "Acme Air"), company(connection, "globex", "Globex")
    keep(connection, Reference.Kind.CUSTOMER, {"k": Told("Globex", made_for="acme")})
    row = again(connection, Reference.objects.get())
    assert told(row) == (State.MATCHED, How.CUSTOMER, "acme", [])


def test_proposals_follow_companies_that_are_new_and_are_not_sought_without_any(connection: Connection) -> None:
    company(connection, "old", "Globex Worldwide", changed_at=timezone.now() - timedelta(days=2))
    row = settled(connection, name="Globex World")
    Reference.objects.update(candidates=["kept as it is"], looked_at=timezone.now() - timedelta(days=1))
    assert again(connection, row).candidates == ["kept as it is"]
    company(connection, "new", "Globex World Inc", changed_at=timezone.now())
    Reference.objects.update(candidates=["old"])
    assert again(connection, row).candidates == ["new", "old"]


def test_more_than_one_turn_holds_is_left_to_the_next(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "COMPARED", 2)
    company(connection, "acme", "Acme Air")
    rows = ReferenceFactory.create_batch(3, connection=connection)
    again(connection, rows[0])
    assert Reference.objects.exclude(looked_at=None).count() == 2 and Errand.objects.get().kind == "match"
    again(connection, rows[0])
    assert Reference.objects.exclude(looked_at=None).count() == 3


def test_many_references_and_companies_take_a_handful_of_queries(
    connection: Connection, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    names = [f"company {number}" for number in range(60)]
    Company.objects.bulk_create([Company(connection=connection, remote_id=one, name=one, folded=one) for one in names])
    Reference.objects.bulk_create([Reference(connection=connection, key=one, name=one) for one in names])
    with django_assert_max_num_queries(12):
        settling.settle(connection)
    assert Reference.objects.filter(state=State.MATCHED).count() == 60
    with django_assert_max_num_queries(1):
        settling.settle(connection)


def test_what_plane_lists_no_more_is_marked_as_gone_and_comes_back_as_it_was(connection: Connection) -> None:
    company(connection, "acme", "Acme Air")
    row = settled(connection, key="k", name="Acme Air")
    leave_out(connection, Reference.Kind.CUSTOMER, ["another"])
    row.refresh_from_db()
    assert row.gone_at is not None
    keep(connection, Reference.Kind.CUSTOMER, {"k": Told("Acme Air")})
    row.refresh_from_db()
    assert (row.gone_at, told(row)[2]) == (None, "acme")
