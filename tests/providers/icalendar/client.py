"""Talks HTTP with one calendar server.

- ``GET /calendars/``: ``{"account": …, "calendars": [{"id", "name"}]}``
- ``GET /calendars/<id>.ics``: every event of a calendar in one file
- ``GET``, ``PUT``, ``DELETE /calendars/<id>/<uid>.ics``: one event; ``If-Match`` guards a change
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from planeapp.lib.budget import Allowance
from planeapp.lib.errors import FixSettings, Gone, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.providers.base import Access
from tests.providers.icalendar.lines import Line, read, write

SLOT = "api"
REFUSED = "The calendar server does not accept this token. Make a new one there and connect again."


class Client:
    """One account. Every method raises only the errors of ``planeapp.lib.errors``."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def account(self) -> Mapping[str, Any]:
        """The account and its calendars."""
        response = self._send("GET", "/calendars/")
        try:
            found = response.json()
            list(map(dict, found["calendars"]))
        except (ValueError, TypeError, KeyError):
            raise RetryLater("GET /calendars/: unexpected body") from None
        return dict(found)

    def calendar(self, calendar: str) -> list[Line]:
        """Every event of a calendar."""
        return _lines(self._send("GET", f"/calendars/{segment(calendar)}.ics"))

    def event(self, calendar: str, uid: str) -> tuple[list[Line], str]:
        """One event's file and its ETag; Gone when there is none."""
        response = self._send("GET", _path(calendar, uid))
        return _lines(response), response.headers.get("ETag", "")

    def put(self, calendar: str, uid: str, lines: list[Line], etag: str = "") -> None:
        """Write an event's file; with ``etag`` only if nobody changed it meanwhile (RetryLater)."""
        headers = {"Content-Type": "text/calendar; charset=utf-8", **({"If-Match": etag} if etag else {})}
        self._send("PUT", _path(calendar, uid), headers, write(lines).encode("utf-8", "replace"))

    def remove(self, calendar: str, uid: str) -> None:
        """Delete an event; Gone when there is none."""
        self._send("DELETE", _path(calendar, uid))

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> httpx2.Response:
        """Send with the token; once more with a fresh one after a 401. Every call can be repeated: files have our names."""

        def once(token: str) -> httpx2.Response:
            named = {"Authorization": f"Bearer {token}", "Accept": "*/*", **(headers or {})}
            with self.access.budget(SLOT).call() as call:
                response = self.access.http.send(
                    method, self.access.base_url.rstrip("/") + path, headers=named, content=content, repeatable=True
                )
                call.tell(Allowance(refused=response.status_code == 429, resets_in=_wait(response)))
            return response

        token = self.access.token(SLOT)
        response = once(token)
        if response.status_code == 401:
            response = once(self.access.token(SLOT, refused=token))
        raise_for_response(response, f"{method} {path}")
        return response


def raise_for_response(response: httpx2.Response, where: str) -> None:
    """What an answer means; nothing for one that was asked for. The server's own words are left out: it may repeat ours."""
    status = response.status_code
    problem = f"{where}: {status}"
    if status == 401:
        raise ReconnectNeeded(problem, person=REFUSED)
    if status == 429:
        raise OutOfQuota(problem, delay=_wait(response))
    if status >= 500 or status == 412:  # 412: somebody changed the event while we did
        raise RetryLater(problem)
    if status in (404, 410):
        raise Gone(problem)
    if status >= 300:
        raise FixSettings(problem, person=f"The calendar server refuses this ({status}). Please check its address.")
    expected = {"PUT": (201, 204), "DELETE": (204,)}.get(where.partition(" ")[0], (200,))
    if status not in expected:
        raise RetryLater(f"{problem} is not among {expected}")


def segment(value: str) -> str:
    """One path segment, percent-encoded; Gone for what cannot be one, since nothing has such an id."""
    if value.strip() in ("", ".", ".."):
        raise Gone(f"not an id: {value!r}")
    return quote(value, safe="")


def _path(calendar: str, uid: str) -> str:
    return f"/calendars/{segment(calendar)}/{segment(uid)}.ics"


def _wait(response: httpx2.Response) -> float | None:
    told = response.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() and told.isascii() else None


def _lines(response: httpx2.Response) -> list[Line]:
    try:
        return read(response.content.decode())
    except ValueError:
        raise RetryLater(f"{response.request.method} {response.request.url.path}: not a whole calendar") from None
