from __future__ import annotations

from typing import Any

import pytest

from planeapp.providers.planner.provider import Planner
from planeapp.providers.planner.toolbox import LABELS, SCOPES
from tests.providers.planner.conftest import Sandbox

SIGNED_IN = {"slots": ["oauth"], "missing_scopes": ["blocks:write"]}


@pytest.fixture
def report(sandbox: Sandbox) -> dict[str, Any]:
    """What a probe with every scope found."""
    return dict(sandbox.planner().access.report)


def states(report: Any) -> dict[str, str]:
    return {line["name"]: line["state"] for line in report["lines"]}


def test_a_stored_report_follows_the_scopes_without_anybody_being_asked(
    sandbox: Sandbox, report: dict[str, Any]
) -> None:
    sandbox.forget()
    found = Planner.reconsidered(report, SIGNED_IN)
    assert {name for name, state in states(found).items() if state == "off"} == {
        "can_create_block", "can_update_block", "can_delete_block",
    }  # fmt: skip
    assert {"list", "get", "find"} <= set(found["abilities"]) and not {"create", "update"} & set(found["abilities"])
    assert sandbox.requests() == []


def test_a_report_comes_back_as_it_was_when_nothing_is_missing_any_more(report: dict[str, Any]) -> None:
    less = Planner.reconsidered(report, SIGNED_IN)
    again = Planner.reconsidered(less, SIGNED_IN | {"missing_scopes": []})
    assert (states(again), again["abilities"]) == (states(report), report["abilities"])


def test_an_api_tokens_connection_is_not_touched_by_a_sign_ins_scopes(report: dict[str, Any]) -> None:
    assert states(Planner.reconsidered(report, SIGNED_IN | {"slots": ["api"]})) == states(report)


@pytest.mark.parametrize("empty", [{}, {"lines": [], "abilities": [], "facts": {}}])
def test_a_report_without_tools_stays_as_it_is(empty: dict[str, Any]) -> None:
    assert Planner.reconsidered(empty, SIGNED_IN) == empty


def test_every_role_names_the_scope_that_it_needs() -> None:
    assert set(SCOPES) == set(LABELS)
