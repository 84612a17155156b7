from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.utils import timezone

from planeapp.lib import sentry
from planeapp.lib.crypto import key_id
from planeapp.operators import signs
from planeapp.operators.doctor import configuration, inside, outside
from planeapp.operators.doctor.findings import Finding, fault, guarded
from planeapp.operators.doctor.rounds import LOOKS
from tests.factories import ConnectionFactory, CredentialFactory, DueFactory
from tests.lib.servers import serving
from tests.operators.running import run

ROOT = Path(__file__).parents[2]
PUBLIC = {"APP_BASE_URL": "https://crew.example.com", "SECURE": True, "ALLOWED_HOSTS": ["crew.example.com"],
          "PLANE_REDIRECT_URI": "https://crew.example.com/oauth/plane/callback/", "SECRET_KEY": "s" * 50, "LOG_FORMAT": "json",
          "DEFAULT_FROM_EMAIL": "Crew <crew@example.com>", "REDIS_URL": "redis://redis.example:6379/0",
          "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}}}  # fmt: skip
"""Settings of a production that is as it should be."""


@pytest.fixture
def public(settings: Any) -> Any:
    for name, value in PUBLIC.items():
        if name != "DATABASES":
            setattr(settings, name, value)
    for name in ("PLANE", "PLANNER", "PLANHAT"):
        setattr(settings, f"{name}_BASE_URL", f"https://{name.lower()}.example")
    return settings


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def faults(found: Iterator[Finding]) -> list[str]:
    return [finding.text for finding in found if finding.state == "fault"]


# Settings


def test_a_production_that_is_as_it_should_be_has_no_fault(public: Any) -> None:
    assert faults(configuration.look()) == ["REDIS_URL is set but the database is SQLite"] * inside_sqlite()


def inside_sqlite() -> int:
    return int(connection.vendor == "sqlite")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SECURE", False, "APP_BASE_URL is not https"),
        ("ALLOWED_HOSTS", ["other.example"], "ALLOWED_HOSTS lacks crew.example.com"),
        ("OUTBOUND_ALLOW", ["https://plane.example"], "OUTBOUND_ALLOW: 'https://plane.example' is no host[:port]"),
        ("PLANNER_BASE_URL", "http://planner.example", "PLANNER_BASE_URL is not https"),
        ("PLANE_CLIENT_ID", "", "PLANE_CLIENT_ID is missing"),
        ("PLANE_CLIENT_SECRET", "", "PLANE_CLIENT_SECRET is missing"),
        ("PLANE_WEBHOOK_SECRETS", [], "PLANE_WEBHOOK_SECRET is missing"),
        ("PLANE_REDIRECT_URI", "https://crew.example.com/callback/", "PLANE_REDIRECT_URI does not end in"),
        ("PLANE_REDIRECT_URI", "https://crew.example.com.evil.example/oauth/plane/callback/", "PLANE_REDIRECT_URI is not under"),
        ("DEBUG", True, "DEBUG is on"),
        ("SECRET_KEY", "short", "SECRET_KEY is shorter"),
        ("REDIS_URL", "http://redis.example", "REDIS_URL cannot be understood"),
        ("METRICS_TOKEN", "short", "METRICS_TOKEN is shorter"),
        ("SENTRY_DSN", "not a dsn", "SENTRY_DSN cannot be understood"),
        ("DEFAULT_FROM_EMAIL", "", "DEFAULT_FROM_EMAIL is no address"),
        ("PROBLEMS", ("LOG_FORMAT must be one of json, console, not 'x'.",), "LOG_FORMAT must be one of"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_meant_is_named_with_its_mend(public: Any, name: str, value: Any, text: str) -> None:
    setattr(public, name, value)
    found = [finding for finding in configuration.look() if finding.text.startswith(text)]
    assert [(finding.state, bool(finding.mend)) for finding in found] == [("fault", True)]


def test_sentry_without_its_package_is_a_fault_with_the_command_that_mends_it(
    public: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    public.SENTRY_DSN = "https://key@sentry.example/1"
    monkeypatch.setattr(sentry, "installed", lambda: False)
    (found,) = [finding for finding in configuration.look() if "SENTRY" in finding.text]
    assert (found.state, found.mend) == ("fault", "pip install sentry-sdk, or unset SENTRY_DSN.")


def test_a_path_of_the_support_pages_that_can_be_guessed_is_noted(public: Any) -> None:
    public.SUPPORT_PATH = "admin"
    assert [found.state for found in configuration.look() if "SUPPORT_PATH" in found.text] == ["note"]


def test_scopes_that_a_feature_needs_and_that_are_not_asked_for_are_told(public: Any) -> None:
    public.PLANE_SCOPES = ["projects:read"]
    assert any(finding.state == "note" and "profile:read" in finding.text for finding in configuration.look())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "testserver"])
def test_ones_own_machine_is_no_production(settings: Any, host: str) -> None:
    settings.APP_BASE_URL = f"http://{host}:8000"
    assert configuration.local()


# Inside


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'bot'")
    (told,) = faults(inside.database())
    assert told.endswith("first bot.0001_initial")


@pytest.mark.django_db
def test_rows_under_a_key_that_is_not_here_are_counted_and_those_under_an_older_one_noted(settings: Any) -> None:
    lost, old, new = b"l" * 32, b"o" * 32, b"n" * 32
    for key in (lost, old, new):
        settings.ENCRYPTION_KEYS = [key]
        CredentialFactory()
    settings.ENCRYPTION_KEYS = [new, old]
    told = {finding.state: finding.text for finding in inside.encryption()}
    assert told == {
        "fault": "1 rows are under keys that are not here",
        "note": "1 rows are under older keys",
    }


@pytest.mark.django_db
def test_keys_that_open_everything_are_fine_and_only_their_public_name_is_told() -> None:
    CredentialFactory()
    (told,) = inside.encryption()
    assert told.state == "ok" and key_id(django_settings.ENCRYPTION_KEYS[0]) in told.text


@pytest.mark.redis
def test_a_redis_that_answers_is_fine() -> None:
    assert [finding.state for finding in inside.broker()] != ["fault"]


def test_without_redis_nothing_is_asked_of_it(settings: Any) -> None:
    settings.REDIS_URL = ""
    assert list(inside.broker()) == []


@pytest.mark.django_db
def test_a_queue_without_a_worker_is_a_fault_and_late_work_a_note() -> None:
    for queue in ("inbox", "bot", "live", signs.BEAT):
        signs.write(f"{queue}@one", [queue])
    DueFactory(due_at=timezone.now() - timedelta(minutes=10))
    found = [(finding.part, finding.state) for finding in inside.workers() if finding.state != "ok"]
    assert found == [("worker bulk", "fault"), ("worker live", "note")]


# Outside


@pytest.mark.django_db
def test_a_vendor_that_answers_anything_is_reached_and_a_closed_port_is_a_fault(settings: Any) -> None:
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    with serving(lambda peer, request: peer.sendall(gone)) as (open_one, seen):
        settings.PLANE_BASE_URL = open_one
        settings.VENDOR_URLS = {"planner": f"http://127.0.0.1:{closed_port()}"}
        states = {finding.part: finding.state for finding in outside.vendors()}
    assert states == {"plane": "ok", "planner": "fault"}
    assert b"authorization" not in seen[0].lower()


@pytest.mark.django_db
def test_addresses_of_connections_are_asked_too_each_once(settings: Any) -> None:
    settings.VENDOR_URLS = {"planner": "http://planner.invalid"}
    ConnectionFactory.create_batch(2)
    ConnectionFactory(provider="planhat", base_url="https://api-eu3.planhat.com")
    found = outside.addresses()
    assert found[0] == ("plane", settings.PLANE_BASE_URL)
    assert found[1:] == [("planner", "http://planner.invalid"), ("planhat", "https://api-eu3.planhat.com")]


def test_a_mail_server_that_is_not_there_is_a_fault(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed_port()
    assert faults(outside.mail()) == ["no talk with the server (ConnectionRefusedError)"]


def test_mail_that_goes_nowhere_is_told() -> None:
    (told,) = outside.mail()
    assert (told.state, told.text) == ("ok", "mail is not sent: it goes to locmem")


# The command


def test_a_look_that_breaks_is_a_fault_of_its_part_and_tells_no_address() -> None:
    def broken() -> Iterator[Finding]:
        raise OperationalError("connection to postgres://user:s3cret@host failed")

    (told,) = guarded("database", broken, "Check DATABASE_URL.")
    assert (told.state, told.mend) == ("fault", "Check DATABASE_URL.")
    assert "s3cret" not in told.text


def test_what_looks_like_a_credential_is_hidden_in_every_line() -> None:
    assert "pln_abcdef123" not in fault("x", "token pln_abcdef123 was refused", "").text


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts other looks in the place of all."""

    def put(*found: Finding) -> None:
        monkeypatch.setattr("planeapp.operators.doctor.rounds.LOOKS", {"x": (lambda: iter(found), "mend")})

    return put


def test_faults_end_the_command_with_1_after_everything_was_told(looks: Any) -> None:
    looks(fault("redis", "is away", "Start it."), Finding("database", "ok", "PostgreSQL 15"))
    ran = run("doctor")
    assert (ran.code, ran.err) == (1, "1 fault found.")
    assert ran.out.splitlines() == ["FAULT redis: is away → Start it.", "ok    database: PostgreSQL 15"]


def test_machines_get_one_document_and_notes_are_no_faults(looks: Any) -> None:
    looks(Finding("mail", "note", "goes to console", "Set EMAIL_URL."))
    ran = run("doctor", "--json")
    assert ran.code == 0
    assert ran.json == {
        "ok": True,
        "findings": [{"part": "mail", "state": "note", "text": "goes to console", "mend": "Set EMAIL_URL."}],
    }


@pytest.mark.django_db
def test_the_whole_round_names_every_part_and_tells_no_secret(settings: Any) -> None:
    settings.VENDOR_URLS = {}
    settings.PLANE_BASE_URL = f"http://127.0.0.1:{closed_port()}"
    settings.METRICS_TOKEN = "a-metrics-token-that-is-secret"
    CredentialFactory(access="canary-access-token")
    ran = run("doctor", "--json")
    parts = {finding["part"].split()[0] for finding in ran.json["findings"]}
    assert {"settings", "database", "migrations", "keys", "cache", "worker", "beat", "plane", "mail", "static"} <= parts
    secrets = (
        "canary-access-token",
        settings.METRICS_TOKEN,
        settings.PLANE_CLIENT_SECRET,
        *settings.PLANE_WEBHOOK_SECRETS,
    )
    assert not [one for one in (*secrets, base64.b64encode(settings.ENCRYPTION_KEYS[0]).decode()) if one in ran.out]
    assert set(LOOKS) >= {"settings", "database", "keys", "redis", "workers", "vendors", "mail", "static files"}


def test_doctor_starts_where_nothing_else_would() -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("ENCRYPTION_KEYS", "SECRET_KEY")}
    env |= {"DATABASE_URL": "postgres://u:s3cret@127.0.0.1:9/x", "REDIS_URL": "", "PLANE_BASE_URL": "http://127.0.0.1:9",
            "PLANNER_BASE_URL": "http://127.0.0.1:9", "PLANHAT_BASE_URL": "http://127.0.0.1:9", "LOG_FORMAT": "loud"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    for told in ("SECRET_KEY is missing", "ENCRYPTION_KEYS is missing", "LOG_FORMAT must be one of", "FAULT database"):
        assert told in done.stdout
    assert "s3cret" not in done.stdout + done.stderr and "Traceback" not in done.stderr
