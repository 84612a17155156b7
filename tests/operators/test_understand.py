from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from tests.factories import InstallationFactory
from tests.operators.running import refused, run

ROOT = Path(__file__).parents[2]
AT = "2026-11-20T14:00:00+01:00"


def test_a_sentence_becomes_commands_with_arguments() -> None:
    ran = run("understand", "schedule tomorrow 10:00 for 2h", "--at", AT, "--tz", "Europe/Stockholm")
    args = {"start": "2026-11-21T10:00:00+01:00", "minutes": 120}
    assert (ran.code, ran.json) == (0, {"commands": [{"name": "schedule", "args": args}], "ask": None})


def test_nothing_asked_is_nothing_understood() -> None:
    assert run("understand", "nice weather today").json == {"commands": [], "ask": None}


def test_what_is_unclear_is_a_question_and_no_command() -> None:
    found = run("understand", "schedule 3/4 10:00").json
    assert (found["commands"], found["ask"].startswith("Is 3/4 day first")) == ([], True)


def test_other_alphabets_come_out_readable() -> None:
    assert "Ölänning" in run("understand", "link Ölänning").out


@pytest.mark.django_db
def test_the_zone_is_the_workspaces_unless_one_is_named() -> None:
    InstallationFactory(slug="tokyo", zone="Asia/Tokyo")
    text = ("understand", "schedule tomorrow 10:00", "--at", AT)
    starts = [run(*text, *more).json["commands"][0]["args"]["start"]
              for more in ([], ["--workspace", "tokyo"], ["--workspace", "tokyo", "--tz", "UTC"])]  # fmt: skip
    assert [start[-6:] for start in starts] == ["+00:00", "+09:00", "+00:00"]


def test_a_moment_without_offset_is_meant_in_the_zone() -> None:
    ran = run("understand", "block tomorrow", "--at", "2026-11-20T23:30:00", "--tz", "America/Lima")
    assert date.fromisoformat(ran.json["commands"][0]["args"]["start"]) == date(2026, 11, 21)


@pytest.mark.parametrize(("option", "value"), [
    ("--tz", "Mars/Olympus"), ("--tz", "../../etc/passwd"), ("--tz", "Europe"), ("--at", "tomorrow"), ("--at", "2026-13-40"),
])  # fmt: skip
def test_an_option_that_makes_no_sense_is_refused_in_one_line(option: str, value: str) -> None:
    assert refused(run("understand", "help", option, value)).startswith(f"{option}: {value!r}")


@pytest.mark.django_db
def test_an_unknown_workspace_is_refused_with_the_known_ones() -> None:
    InstallationFactory(slug="known-air")
    line = refused(run("understand", "help", "--workspace", "nowhere"))
    assert line == "No workspace 'nowhere' has the app installed. Known: known-air."


def test_it_touches_no_database() -> None:
    with connection.execute_wrapper(lambda *_: 1 / 0):
        assert run("understand", "help").json["commands"] == [{"name": "help", "args": {}}]


@pytest.mark.parametrize(("arguments", "code"), [(["status"], 0), (["status", "--tz", "Nowhere"], 1)])
def test_the_real_process_needs_no_settings_and_ends_with_the_right_code(arguments: list[str], code: int) -> None:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "manage.py", "understand", *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == code, ran.stderr
    if code:
        assert len(ran.stderr.strip().splitlines()) == 1
    else:
        assert json.loads(ran.stdout)["commands"][0]["name"] == "status"
