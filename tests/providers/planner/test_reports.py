from __future__ import annotations

from typing import Any

import pytest

from planeapp.lib.errors import FixSettings
from planeapp.providers.planner.provider import Planner
from planeapp.providers.planner.toolbox import LABELS, SCOPES
from planeapp.sandbox.planner.seed import SERVICE_TOKEN
from tests.providers.planner.conftest import Sandbox, Tokens
from tests.providers.planner.test_profiles import PLACE, VALUES

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


def allowed(report: Any, settings: Any) -> dict[str, bool]:
    return {each.name: each.given for each in Planner.confirmations(report, settings)}


def test_what_writes_is_offered_for_confirmation_with_what_it_is_given(report: dict[str, Any]) -> None:
    create, change, delete = Planner.confirmations(report, {})
    assert (create.name, create.label, create.risky, create.given) == ("create_block", "Create a block", False, True)
    assert create.detail.startswith("createBlock(project,") and "title" in create.detail
    assert (change.name, change.risky, delete.name, delete.risky) == ("update_block", False, "delete_block", True)


def test_what_an_admin_does_not_allow_is_off_until_they_do(sandbox: Sandbox, report: dict[str, Any]) -> None:
    settings = Planner.confirm(report, {"slots": ["api"]}, ["create_block", "update_block"])
    less = Planner.reconsidered(report, settings)
    assert states(less)["can_delete_block"] == "off" and "delete" not in less["abilities"]
    assert allowed(less, settings) == {"create_block": True, "update_block": True, "delete_block": False}
    with sandbox.planner(settings=dict(settings)) as planner:
        made = planner.create(PLACE, VALUES, "m:1")
        with pytest.raises(FixSettings) as refused:
            planner.delete(PLACE, made)
        assert refused.value.person == "Off: an admin does not let the app delete a block with Planner's tools."
    again = Planner.confirm(less, settings, ["create_block", "update_block", "delete_block"])
    assert again["withheld"] == [] and Planner.reconsidered(less, again)["abilities"] == report["abilities"]


def test_an_unticked_connect_form_leaves_reading_alone(sandbox: Sandbox, report: dict[str, Any]) -> None:
    settings = {"slots": ["api"], "confirm_writes": False}
    assert allowed(report, settings) == {"create_block": False, "update_block": False, "delete_block": True}
    with sandbox.planner(settings=settings) as planner:
        assert {"list", "get", "find"} <= set(planner.access.report["abilities"])
        with pytest.raises(FixSettings):
            planner.create(PLACE, VALUES, "m:1")
    ticked = Planner.confirm(report, settings, ["create_block"])
    assert "confirm_writes" not in ticked and ticked["withheld"] == ["delete_block", "update_block"]


def test_rest_follows_the_settings_in_a_stored_report(sandbox: Sandbox) -> None:
    with sandbox.planner(tokens=Tokens({"api": SERVICE_TOKEN})) as planner:
        report = planner.access.report
    allowing = Planner.reconsidered(report, {"rest_create": True})
    assert states(allowing)["rest_create"] == "ok" and "create" in allowing["abilities"]
    assert Planner.reconsidered(allowing, {}) == report
