"""Labels that name companies: which do, and what they stand for."""

from __future__ import annotations

import pytest

from planeapp.customers import plane_labels
from planeapp.customers.models import Company, Reference
from planeapp.installations.models import Connection
from planeapp.sync.models import Due, LabelTie, ProjectPair
from tests.customers.factories import CompanyFactory, ReferenceFactory
from tests.factories import ItemLinkFactory, ProjectPairFactory


@pytest.mark.parametrize(
    ("label", "prefix", "said"),
    [
        ("customer: Acme Air", "customer: ", "Acme Air"),
        ("CUSTOMER:Acme Air ", "customer: ", "Acme Air"),
        ("Ｃustomer:  acme.com", "customer:", "acme.com"),
        ("Straße/Acme", "STRASSE/", "Acme"),
        ("Client Acme", "client ", "Acme"),
        ("Clients", "client ", ""),
        ("Client", "client ", ""),
        ("customer:", "customer: ", ""),
        ("Bug", "customer: ", ""),
        ("Bug", "", ""),
        ("Bug", "  ", ""),
    ],
)
def test_a_label_names_a_company_by_what_follows_its_prefix(label: str, prefix: str, said: str) -> None:
    assert plane_labels.named_by(label, prefix) == said


@pytest.fixture
def acme(db: None) -> Company:
    made: Company = CompanyFactory(remote_id="acme", name="Acme Air")
    ProjectPairFactory(connection=made.connection)
    return made


def label(company: Company, **values: object) -> Reference:
    matched = {"company": company, "state": Reference.State.MATCHED, "key": "customer: acme", "name": "Customer: Acme"}
    row: Reference = ReferenceFactory(connection=company.connection, kind=Reference.Kind.LABEL, **matched | values)
    return row


def standing(connection: Connection) -> list[tuple[str, str, str]]:
    return list(LabelTie.objects.filter(connection=connection).values_list("label", "party_id", "party_name"))


def test_items_are_looked_at_only_when_a_label_stands_for_something_else(acme: Company) -> None:
    label(acme)
    assert plane_labels.follow(acme.connection)
    assert standing(acme.connection) == [("customer: acme", "acme", "Acme Air")] and Due.objects.get().item_id == ""
    Due.objects.all().delete()
    Company.objects.update(name="Acme Aviation")
    assert not plane_labels.follow(acme.connection) and not Due.objects.exists()
    assert standing(acme.connection) == [("customer: acme", "acme", "Acme Aviation")]


@pytest.mark.parametrize(
    "change",
    [{"state": Reference.State.IGNORED}, {"state": Reference.State.AMBIGUOUS}, {"gone_at": "2026-11-21T10:00Z"}],
)
def test_a_label_that_is_left_out_or_gone_stands_for_nothing(acme: Company, change: dict[str, str]) -> None:
    label(acme)
    plane_labels.follow(acme.connection)
    Due.objects.all().delete()
    Reference.objects.update(**change)
    assert plane_labels.follow(acme.connection)
    assert standing(acme.connection) == [] and Due.objects.count() == 1


def test_a_label_of_a_company_that_is_gone_stands_for_nothing(acme: Company) -> None:
    label(acme)
    plane_labels.follow(acme.connection)
    Company.objects.update(gone_at="2026-11-21T10:00Z")
    assert plane_labels.follow(acme.connection) and standing(acme.connection) == []


def test_a_label_that_stands_for_another_company_ties_to_that_one(acme: Company) -> None:
    row = label(acme)
    plane_labels.follow(acme.connection)
    row.company = CompanyFactory(connection=acme.connection, remote_id="globex", name="Globex")
    row.save()
    assert plane_labels.follow(acme.connection)
    assert standing(acme.connection) == [("customer: acme", "globex", "Globex")]


def test_the_guard_lets_a_person_s_choice_pass_only_where_it_would_stop_it(acme: Company) -> None:
    many, few = ProjectPair.objects.get(), ProjectPairFactory(connection=acme.connection)
    for pair, number in ((many, 51), (few, 3)):
        ItemLinkFactory.create_batch(number, pair=pair, ours={"labels": ["Customer: ACME", "Bug"]})
    plane_labels.let_pass(acme.connection, {"customer: acme"})
    assert list(ProjectPair.objects.filter(allow_once=True)) == [many]
