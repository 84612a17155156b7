from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from planeapp.customers.models import CompanyRule, Errand
from planeapp.customers.options import Options, options_of, save_options
from planeapp.customers.rules import RuleSpec, spec_of
from planeapp.customers.settings_section import SECTIONS
from planeapp.installations.models import AuditEntry, Connection
from planeapp.sync.settings_file import read
from planeapp.sync.settings_yaml import Unreadable
from tests.customers.factories import BookFactory, CompanyRuleFactory, FiringFactory, KnowingConnectionFactory
from tests.factories import InstallationFactory, ProjectPairFactory
from tests.operators.running import run
from tests.vendors import Team, team, vendors

__all__ = ["team", "vendors"]
pytestmark = pytest.mark.django_db
RULE = {"name": "Kick-off", "when": {"test": "becomes", "field": "phase", "value": "Onboarding"},
        "then": [{"do": "create_item", "project": "cust", "title": "Onboard {company}", "due_in": 7}]}  # fmt: skip


@pytest.fixture
def connection() -> Connection:
    """A connection with companies in workspace ``air``, where project CUST is in step."""
    made: Connection = KnowingConnectionFactory(installation=InstallationFactory(slug="air"))
    BookFactory(connection=made)
    ProjectPairFactory(connection=made, project_key="CUST", place_id="issues", place_name="Issues")
    return made


def parts(*rules: Any, **options: Any) -> dict[str, Any]:
    """The company parts of a file."""
    return {"company_rules": list(rules)} | ({"companies": options} if options else {})


