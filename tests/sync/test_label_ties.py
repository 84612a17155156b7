"""Which companies a work item is tied to when labels say so, beside people, rules and Plane customers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from planeapp.providers.base import Item
from planeapp.sync import engine
from planeapp.sync.models import LabelTie, ProjectPair, Tie
from planeapp.sync.parties import with_parties
from tests.factories import ProjectPairFactory, TieFactory
from tests.sync.conftest import Bench

ITEM = str(uuid.uuid4())
ACME = ("Customer: ＡＣＭＥ air",)


@pytest.fixture
def pair(db: None) -> ProjectPair:
    made: ProjectPair = ProjectPairFactory()
    stands_for(made, "customer: acme air", "acme")
    return made


def stands_for(pair: ProjectPair, label: str, party: str) -> LabelTie:
    return LabelTie.objects.create(connection=pair.connection, label=label, party_id=party, party_name=party.title())


def tie(pair: ProjectPair, party: str, **values: Any) -> Tie:
    where = {"connection": pair.connection, "project_id": pair.project_id, "item_id": ITEM}
    made: Tie = TieFactory(party_id=party, **where | values)
    return made


def of(pair: ProjectPair, *, name: str = "parties", **values: Any) -> Any:
    (item,) = with_parties(pair, [Item(ITEM, values)], item_id=ITEM)
    return item.values.get(name, "left out")


def test_a_label_ties_the_items_that_carry_it_however_it_is_written(pair: ProjectPair) -> None:
    assert of(pair, labels=ACME) == ("acme",)
    assert of(pair, labels=("Bug",)) == of(pair, labels=()) == ()


def test_labels_and_ties_count_together_each_company_once(pair: ProjectPair) -> None:
    tie(pair, "acme"), tie(pair, "globex")
    assert of(pair, labels=ACME) == ("acme", "globex")
    assert of(pair, labels=()) == ("acme", "globex")


def test_what_a_person_untied_stays_so_whatever_the_label_says(pair: ProjectPair) -> None:
    tie(pair, "acme", state=Tie.State.OFF)
    assert of(pair, labels=ACME) == ()


def test_a_company_that_is_gone_is_not_sent(pair: ProjectPair) -> None:
    tie(pair, "globex", state=Tie.State.GONE)
    assert of(pair, labels=ACME) == ("acme",)


def test_a_label_of_another_workspace_s_connection_ties_nothing(pair: ProjectPair) -> None:
    assert of(ProjectPairFactory(), labels=ACME) == ()


def test_where_labels_are_not_told_nothing_is_taken_off(pair: ProjectPair) -> None:
    tie(pair, "globex")
    assert of(pair) == "left out"
    LabelTie.objects.all().delete()
    assert of(pair) == ("globex",)


def test_the_people_whom_an_item_concerns_come_with_its_ties(pair: ProjectPair) -> None:
    tie(pair, "acme", contacts=["p2", "p1"]), tie(pair, "globex", contacts=["p1"])
    tie(pair, "initech", contacts=["p3"], state=Tie.State.OFF)
    assert of(pair, name="contacts", labels=ACME) == ("p1", "p2")


@pytest.mark.parametrize(("labels", "queries"), [(("Bug", "Acme"), 2), ((), 1)])
def test_labels_cost_one_query_however_many_items_there_are(
    pair: ProjectPair, labels: tuple[str, ...], queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    items = [Item(str(uuid.uuid4()), {"labels": labels}) for _ in range(50)]
    with django_assert_num_queries(queries):
        assert len(with_parties(pair, items)) == 50


def test_a_label_on_a_work_item_reaches_the_company_and_leaves_it_with_the_label(bench: Bench) -> None:
    stands_for(bench.pair, "customer: acme air", "acme")
    label = bench.sandbox.gateway().ensure_label(str(bench.pair.project_id), "Customer: Acme Air")
    bench.patch(labels=[str(label["id"])])
    engine.run_pair(bench.pair)
    assert bench.rows()[0].values["parties"] == ("acme",)
    bench.patch(labels=[])
    engine.run_item(bench.pair, bench.item)
    assert bench.rows()[0].values["parties"] == ()
