from __future__ import annotations

from typing import Any

import pytest

from planeapp.customers.handlers import ONE_BY_ONE, companies_changed, items_labelled
from planeapp.customers.models import Errand, Reference
from planeapp.customers.options import Options, save_options
from planeapp.installations.models import Connection
from planeapp.lib.events import Event
from tests.customers.factories import KnowingConnectionFactory, ReferenceFactory
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Connection:
    made: Connection = KnowingConnectionFactory()
    save_options(made, Options(label_prefix="customer:"))
    return made


def errands(connection: Connection) -> list[tuple[str, str]]:
    return list(Errand.objects.filter(connection=connection).order_by("kind", "key").values_list("kind", "key"))


def changed(connection: Connection, *ids: str) -> list[str]:
    events = [Event("company.changed", f"e-{ident}", ident) for ident in ids]
    return companies_changed(connection.installation, connection, events)


def labelled(connection: Connection, *labels: Any) -> None:
    items_labelled(connection.installation, [Event("item.changed", "e", "i", data={"item": {"labels": list(labels)}})])


def test_each_company_that_is_told_of_is_read_again_once(connection: Connection) -> None:
    assert changed(connection, "1", "2", "1") == ["", "", ""]
    assert errands(connection) == [("read", "1"), ("read", "2")]


def test_many_at_once_are_asked_for_together(connection: Connection) -> None:
    changed(connection, *(str(number) for number in range(ONE_BY_ONE + 1)))
    assert errands(connection) == [("recent", "")]


def test_a_system_without_companies_is_not_asked() -> None:
    plain = ConnectionFactory()
    assert changed(plain, "1") == ["companies are not read here"] and errands(plain) == []


def test_a_label_that_names_a_company_and_is_new_is_matched_at_once(connection: Connection) -> None:
    labelled(connection, {"name": "Customer: Acme"}, {"name": "bug"}, "an-id")
    assert errands(connection) == [("match", "")]


@pytest.mark.parametrize("label", ["bug", "customer: known", "my customer: x"])
def test_other_labels_and_known_ones_ask_for_nothing(connection: Connection, label: str) -> None:
    ReferenceFactory(connection=connection, kind=Reference.Kind.LABEL, key="customer: known")
    labelled(connection, {"name": label})
    assert errands(connection) == []
