from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import load_command_class

from planeapp.installations.models import AuditEntry, Connection, Credential
from tests.operators.running import refused, run
from tests.vendors import TOKENS, Team


def stored() -> int:
    """How many of a vendor's secrets we keep."""
    return Credential.objects.filter(connection__isnull=False).count()


@pytest.mark.parametrize("provider", ["planner", "planhat"])
def test_a_token_from_standard_input_connects_and_the_report_is_printed(team: Team, provider: str) -> None:
    ran = run("connect", "sandbox", provider, stdin=TOKENS[provider] + "\n")
    assert (ran.code, Connection.objects.get().provider) == (0, provider)
    assert Credential.objects.get(connection__isnull=False, slot="api").access == TOKENS[provider]
    assert ran.out.startswith("ok") and TOKENS[provider] not in ran.out
    assert AuditEntry.objects.get().detail == {"provider": provider, "by": "command line"}


def test_a_token_from_a_file_connects(team: Team, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"  {TOKENS['planhat']}\n")
    assert run("connect", "sandbox", "planhat", "--token-file", str(tmp_path / "token")).code == 0
    assert Credential.objects.get(connection__isnull=False).access == TOKENS["planhat"]


def test_the_workspaces_uuid_will_do(team: Team) -> None:
    assert run("connect", str(team.installation.workspace_id), "planhat", stdin=TOKENS["planhat"]).code == 0


def test_the_report_for_machines_is_one_json_document(team: Team) -> None:
    found = run("connect", "sandbox", "planner", "--json", stdin=TOKENS["planner"]).json
    assert {"lines", "abilities"} <= set(found)
    assert {"name", "label", "state", "detail"} <= set(found["lines"][0])
    assert "create" in found["abilities"]


def test_connecting_twice_replaces_the_connection(team: Team) -> None:
    for _ in range(2):
        assert run("connect", "sandbox", "planhat", stdin=TOKENS["planhat"]).code == 0
    assert (Connection.objects.count(), stored()) == (1, 1)


@pytest.mark.parametrize("given", [["--token", "/etc/hostname"], ["--token=canary-token"], ["--token"]])
def test_a_token_among_the_arguments_is_refused_and_not_repeated(team: Team, given: list[str]) -> None:
    line = refused(run("connect", "sandbox", "planner", *given, stdin=TOKENS["planner"]))
    assert line == "Others on this machine can read arguments. Use --token-file, or pipe the token in."
    assert Connection.objects.count() == 0


@pytest.mark.parametrize("token", ["", "   \n"])
def test_an_empty_token_is_refused(team: Team, token: str) -> None:
    line = refused(run("connect", "sandbox", "planner", stdin=token))
    assert line == "The token is empty. Put it into a file or pipe it to standard input."
    assert list(team.vendors.planner.control.requests) == []


def test_a_token_that_the_vendor_refuses_is_refused_and_not_stored(team: Team) -> None:
    line = refused(run("connect", "sandbox", "planhat", stdin="wrong-token"))
    assert "wrong-token" not in line
    assert (Connection.objects.count(), stored()) == (0, 0)


def test_a_token_with_a_space_in_it_is_refused_as_in_the_form(team: Team) -> None:
    assert refused(run("connect", "sandbox", "planhat", stdin="two words")).startswith("token: ")


def test_a_region_that_is_no_region_is_refused(team: Team) -> None:
    assert "region" in refused(
        run("connect", "sandbox", "planhat", "--region", "evil.example", stdin=TOKENS["planhat"])
    )
    assert list(team.vendors.planhat.control.requests) == []


def test_a_file_that_is_not_there_is_refused(team: Team, tmp_path: Path) -> None:
    line = refused(run("connect", "sandbox", "planner", "--token-file", str(tmp_path / "none")))
    assert line.startswith("--token-file: No such file or directory")


@pytest.mark.django_db
def test_an_unknown_workspace_is_refused() -> None:
    assert refused(run("connect", "nowhere", "planner", stdin="x")).endswith("Known: none yet.")


@pytest.mark.django_db
def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    ran = run("connect", "nowhere", "salesforce", stdin="x")
    assert (ran.code, "'planhat', 'planner'" in ran.err or "planhat, planner" in ran.err) == (1, True)


def test_no_argument_takes_a_token(team: Team) -> None:
    parser = load_command_class("planeapp.operators", "connect").create_parser("manage.py", "connect")
    ours = {"workspace", "provider", "token_file", "region", "json"}
    assert ours <= {action.dest for action in parser._actions}
    ran = run("connect", "sandbox", "planhat", "--token", TOKENS["planhat"])
    assert (ran.code, stored()) == (1, 0)
