from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from planeapp.installations.models import AuditEntry, Credential, Installation
from tests.factories import CredentialFactory, InstallationFactory, MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Installation:
    """A workspace with an admin, beside another one."""
    InstallationFactory(slug="other")
    found: Installation = MembershipFactory(installation__slug="acme", user__email="ada@example.com").installation
    return found


def run(name: str, *arguments: str) -> Any:
    out = io.StringIO()
    call_command("offboard", name, *arguments, stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize("by", ["slug", "workspace_id"])
def test_a_workspace_is_erased_and_the_receipt_is_json(acme: Installation, by: str) -> None:
    receipt = run(str(getattr(acme, by)), "--yes")
    assert (receipt["slug"], receipt["workspace"], receipt["by"]) == ("acme", str(acme.workspace_id), "command line")
    assert receipt["rows"] == {"accounts.User": 1, "installations.Installation": 1, "installations.Membership": 1}
    assert [found.slug for found in Installation.objects.all()] == ["other"]


def test_without_yes_the_name_has_to_be_typed(acme: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda question: " acme ")
    assert run("acme")["slug"] == "acme"


@pytest.mark.parametrize("typed", ["", "acm", "ACME", "yes"])
def test_another_name_erases_nothing(acme: Installation, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr("builtins.input", lambda question: typed)
    with pytest.raises(CommandError, match="Nothing was erased"):
        run("acme")
    assert Installation.objects.count() == 2


def test_without_a_terminal_nothing_is_erased(acme: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    with pytest.raises(CommandError, match="--yes"):
        run("acme")
    assert Installation.objects.count() == 2


def test_a_second_run_says_which_workspaces_there_are(acme: Installation) -> None:
    run("acme", "--yes")
    with pytest.raises(CommandError, match="Known: other"):
        run("acme", "--yes")
    assert AuditEntry.objects.filter(action="offboarded").count() == 1


def test_a_secret_whose_key_is_lost_is_erased_and_told(acme: Installation, settings: Any) -> None:
    CredentialFactory(connection=None, installation=acme, slot="bot", refresh="")
    settings.ENCRYPTION_KEYS = [b"x" * 32]
    receipt = run("acme", "--yes")
    assert receipt["revoked"]["plane bot token"].startswith("not possible: the stored secret does not open")
    assert not Credential.objects.exists()


def test_the_receipt_names_no_person(acme: Installation) -> None:
    told = re.findall(
        r"[a-z]+", re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", json.dumps(run("acme", "--yes")).lower())
    )
    assert "receipt" in told and not {"ada", "lovelace"} & set(told)