def text(**sections: Any) -> str:
    """A file whose pairs are as they are."""
    data = yaml.safe_load(run("config", "export", "air").out)
    rest = {name: part for name, part in data["connections"]["planhat"].items() if name == "pairs"}
    return yaml.safe_dump(data | {"connections": {"planhat": rest | sections}}, sort_keys=False)


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Writes a file with these parts; gives where it lies."""

    def write(**sections: Any) -> str:
        path = tmp_path / "settings.yaml"
        path.write_text(text(**sections))
        return str(path)

    return write


def faults(**sections: Any) -> list[str]:
    """What a file alone shows to be wrong."""
    with pytest.raises(Unreadable) as end:
        read(yaml.safe_dump({"version": 1, "connections": {"planhat": sections}}), SECTIONS)
    return [str(fault).partition(": ")[2] for fault in end.value.faults]


def test_an_export_read_in_again_changes_nothing(connection: Connection, tmp_path: Path) -> None:
    CompanyRuleFactory(connection=connection, only=[{"test": "below", "field": "health", "value": 4.5}])
    save_options(connection, Options(customers="read", label_prefix="customer: "))
    path = tmp_path / "all.yaml"
    path.write_text(run("config", "export", "air").out)
    assert "Nothing to do" in run("config", "import", "air", str(path)).out
    assert not AuditEntry.objects.exists()


def test_rules_are_made_switched_on_and_projects_found_by_their_keys(connection: Connection, file: Any) -> None:
    path = file(**parts(RULE))
    assert "company_rules[Kick-off]: new rule" in run("config", "import", "air", path, "--dry-run").out
    assert not CompanyRule.objects.exists()
    run("config", "import", "air", path)
    rule = CompanyRule.objects.get()
    assert (rule.enabled, rule.armed_at is not None, rule.then[0]["due_in"]) == (True, True, 7)
    assert rule.then[0]["project_id"] == str(connection.pairs.get().project_id)
    assert "Nothing to do" in run("config", "import", "air", path).out
    assert AuditEntry.objects.get().action == "imported_company_settings"


def test_a_rule_is_known_by_its_name_and_changed_or_switched_off(connection: Connection, file: Any) -> None:
    rule = CompanyRuleFactory(connection=connection, name="Kick-off")
    FiringFactory(rule=rule)
    told = run("config", "import", "air", file(**parts(RULE | {"enabled": False}))).out
    assert "company_rules[Kick-off].enabled: true → false" in told
    rule.refresh_from_db()
    assert (rule.enabled, rule.firings.get().state, rule.then[0]["do"]) == (False, "dropped", "create_item")


def test_rules_that_are_not_named_are_left_alone_unless_they_shall_go(connection: Connection, file: Any) -> None:
    CompanyRuleFactory(connection=connection, name="Other")
    path = file(**parts(RULE))
    assert "company_rules[Other]: not in the file, left alone" in run("config", "import", "air", path).out
    run("config", "import", "air", path, "--remove")
    assert CompanyRule.objects.get().name == "Kick-off"


def test_a_file_without_these_parts_touches_none_of_them(connection: Connection, file: Any) -> None:
    CompanyRuleFactory(connection=connection)
    save_options(connection, Options(card=True))
    assert "Nothing to do" in run("config", "import", "air", file(), "--remove").out
    assert CompanyRule.objects.exists() and options_of(connection).card


def test_options_become_what_the_file_says(connection: Connection, file: Any) -> None:
    save_options(connection, Options(card=True))
    told = run("config", "import", "air", file(companies={"labels": True, "finished": "task"})).out
    assert "companies.card: true → false" in told
    assert options_of(connection) == Options(labels=True, finished="task")
    assert Errand.objects.filter(kind="labels").exists()


@pytest.mark.parametrize(("sections", "told"), [
    (parts(RULE | {"whenever": 1}), "company_rules[0].whenever: there is no setting whenever; did you mean when?"),
    (parts(RULE | {"when": {"test": "becomes", "feild": "phase", "value": "x"}}), "no setting feild; did you mean field?"),
    (parts(RULE | {"then": [{"do": "label", "lable": "x"}]}), "then[0].lable: there is no setting lable; did you mean label?"),
    (parts(RULE | {"then": [{"do": "dance"}]}), "company_rules[0].then[0]: there is no such action"),
    (parts(RULE | {"then": [{"do": "create_item", "title": "x"}]}), "company_rules[0].then[0]: name the project"),
    (parts(RULE | {"then": []}), "company_rules[0].then:"),
    (parts(RULE | {"enabled": "perhaps"}), "company_rules[0].enabled: write true or false"),
    (parts(RULE, copy.deepcopy(RULE)), "company_rules[1].name: a rule has this name already"),
    ({"company_rules": {"a": 1}}, "company_rules: a list is expected here"),
    ({"companies": {"cards": True}}, "companies.cards: there is no setting cards; did you mean card?"),
    ({"companies": {"customers": "some"}}, "companies.customers:"),
    ({"companie": {}}, "known: pairs, companies, company_rules"),
])  # fmt: skip
def test_what_is_wrong_is_refused_by_name(sections: dict[str, Any], told: str) -> None:
    assert any(told in fault for fault in faults(**sections)), faults(**sections)


def test_a_connection_that_knows_no_companies_is_told_and_nothing_is_changed(connection: Connection, file: Any) -> None:
    path = file(**parts(RULE))
    Connection.objects.filter(pk=connection.pk).update(report={"abilities": []})
    ran = run("config", "import", "air", path)
    assert ran.code == 1 and "knows no companies" in ran.out
    assert not CompanyRule.objects.exists()


def test_a_project_that_is_not_there_is_told_with_its_line(team: Team, tmp_path: Path) -> None:
    BookFactory(connection=KnowingConnectionFactory(installation=team.installation))
    rule = {**RULE, "then": [{"do": "create_item", "project": "NOPE", "title": "x"}]}
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "connections": {"planhat": parts(rule)}}))
    ran = run("config", "import", "sandbox", str(path))
    assert "company_rules[0].then[0].project: there is no project NOPE" in ran.out and "CUST (Customer work)" in ran.out


def test_the_example_of_the_docs_is_read(connection: Connection, tmp_path: Path) -> None:
    docs = Path(__file__).parents[2] / "docs" / "settings-file.md"
    path = tmp_path / "settings.yaml"
    path.write_text(docs.read_text().split("```yaml\n")[2].partition("```")[0])
    run("config", "import", "air", str(path))
    assert spec_of(CompanyRule.objects.get()).name == "Kick-off"
    assert options_of(connection).customers == "linked"


def test_every_part_of_a_rule_comes_back_as_it_was(connection: Connection, tmp_path: Path) -> None:
    project = str(connection.pairs.get().project_id)
    spec = RuleSpec.model_validate({
        "name": "All: of it", "when": {"test": "below", "field": "custom:Seats, sold", "value": 3},
        "only": [{"test": "has", "field": "tags", "value": "off"}, {"test": "is_not", "field": "phase", "value": "yes"}],
        "then": [
            {"do": "create_item", "project_id": project, "title": "{company}: {before}", "notes": "1\n\n2", "state": "started",
             "priority": "high", "labels": ["a, b"], "assign": "owner", "start_in": 0, "due_in": 3},
            {"do": "label", "label": "17:00"}, {"do": "comment", "text": "no"}, {"do": "assign", "who": "ada@x.example"},
        ],
    })  # fmt: skip
    row = CompanyRuleFactory(connection=connection, **spec.model_dump(mode="json"))
    path = tmp_path / "all.yaml"
    path.write_text(run("config", "export", "air").out)
    row.delete()
    run("config", "import", "air", str(path))
    assert spec_of(CompanyRule.objects.get()) == spec
