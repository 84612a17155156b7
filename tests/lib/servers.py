"""Tiny real servers on the loopback that misbehave as told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Talk = Callable[[socket.socket, bytes], None]


def whole_request(peer: socket.socket) -> bytes:
    """What was sent, body included; ``b""`` when the peer only connected."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        part = peer.recv(65536)
        if not part:
            return raw
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0)
    while len(body) < length:
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(talk: Talk) -> Iterator[tuple[str, list[bytes]]]:
    """An origin whose connections are each given to ``talk`` (socket, request), and the requests that came."""
    seen: list[bytes] = []
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)

        def accept() -> None:
            while not ended.is_set():
                try:
                    peer, _ = server.accept()
                except TimeoutError:
                    continue
                with peer:
                    peer.settimeout(5)
                    seen.append(whole_request(peer))
                    _ignore_hang_up(talk, peer, seen[-1])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
        finally:
            ended.set()
            thread.join(5)


def _ignore_hang_up(talk: Talk, peer: socket.socket, request: bytes) -> None:
    try:
        talk(peer, request)
    except OSError:
        return  # the client had enough, which is what some tests are about


def answer(status: str, body: bytes = b"{}", *headers: str) -> Talk:
    """Answer every request alike."""
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers))

    def talk(peer: socket.socket, request: bytes) -> None:
        peer.sendall(head.encode() + b"\r\n\r\n" + body)

    return talk
