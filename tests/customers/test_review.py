"""What waits for a person, and what becomes of a person's choice."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from planeapp.customers import review, settling
from planeapp.customers.models import Company, Reference
from planeapp.customers.options import Options, save_options
from planeapp.installations.models import Connection
from planeapp.lib.errors import Gone
from planeapp.sync.models import Due, LabelTie, ProjectPair, Tie
from tests.customers.factories import CompanyFactory, KnowingConnectionFactory, ReferenceFactory
from tests.factories import ProjectPairFactory

State, LABEL = Reference.State, Reference.Kind.LABEL


@pytest.fixture
def connection(db: None) -> Connection:
    made: Connection = KnowingConnectionFactory()
    save_options(made, Options(label_prefix="customer: ", customers="read"))
    return made


def company(connection: Connection, ident: str, name: str, **values: Any) -> Company:
    made: Company = CompanyFactory(connection=connection, remote_id=ident, name=name, **values)
    return made


def reference(connection: Connection, name: str, **values: Any) -> Reference:
    made: Reference = ReferenceFactory(connection=connection, key=name.casefold(), name=name, **values)
    settling.settle(connection)
    settling.propose(connection)
    return made


def label(connection: Connection, text: str) -> Reference:
    return reference(connection, f"customer: {text}", kind=LABEL, external_id=text)


def ties(connection: Connection, party: str, number: int, **values: Any) -> ProjectPair:
    pair: ProjectPair = ProjectPairFactory(connection=connection)
    where = {"connection": connection, "project_id": pair.project_id, "party_id": party, "party_name": "Acme Air"}
    Tie.objects.bulk_create([Tie(item_id=uuid.uuid4(), **where | values) for _ in range(number)])
    return pair


def lines(connection: Connection) -> list[tuple[str, list[str], bool]]:
    found = review.waiting(connection)
    assert len(found) == review.count(connection)
    return [(line.name, [one.remote_id for one in line.proposals], line.sure) for line in found]


def test_what_fits_several_comes_before_what_fits_none_and_what_is_clear_does_not_wait(connection: Connection) -> None:
    (
        company(connection, "n1", "Northwind"),
        company(connection, "n2", "Northwind"),
        company(connection, "acme", "Acme Air"),
    )
    reference(connection, "Acme Airs"), reference(connection, "Wayne"), reference(connection, "Northwind")
    reference(connection, "Acme Air")
    waiting = [("Northwind", ["n1", "n2"], False), ("Acme Airs", ["acme"], True), ("Wayne", [], False)]
    assert lines(connection) == waiting
    assert review.waiting(connection)[0].why == "2 companies have this name."
    assert not any(line.exact for line in review.waiting(connection))  # a similar name alone is a guess
    assert [line.name for line in review.waiting(connection, 1, 1)] == ["Acme Airs"]


def test_customers_wait_only_while_they_are_read(connection: Connection) -> None:
    reference(connection, "Wayne"), label(connection, "Wayne Ltd")
    save_options(connection, Options(label_prefix="customer: "))
    assert lines(connection) == [("customer: Wayne Ltd", [], False)]


def test_many_are_confirmed_at_once_but_nobody_picks_one_of_two_namesakes(connection: Connection) -> None:
    (
        company(connection, "n1", "Northwind"),
        company(connection, "n2", "Northwind"),
        company(connection, "acme", "Acme Air"),
    )
    rows = [reference(connection, name) for name in ("Northwind", "Acme Airs", "Acme Aire", "Wayne")]
    ids = [str(row.pk) for row in rows]
    assert review.confirm(connection, ids, "Ada") == 2
    decided = Reference.objects.filter(state=State.MATCHED).order_by("name")
    assert [(row.company_id and row.decided_by, row.how) for row in decided] == [("Ada", "person")] * 2
    assert [name for name, _, _ in lines(connection)] == ["Northwind", "Wayne"]
    assert review.confirm(connection, ids, "Ada") == 0


def test_a_person_picks_one_of_two_namesakes_and_the_label_stands_for_it_at_once(connection: Connection) -> None:
    _, second = company(connection, "n1", "Northwind"), company(connection, "n2", "Northwind")
    pair, row = ProjectPairFactory(connection=connection), label(connection, "Northwind")
    assert review.choose(connection, str(row.pk), second, "Ada")
    assert LabelTie.objects.get().party_id == "n2" and Due.objects.get().pair == pair
    settling.settle(connection)
    row.refresh_from_db()
    assert (row.company, row.decided_by, lines(connection)) == (second, "Ada", [])


def test_what_a_person_left_out_stands_for_nothing_until_it_is_taken_back(connection: Connection) -> None:
    company(connection, "acme", "Acme Air")
    row = label(connection, "Acme Air")
    assert review.ignore(connection, [str(row.pk)], "Ada") == 1
    settling.settle(connection)
    assert lines(connection) == [] and not LabelTie.objects.exists()
    assert review.reopen(connection, [str(row.pk)]) == 1
    settling.settle(connection)
    row.refresh_from_db()
    assert (row.state, row.decided_by) == (State.MATCHED, "")


def test_a_company_that_is_gone_or_belongs_to_another_workspace_cannot_be_chosen(connection: Connection) -> None:
    row, theirs = reference(connection, "Wayne"), company(KnowingConnectionFactory(), "x", "X")
    for one in (theirs, company(connection, "y", "Y", gone_at="2026-11-21T10:00Z")):
        with pytest.raises(Gone, match="not of this connection"):
            review.choose(connection, str(row.pk), one, "Ada")


def test_nobody_decides_for_another_workspace(connection: Connection) -> None:
    other = KnowingConnectionFactory()
    company(connection, "acme", "Acme Air"), ties(connection, "old", 1, state=Tie.State.GONE)
    ids = [str(reference(connection, "Acme Airs").pk), "gone:old", "nonsense"]
    assert review.confirm(other, ids, "Eve") == review.ignore(other, ids, "Eve") == review.reopen(other, ids) == 0
    assert not review.choose(other, ids[0], company(other, "x", "X"), "Eve")


def test_work_of_a_company_that_is_gone_waits_first_with_its_likeliest_successor(connection: Connection) -> None:
    company(connection, "old", "Acme Air", external_id="A-1", gone_at="2026-11-21T10:00Z")
    company(connection, "new", "Acme Aviation", external_id="A-1")
    ties(connection, "old", 2, state=Tie.State.GONE), reference(connection, "Wayne")
    first = review.waiting(connection)[0]
    assert first.exact and (first.id, first.kind, first.items, [one.remote_id for one in first.proposals]) == (
        "gone:old",
        "gone",
        2,
        ["new"],
    )
    assert review.confirm(connection, [first.id], "Ada") == 1
    assert set(Tie.objects.values_list("party_id", "state")) == {("new", "active")}


def test_work_of_a_company_that_was_never_stored_is_matched_by_its_name(connection: Connection) -> None:
    company(connection, "new", "Acme Air")
    ties(connection, "unknown", 1, state=Tie.State.GONE)
    assert lines(connection) == [("Acme Air", ["new"], True)]


def test_work_that_nobody_takes_on_is_taken_off_for_good(connection: Connection) -> None:
    ties(connection, "old", 2, state=Tie.State.GONE)
    assert review.ignore(connection, ["gone:old"], "Ada") == 1
    assert lines(connection) == [] and set(Tie.objects.values_list("state", flat=True)) == {"off"}


def test_three_hundred_items_are_tied_to_another_company_at_once(
    connection: Connection, django_assert_max_num_queries: Any
) -> None:
    old = company(connection, "old", "Acme Air", gone_at="2026-11-21T10:00Z")
    pair, new = ties(connection, "old", 300, state=Tie.State.GONE), company(connection, "new", "Globex")
    row = reference(connection, "customer: Acme Air", kind=LABEL, company=old)
    with django_assert_max_num_queries(40):
        assert review.relink(connection, "old", new, "Ada") == 300
    assert Tie.objects.filter(party_id="new", state=Tie.State.ACTIVE).count() == 300
    row.refresh_from_db()
    assert (row.company, row.decided_by, LabelTie.objects.get().party_id) == (new, "Ada", "new")
    assert Due.objects.get().pair == pair and ProjectPair.objects.get().allow_once
