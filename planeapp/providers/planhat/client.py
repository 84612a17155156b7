"""Talks HTTP with one Planhat account: paths, credentials, pages, bulk writes. What each model offers is in
``resources``.

Source: Planhat API page and developer docs ("Authentication & limits", "HTTP response codes", "Bulk upsert").
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from planeapp.lib.errors import FixSettings, ReconnectNeeded
from planeapp.providers.base import Access
from planeapp.providers.planhat import answers, quota, regions
from planeapp.providers.planhat.answers import Asked, Pauses
from planeapp.providers.planhat.hidden import send_open
from planeapp.providers.planhat.models import SUSPECT_PAGES, Json, Model, Record, record_id

API_SLOT = "api"
TENANT_SLOT = "tenant"
OPEN_SLOT = "open"
"""Calls on open endpoints are counted apart."""
LIST_SECONDS = 60.0
WRITE_SECONDS = 60.0

UNKNOWN_TENANT = "Planhat does not know this tenant UUID, or takes no calls for it. Please check it in the settings."

_PAUSES = Pauses()


@dataclass(frozen=True)
class Scan:
    """All records of a list, in the order of their ids. Absence says something only when ``complete``."""

    records: tuple[Record, ...]
    complete: bool


def segment(value: str) -> str:
    """One path segment, percent-encoded as a whole.

    Raises FixSettings when it is empty (Planhat would answer with the whole list) or would climb in the path.
    """
    if not value.strip() or value in (".", ".."):
        raise FixSettings(
            f"not an id: {value!r}", person="An id for Planhat is empty or unusable. Please pick the record again."
        )
    return quote(value, safe="")


class Client:
    """One account of Planhat. Every method raises only the errors of ``planeapp.lib.errors``."""

    def __init__(self, access: Access, pauses: Pauses = _PAUSES) -> None:
        self.access = access
        self.base = address(access)
        self._pauses = pauses

    def one(self, model: Model, ident: str | None = None) -> Record | None:
        """GET one record (``ident`` None: a resource without ids); None for null or an empty body. 404 raises Gone."""
        asked = self._asked("GET", model, ident)
        body = answers.parsed(self._send(asked, self._path(model, ident)))
        if body is None or body == {}:
            return None
        return self._object(asked, body)

    def page(self, model: Model, params: Mapping[str, str | int]) -> list[Record]:
        """GET one page of a list. A 200 that holds no array of objects is an error."""
        asked = self._asked("GET", model)
        body = answers.parsed(self._send(asked, self._path(model), params=params, seconds=LIST_SECONDS))
        if not isinstance(body, list) or not all(isinstance(record, dict) for record in body):
            raise answers.unreadable(asked, body)
        return body

    def scan(self, model: Model, params: Mapping[str, str | int] | None = None) -> Scan:
        """GET every page, sorted by id, each record once.

        Lists have no total and no cursor, so pages overlap by one record: when the last record of a page is not the
        first of the next, rows moved in between and the scan is not complete.
        """
        rows: dict[str, Record] = {}
        steady, offset, last = True, 0, ""
        while True:
            page = self.page(model, {"limit": model.page, "offset": offset, "sort": "_id", **(params or {})})
            steady = steady and (not last or (bool(page) and record_id(page[0]) == last))
            before = len(rows)
            rows.update((record_id(record), record) for record in page if record_id(record))
            if len(page) < model.page and len(page) not in SUSPECT_PAGES:
                return Scan(tuple(rows.values()), steady)
            if len(rows) == before:  # the offset has no effect here: asking on would never end
                return Scan(tuple(rows.values()), complete=False)
            last, offset = record_id(page[-1]), offset + len(page) - 1

    def create(self, model: Model, body: Json) -> Record:
        """POST a record; the answer's object, ``{}`` when it has none. A lost answer is OutcomeUnknown."""
        asked = self._asked("POST", model)
        return answers.written(self._send(asked, self._path(model), body=body), asked)

    def update(self, model: Model, ident: str, body: Json) -> Record:
        """PUT the named fields of one record; ``_id`` is left out, since Planhat refuses it there."""
        fields = {name: value for name, value in body.items() if name != "_id"}
        asked = self._asked("PUT", model, ident)
        return answers.written(self._send(asked, self._path(model, ident), body=fields), asked)

    def remove(self, model: Model, ident: str) -> Record:
        """DELETE one record; the answer's object, ``{}`` when it is empty or a plain string."""
        asked = self._asked("DELETE", model, ident)
        return answers.written(self._send(asked, self._path(model, ident)), asked)

    def put_all(self, model: Model, rows: Sequence[Json]) -> tuple[int, Any, Asked]:
        """PUT an array: status and body, whatever 2xx, 400 or 403 it is, since these have a report as well."""
        asked = self._asked("PUT", model)
        response = self._send(
            asked, self._path(model), body=list(rows), seconds=WRITE_SECONDS, reports=frozenset({400, 403})
        )
        return response.status_code, answers.parsed(response), asked

    def open_post(self, model: Model, tenant: str, body: Json) -> Record:
        """POST to an open endpoint: the tenant id in the path, no Authorization header. See ``hidden``."""
        asked = Asked("POST", f"POST {self.base}/<tenant>/{model.path}", model, secret=tenant)
        with self.access.budget(OPEN_SLOT).call() as call:
            response = send_open(self.access.http, f"{self.base}/{segment(tenant)}/{model.path}", tenant, _json(body))
            call.tell(quota.allowance(response))
        if response.status_code == 404:
            raise FixSettings(f"{asked.where}: 404", person=UNKNOWN_TENANT, code="not_available")
        answers.raise_for_response(response, asked, self._pauses, _digest(tenant))
        return answers.written(response, asked)

    def _send(
        self,
        asked: Asked,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        seconds: float = 30.0,
        reports: frozenset[int] = frozenset(),
    ) -> httpx2.Response:
        """Send with the token; once more with a fresh one after a 401. Statuses in ``reports`` are for the caller."""
        content = None if body is None else _json(body)

        def once(token: str) -> httpx2.Response:
            headers = {"Authorization": self._authorization(token)}
            headers |= {} if content is None else {"Content-Type": "application/json"}
            with self.access.budget(API_SLOT).call() as call:
                response = self.access.http.send(
                    asked.method, self.base + path, headers=headers, params=params, content=content, seconds=seconds,
                    repeatable=asked.method != "POST",
                )  # fmt: skip
                call.tell(quota.allowance(response))
            return answers.without(response, token, headers["Authorization"].partition(" ")[2])

        token = self.access.token(API_SLOT)
        response = once(token)
        if response.status_code == 401:
            token = self._fresh(token, asked, response)
            response = once(token)
        if response.status_code not in reports:
            answers.raise_for_response(response, asked, self._pauses, _digest(token))
        return response

    def _fresh(self, token: str, asked: Asked, response: httpx2.Response) -> str:
        problem = asked.problem(401, answers.words(answers.parsed(response), token))
        try:
            fresh = self.access.token(API_SLOT, refused=token)
        except ReconnectNeeded as error:
            raise ReconnectNeeded(problem, person=answers.REFUSED_TOKEN) from error
        if fresh == token:
            raise ReconnectNeeded(problem, person=answers.REFUSED_TOKEN)
        return fresh

    def _authorization(self, token: str) -> str:
        if self.access.settings.get("auth") == "basic":
            return (
                "Basic " + base64.b64encode(f"{token}:".encode()).decode()
            )  # the token is the user, the password is empty
        return f"Bearer {token}"

    def _path(self, model: Model, ident: str | None = None) -> str:
        return f"/{model.path}" if ident is None else f"/{model.path}/{segment(ident)}"

    def _asked(self, method: str, model: Model, ident: str | None = None) -> Asked:
        return Asked(method, f"{method} {self.base}{self._path(model, ident)}", model, one=ident is not None)

    def _object(self, asked: Asked, body: Any) -> Record:
        if not isinstance(body, dict):
            raise answers.unreadable(asked, body)
        return body


def address(access: Access) -> str:
    """Where this connection's API is: its region's host when one was chosen, else what the operator set."""
    region = str(access.settings.get("region") or "")
    return regions.base_url(region) if region else access.base_url.rstrip("/")


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
