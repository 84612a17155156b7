from __future__ import annotations

import base64
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.factories import CredentialFactory

OTHER_KEY = [b"o" * 32]


def failing(client: Client) -> str:
    """The part that readiness names."""
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ok"]) == (503, False)
    return str(answer.json()["failing"])


def test_a_living_process_says_so_without_touching_anything(client: Client) -> None:
    answer = client.get("/healthz")  # without a database, which would be refused here
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.django_db
def test_a_process_that_can_work_is_ready(client: Client) -> None:
    CredentialFactory()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_probes_are_never_answered_from_a_cache_and_take_no_post(client: Client, path: str) -> None:
    assert "no-store" in client.get(path).headers["cache-control"]
    assert (client.head(path).status_code, client.post(path).status_code) == (200, 405)


@pytest.mark.django_db
def test_a_database_that_is_down_is_named(client: Client) -> None:
    def down(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(down):
        assert failing(client) == "database"


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_named(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'bot'")
    assert failing(client) == "migrations"


@pytest.mark.django_db
def test_a_key_that_does_not_open_the_stored_secrets_is_named(client: Client, settings: Any) -> None:
    CredentialFactory()
    settings.ENCRYPTION_KEYS = OTHER_KEY
    assert failing(client) == "keys"


@pytest.mark.django_db
def test_a_redis_that_is_set_and_down_is_named(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert failing(client) == "redis"


@pytest.mark.django_db
def test_the_answer_tells_outsiders_no_more_than_the_part(client: Client, settings: Any) -> None:
    CredentialFactory()
    settings.ENCRYPTION_KEYS = OTHER_KEY
    assert client.get("/readyz").json() == {"ok": False, "failing": "keys"}
    assert base64.b64encode(OTHER_KEY[0]) not in client.get("/readyz").content
