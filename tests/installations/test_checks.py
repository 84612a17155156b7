from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from planeapp.installations.checks import secrets_open
from planeapp.lib.crypto import key_id
from tests.factories import CredentialFactory
from tests.harness import ROOT

OLD, NEW = b"k" * 32, b"n" * 32


def key(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


# In this process


@pytest.mark.django_db
def test_secrets_that_open_are_fine() -> None:
    CredentialFactory()
    assert secrets_open(databases=["default"]) == []


@pytest.mark.django_db
def test_a_wrong_key_is_named_with_the_mend(settings: Any) -> None:
    CredentialFactory()
    settings.ENCRYPTION_KEYS = [NEW]
    (error,) = secrets_open(databases=["default"])
    assert (error.id, key_id(OLD) in error.msg) == ("groundcrew.E001", True)
    assert "back into ENCRYPTION_KEYS" in str(error.hint)


@pytest.mark.django_db
def test_a_key_that_only_older_secrets_need_must_not_be_missing_either(settings: Any) -> None:
    older = CredentialFactory(slot="older")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    CredentialFactory(connection=older.connection, slot="newer")
    settings.ENCRYPTION_KEYS = [NEW]
    (error,) = secrets_open(databases=["default"])
    assert key_id(OLD) in error.msg


@pytest.mark.django_db
def test_without_secrets_there_is_nothing_to_open(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEW]
    CredentialFactory(access="", refresh="")
    assert secrets_open(databases=["default"]) == []


def test_without_a_database_named_none_is_touched() -> None:
    assert secrets_open() == []


# As the processes that start


def manage(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A management command in an environment of its own, on a database file of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    ours = {
        "SECRET_KEY": "a-long-and-random-text-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
        "ENCRYPTION_KEYS": key(OLD),
        "DATABASE_URL": f"sqlite:///{home / 'app.sqlite3'}",
        "STATIC_HASHED": "0",
        "DJANGO_SETTINGS_MODULE": "planeapp.settings",
    }
    named = {name: value for name, value in (ours | environment).items() if value}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=kept | named, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one secret, sealed by the old key."""
    made = tmp_path_factory.mktemp("checks")
    assert manage(made, "migrate", "--noinput").returncode == 0
    fill = "from tests.factories import CredentialFactory; CredentialFactory(access='the-secret')"
    done = manage(made, "shell", "-c", fill)
    assert done.returncode == 0, done.stderr
    return made


def test_check_passes_with_the_right_key(home: Path) -> None:
    done = manage(home, "check", "--database", "default")
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr


def test_check_fails_with_a_wrong_key_and_one_clear_line(home: Path) -> None:
    done = manage(home, "check", "--database", "default", ENCRYPTION_KEYS=key(NEW))
    lines = [line for line in done.stderr.splitlines() if "ENCRYPTION_KEYS does not open" in line]
    assert (done.returncode, len(lines), "Traceback" in done.stderr) == (1, 1, False)
    assert f"no key '{key_id(OLD)}'" in lines[0]
    assert "the-secret" not in done.stderr and key(NEW) not in done.stderr


def test_check_passes_again_once_the_key_is_back(home: Path) -> None:
    done = manage(home, "check", "--database", "default", ENCRYPTION_KEYS=f"{key(NEW)},{key(OLD)}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("keys", ["", "short", key(OLD[:31]), f"{key(OLD)},nonsense"])
def test_a_missing_or_broken_key_stops_every_start_with_one_clear_line(home: Path, keys: str) -> None:
    done = manage(home, "check", "--database", "default", ENCRYPTION_KEYS=keys)
    (line,) = done.stderr.strip().splitlines()
    assert (done.returncode, line.startswith("Groundcrew cannot start: ENCRYPTION_KEYS")) == (1, True)
    assert "Make one:" in line
    assert not keys or keys not in line


PRODUCTION = {
    "APP_BASE_URL": "https://groundcrew.example.com",
    "PLANE_CLIENT_ID": "client",
    "PLANE_CLIENT_SECRET": "client-secret",
    "PLANE_WEBHOOK_SECRET": "plane_wh_secret",
    "TRUSTED_PROXY_COUNT": "1",
}


def test_check_deploy_is_clean_with_production_like_settings(home: Path) -> None:
    done = manage(home, "check", "--deploy", "--database", "default", "--fail-level", "WARNING", **PRODUCTION)
    assert (done.returncode, "no issues (0 silenced)" in done.stdout) == (0, True), done.stderr


def test_check_deploy_is_clean_on_postgresql_and_redis_too(home: Path) -> None:
    services = {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9/0"}
    done = manage(home, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION, **services)
    assert (done.returncode, "no issues (0 silenced)" in done.stdout) == (0, True), done.stderr
