"""What Plane's answers mean: every status sorted into our errors, every shape of error body made readable.

Sources: Plane developer docs, "API reference / Introduction"; Plane Community Edition 1.3 for the bodies.
"""

from __future__ import annotations

import json
import re
import time
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import httpx2

from planeapp.lib.errors import FixSettings, Gone, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.plane.scopes import scope_for

QUOTA_SECONDS = 60.0
LONGEST_WAIT = 3600.0
MESSAGE_LENGTH = 300
SPOKEN_KEYS = ("detail", "error", "message", "error_message", "title", "error_description")
SILENT_KEYS = frozenset({"id", "error_code", "code", "status", "type", "instance"})
GOVERNED = frozenset({"workspace_managed", "workspace_not_managed", "governance_migration_in_progress"})
PLAN_WORDS = re.compile(r"upgrade (your|the) plan|not (available|included) (in|on) your plan", re.IGNORECASE)


TOKEN_REFUSED = "Plane no longer accepts our access. An admin has to install the app again."
NOT_FOUND = "Plane does not find this. It was deleted or archived, or the bot is not in the project."
NOT_IN_PLAN = "Your Plane plan does not include this. Switch it off here, or upgrade Plane."
GOVERNED_PERSON = "Your workspace manages this in one place. A workspace admin has to change it in Plane."
TOO_LARGE = "This is too large for Plane. Please shorten it and try again."
MOVED = "Plane sends us to another address. An operator has to check PLANE_BASE_URL."
IN_FRONT = "Something in front of Plane refused the call. We try again on our own."


class AlreadyThere(FixSettings):
    """409: a row with this name or external id exists; ``existing_id`` is Plane's id of it (``""`` when not told)."""

    code = "already_there"

    def __init__(self, detail: str, *, existing_id: str, person: str = "") -> None:
        super().__init__(detail, person=person)
        self.existing_id = existing_id


class ServerTrouble(RetryLater):
    """A 5xx or an unreadable success: what was asked may have happened all the same."""


class PlaneBroke(ServerTrouble):
    """500 in JSON: Plane failed inside. Some questions are answered so for ever (an external id held by two rows)."""


def raise_for_response(response: httpx2.Response) -> None:
    """Return for a readable 2xx, else raise what the answer means.

    A 403 or 404 that is not JSON comes from something in front of Plane (Cloudflare), so it is RetryLater and never
    says that a permission or a row is gone. 401 raises ReconnectNeeded; refreshing first is the session's work.
    """
    status = response.status_code
    body = read_json(response)
    if 200 <= status < 300:
        if response.content and body is None:
            raise ServerTrouble(f"{_where(response)}: not JSON")
        return
    told = vendor_message(body)
    detail = f"{_where(response)}: {told or 'no message'}"
    if status == 429:
        raise OutOfQuota(detail, delay=wait_seconds(response, QUOTA_SECONDS))
    if status in (408, 425, 503):
        raise RetryLater(detail, delay=wait_seconds(response, None))
    if status >= 500:
        kind = PlaneBroke if status == 500 and body is not None else ServerTrouble
        raise kind(detail, delay=wait_seconds(response, None))
    if 300 <= status < 400:
        raise FixSettings(detail, person=MOVED)
    if body is None and status != 413:
        raise RetryLater(detail, person=IN_FRONT)
    _raise_refusal(response, body, told, detail)


def _raise_refusal(response: httpx2.Response, body: Any, told: str, detail: str) -> NoReturn:
    """Sort a 4xx that Plane itself has answered."""
    status = response.status_code
    if status == 401:
        raise ReconnectNeeded(detail, person=TOKEN_REFUSED)
    if status == 403:
        scope = scope_for(response.request.method, response.request.url.path)
        raise FixSettings(detail, code="permission", person=_not_allowed(scope))
    if status == 404:
        raise Gone(detail, person=NOT_FOUND)
    if status == 402 or PLAN_WORDS.search(told):
        raise FixSettings(detail, code="plan", person=NOT_IN_PLAN)
    if status == 409:
        known = body.get("id") if isinstance(body, dict) else None
        raise AlreadyThere(detail, existing_id=known if isinstance(known, str) else "", person=_refused(told))
    if isinstance(body, dict) and str(body.get("code")) in GOVERNED:
        raise FixSettings(detail, code=str(body["code"]), person=GOVERNED_PERSON)
    raise FixSettings(detail, person=TOO_LARGE if status == 413 else _refused(told))


def _not_allowed(scope: str) -> str:
    need = f"Allow the scope {scope} for the app, or add" if scope else "Add"
    return f"Plane does not let the app do this. {need} the bot to the project, then try again."


def _refused(told: str) -> str:
    return f"Plane refused this: {told} Please change it and try again." if told else FixSettings.default_person


def _where(response: httpx2.Response) -> str:
    """Method, address without its query, status: fit for a log."""
    request, url = response.request, response.request.url
    return f"{request.method} {url.scheme}://{url.netloc.decode()}{url.path} answered {response.status_code}"


def read_json(response: httpx2.Response) -> Any:
    """The parsed body, or None when there is none or it is not JSON (an HTML page, a cut answer)."""
    if "json" not in response.headers.get("content-type", "").lower():
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def vendor_message(body: Any) -> str:
    """Plane's own words from any of its error bodies, on one line, at most 300 characters.

    Known: ``{detail}``, ``{error}``, ``{error, id}``, ``{field: [text]}``, ``{non_field_errors: [text]}``,
    ``{field: {index: [text]}}``, ``{error_code, error_message}``, ``{error, detail}``, ``{code}`` and problem+json.
    """
    text = " ".join("; ".join(_sentences(body, "", 0)).split())
    return text if len(text) <= MESSAGE_LENGTH else text[: MESSAGE_LENGTH - 1] + "…"


def _sentences(part: Any, label: str, depth: int) -> list[str]:
    if isinstance(part, str):
        return [f"{label}: {part}" if label else part] if part.strip() else []
    if isinstance(part, list):
        return [sentence for entry in part[:5] for sentence in _sentences(entry, label, depth)]
    if not isinstance(part, dict) or depth > 3:
        return []
    spoken = [entry for key in SPOKEN_KEYS for entry in _sentences(part.get(key), label, depth + 1)]
    fields = [
        entry
        for key, value in part.items()
        if key not in SPOKEN_KEYS and key not in SILENT_KEYS
        for entry in _sentences(value, _label(label, str(key)), depth + 1)
    ]
    return spoken + fields or _sentences(part.get("code"), label, depth)


def _label(outer: str, key: str) -> str:
    return outer if key in ("non_field_errors", "errors") or key.isdigit() else " ".join(filter(None, (outer, key)))


def wait_seconds(response: httpx2.Response, otherwise: float | None) -> float | None:
    """Seconds named by Retry-After (a number or a date), between 1 s and 1 h; ``otherwise`` without a readable one."""
    told = response.headers.get("retry-after", "").strip()
    try:
        dated = not told.replace(".", "", 1).isdecimal()
        wait = parsedate_to_datetime(told).timestamp() - time.time() if dated else float(told)
    except (ValueError, TypeError, OverflowError):
        return otherwise
    return min(max(wait, 1.0), LONGEST_WAIT)
