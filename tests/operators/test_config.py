from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from planeapp.installations.models import AuditEntry, Credential
from planeapp.sync.models import Due, ProjectPair
from planeapp.sync.settings_yaml import LARGEST
from tests.factories import InstallationFactory
from tests.operators.running import Ran, refused, run
from tests.vendors import TOKENS, Team


@pytest.fixture
def paired(team: Team) -> Team:
    """Project CUST paired with Planner."""
    team.pair(team.connect("planner"))
    return team


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file lies."""
    return tmp_path / "settings.yaml"


def exported() -> Any:
    """The workspace's file as data."""
    return yaml.safe_load(run("config", "export", "sandbox").out)


def edited(path: Path, **more: Any) -> str:
    """The workspace's file, with its pair edited, in ``path``."""
    data = exported()
    data["connections"]["planner"]["pairs"][0] |= more
    path.write_text(yaml.safe_dump(data))
    return str(path)


def imported(path: str | Path, *more: str) -> Ran:
    """The import of a file."""
    return run("config", "import", "sandbox", str(path), *more)


def test_the_export_is_one_yaml_document_that_names_the_pair_and_every_field(paired: Team) -> None:
    (pair,) = exported()["connections"]["planner"]["pairs"]
    assert (pair["project"], pair["place"], pair["zone"]) == ("CUST", "Ramp operations", "Europe/Stockholm")
    assert set(pair["rules"]) == {"title", "start", "end", "notes", "state", "people"}
    assert run("config", "export", str(paired.installation.workspace_id)).out == run("config", "export", "sandbox").out


def test_the_export_holds_no_secret(paired: Team) -> None:
    paired.connect("planhat")
    text = run("config", "export", "sandbox").out
    held = [secret for row in Credential.objects.all() for secret in (row.access, row.refresh, row.keep) if secret]
    assert TOKENS["planner"] in held and TOKENS["planhat"] in held
    addresses = [row.opaque_id for row in paired.installation.connections.all()]
    assert not [secret for secret in (*held, *addresses) if secret in text]


def test_what_was_exported_changes_nothing(paired: Team, path: Path) -> None:
    path.write_text(run("config", "export", "sandbox").out)
    assert (imported(path).code, imported(path).out) == (0, "Nothing to do.\n")
    assert (Due.objects.count(), AuditEntry.objects.filter(action="imported_settings").count()) == (0, 0)


def test_a_dry_run_prints_what_would_change_and_writes_nothing(paired: Team, path: Path) -> None:
    ran = imported(edited(path, deletes="delete", zone="UTC"), "--dry-run")
    assert ran.out.splitlines() == [
        "connections.planner.pairs[CUST].deletes: unlink → delete",
        "connections.planner.pairs[CUST].zone: Europe/Stockholm → UTC",
        "1 pair changed. Dry run: nothing was written.",
    ]
    assert (ProjectPair.objects.get().options, Due.objects.count()) == ({}, 0)


def test_an_import_makes_the_changes_and_tells_the_audit_log(paired: Team, path: Path) -> None:
    assert imported(edited(path, deletes="delete")).out.endswith("1 pair changed.\n")
    assert ProjectPair.objects.get().options == {"deletes": "delete"}
    assert AuditEntry.objects.latest("id").detail == {"by": "command line", "changed": "CUST"}
    assert Due.objects.get().pair == ProjectPair.objects.get()


def test_a_file_brings_its_pairs_to_a_workspace_that_has_none(paired: Team, path: Path) -> None:
    text = edited(path, project_id="00000000-0000-4000-8000-000000000000", place_id="of_another_account")
    ProjectPair.objects.all().delete()
    assert "connections.planner.pairs[CUST]: new pair\n" in imported(text).out
    made = ProjectPair.objects.get()
    assert (str(made.project_id), made.place_id, made.project_name) == (
        paired.project()["id"],
        "prj_ramp",
        "Customer work",
    )
    assert imported(text).out == "Nothing to do.\n"


