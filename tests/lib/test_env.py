from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from planeapp.lib.env import Reader

KEY = base64.b64encode(b"k" * 32).decode()
SHORT = base64.b64encode(b"k" * 16).decode()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("THING", "THING_FILE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_text_is_read_without_the_blanks_around_it(env: pytest.MonkeyPatch) -> None:
    env.setenv("THING", "  some text\n")
    assert Reader().text("THING") == "some text"


def test_a_text_that_is_not_there_has_its_default(env: pytest.MonkeyPatch) -> None:
    assert Reader().text("THING", "default") == "default"


def test_a_value_may_stand_in_a_file(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "thing").write_text("from the file\n")
    env.setenv("THING_FILE", str(tmp_path / "thing"))
    assert Reader().text("THING") == "from the file"


def test_a_database_address_may_stand_in_a_file_that_ends_with_a_line(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "thing").write_text("postgres://u:p@db.lan:5433/name\n")
    env.setenv("THING_FILE", str(tmp_path / "thing"))
    reader = Reader()
    assert reader.database("THING", "sqlite:///x")["NAME"] == "name"
    assert reader.problems == []


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/"])
def test_a_file_that_cannot_be_read_is_named(env: pytest.MonkeyPatch, path: str) -> None:
    env.setenv("THING_FILE", path)
    reader = Reader()
    assert reader.text("THING", "default") == "default"
    assert reader.problems[0].startswith("THING cannot be read")
    assert "THING_FILE" in reader.problems[0]


def test_a_file_that_is_no_text_is_named(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "thing").write_bytes(b"\xff\xfe\x00")
    env.setenv("THING_FILE", str(tmp_path / "thing"))
    reader = Reader()
    reader.text("THING")
    assert len(reader.problems) == 1


@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_missing_secret_is_named_with_its_mend(env: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        env.setenv("THING", value)
    reader = Reader()
    reader.secret("THING", "Set it to something.")
    assert reader.problems == ["THING is missing. Set it to something."]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("1", True),
        ("true", True),
        ("Yes", True),
        ("ON", True),
        ("0", False),
        ("false", False),
        ("no", False),
        ("", False),
    ],
)
def test_a_flag_knows_the_usual_words(env: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    env.setenv("THING", value)
    reader = Reader()
    assert reader.flag("THING") is meant
    assert reader.problems == []


def test_a_flag_that_is_not_set_has_its_default(env: pytest.MonkeyPatch) -> None:
    assert Reader().flag("THING", default=True) is True


def test_an_empty_flag_has_its_default_too(env: pytest.MonkeyPatch) -> None:
    env.setenv("THING", "")
    assert Reader().flag("THING") is False


@pytest.mark.parametrize(
    ("value", "separator", "words"),
    [("a,b", ",", ["a", "b"]), (" a , , b ,", ",", ["a", "b"]), ("a  b\nc", None, ["a", "b", "c"]), ("", ",", [])],
)
def test_a_list_leaves_blanks_out(env: pytest.MonkeyPatch, value: str, separator: str | None, words: list[str]) -> None:
    env.setenv("THING", value)
    assert Reader().words("THING", separator=separator) == words


@pytest.mark.parametrize(
    "value", ["https://x.example", "https://x.example/", "http://localhost:8000", "http://[::1]:80"]
)
def test_an_origin_is_a_scheme_a_host_and_a_port(env: pytest.MonkeyPatch, value: str) -> None:
    env.setenv("THING", value)
    reader = Reader()
    assert reader.origin("THING", "https://default.example") == value.rstrip("/")
    assert reader.problems == []


MALFORMED = [
    ("flag", "maybe", "1 or 0"),
    ("origin", "x.example", "https://host"),
    ("origin", "ftp://x.example", "https://host"),
    ("origin", "https://", "https://host"),
    ("origin", "https://x.example/path", "https://host"),
    ("origin", "https://x.example?q=1", "https://host"),
    ("origin", "https://x.example#part", "https://host"),
    ("origin", "https://me:pw@x.example", "https://host"),
    ("origin", "http://[::1", "https://host"),
    ("origin", "http://x.example:port", "https://host"),
    ("origin", "http://x.example:99999", "https://host"),
    ("choice", "xml", "json, console"),
    ("keys", "", "Make one"),
    ("keys", "not base64", "Make one"),
    ("keys", SHORT, "32 bytes"),
    ("keys", f"{KEY},{SHORT}", "key 2"),
    ("database", "nonsense", "postgres://"),
    ("database", "oracel://h/n", "postgres://"),
    ("database", "postgres://u:p@h:port/n", "postgres://"),
    ("database", "postgres://u:p@[::1/n", "postgres://"),
]
DEFAULTS = {
    "flag": (), "origin": ("https://default.example",), "choice": ("json", ("json", "console")), "keys": (),
    "database": ("sqlite:///x.sqlite3",),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "mend"), MALFORMED)
