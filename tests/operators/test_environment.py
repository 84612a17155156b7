from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from planeapp.operators.demo import environment


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of this test's own."""
    monkeypatch.setattr(environment, "HOME", tmp_path / "demo")
    return tmp_path / "demo"


def prepared(**given: str) -> dict[str, str]:
    """The demo's environment for an operator who has set this."""
    environ = dict(given)
    environment.prepare(environ)
    return environ


def test_the_four_addresses_follow_each_other() -> None:
    at = environment.addresses({"DEMO_PORT": "9100"})
    assert list(at) == ["app", "plane", "planner", "planhat"]
    assert [address.rpartition(":")[2] for address in at.values()] == ["9100", "9101", "9102", "9103"]
    assert environment.addresses({})["app"] == "http://localhost:8000"


@pytest.mark.parametrize("port", ["", "http", "80", "1023", "65001", "-1", "8000.5"])
def test_a_port_that_cannot_be_is_refused_in_one_line(port: str) -> None:
    with pytest.raises(SystemExit, match="DEMO_PORT must be a number from 1024 to 65000") as end:
        environment.addresses({"DEMO_PORT": port})
    assert "\n" not in str(end.value.code)


def test_everything_that_the_settings_need_is_there(home: Path) -> None:
    environ = prepared(DEMO_PORT="9100")
    assert environ["DATABASE_URL"] == f"sqlite:///{home / 'groundcrew.sqlite3'}"
    assert environ["PLANE_BASE_URL"] == environ["PLANE_APP_URL"] == "http://localhost:9101"
    assert environ["OUTBOUND_ALLOW"] == "localhost:9100,localhost:9101,localhost:9102,localhost:9103"
    assert len(base64.b64decode(environ["ENCRYPTION_KEYS"])) == 32
    assert all(environ[name] for name in ("SECRET_KEY", "PLANE_CLIENT_SECRET", "PLANE_WEBHOOK_SECRET"))


def test_what_the_operator_has_set_stays(tmp_path: Path) -> None:
    environ = prepared(SECRET_KEY="mine", APP_BASE_URL="http://demo.example:9100", ENCRYPTION_KEYS_FILE="/keys")
    assert (environ["SECRET_KEY"], environ["APP_BASE_URL"]) == ("mine", "http://demo.example:9100")
    assert "ENCRYPTION_KEYS" not in environ


def test_the_secrets_are_random_and_kept_for_the_next_start(home: Path) -> None:
    first, second = prepared(), prepared()
    assert first == second
    (home / "secrets.json").unlink()
    third = prepared()
    changed = {name for name in first if first[name] != third[name]}
    assert changed == {"SECRET_KEY", "ENCRYPTION_KEYS", "PLANE_CLIENT_SECRET", "PLANE_WEBHOOK_SECRET"}


def test_nobody_else_may_read_the_secrets(home: Path) -> None:
    prepared()
    assert (home / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["secrets.json"]


def test_a_start_that_was_killed_while_it_wrote_the_secrets_is_forgotten(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "write_text", killed)
        prepared()
    assert prepared()["SECRET_KEY"] == json.loads((home / "secrets.json").read_text())["SECRET_KEY"]


def test_commands_that_keep_nothing_get_throwaway_keys(home: Path) -> None:
    environ = {"SECRET_KEY": "mine"}
    environment.prepare_throwaway(environ)
    assert (environ["SECRET_KEY"], len(base64.b64decode(environ["ENCRYPTION_KEYS"]))) == ("mine", 32)
    assert not home.exists()