def test_the_changes_for_machines_are_one_json_document(paired: Team, path: Path) -> None:
    assert imported(edited(path, show_link=False), "--dry-run", "--json").json == {
        "dry_run": True, "counts": {"changed": 1},
        "pairs": [{"pair": "connections.planner.pairs[CUST]", "does": "change", "changes": [
            {"path": "connections.planner.pairs[CUST].show_link", "before": True, "after": False},
        ]}],
    }  # fmt: skip


def test_the_file_may_come_from_standard_input(paired: Team, path: Path) -> None:
    text = Path(edited(path, show_link=False)).read_text()
    assert run("config", "import", "sandbox", "-", stdin=text).code == 0
    assert ProjectPair.objects.get().options == {"show_link": False}


def test_pairs_that_the_file_does_not_name_go_only_when_that_is_said(paired: Team, path: Path) -> None:
    path.write_text("version: 1\nconnections: {planner: {pairs: []}}")
    assert imported(path).out == (
        "connections.planner.pairs[CUST]: not in the file, left alone (--remove takes it away)\n1 pair left alone.\n"
    )
    assert imported(path, "--remove", "--dry-run").code == 0 and ProjectPair.objects.exists()
    assert imported(path, "--remove").out.endswith("1 pair removed.\n")
    assert not ProjectPair.objects.exists()


def test_all_faults_are_told_with_their_lines_and_nothing_is_changed(paired: Team, path: Path) -> None:
    path.write_text(
        "version: 1\nconnections:\n  planner:\n    pairs:\n    - project: CUST\n      place: Ramp operations\n"
        "      rules:\n        titel: {direction: out}\n      deletes: now\n"
    )
    ran = imported(path)
    assert ran.code == 1 and ran.err == "Nothing was changed: the file has 2 faults."
    assert [line.split(": ")[:2] for line in ran.out.splitlines()] == [
        ["line 8", "connections.planner.pairs[0].rules.titel"], ["line 9", "connections.planner.pairs[0].deletes"],
    ]  # fmt: skip
    assert ProjectPair.objects.get().rules == {}


def test_of_very_many_faults_the_first_are_told(paired: Team, path: Path) -> None:
    path.write_text("version: 1\n" + "".join(f"x{number}: 1\n" for number in range(120)))
    ran = imported(path)
    assert ran.err == "Nothing was changed: the file has more than 50 faults; the first 50 are shown."
    assert len(ran.out.splitlines()) == 50


def test_a_side_that_does_not_answer_ends_with_one_line(paired: Team, path: Path) -> None:
    text = edited(path, place="Winter schedule", place_id="")
    paired.vendors.planner.fault(".*", status=503, times=50)
    assert "We try again on our own." in refused(imported(text))


def test_a_file_that_is_not_there_or_too_large_is_refused(paired: Team, path: Path) -> None:
    assert refused(imported(path)).startswith("No such file or directory")
    path.write_bytes(b"#" * (LARGEST + 5))
    ran = imported(path)
    assert (ran.code, ran.out) == (1, "the file is larger than 1024 KiB\n")


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [["export"], ["import", "-"]])
def test_an_unknown_workspace_is_refused(arguments: list[str]) -> None:
    doing, *rest = arguments
    assert refused(run("config", doing, "nowhere", *rest)).startswith("No workspace 'nowhere' has the app installed.")


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [[], ["print", "air"], ["import", "air"]])
def test_what_it_does_not_do_is_refused(arguments: list[str]) -> None:
    assert run("config", *arguments).code == 1


@pytest.mark.django_db
def test_a_workspace_without_connections_exports_an_empty_file_that_is_taken_back() -> None:
    InstallationFactory(slug="air")
    text = run("config", "export", "air").out
    assert "connections: {}" in text
    assert run("config", "import", "air", "-", stdin=text).out == "Nothing to do.\n"
