from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from planeapp.installations.models import AuditEntry, Credential
from tests.factories import CredentialFactory

pytestmark = pytest.mark.django_db
OLD, NEW = b"k" * 32, b"n" * 32


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rotate_keys", *arguments, stdout=out)
    return out.getvalue()


def test_every_secret_is_brought_to_the_first_key_and_the_old_one_can_go(settings: Any) -> None:
    row = CredentialFactory()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert run().startswith("1 rows were brought to the first key.")
    settings.ENCRYPTION_KEYS = [NEW]
    assert Credential.objects.get(pk=row.pk).access == "access-one"


def test_machines_get_json_and_a_second_run_has_nothing_to_do(settings: Any) -> None:
    CredentialFactory()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert [json.loads(run("--json")) for _ in range(2)] == [{"rotated": 1}, {"rotated": 0}]


def test_a_missing_key_is_one_line_that_says_what_to_do(settings: Any) -> None:
    CredentialFactory()
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match="put the key back and run this again") as caught:
        run()
    assert "\n" not in str(caught.value)
    assert not AuditEntry.objects.exists()


def test_a_rotation_is_noted_without_any_key(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    run()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.who, entry.detail) == ("rotated_keys", "system", {"rows": 0})
