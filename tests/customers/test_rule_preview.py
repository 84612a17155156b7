from __future__ import annotations

from typing import Any

import pytest

from planeapp.customers import rule_preview
from planeapp.customers.models import CompanyChange, Firing
from planeapp.customers.rules import RuleSpec
from planeapp.installations.models import Connection
from planeapp.sync.models import Tie
from tests.customers.factories import CompanyFactory, KnowingConnectionFactory
from tests.customers.ruling import COMMENT, Ruling, http, ruling, sandbox

__all__ = ["http", "ruling", "sandbox"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Connection:
    made: Connection = KnowingConnectionFactory()
    return made


def spec(when: dict[str, Any], **more: Any) -> RuleSpec:
    return RuleSpec.model_validate({"name": "A rule", "when": when, "then": [COMMENT], **more})


def shown(connection: Connection, when: dict[str, Any], **more: Any) -> list[str]:
    return [example.company.name for example in rule_preview.preview(connection, spec(when, **more))]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"test": "becomes", "field": "phase", "value": "LIVE"}, ["Both", "Live"]),
        ({"test": "leaves", "field": "phase", "value": "live"}, ["Empty", "Sick"]),
        ({"test": "changes", "field": "health"}, ["Both", "Sick"]),
        ({"test": "below", "field": "health", "value": 4}, ["Both", "Sick"]),
        ({"test": "within", "value": 3650}, ["Both"]),
        ({"test": "created"}, ["Both", "Empty", "Live", "Sick"]),
    ],
)
def test_companies_are_shown_that_are_as_after_the_change(
    connection: Connection, when: Any, expected: list[str]
) -> None:
    CompanyFactory(connection=connection, name="Live", values={"phase": "Live"})
    CompanyFactory(connection=connection, name="Sick", values={"phase": "Trial", "health": 2.0})
    values = {"phase": "Live", "health": 3.0, "renewal": "2030-01-01"}
    CompanyFactory(connection=connection, name="Both", values=values)
    CompanyFactory(connection=connection, name="Empty")
    CompanyFactory(name="Of another workspace", values=values)
    assert sorted(shown(connection, when)) == expected


def test_conditions_count_and_no_more_are_shown_than_asked_for(connection: Connection) -> None:
    for number in range(7):
        CompanyFactory(connection=connection, values={"phase": "Live", "health": float(number)})
    found = rule_preview.preview(
        connection, spec({"test": "created"}, only=[{"test": "above", "field": "health", "value": 1}]), most=3
    )
    assert len(found) == 3 and all(example.company.values["health"] > 1 for example in found)


def test_an_example_tells_the_last_change_as_before_and_after(connection: Connection) -> None:
    company = CompanyFactory(connection=connection, name="Acme", values={"phase": "Live"})
    CompanyChange.objects.create(company=company, field="phase", before="Trial", after="Live")
    rule = spec(
        {"test": "becomes", "field": "phase", "value": "live"}, then=[{"do": "label", "label": "{before}-{after}"}]
    )
    example = rule_preview.for_company(connection, rule, company)
    assert (example.before, example.after, example.steps[0]["label"]) == ("Trial", "Live", "Trial-Live")


def test_a_preview_looks_at_unknown_items_in_plane_and_writes_nothing(ruling: Ruling) -> None:
    ruling.tied(1, item_key="")
    ruling.tied(7)  # done
    ruling.sandbox.gateway()
    before = len(ruling.sandbox.requests("POST"))
    rule = spec({"test": "becomes", "field": "phase", "value": "trial"})
    (example,) = rule_preview.preview(ruling.connection, rule)
    assert [(entry["key"], entry["sure"]) for entry in example.steps[0]["items"]] == [("CUST-1", True)]
    assert ruling.comments() == [] and not Firing.objects.exists() and Tie.objects.count() == 2
    tokens = [one for one in ruling.sandbox.requests("POST")[before:] if "/api/" in one["path"]]
    assert tokens == []
