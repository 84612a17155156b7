from __future__ import annotations

import pytest

from planeapp.customers.cache import facts, take
from planeapp.customers.models import Company, CompanyDomain, CompanyRule
from planeapp.installations.models import Connection
from planeapp.providers.base import Company as Told
from planeapp.sync.models import Tie
from tests.customers.factories import CompanyFactory
from tests.customers.shelf import connection, read_before, shelf, told
from tests.factories import ProjectPairFactory

__all__ = ["connection", "shelf"]
pytestmark = pytest.mark.django_db


def acme(**values: object) -> Told:
    return Told("1", "Acme", "ext-1", "", ("acme.example",), {"phase": "live", "tags": ["gold"], **values})


@pytest.fixture(autouse=True)
def _read(connection: Connection) -> None:
    read_before(connection)
    take(connection, [acme()], quiet=True)


def test_the_same_reading_writes_nothing(connection: Connection, django_assert_max_num_queries: object) -> None:
    before = Company.objects.get()
    assert take(connection, [acme()]) == []
    assert Company.objects.get().changed_at == before.changed_at


def test_a_value_in_another_letter_case_is_kept_and_no_change(connection: Connection) -> None:
    assert take(connection, [acme(phase="LIVE")]) == []
    assert Company.objects.get().values["phase"] == "LIVE"


def test_what_a_reading_does_not_tell_stays_and_none_empties(connection: Connection) -> None:
    take(connection, [Told("1", "Acme", "ext-1", "", ("acme.example",), {"health": 4.0})])
    assert Company.objects.get().values == {"phase": "live", "tags": ["gold"], "health": 4.0}
    take(connection, [acme(health=None)])
    assert told(connection) == [("health", None, 4.0), ("health", 4.0, None)]


def test_a_field_of_the_customers_own_that_is_renamed_leaves_no_old_value(connection: Connection) -> None:
    take(connection, [acme(**{"custom:Plan": "Pro"})])
    take(connection, [acme(**{"custom:Package": "Pro"})])
    assert "custom:Plan" not in Company.objects.get().values


def test_changes_of_their_own_fields_are_kept_where_a_rule_looks_at_them(connection: Connection) -> None:
    take(connection, [acme(**{"custom:Plan": "Basic", "custom:Seats": 1.0})])
    CompanyRule.objects.create(
        connection=connection, name="Plan", when={"field": "custom:Plan", "test": "changes", "value": None}
    )
    take(connection, [acme(**{"custom:Plan": "Pro", "custom:Seats": 2.0})])
    assert told(connection) == [("custom:Plan", "Basic", "Pro")]


def test_a_rename_reaches_the_ties(connection: Connection) -> None:
    pair = ProjectPairFactory(connection=connection)
    Tie.objects.create(
        connection=connection, project_id=pair.project_id, item_id=pair.project_id, party_id="1", party_name="Acme"
    )
    take(connection, [Told("1", "Acme Air", "ext-1", "", ("acme.example",))])
    assert Tie.objects.get().party_name == "Acme Air" and told(connection) == [("name", "Acme", "Acme Air")]


def test_an_external_id_that_changes_is_told_and_found_under_the_new_one(connection: Connection) -> None:
    take(connection, [Told("1", "Acme", "ext-2", "", ("acme.example",))])
    assert told(connection) == [("external_id", "ext-1", "ext-2")] and Company.objects.get().external_id == "ext-2"


def test_domains_follow_the_reading(connection: Connection) -> None:
    take(connection, [Told("1", "Acme", "ext-1", "", ("acme.example", "acme.test"))])
    assert set(CompanyDomain.objects.values_list("domain", flat=True)) == {"acme.example", "acme.test"}


def test_another_connection_with_the_same_ids_is_left_alone(connection: Connection) -> None:
    other = CompanyFactory(remote_id="1", name="Elsewhere")
    take(connection, [acme(phase="churned")])
    other.refresh_from_db()
    assert other.name == "Elsewhere" and other.values == {}


def test_a_company_twice_in_one_page_counts_once(connection: Connection) -> None:
    take(connection, [Told("2", "Twice"), Told("2", "Twice")])
    assert Company.objects.filter(remote_id="2").count() == 1


def test_facts_leave_out_what_is_not_known() -> None:
    company = CompanyFactory.build(
        values={"phase": "live", "health": 8.0, "revenue": 120000.0, "owner": "ada@example.com"}
    )
    assert facts(company) == (
        ("Phase", "live"), ("Health", "8"), ("Owner", "ada@example.com"), ("Revenue", "120,000"),
    )  # fmt: skip
