from __future__ import annotations

import base64
import gzip
import json
import logging
import time
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from planeapp.inbox.doors import MAX_BODY
from planeapp.inbox.models import Delivery
from tests.factories import ConnectionFactory, CredentialFactory
from tests.inbox.sending import CAPTURED, DOOR, PLANE, push, push_captured, push_planner, sign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_traceback(caplog: pytest.LogCaptureFixture) -> object:
    """Whatever is sent: no traceback in the log."""
    with caplog.at_level(logging.INFO):
        yield
    assert not [record for record in caplog.get_records("call") if record.exc_info]


def test_a_signed_delivery_is_stored_as_it_came() -> None:
    raw = b'{"event": "issue",  "n": 1.0}'
    answer = push(raw, **{"X-Plane-Delivery": "d-1", "X-Plane-Event": "issue", "Authorization": "Bearer x"})
    row = Delivery.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert (bytes(row.body), row.source, row.state, row.connection) == (raw, "plane", "waiting", None)
    assert row.headers == {"x-plane-delivery": "d-1", "x-plane-event": "issue", "content-type": "application/json"}


def test_a_stored_delivery_is_due_at_once() -> None:
    push(b"{}")
    row = Delivery.objects.get()
    assert row.due_at == row.received_at
    assert row.claimed_at is None


@pytest.mark.parametrize("secret", ["plane_wh_sandbox", "plane_wh_87ec76a21fb1d379d791a9b8485da964"])
def test_any_of_several_secrets_may_sign(secret: str) -> None:
    assert push(b"{}", sign(b"{}", secret)).status_code == 200


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


