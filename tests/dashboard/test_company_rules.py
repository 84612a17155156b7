from __future__ import annotations

from typing import Any

import pytest

from planeapp.customers.models import CompanyRule, Errand, Firing
from planeapp.installations.models import AuditEntry
from planeapp.sandbox.store import Doc
from tests.customers.factories import CompanyChangeFactory, CompanyFactory, CompanyRuleFactory, FiringFactory
from tests.dashboard.forms import error_of, filled
from tests.dashboard.knowing import Know, know, knowing
from tests.vendors import Team

__all__ = ["know"]
COMMENT = {
    "name": "Kick-off", "field": "phase", "test": "becomes", "value": "Onboarding", "then-0-do": "comment",
    "then-0-text": "{company} is in {after} now.",
}  # fmt: skip


@pytest.fixture
def near(team: Team) -> Know:
    """The pages in the sandbox's workspace, whose Plane answers."""
    return knowing(team.installation)


def item_rule(project: Doc, **more: str) -> dict[str, str]:
    """A form that makes a work item."""
    action = {
        "do": "create_item",
        "project_id": project["id"],
        "title": "Onboard {company}",
        "priority": "high",
        "labels": "a, b",
    }
    return COMMENT | {f"then-0-{name}": value for name, value in action.items()} | more


def answer(know: Know, path: str = "rules/new/", **data: Any) -> Any:
    """What the form answers."""
    return know.admin.post(know.base + path, data)


# The form


def test_a_rule_is_made_switched_off_and_is_as_it_was_typed(near: Know, team: Team) -> None:
    page = near.send(
        "rules/new/", do="save", **item_rule(team.project(), **{"then-0-due_in": "7", "then-0-assign": "owner"})
    )
    assert "Kick-off is saved. It is off: switch it on" in page
    rule = CompanyRule.objects.get()
    assert (rule.enabled, rule.when["value"], rule.then[0]["labels"], rule.then[0]["due_in"]) == (
        False,
        "Onboarding",
        ["a", "b"],
        7,
    )
    assert "Phase becomes Onboarding: make a work item." in near.looks("rules/")


def test_a_stored_rule_fills_the_form_and_saving_it_again_changes_nothing(near: Know, team: Team) -> None:
    only = {"only-0-do": "only", "only-0-field": "health", "only-0-test": "below", "only-0-value": "4"}
    near.send("rules/new/", do="save", **item_rule(team.project(), **only))
    path = f"rules/{CompanyRule.objects.get().pk}/"
    form = filled(near.admin.get(near.base + path), near.base + path)
    assert form["only-0-value"] == "4.0" and form["then-0-labels"] == "a, b"
    assert "Nothing was changed" in near.send(path, **(form | {"do": "save"}))
    assert AuditEntry.objects.filter(action__endswith="company_rule").count() == 1


def test_a_form_that_is_sent_twice_makes_one_rule(know: Know) -> None:
    assert [answer(know, do="save", **COMMENT).status_code for _ in range(2)] == [302, 302]
    assert CompanyRule.objects.count() == 1


def test_a_name_that_another_rule_has_is_refused_at_its_field(know: Know) -> None:
    CompanyRuleFactory(connection=know.connection, name="Kick-off")
    found = answer(know, do="save", **(COMMENT | {"value": "Churned"}))
    assert found.status_code == 422 and "Another rule has this name" in error_of(found, "name")


TAG_BELOW = {"only-0-do": "only", "only-0-field": "tags", "only-0-test": "below", "only-0-value": "3"}


@pytest.mark.parametrize(("more", "field", "told"), [
    ({"name": ""}, "name", "required"),
    ({"value": ""}, "value", "value is missing"),
    ({"test": "below", "field": "health", "value": "low"}, "value", "number"),
    ({"test": "gains"}, "field", "does not go with Phase"),
    ({"then-0-text": "{phaze} now"}, "then-0-text", "{phaze}"),
    ({"then-1-do": "assign", "then-1-who": "nobody"}, "then-1-who", "e-mail address"),
    (TAG_BELOW, "only-0-field", "does not go with Tags"),
])  # fmt: skip
def test_what_makes_no_sense_is_told_at_its_field_and_nothing_is_saved(
    know: Know, more: dict[str, str], field: str, told: str
) -> None:
    found = answer(know, do="save", **(COMMENT | more))
    assert (found.status_code, CompanyRule.objects.count()) == (422, 0)
    assert told in error_of(found, field)


