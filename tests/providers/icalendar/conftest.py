"""One calendar server for all tests, empty for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from planeapp.lib.errors import ReconnectNeeded
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.base import Access
from tests.providers.icalendar.provider import Calendar
from tests.providers.icalendar.served import TOKEN, Server, Shelf

MakeCalendar = Callable[..., Calendar]


@pytest.fixture(scope="session")
def calendar_server() -> Iterator[Server]:
    """The server, on a free port."""
    server = Server()
    server.thread.start()
    yield server
    server.stop()


@pytest.fixture
def shelf(calendar_server: Server) -> Shelf:
    """Empty calendars."""
    calendar_server.shelf = Shelf()
    return calendar_server.shelf


@pytest.fixture
def calendar_at(calendar_server: Server) -> Iterator[MakeCalendar]:
    """Makes a provider for an address, our server's by default."""
    http = Http(Guard(["127.0.0.1"]))

    def token(slot: str = "main", *, refused: str = "") -> str:
        if refused:
            raise ReconnectNeeded("the token was refused")
        return TOKEN

    yield lambda url="", zone="Europe/Stockholm": Calendar(Access(http, url or calendar_server.url, token, zone=zone))
    http.close()
