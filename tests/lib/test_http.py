from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator

import pytest

from planeapp.lib import http as product
from planeapp.lib.errors import FixSettings, OutcomeUnknown, RetryLater
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from tests.lib.servers import answer, serving


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http(Guard(["127.0.0.1"]))
    yield client
    client.close()


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def hang(peer: socket.socket, request: bytes) -> None:
    peer.recv(1)  # until the client hangs up


def hang_up(peer: socket.socket, request: bytes) -> None:
    peer.close()


def half(peer: socket.socket, request: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def drip(peer: socket.socket, request: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        peer.sendall(b" ")
        time.sleep(0.01)


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "429 Too Many Requests", "500 Internal Server Error"])
def test_every_answer_is_given_back_whatever_its_status(http: Http, status: str) -> None:
    with serving(answer(status, b'{"a": 1}', "Content-Type: application/json")) as (origin, _):
        response = http.send("GET", f"{origin}/x")
    assert (response.status_code, response.json()) == (int(status[:3]), {"a": 1})


def test_a_request_says_who_we_are_and_what_we_take(http: Http) -> None:
    with serving(answer("200 OK")) as (origin, seen):
        http.send("POST", f"{origin}/a", json={"b": 1}, headers={"Authorization": "Bearer t"}, params={"q": "ä"})
    request = seen[0].decode()
    assert request.startswith("POST /a?q=%C3%A4 HTTP/1.1")
    assert f"User-Agent: {product.USER_AGENT}" in request
    assert "Accept: application/json" in request
    assert request.endswith('{"b":1}')


def test_a_form_goes_out_form_encoded(http: Http) -> None:
    with serving(answer("200 OK")) as (origin, seen):
        http.send("POST", origin, data={"grant_type": "refresh_token"})
    assert b"application/x-www-form-urlencoded" in seen[0]
    assert seen[0].endswith(b"grant_type=refresh_token")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_is_tried_later_for_writes_too(http: Http, method: str) -> None:
    with pytest.raises(RetryLater, match="no connection"):
        http.send(method, closed_port())


@pytest.mark.parametrize("talk", [hang, hang_up, half, drip])
def test_a_lost_answer_to_a_read_is_tried_later(http: Http, talk: object) -> None:
    with serving(talk) as (origin, _), pytest.raises(RetryLater, match="answer lost"):  # type: ignore[arg-type]
        http.send("GET", f"{origin}/x?token=secret", seconds=0.05)


@pytest.mark.parametrize("talk", [hang, hang_up, half, drip])
def test_a_lost_answer_to_a_write_leaves_the_outcome_unknown(http: Http, talk: object) -> None:
    with serving(talk) as (origin, seen), pytest.raises(OutcomeUnknown) as caught:  # type: ignore[arg-type]
        http.send("POST", f"{origin}/x?token=secret", json={"name": "x"}, seconds=0.05)
    assert len(seen) == 1
    assert "secret" not in str(caught.value)


def test_a_client_with_a_short_budget_waits_no_longer_for_anything() -> None:
    hasty = Http(Guard(["127.0.0.1"]), seconds=0.05)
    with serving(hang) as (origin, _), pytest.raises(RetryLater, match="answer lost"):
        hasty.send("GET", origin)
    hasty.close()


def test_a_write_that_may_be_repeated_is_tried_later(http: Http) -> None:
    with serving(hang_up) as (origin, _), pytest.raises(RetryLater):
        http.send("PATCH", origin, json={}, repeatable=True)


def test_a_read_with_effects_may_say_that_it_must_not_be_repeated(http: Http) -> None:
    with serving(hang_up) as (origin, _), pytest.raises(OutcomeUnknown):
        http.send("GET", origin, repeatable=False)


def test_the_time_for_the_headers_counts_too(http: Http) -> None:
    def slow_headers(peer: socket.socket, request: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(10):
            peer.sendall(b"X-Wait: 1\r\n")
            time.sleep(0.04)
        peer.sendall(b"Content-Length: 2\r\n\r\n{}")

    with serving(slow_headers) as (origin, _), pytest.raises(RetryLater, match="ReadTimeout"):
        http.send("GET", origin, seconds=0.3)


def test_an_answer_that_is_too_large_is_cut_off(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product, "MAX_ANSWER", 1000)
    with serving(answer("200 OK", b"x" * 2000)) as (origin, _), pytest.raises(RetryLater, match="answer lost"):
        http.send("GET", origin)


def test_a_gzip_bomb_is_cut_off_after_unpacking(http: Http) -> None:
    bomb = gzip.compress(b"\0" * (product.MAX_ANSWER + 1))
    with serving(answer("200 OK", bomb, "Content-Encoding: gzip")) as (origin, _), pytest.raises(RetryLater):
        http.send("GET", origin)
    assert len(bomb) < 100_000


def test_an_answer_that_is_not_what_its_encoding_says_is_lost(http: Http) -> None:
    with serving(answer("200 OK", b"no gzip", "Content-Encoding: gzip")) as (origin, _), pytest.raises(RetryLater):
        http.send("GET", origin)


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
def test_redirects_are_not_followed(http: Http, status: str) -> None:
    with (
        serving(answer("200 OK")) as (target, reached),
        serving(answer(status, b"", f"Location: {target}/")) as (origin, _),
    ):
        response = http.send("GET", origin)
    assert response.status_code == int(status[:3])
    assert reached == []


def test_cookies_of_one_answer_are_not_sent_with_the_next_request(http: Http) -> None:
    with serving(answer("200 OK", b"{}", "Set-Cookie: session=abc; Path=/")) as (origin, seen):
        http.send("GET", origin)
        http.send("GET", origin)
    assert b"session=abc" not in seen[1]


@pytest.mark.parametrize("url", ["http://[::1", "https://host:port/", "ftp://127.0.0.1/", "nowhere", ""])
def test_an_address_that_is_none_is_a_matter_of_settings(http: Http, url: str) -> None:
    with pytest.raises(FixSettings):
        http.send("GET", url)


def test_a_token_that_cannot_stand_in_a_header_is_a_matter_of_settings_and_is_not_told(http: Http) -> None:
    with pytest.raises(FixSettings) as caught:
        http.send("GET", "http://127.0.0.1:9/", headers={"Authorization": "Bearer tökén-1"})
    assert "tök" not in str(caught.value)


def test_the_proxy_of_the_environment_is_not_used(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", closed_port())
    with serving(answer("200 OK")) as (origin, _):
        assert http.send("GET", origin).status_code == 200
