from __future__ import annotations

import uuid

import pytest

from planeapp.customers import ties
from planeapp.customers.models import Company
from planeapp.sync.models import Due, ProjectPair, Tie
from tests.customers.factories import CompanyFactory
from tests.factories import ProjectPairFactory

pytestmark = pytest.mark.django_db
ITEM = str(uuid.uuid4())


@pytest.fixture
def acme() -> Company:
    made: Company = CompanyFactory(name="Acme")
    return made


def make(company: Company, origin: Tie.Origin = Tie.Origin.PERSON, **more: object) -> Tie:
    return ties.tie(company.connection, str(uuid.uuid4()), ITEM, company, origin=origin, **more)  # type: ignore[arg-type]


def test_tying_twice_makes_one_tie_and_gathers_contacts(acme: Company) -> None:
    make(acme, contacts=["b"])
    make(acme, contacts=["a", "b"])
    assert Tie.objects.get().contacts == ["a", "b"]


def test_a_rule_does_not_tie_what_a_person_took_off_and_a_person_does(acme: Company) -> None:
    make(acme)
    assert ties.untie(acme.connection, ITEM, acme.remote_id)
    make(acme, Tie.Origin.RULE)
    assert ties.of_item(acme.connection, ITEM) == []
    make(acme)
    assert [tie.party_name for tie in ties.of_item(acme.connection, ITEM)] == ["Acme"]


def test_what_a_rule_says_no_longer_goes_unless_a_person_said_it_too(acme: Company) -> None:
    make(acme)
    assert not ties.untie(acme.connection, ITEM, acme.remote_id, by_person=False)
    Tie.objects.update(origin=Tie.Origin.CUSTOMER)
    assert ties.untie(acme.connection, ITEM, acme.remote_id, by_person=False) and not Tie.objects.exists()


def test_another_workspace_cannot_untie(acme: Company) -> None:
    make(acme)
    assert not ties.untie(CompanyFactory().connection, ITEM, acme.remote_id)


def test_three_hundred_items_move_to_another_company_at_once_and_are_looked_at_together(acme: Company) -> None:
    pair: ProjectPair = ProjectPairFactory(connection=acme.connection)
    globex = CompanyFactory(connection=acme.connection, name="Globex")
    items = [str(uuid.uuid4()) for _ in range(300)]
    for item in items:
        ties.tie(acme.connection, str(pair.project_id), item, acme)
    ties.tie(acme.connection, str(pair.project_id), items[0], globex)
    assert ties.move(acme.connection, acme.remote_id, globex) == 300
    assert Tie.objects.filter(party_id=globex.remote_id, party_name="Globex").count() == 300 == Tie.objects.count()
    pair.refresh_from_db()
    assert pair.allow_once and [due.item_id for due in Due.objects.filter(pair=pair)] == [""]


def test_few_items_are_looked_at_one_by_one(acme: Company) -> None:
    pair: ProjectPair = ProjectPairFactory(connection=acme.connection)
    ties.look(acme.connection, [(str(pair.project_id), ITEM), (str(uuid.uuid4()), ITEM)])
    assert [(due.pair_id, due.item_id) for due in Due.objects.all()] == [(pair.pk, ITEM)]
