from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.adapter import get_adapter
from django.http import HttpResponse
from django.test import Client, RequestFactory

from planeapp.installations import audit
from planeapp.installations.limits import client_address, limited
from planeapp.installations.models import AuditEntry, OAuthState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    """A full minute that no other test knows, as two test processes may share one Redis. Nobody has knocked yet."""
    minute = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=secrets.randbelow(10_000_000))
    with time_machine.travel(minute, tick=False) as traveller:
        yield traveller


def setup(client: Client, address: str = "192.0.2.1", **headers: str) -> Any:
    return client.get("/setup/", REMOTE_ADDR=address, headers=headers)


def knock(times: int, client: Client, address: str = "192.0.2.1", **headers: str) -> list[int]:
    return [setup(client, address, **headers).status_code for _ in range(times)]


def test_the_31st_setup_in_a_minute_from_one_address_is_asked_to_wait(client: Client) -> None:
    assert knock(31, client) == [302] * 30 + [429]


def test_who_is_asked_to_wait_learns_how_long_and_starts_nothing(client: Client, clock: Any) -> None:
    knock(30, client)
    clock.shift(45)
    answer = setup(client)
    assert (answer.status_code, answer["Retry-After"]) == (429, "15")
    assert b"wait a minute" in answer.content
    assert OAuthState.objects.count() == 30


def test_after_the_wait_the_door_is_open_again(client: Client, clock: Any) -> None:
    assert knock(31, client)[-1] == 429
    clock.shift(60)
    assert knock(31, client) == [302] * 30 + [429]


def test_somebody_who_comes_now_and_then_is_never_asked_to_wait(client: Client, clock: Any) -> None:
    for _ in range(40):
        clock.shift(50)
        assert setup(client).status_code == 302


def test_other_addresses_are_not_concerned(client: Client) -> None:
    knock(31, client)
    assert [setup(client, address).status_code for address in ("192.0.2.2", "2001:db8::1")] == [302, 302]


def test_other_doors_are_not_concerned(client: Client) -> None:
    knock(31, client)
    assert client.get("/signin/", REMOTE_ADDR="192.0.2.1").status_code == 200


@pytest.mark.parametrize(("path", "most"), [("/signin/", 60), ("/oauth/plane/callback/", 60)])
def test_sign_in_and_callback_have_a_limit_too(client: Client, path: str, most: int) -> None:
    got = [client.get(path).status_code for _ in range(most + 1)]
    assert (429 not in got[:-1], got[-1]) == (True, 429)


def test_a_made_up_forwarded_address_does_not_help_without_a_proxy(client: Client) -> None:
    got = [setup(client, **{"X-Forwarded-For": f"203.0.113.{number}"}).status_code for number in range(31)]
    assert got == [302] * 30 + [429]


def test_behind_a_proxy_the_address_that_it_saw_counts(client: Client, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    spoofed = [{"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7"} for number in range(31)]
    assert [setup(client, **headers).status_code for headers in spoofed] == [302] * 30 + [429]
    assert setup(client, **{"X-Forwarded-For": "198.51.100.8"}).status_code == 302


ADDRESSES = [
    (0, None, "192.0.2.1"), (0, "203.0.113.9", "192.0.2.1"), (1, "203.0.113.9", "203.0.113.9"),
    (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"), (2, "1.1.1.1, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
    (1, None, "192.0.2.1"),
    # shorter than the trusted proxies, or no address in their place: whoever wrote it came past them
    (2, "203.0.113.9", "192.0.2.1"), (3, "1.1.1.1, 203.0.113.9", "192.0.2.1"), (1, "", "192.0.2.1"),
    (1, "1.1.1.1, nonsense", "192.0.2.1"), (2, "unknown, 203.0.113.9", "192.0.2.1"), (1, "1.1.1.1,", "192.0.2.1"),
    (1, "203.0.113.9:4711", "203.0.113.9"), (1, "[2001:db8::1]:443", "2001:db8::1"), (1, "fe80::1%eth0", "fe80::1"),
]  # fmt: skip


@pytest.mark.parametrize(("proxies", "header", "expected"), ADDRESSES, ids=range(len(ADDRESSES)))
def test_as_many_proxies_are_believed_as_the_settings_say(
    settings: Any, proxies: int, header: str | None, expected: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": header} if header else {}
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", headers=headers)
    assert client_address(request) == expected


@pytest.mark.parametrize("header", [None, "", "1.1.1.1", ",,,", "x" * 5000, "'; DROP TABLE", "1.1.1.1, 2.2.2.2\x00"])
@pytest.mark.parametrize("path", ["/setup/", "/oauth/plane/callback/?code=a", "/signin/"])
def test_no_forwarded_list_breaks_a_door(client: Client, settings: Any, header: str | None, path: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    headers = {"X-Forwarded-For": header} if header is not None else {}
    assert client.get(path, REMOTE_ADDR="192.0.2.1", headers=headers).status_code in (200, 302)


def test_a_made_up_short_list_does_not_help_behind_two_proxies(client: Client, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    got = [setup(client, **{"X-Forwarded-For": f"203.0.113.{number}"}).status_code for number in range(31)]
    assert got == [302] * 30 + [429]


def test_a_server_that_names_no_address_still_answers_and_notes_none(client: Client) -> None:
    answer = client.get("/oauth/plane/callback/?code=a", REMOTE_ADDR="")
    assert (answer.status_code, AuditEntry.objects.get().address) == (302, None)


def test_allauth_reads_the_same_address(settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": "203.0.113.9"})
    assert get_adapter(request).get_client_ip(request) == client_address(request) == "192.0.2.1"


def test_the_audit_log_keeps_the_address_that_counts(settings: Any) -> None:
    from django.contrib.auth.models import AnonymousUser

    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": "203.0.113.9"})
    request.user = AnonymousUser()
    audit.record("refused_install", None, request)
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    audit.record("refused_install", None, request)
    assert list(AuditEntry.objects.order_by("id").values_list("address", flat=True)) == ["192.0.2.1", "203.0.113.9"]


def test_any_view_can_be_limited() -> None:
    @limited("bell", 2)
    def bell(request: Any) -> HttpResponse:
        return HttpResponse("ding")

    got = [bell(RequestFactory().get("/")).status_code for _ in range(3)]
    assert got == [200, 200, 429]