def test_a_rule_without_an_action_is_refused(know: Know) -> None:
    head = {name: value for name, value in COMMENT.items() if not name.startswith("then")}
    assert "Add at least one action." in know.send("rules/new/", 422, do="save", **head)


def test_rows_are_added_and_taken_away_by_buttons_and_what_was_typed_stays(know: Know) -> None:
    found = answer(know, do="add:label", **(COMMENT | {"value": "Unfinished"}))
    form = filled(found, f"{know.base}rules/new/")
    assert (form["value"], form["then-0-text"], form["then-1-do"]) == ("Unfinished", COMMENT["then-0-text"], "label")
    form = filled(answer(know, do="add:only", **form), f"{know.base}rules/new/")
    assert "only-0-field" in form
    form = filled(answer(know, do="drop:then-0", **form), f"{know.base}rules/new/")
    assert (form["then-0-do"], "then-1-do" in form, "only-0-field" in form) == ("label", False, True)


@pytest.mark.parametrize("do", ["drop:then-9", "drop:else-0", "add:rocket", "drop:then--1", "again", ""])
def test_a_button_that_there_is_none_of_changes_nothing(know: Know, do: str) -> None:
    assert filled(answer(know, do=do, **COMMENT), f"{know.base}rules/new/")["then-0-do"] == "comment"


def test_fields_and_values_that_occur_are_offered(know: Know) -> None:
    know.company(values={"phase": "Onboarding", "custom:Terminal": "T5", "tags": ["vip", "air"]})
    know.company("Beta", values={"phase": "Churned"})
    page = know.page("rules/new/")
    assert 'value="custom:Terminal"' in page and '<option value="Churned">' in page
    tags = answer(know, do="again", **(COMMENT | {"field": "tags"})).content.decode()
    assert '<option value="air">' in tags and '<option value="vip">' in tags


def test_when_plane_does_not_answer_the_form_says_so_and_still_works(near: Know, team: Team) -> None:
    team.vendors.plane.fault(".*projects.*", status=503, times=50)
    assert "projects could not be read" in near.page("rules/new/")


def test_a_project_that_the_app_does_not_see_any_more_is_not_replaced_unseen(near: Know, team: Team) -> None:
    unseen = "00000000-0000-4000-8000-000000000000"
    near.send("rules/new/", do="save", **item_rule({"id": unseen}))
    path = f"rules/{CompanyRule.objects.get().pk}/"
    assert filled(near.admin.get(near.base + path), near.base + path)["then-0-project_id"] == unseen


# Trying


def test_trying_shows_what_would_happen_to_real_companies_and_writes_nothing(near: Know, team: Team) -> None:
    acme = near.company(values={"phase": "Onboarding", "owner": "ada@sandbox.example"})
    CompanyChangeFactory(company=acme, before="Trial", after="Onboarding")
    before = len(team.vendors.plane.store.all("work_item"))
    page = near.send("rules/new/", do="try", **item_rule(team.project()))
    assert "Make the work item “Onboard Acme Air” in Customer work, priority high, labels a, b." in page
    assert "Trial → Onboarding" in page
    assert (CompanyRule.objects.count(), Firing.objects.count(), Errand.objects.count()) == (0, 0, 0)
    assert len(team.vendors.plane.store.all("work_item")) == before
    assert AuditEntry.objects.count() == 0


def test_trying_without_a_company_that_fits_says_so(know: Know) -> None:
    assert "No company is like this now" in know.send("rules/new/", do="try", **COMMENT)


# The list


def test_a_rule_is_switched_on_and_off_and_a_second_click_changes_nothing(know: Know) -> None:
    rule = CompanyRuleFactory(connection=know.connection, enabled=False, armed_at=None)
    for on, told in (
        ("yes", "is on. What changes from now on counts."),
        ("yes", "is on already"),
        ("no", "is off."),
        ("no", "is off already"),
    ):
        assert told in know.send(f"rules/{rule.pk}/switch/", on=on)
    rule.refresh_from_db()
    assert (rule.enabled, rule.armed_at) == (False, None)
    assert AuditEntry.objects.filter(action__startswith="switched").count() == 2


