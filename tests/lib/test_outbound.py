from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx2
import pytest

from planeapp.lib.errors import FixSettings, RetryLater
from planeapp.lib.outbound import AsyncGuardedTransport, Guard, GuardedTransport
from tests.lib.servers import answer, serving

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "1.1.1.1"]
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1",
    "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert Guard().pick("vendor.example", [address]) == address


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_refused_with_the_mend(address: str) -> None:
    with pytest.raises(FixSettings) as caught:
        Guard().pick("vendor.example", [address])
    assert "OUTBOUND_ALLOW" in caught.value.person


@pytest.mark.parametrize("found", [["1.1.1.1", "10.0.0.1"], ["10.0.0.1", "1.1.1.1"], ["1.1.1.1", "::1"]])
def test_one_private_address_among_public_ones_is_enough_to_refuse(found: list[str]) -> None:
    with pytest.raises(FixSettings):
        Guard().pick("vendor.example", found)


def test_a_name_without_addresses_is_tried_later() -> None:
    with pytest.raises(RetryLater):
        Guard().pick("vendor.example", [])


@pytest.mark.parametrize(
    ("allowed", "url", "exempt"),
    [
        ("127.0.0.1", "http://127.0.0.1:8001/", True),
        ("127.0.0.1:8001", "http://127.0.0.1:8001/", True),
        ("127.0.0.1:8001", "http://127.0.0.1:8002/", False),
        ("plane.lan:443", "https://plane.lan/", True),
        ("plane.lan:80", "http://plane.lan/", True),
        ("plane.lan:80", "https://plane.lan/", False),
        ("Plane.LAN", "https://plane.lan/", True),
        ("plane.lan", "https://evil.plane.lan/", False),
        ("plane.lan", "https://plane.lan.evil.example/", False),
        ("plane.lan", "https://plane.lan@evil.example/", False),
        ("", "https://plane.lan/", False),
    ],
)
def test_the_operator_allows_by_name_and_port(allowed: str, url: str, exempt: bool) -> None:
    assert Guard([allowed]).exempt(httpx2.URL(url)) is exempt


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[Any]:
    """Let every name have these addresses; gives the list of names that were asked for."""
    asked: list[Any] = []

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_plain_http_is_refused_before_anything_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolve(monkeypatch, "1.1.1.1")
    with pytest.raises(FixSettings, match="not https"):
        GuardedTransport(Guard()).handle_request(httpx2.Request("GET", "http://vendor.example/"))
    assert asked == []


def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer("200 OK")) as (origin, seen):
        resolve(monkeypatch, "127.0.0.1")
        port = origin.rsplit(":", 1)[1]
        with pytest.raises(FixSettings, match="127.0.0.1"):
            GuardedTransport(Guard()).handle_request(httpx2.Request("GET", f"https://vendor.example:{port}/"))
    assert seen == []


def test_an_unknown_name_is_tried_later() -> None:
    with pytest.raises(RetryLater, match="cannot look up vendor.invalid"):
        GuardedTransport(Guard()).handle_request(httpx2.Request("GET", "https://vendor.invalid/"))


class Watched(httpx2.HTTPTransport):
    """Stands where the network begins and keeps what would go out."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent = request
        return httpx2.Response(204)


def test_the_connection_goes_to_the_address_that_was_checked_and_tls_names_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolve(monkeypatch, "1.1.1.1", "1.0.0.1")
    guarded, watched = GuardedTransport(Guard()), Watched()
    guarded._pools["vendor.example"] = watched
    guarded.handle_request(httpx2.Request("GET", "https://vendor.example/a?b=1"))
    assert str(watched.sent.url) == "https://1.1.1.1/a?b=1"
    assert watched.sent.headers["host"] == "vendor.example"
    assert watched.sent.extensions["sni_hostname"] == "vendor.example"
    assert asked == ["vendor.example"]


def test_an_ipv6_address_is_pinned_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, "2606:4700::1111")
    guarded, watched = GuardedTransport(Guard()), Watched()
    guarded._pools["vendor.example"] = watched
    guarded.handle_request(httpx2.Request("GET", "https://vendor.example/"))
    assert str(watched.sent.url) == "https://[2606:4700::1111]/"


def send_async(guard: Guard, url: str) -> int:
    async def send() -> int:
        async with httpx2.AsyncClient(transport=AsyncGuardedTransport(guard), trust_env=False) as client:
            return (await client.get(url)).status_code

    return asyncio.run(send())


def test_asyncio_reaches_what_is_allowed() -> None:
    with serving(answer("200 OK")) as (origin, seen):
        assert send_async(Guard(["127.0.0.1"]), origin) == 200
    assert len(seen) == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1"])
def test_asyncio_refuses_names_that_lead_inside(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve(monkeypatch, address)
    with pytest.raises(FixSettings, match=address):
        send_async(Guard(), "https://vendor.example/")


def test_asyncio_refuses_plain_http() -> None:
    with pytest.raises(FixSettings, match="not https"):
        send_async(Guard(), "http://vendor.example/")


def test_asyncio_tries_an_unknown_name_later() -> None:
    with pytest.raises(RetryLater):
        send_async(Guard(), "https://vendor.invalid/")
