"""The web process's entry, with a page that tells what Django would be given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware

from planeapp import asgi
from planeapp.lib.bodies import Bodies


def mirror(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Shows its request."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/json")])
    shown = {name: value for name, value in environ.items() if isinstance(value, str)}
    return [json.dumps(shown | {"body": body.decode("latin-1")}).encode()]


@pytest.fixture(autouse=True)
def _mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "django", WSGIMiddleware(mirror, workers=1))  # type: ignore[arg-type]


def ask(
    path: str = "/", headers: Iterable[tuple[bytes, bytes]] = (), query: bytes = b"", parts: Iterable[bytes] = (b"",),
    whole: bool = True,
) -> tuple[int, Any]:  # fmt: skip
    """Status and what was shown (or said)."""
    waiting, sent = [{"type": "http.request", "body": part, "more_body": True} for part in parts], []
    waiting[-1]["more_body"] = not whole

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": path, "raw_path": path.encode(),
        "root_path": "", "query_string": query, "headers": list(headers), "client": ("10.0.0.9", 1), "server": ("a", 80),
        "asgi": {"version": "3.0"}, "extensions": {},
    }  # fmt: skip
    asyncio.run(asgi.application(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], json.loads(body) if body[:1] == b"{" else body


def test_a_header_spelled_with_underscores_cannot_pose_as_a_proxys() -> None:
    status, shown = ask(
        headers=[(b"x_forwarded_for", b"6.6.6.6"), (b"x-forwarded-for", b"10.0.0.1"), (b"x_real", b"1")]
    )
    assert (status, shown["HTTP_X_FORWARDED_FOR"], shown["REMOTE_ADDR"]) == (200, "10.0.0.1", "10.0.0.9")
    assert "HTTP_X_REAL" not in shown


def test_underscored_headers_alone_are_as_good_as_none() -> None:
    _, shown = ask(headers=[(b"x_forwarded_for", b"6.6.6.6"), (b"X_FORWARDED_PROTO", b"https"), (b"cookie_", b"a=b")])
    assert not {"HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_COOKIE_"} & shown.keys()


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        (b"a=1&b=%20x+y&c=[]", "a=1&b=%20x+y&c=[]"),
        ("a=é".encode(), "a=%C3%A9"),
        (b"a=\xff", "a=%FF"),
        (b"a=%C3%A9%25", "a=%C3%A9%25"),
    ],
)
def test_a_query_reaches_the_pages_in_ascii_and_otherwise_as_it_was(query: bytes, seen: str) -> None:
    assert ask(query=query)[1]["QUERY_STRING"] == seen


def test_a_form_that_came_in_parts_reaches_the_pages_whole() -> None:
    parts = [b"a=1", b"", b"&b=\xe9", b"&c=3"]
    assert ask(parts=parts, headers=[(b"content-length", b"12")])[1]["body"] == "a=1&b=\xe9&c=3"


def test_a_form_that_is_too_large_or_too_slow_never_reaches_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "forms", Bodies(10))
    assert ask(parts=[b"x" * 11]) == (413, b"This is larger than we take.")
    monkeypatch.setattr(asgi, "forms", Bodies(10, seconds=0.01))
    assert ask(parts=[b"x"], whole=False)[0] == 408


@pytest.mark.parametrize("path", ["/webhooks/nobody/", "/webhooks/"])
def test_what_is_sent_to_the_doors_never_reaches_a_page(path: str) -> None:
    assert ask(path) == (404, {"error": "There is no such address."})


@pytest.mark.parametrize("path", ["/webhooks", "//webhooks/plane/", "/w/webhooks/plane/", "/"])
def test_everything_else_does(path: str) -> None:
    status, shown = ask(path)
    assert (status, shown["REQUEST_METHOD"]) == (200, "POST")