def test_an_edited_rule_that_is_on_counts_from_now(know: Know) -> None:
    rule = CompanyRuleFactory(connection=know.connection)
    armed = rule.armed_at
    assert "It counts from now on." in know.send(f"rules/{rule.pk}/", do="save", **COMMENT)
    rule.refresh_from_db()
    assert rule.name == "Kick-off" and rule.armed_at > armed


@pytest.mark.parametrize(("do", "state", "action"), [
    ("allow", "waiting", "allowed_firings"), ("drop", "dropped", "dropped_firings"),
])  # fmt: skip
def test_what_is_held_back_is_told_with_its_number_and_settled_once(
    know: Know, do: str, state: str, action: str
) -> None:
    rule = CompanyRuleFactory(connection=know.connection)
    for _ in range(3):
        FiringFactory(rule=rule, state="held")
    assert "is held back 3 times" in know.looks("rules/")
    assert "3 times" in know.send(f"rules/{rule.pk}/held/", do=do)
    assert set(Firing.objects.values_list("state", flat=True)) == {state}
    assert "Nothing of" in know.send(f"rules/{rule.pk}/held/", do=do)
    assert AuditEntry.objects.get().action == action


def test_deleting_a_rule_twice_finds_it_done(know: Know) -> None:
    rule = CompanyRuleFactory(connection=know.connection)
    for _ in range(2):
        know.send(f"rules/{rule.pk}/delete/")
    assert (CompanyRule.objects.count(), AuditEntry.objects.count()) == (0, 1)


def test_another_workspaces_rule_and_firing_stay_out_of_reach(know: Know) -> None:
    firing = FiringFactory(state="failed")
    for path in (
        f"rules/{firing.rule_id}/",
        f"rules/{firing.rule_id}/switch/",
        f"rules/{firing.rule_id}/held/",
        f"log/{firing.pk}/retry/",
    ):
        assert know.admin.post(know.base + path, {"on": "no", "do": "drop"}).status_code == 404
    know.send(f"rules/{firing.rule_id}/delete/")
    assert CompanyRule.objects.filter(pk=firing.rule_id).exists()


def test_a_member_looks_at_rules_and_changes_nothing(know: Know) -> None:
    rule = CompanyRuleFactory(connection=know.connection)
    assert "Switch off" not in know.looks("rules/") and "Only admins of" in know.looks(f"rules/{rule.pk}/")
    for path in (
        "rules/new/",
        f"rules/{rule.pk}/",
        f"rules/{rule.pk}/switch/",
        f"rules/{rule.pk}/delete/",
        f"rules/{rule.pk}/held/",
    ):
        assert know.member.post(know.base + path, COMMENT).status_code == 403


# The log


def test_the_log_tells_the_change_the_steps_and_what_came_of_them(know: Know) -> None:
    rule, acme = CompanyRuleFactory(connection=know.connection, name="Kick-off"), know.company()
    change = CompanyChangeFactory(company=acme, before="Trial", after="Onboarding")
    item = "7a52ea0e-5094-4576-93f2-32b75186b274"
    FiringFactory(
        rule=rule, company=acme, change=change, state="done", done=1,
        plan=[{"do": "create_item", "project": "p", "title": "Onboard Acme Air", "priority": "none", "labels": []}],
        results=[{"said": "Made CUST-9.", "item": item, "key": "CUST-9"}],
    )  # fmt: skip
    page = know.looks("log/")
    assert all(
        text in page for text in ("Phase: Trial → Onboarding", "“Onboard Acme Air”", "Made CUST-9.", f"/items/{item}/")
    )


def test_the_log_is_narrowed_by_outcome_and_rule(know: Know) -> None:
    rules = [CompanyRuleFactory(connection=know.connection, name=name) for name in ("One", "Two")]
    for rule, state in zip(rules, ("done", "failed"), strict=True):
        FiringFactory(
            rule=rule, company=CompanyFactory(connection=know.connection, name=f"For {rule.name}"), state=state
        )
    assert "For Two" in know.page("log/?state=failed") and "For One" not in know.page("log/?state=failed")
    assert "For One" in know.page(f"log/?rule={rules[0].pk}") and "For Two" not in know.page(f"log/?rule={rules[0].pk}")
    assert "For One" in know.page("log/?rule=nonsense&state=nonsense")


def test_an_empty_log_leads_to_the_rules(know: Know) -> None:
    assert "No rule has fired yet" in know.looks("log/") and "No rule yet" in know.page("rules/")