GOOD = sign(b"{}")
REFUSED = {
    "no signature": (401, b"{}", "", "application/json"),
    "wrong signature": (401, b"{}", "0" * 64, "application/json"),
    "signature of another body": (401, b'{"a": 1}', GOOD, "application/json"),
    "signature in base64": (401, b"{}", base64.b64encode(bytes.fromhex(GOOD)).decode(), "application/json"),
    "signature with a prefix": (401, b"{}", f"sha256={GOOD}", "application/json"),
    "signature of another secret": (401, b"{}", sign(b"{}", "other"), "application/json"),
    "signature of the empty secret": (401, b"{}", sign(b"{}", ""), "application/json"),
    "signature that is not ASCII": (401, b"{}", "é" * 32, "application/json"),
    "broken JSON without a signature": (401, b"{", "", "application/json"),
    "too large": (413, b" " * (MAX_BODY + 1), None, "application/json"),
    "too large and not signed": (413, b" " * (MAX_BODY + 1), "", "application/json"),
    "a form": (415, b"a=1", None, "application/x-www-form-urlencoded"),
    "text": (415, b"{}", None, "text/plain"),
    "no content type": (415, b"{}", None, ""),
    "nothing but a blank": (400, b" ", None, "application/json"),
    "broken JSON": (400, b'{"event": ', None, "application/json"),
    "two objects": (400, b"{}{}", None, "application/json"),
    "a number": (400, b"1", None, "application/json"),
    "null": (400, b"null", None, "application/json"),
    "NaN": (400, b'{"a": NaN}', None, "application/json"),
    "Infinity": (400, b'{"a": [-Infinity]}', None, "application/json"),
    "not UTF-8": (400, b'{"a": "\xff"}', None, "application/json"),
    "packed": (400, gzip.compress(b"{}"), None, "application/json"),
    "ten thousand levels": (400, deep(10_000), None, "application/json"),
    "a number of ten thousand digits": (400, b'{"a": ' + b"9" * 10_000 + b"}", None, "application/json"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_no_row(case: str) -> None:
    status, raw, signature, kind = REFUSED[case]
    answer = push(raw, signature, kind)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "raw", [b'{"a": 1, "a": 2}', b" {}\n", b"[]", b'{"a": "\\ud800"}', b'{"a": "\\u0000"}', deep(100)]
)
def test_json_that_can_be_read_is_taken(raw: bytes) -> None:
    assert push(raw).status_code == 200
    assert bytes(Delivery.objects.get().body) == raw


def test_five_megabytes_are_taken() -> None:
    assert push(b'"' + b" " * (MAX_BODY - 4) + b'"' + b"  ").status_code == 400
    assert push(b"{" + b" " * (MAX_BODY - 2) + b"}").status_code == 200


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.plane+json"])
def test_json_has_several_names(kind: str) -> None:
    assert push(b"{}", kind=kind).status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_the_door_opens_to_posts_alone(method: str) -> None:
    assert DOOR.post(PLANE, method=method.upper()).status_code == 405


def test_a_body_that_is_larger_than_it_says_is_refused_without_reading_it_all() -> None:
    raw = b" " * (MAX_BODY + 1)
    assert DOOR.post(PLANE, raw, length="not a number", parts=7).status_code == 413
    assert not Delivery.objects.exists()


def test_a_gzip_bomb_is_never_unpacked() -> None:
    began = time.monotonic()
    answer = push(gzip.compress(b" " * 20_000_000), **{"Content-Encoding": "gzip"})
    assert answer.status_code == 400
    assert time.monotonic() - began < 2


def test_without_any_secret_nobody_gets_in(settings: Settings) -> None:
    settings.PLANE_WEBHOOK_SECRETS = []
    assert push(b"{}").status_code == 401
    assert push(b"{}", sign(b"{}", "")).status_code == 401


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is down is not waited for."""
    monkeypatch.setattr("planeapp.inbox.store.PAUSES", (0.0, 0.0))


@pytest.mark.usefixtures("impatient")
def test_a_database_that_cannot_take_it_asks_the_sender_to_come_again() -> None:
    def down(execute: object, sql: str, *rest: object) -> object:
        raise OperationalError("the database is down")

    with connection.execute_wrapper(down):
        answer = push(b"{}")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert not Delivery.objects.exists()


def test_taking_a_delivery_costs_one_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        push(b"{}")


def test_a_refusal_costs_none(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        push(b"{}", "")


# What a real Plane sent


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_a_recorded_delivery_is_taken_with_its_own_signature(path: Path) -> None:
    assert push_captured(path).status_code == 200
    assert bytes(Delivery.objects.get().body).decode() == json.loads(path.read_text())["body_raw"]


@pytest.mark.parametrize("path", CAPTURED[::8], ids=lambda path: path.stem)
def test_a_recorded_delivery_with_one_changed_byte_is_refused(path: Path) -> None:
    recorded = json.loads(path.read_text())
    raw = recorded["body_raw"].replace("2026", "2027", 1).encode()
    assert push(raw, recorded["headers"]["X-Plane-Signature"]).status_code == 401
    assert not Delivery.objects.exists()


# Providers


def door_of(provider: str, secret: str = "shared-1 shared-2") -> tuple[str, object]:
    made = ConnectionFactory(provider=provider)
    if secret:
        CredentialFactory(connection=made, slot="webhook", access=secret)
    return f"/webhooks/{provider}/{made.opaque_id}/", made


@pytest.mark.parametrize("secret", ["shared-1", "shared-2"])
def test_planner_pushes_to_the_address_of_its_connection(secret: str) -> None:
    address, made = door_of("planner")
    assert push_planner(address, b"{}", secret).status_code == 200
    assert Delivery.objects.get().connection == made


@pytest.mark.parametrize(
    ("secret", "age"), [("other", 0), ("shared-1", 400), ("shared-1", -400), ("shared-1 shared-2", 0)]
)
def test_planner_is_refused_with_another_secret_or_an_old_time(secret: str, age: float) -> None:
    assert push_planner(door_of("planner")[0], b"{}", secret, age).status_code == 401
    assert not Delivery.objects.exists()


def push_planhat(address: str, raw: bytes, secret: str) -> int:
    return DOOR.post(address, raw, content_type="application/json", headers={"X-Planhat-Secret": secret}).status_code


def test_planhat_pushes_with_its_secret_in_a_header() -> None:
    address, made = door_of("planhat")
    assert push_planhat(address, b'{"model": "Company", "id": "c-1"}', "shared-2") == 200
    assert Delivery.objects.get().connection == made
    assert "shared-2" not in str(Delivery.objects.values().get())


def test_planhat_may_send_texts_with_raw_line_ends() -> None:
    address, _ = door_of("planhat")
    assert push_planhat(address, b'{"id": "c-1", "note": "one\ntwo"}', "shared-1") == 200


@pytest.mark.parametrize("secret", ["", "other", "shared", "shared-1 shared-2", "é"])
def test_planhat_is_refused_with_another_secret(secret: str) -> None:
    assert push_planhat(door_of("planhat")[0], b"{}", secret) == 401
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("provider", ["planner", "planhat"])
def test_a_connection_without_a_secret_lets_nobody_in(provider: str) -> None:
    address, _ = door_of(provider, secret="")
    assert push_planner(address, b"{}", "").status_code == 401
    assert push_planhat(address, b"{}", "") == 401


@pytest.mark.parametrize("address", ["/webhooks/planner/unknown/", "/webhooks/nobody/unknown/"])
def test_an_address_that_we_never_gave_out_does_not_exist(address: str) -> None:
    answer = push_planner(address, b"{}", "x")
    assert (answer.status_code, answer.json()) == (404, {"error": "There is no such address."})


def test_an_address_belongs_to_one_provider() -> None:
    address, _ = door_of("planner")
    assert push_planner(address.replace("planner", "planhat"), b"{}", "shared-1").status_code == 404


def test_a_database_that_is_down_at_a_providers_door_is_503_too() -> None:
    def down(execute: object, sql: str, *rest: object) -> object:
        raise OperationalError("the database is down")

    with connection.execute_wrapper(down):
        assert push_planner("/webhooks/planner/unknown/", b"{}", "x").status_code == 503