def test_a_malformed_value_is_told_in_one_line_with_its_name_and_the_mend(
    env: pytest.MonkeyPatch, kind: str, value: str, mend: str
) -> None:
    env.setenv("THING", value)
    reader = Reader()
    getattr(reader, kind)("THING", *DEFAULTS[kind])
    (problem,) = reader.problems
    assert problem.startswith("THING")
    assert mend in problem
    assert "\n" not in problem


def test_a_malformed_database_address_does_not_tell_its_password(env: pytest.MonkeyPatch) -> None:
    env.setenv("THING", "oracel://user:hunter2@h:1/n")
    reader = Reader()
    reader.database("THING", "sqlite:///x.sqlite3")
    assert "hunter2" not in reader.problems[0]


def test_an_empty_database_address_means_the_default(env: pytest.MonkeyPatch) -> None:
    env.setenv("THING", "")
    assert "sqlite3" in str(Reader().database("THING", "sqlite:///x.sqlite3")["ENGINE"])


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_origin_or_choice_means_the_default(env: pytest.MonkeyPatch, value: str) -> None:
    env.setenv("THING", value)
    reader = Reader()
    assert reader.origin("THING", "https://default.example") == "https://default.example"
    assert reader.choice("THING", "json", ("json", "console")) == "json"
    assert reader.problems == []


def test_several_keys_are_read_in_order(env: pytest.MonkeyPatch) -> None:
    env.setenv("THING", f"{KEY}, {base64.b64encode(b'n' * 32).decode()}")
    assert Reader().keys("THING") == [b"k" * 32, b"n" * 32]


def test_a_bad_key_is_not_printed(env: pytest.MonkeyPatch) -> None:
    env.setenv("THING", SHORT)
    reader = Reader()
    reader.keys("THING")
    assert SHORT not in reader.problems[0]


def test_every_fault_is_told_at_once(env: pytest.MonkeyPatch) -> None:
    reader = Reader()
    reader.secret("THING", "Set it.")
    reader.keys("OTHER_THING")
    with pytest.raises(SystemExit) as caught:
        reader.finish()
    assert len(str(caught.value).splitlines()) == 2


def test_without_faults_the_start_goes_on(env: pytest.MonkeyPatch) -> None:
    reader = Reader()
    assert reader.finish() is None


# A real start

BAD_STARTS = [
    ("SECRET_KEY", None),
    ("ENCRYPTION_KEYS", None),
    ("ENCRYPTION_KEYS", SHORT),
    ("DEBUG", "perhaps"),
    ("APP_BASE_URL", "example.com"),
    ("DATABASE_URL", "nonsense"),
    ("LOG_FORMAT", "xml"),
    ("SECRET_KEY_FILE", "/nowhere/at/all"),
]


def check(name: str, value: str | None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    if name.endswith("_FILE"):
        environment.pop(name.removesuffix("_FILE"), None)
    environment.pop(name, None)
    if value is not None:
        environment[name] = value
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "value"), BAD_STARTS)
def test_a_start_with_a_bad_setting_ends_with_one_line_that_names_it(name: str, value: str | None) -> None:
    ended = check(name, value)
    told = [line for line in ended.stderr.splitlines() if name.removesuffix("_FILE") in line]
    assert ended.returncode != 0
    assert told
    assert told == ended.stderr.splitlines()
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_start_with_good_settings_goes_well() -> None:
    ended = check("SOMETHING_ELSE", "x")
    assert ended.returncode == 0, ended.stderr
