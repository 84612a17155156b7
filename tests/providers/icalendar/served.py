"""The calendar server: files in memory behind a real socket, with a token, ETags and answers that get lost on request."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

TOKEN = "cal_8f0d2f5e9b1c47aa"
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Calendar server//EN\r\n"


@dataclass
class Shelf:
    """Files by calendar and id, and what was asked for: ``(method, path)``. ``lost``: answers to writes that get lost."""

    calendars: dict[str, dict[str, str]] = field(default_factory=lambda: {"team": {}, "leave": {}})
    asked: list[tuple[str, str]] = field(default_factory=list)
    lost: int = 0

    def rewrite(self, old: str, new: str, calendar: str = "team") -> None:
        """Somebody edits an event with a program of their own."""
        ((uid, text),) = [(uid, text) for uid, text in self.calendars[calendar].items() if old in text]
        self.calendars[calendar][uid] = text.replace(old, new)

    def whole(self, calendar: str) -> str:
        """A calendar in one file."""
        parts = [text.partition("BEGIN:VEVENT")[2].rpartition("END:VEVENT")[0] for text in self.texts(calendar)]
        return HEAD + "".join(f"BEGIN:VEVENT{part}END:VEVENT\r\n" for part in parts) + "END:VCALENDAR\r\n"

    def texts(self, calendar: str = "team") -> list[str]:
        """The files of a calendar."""
        return list(self.calendars[calendar].values())


def etag(text: str) -> str:
    """A file's ETag."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_one(self) -> None:
        """Sort a request by what it is about."""
        shelf, body = self.server.shelf, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        shelf.asked.append((self.command, self.path))
        parts = [unquote(part) for part in self.path.removeprefix("/calendars/").removesuffix(".ics").split("/")]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.say(401, "Who are you?")
        elif self.path == "/calendars/":
            rows = [{"id": name, "name": name.title()} for name in shelf.calendars]
            self.say(200, json.dumps({"account": "ada@sandbox.test", "calendars": rows}))
        elif not self.path.startswith("/calendars/") or parts[0] not in shelf.calendars:
            self.say(404, "No such calendar")
        elif len(parts) == 1:
            self.say(200, shelf.whole(parts[0]))
        else:
            self.one(shelf.calendars[parts[0]], parts[-1], body.decode())

    do_GET = do_PUT = do_DELETE = do_POST = handle_one

    def one(self, files: dict[str, str], uid: str, body: str) -> None:
        """Read, write or delete one file."""
        held, wanted = files.get(uid), self.headers.get("If-Match")
        if (wanted and (held is None or etag(held) != wanted)) or (self.command != "PUT" and held is None):
            self.say(412 if wanted else 404, "Not as you think")
        elif self.command == "GET":
            self.say(200, held or "", ETag=etag(held or ""))
        else:
            files.pop(uid, None)
            files |= {uid: body} if self.command == "PUT" else {}
            self.written(201 if held is None else 204)

    def written(self, status: int) -> None:
        """Confirm a write, unless the answer is to get lost."""
        if self.server.shelf.lost:
            self.server.shelf.lost -= 1
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.say(status, "")

    def say(self, status: int, text: str, **headers: str) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the tests' output clean."""


class Server(ThreadingHTTPServer):
    """Serves ``shelf`` until it is stopped."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.shelf = Shelf()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def stop(self) -> None:
        """End it."""
        self.shutdown()
        self.thread.join(5)
        self.server_close()
