"""Requests byte for byte, as no decent HTTP client would send them."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

PATH = "/webhooks/plane/"


@dataclass(frozen=True)
class Heard:
    """What came back: ``status`` is 0 when the peer hung up without a word."""

    status: int
    head: str
    body: bytes


class Line:
    """One connection to a server on this machine."""

    def __init__(self, port: int, seconds: float = 15.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *parts: bytes) -> Line:
        """Send; a peer that has hung up already is heard in the answer, not here."""
        with suppress(ConnectionError):
            for part in parts:
                self.socket.sendall(part)
        return self

    def half_close(self) -> Line:
        """Say that nothing more will come."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def hear(self) -> Heard:
        """Read one answer."""
        raw = b""
        with suppress(ConnectionError):
            while not _whole(raw) and (part := self.socket.recv(65536)):
                raw += part
        head, _, body = raw.partition(b"\r\n\r\n")
        words = head.split(maxsplit=2)
        return Heard(int(words[1]) if len(words) > 1 else 0, head.decode("latin-1").lower(), body)

    def hung_up(self) -> bool:
        """Whether the peer closes the connection (waits for it)."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True


def _whole(raw: bytes) -> bool:
    head, found, body = raw.partition(b"\r\n\r\n")
    if not found:
        return False
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(body) >= int(lengths[0]) if lengths else body.endswith(b"0\r\n\r\n") or b" 204 " in head


def signed(raw: bytes, secret: str) -> str:
    """Plane's signature."""
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def head(*lines: str, path: str = PATH, method: str = "POST", **named: str) -> bytes:
    """The first lines of a request; ``named`` headers are spelled with underscores."""
    plain = {"host": "localhost", "content_type": "application/json"} | named
    told = [f"{name.replace('_', '-')}: {value}" for name, value in plain.items() if value]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *told, *lines, "", ""]).encode("utf-8")


def post(raw: bytes, secret: str, *lines: str, path: str = PATH, **named: str) -> bytes:
    """A whole signed request."""
    plain = {"content_length": str(len(raw)), "x_plane_signature": signed(raw, secret)} | named
    return head(*lines, path=path, **plain) + raw


def chunks(parts: Iterable[bytes]) -> Iterable[bytes]:
    """A chunked body, the last chunk included."""
    for part in parts:
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"
