"""Every command of the guides' blocks is run, in this process where that is possible."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from planeapp.lib.env import Reader
from planeapp.operators.doctor.findings import Finding
from tests.docs.pages import GUIDES, commands
from tests.factories import InstallationFactory, UserFactory
from tests.operators.running import Ran, run

TOKEN = "a-token-for-prometheus"
WRITTEN = [(name, command) for name in GUIDES for command in commands(name)]
OURS = sorted({line for _, line in WRITTEN if line.startswith("python manage.py ")})
CURL = sorted({line for _, line in WRITTEN if line.startswith("curl ")})
TOOLS = ("pg_dump", "pg_restore", "createdb", "psql")
DATABASE = [line for _, line in WRITTEN if line.startswith(TOOLS)]
KEYS = [line for _, line in WRITTEN if line.startswith(("openssl ", "python -c "))]


def test_every_command_of_the_guides_is_run_below() -> None:
    assert len(WRITTEN) > 15
    run_here = {*OURS, *CURL, *DATABASE, *KEYS}
    assert [line for _, line in WRITTEN if line not in run_here] == []


@pytest.fixture
def at_work(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace to name, a place for collected files, and nobody outside to ask."""
    InstallationFactory(slug="workspace")
    UserFactory(email="ada@example.com")
    settings.STATIC_ROOT = tmp_path / "static"
    fine = {"x": (lambda: iter([Finding("database", "ok", "here")]), "")}
    monkeypatch.setattr("planeapp.operators.doctor.rounds.LOOKS", fine)


@pytest.mark.django_db
@pytest.mark.parametrize("line", OURS)
def test_our_own_commands_run_as_they_are_written(at_work: None, line: str) -> None:
    words = shlex.split(line.replace("WORKSPACE", "workspace"))[2:]
    ran: Ran = run(*words)
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.django_db
@pytest.mark.parametrize("line", CURL)
def test_addresses_answer_as_the_guides_ask_them(client: Client, settings: Any, line: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    words = shlex.split(line.replace("$METRICS_TOKEN", TOKEN))
    headers = dict(words[number + 1].split(": ", 1) for number, word in enumerate(words) if word == "-H")
    path = words[-1].removeprefix("http://localhost:8000")
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("line", KEYS)
def test_keys_and_tokens_are_made_as_the_guides_say(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line)
    if words[0] == "openssl" and not shutil.which("openssl"):
        pytest.skip("openssl is missing")
    words[0] = sys.executable if words[0] == "python" else words[0]
    made = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    if words[0] == sys.executable:
        monkeypatch.setenv("ENCRYPTION_KEYS", made)
        assert len(Reader().keys("ENCRYPTION_KEYS")[0]) == 32
    assert len(made) >= 32


@pytest.fixture
def shell(tmp_path: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[[str], str]]:
    """Runs a line as an operator would, against this test's own database; what it restores goes at the end."""
    with django_db_blocker.unblock():
        at = connection.settings_dict
    own, other = str(at["NAME"]), f"{at['NAME']}_restored"
    env = os.environ | {"PGHOST": at["HOST"] or "", "PGPORT": str(at["PORT"] or 5432), "PGUSER": at["USER"] or "",
                        "PGPASSWORD": at["PASSWORD"] or "", "DATABASE_URL": f"dbname={own}"}  # fmt: skip

    def do(line: str) -> str:
        line = line.replace("groundcrew_restored", other)
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield do
    subprocess.run(["dropdb", "--if-exists", other], env=env, check=True, capture_output=True)


@pytest.mark.postgres
@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="PostgreSQL's own tools are missing")
def test_a_dump_can_be_made_and_restored_as_the_guides_say(shell: Callable[[str], str]) -> None:
    said = [shell(line) for line in DATABASE]
    assert any("operators_sign" in text or "pg_size_pretty" in text for text in said)
    tables = shell('psql --dbname=groundcrew_restored -At -c "SELECT count(*) FROM inbox_delivery"')
    assert tables.strip() == "0"
