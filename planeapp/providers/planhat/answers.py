"""What an answer of Planhat means: sorted into our errors in one place.

Planhat's "HTTP response codes" page lists 200, 206, 400, 403 and 500 and says that a body is an object or a string;
401, 404, 429, 502 to 504 and HTML bodies occur as well.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx2

from planeapp.lib.errors import (
    FixSettings,
    Gone,
    GroundcrewError,
    OutcomeUnknown,
    OutOfQuota,
    ReconnectNeeded,
    RetryLater,
)
from planeapp.providers.planhat.models import Model, Record

WORDS = 300
QUOTA_PAUSES = (60.0, 120.0)
"""Seconds to wait after the first and after each further 429: Planhat tells no time, its counter resets in 60 to 120
s.
"""

_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_NO_MODEL = re.compile(r"invalid or unauthorized model", re.IGNORECASE)
_NO_RECORD = re.compile(r"no such document", re.IGNORECASE)
_NO_ADDRESS = re.compile(r"\bcannot (get|post|put|delete)\b", re.IGNORECASE)

REFUSED_TOKEN = (
    "Planhat does not accept this token. Check that the region is the one you sign in to (a good token is refused "
    "everywhere else), that the private app is active, then connect again with a fresh token."
)


@dataclass(frozen=True)
class Asked:
    """What was asked, for the texts of errors. ``where`` names method and address without secrets and without query.

    ``one`` says that a single record was addressed; ``secret`` must not appear in any text.
    """

    method: str
    where: str
    model: Model
    one: bool = False
    secret: str = ""

    def problem(self, status: int | str, words: str) -> str:
        """The log's text."""
        return f"{self.where}: {status} {words}".strip()


class Pauses:
    """How long to wait after a 429, per token and process: 60 s first, 120 s while it goes on."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()

    def refused(self, key: str, now: float | None = None) -> float:
        """Another 429 for ``key``: seconds to wait."""
        moment = time.monotonic() if now is None else now
        with self._lock:
            first = self._since.setdefault(key, moment)
        # Calls that were under way together all get a 429 at once: that is still the first.
        return QUOTA_PAUSES[0] if moment - first < QUOTA_PAUSES[0] / 2 else QUOTA_PAUSES[1]

    def served(self, key: str) -> None:
        """Planhat answered again."""
        with self._lock:
            self._since.pop(key, None)


def parsed(response: httpx2.Response) -> Any:
    """The body as JSON; its text when it is none; None when it is empty."""
    if not response.content.strip():
        return None
    try:
        return response.json()
    except ValueError:
        return response.text


def without(response: httpx2.Response, *secrets: str) -> httpx2.Response:
    """The same answer, with what was sent as a credential taken out of its body: its words are shown to people."""
    content = response.content
    for secret in filter(None, secrets):
        content = content.replace(secret.encode(), "…".encode())
    if content == response.content:
        return response
    kept = {name: value for name, value in response.headers.items() if name.lower() in {"content-type", "retry-after"}}
    return httpx2.Response(response.status_code, headers=kept, content=content, request=response.request)


def written(response: httpx2.Response, asked: Asked) -> Record:
    """The object in the answer to a write, ``{}`` when it is empty or a plain string, as Planhat's may be.

    A page of HTML or half an object comes from something in between, and confirms nothing.
    """
    body = parsed(response)
    if isinstance(body, str) and body.lstrip().startswith(("<", "{", "[")):
        problem = asked.problem("unexpected body", words(body, asked.secret))
        raise (OutcomeUnknown if asked.method == "POST" else RetryLater)(problem)
    return body if isinstance(body, dict) else {}


def words(body: Any, secret: str = "") -> str:
    """The vendor's message in a body of any shape: short, without markup, without ``secret``."""
    if isinstance(body, dict):
        body = next((body[name] for name in ("message", "error", "errors", "reason") if body.get(name)), "")
        return words(body, secret)
    if isinstance(body, list):
        return "; ".join(filter(None, (words(part, secret) for part in body[:3])))[:WORDS]
    text = " ".join(_TAG.sub(" ", "" if body is None else str(body)).split())
    if secret:
        text = text.replace(secret, "…")
    return text if len(text) <= WORDS else text[: WORDS - 1] + "…"


def raise_for_response(response: httpx2.Response, asked: Asked, pauses: Pauses, key: str) -> None:
    """Raise what an answer means; nothing for 2xx. 401 is the client's matter, who first asks for a fresh token."""
    if response.is_success:
        pauses.served(key)
        return
    body = parsed(response)
    text = words(body, asked.secret)
    problem = asked.problem(response.status_code, text)
    if response.status_code == 429:
        raise OutOfQuota(problem, delay=retry_after(response) or pauses.refused(key))
    if response.status_code == 401:
        raise ReconnectNeeded(problem, person=REFUSED_TOKEN)
    if response.status_code >= 500:
        # A POST may have done its work before it failed; PUT, GET and DELETE can simply be sent again.
        raise (OutcomeUnknown if asked.method == "POST" else RetryLater)(problem)
    raise refusal(response.status_code, text, problem, asked)


def refusal(status: int, text: str, problem: str, asked: Asked) -> GroundcrewError:
    """The error for a 3xx or 4xx that no waiting mends."""
    if status == 403 or _NO_MODEL.search(text):
        return no_permission(asked.model, problem)
    if _NO_RECORD.search(text) or (status == 404 and asked.one):
        return Gone(problem)
    if status in (404, 405):
        return FixSettings(
            problem, person=f"{asked.model.label} are not available on this Planhat account.", code="not_available"
        )
    if status < 400:
        return FixSettings(
            problem, person="Planhat sent us to another address. Please check the region in the settings."
        )
    return FixSettings(
        problem, person=f"Planhat did not accept this: {text or 'no reason given'}. Please correct it and try again."
    )


def no_such_address(text: str) -> bool:
    """Whether a 404 was for an address that Planhat does not serve, rather than for a record."""
    return _NO_ADDRESS.search(text) is not None


def no_permission(model: Model, problem: str, why: str = "") -> FixSettings:
    """The token may not touch a model (permissions are per model on the private app)."""
    detail = f" Planhat says: {why}." if why else ""
    return FixSettings(
        problem,
        person=f"The Planhat token may not do this with {model.label} ({model.path}).{detail} "
        "Allow it on the private app in Planhat, then try again.",
        code="no_permission",
    )


def unreadable(asked: Asked, body: Any) -> GroundcrewError:
    """A 200 whose body is not what was asked for: an error object, or a page of HTML from something in between."""
    text = words(body, asked.secret)
    problem = asked.problem("unexpected body", text)
    return no_permission(asked.model, problem) if _NO_MODEL.search(text) else RetryLater(problem)


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds of a ``Retry-After`` header (Planhat documents none, but a proxy may send one), at most an hour."""
    value = response.headers.get("Retry-After", "").strip()
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() and int(value) > 0 else None
