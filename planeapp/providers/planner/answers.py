"""What Planner's answers mean for us: HTTP statuses and error bodies, sorted into our error family.

Planner documents no error body (Planner developer page), so field messages are looked for in the usual shapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from planeapp.lib.errors import (
    FixSettings,
    Gone,
    GroundcrewError,
    OutcomeUnknown,
    OutOfQuota,
    ReconnectNeeded,
    RetryLater,
)

MAX_TEXT = 500
MAX_VERBATIM = 4096
ALLOW_MORE = "An admin can allow it: press “Allow more” on Planner's page in the settings."
SCOPE = re.compile(r"\b(?:events|projects|blocks|webhooks):(?:read|write)\b")
SECRET = re.compile(r"plr_pat_\S+|Bearer\s+\S+", re.IGNORECASE)


def delay_from(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait by ``Retry-After`` (a number or an HTTP date), or None."""
    given = headers.get("retry-after", "").strip()
    if not given:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", given):
        return float(given)
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000" says that the zone is not known; HTTP dates are in UTC
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def problems(body: Any) -> list[str]:
    """Messages (with the field's name where there is one) of an error body, in the shapes that servers commonly use."""
    return list(dict.fromkeys(_problems(body)))


def _problems(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, list):
        for entry in body:
            yield from _problems(entry)
    elif isinstance(body, Mapping):
        yield from _problems_of_mapping(body)


def _problems_of_mapping(body: Mapping[str, Any]) -> Iterator[str]:
    for name in ("errors", "issues", "detail", "details", "fieldErrors", "error"):
        inside = body.get(name)
        if name == "fieldErrors" or (name in ("errors", "details") and isinstance(inside, Mapping)):
            yield from _problems_by_field(inside)
        elif inside:
            yield from _problems(inside)
    message = body.get("message") or body.get("msg") or body.get("title") or body.get("error_description")
    where = _place(body.get("path") or body.get("field") or body.get("loc") or body.get("pointer"))
    if isinstance(message, str):
        yield f"{where}: {message}" if where else message
    elif message:
        yield from _problems(message)


def _problems_by_field(inside: Any) -> Iterator[str]:
    for field, texts in (inside or {}).items():
        for text in _problems(texts):
            yield f"{field}: {text}"


def _place(path: Any) -> str:
    parts = path if isinstance(path, list) else [path] if path else []
    return ".".join(str(part) for part in parts if part != "body")


def short(text: str) -> str:
    """A server's words, fit for a log or a page: one line, bounded, without credentials."""
    return SECRET.sub("[hidden]", " ".join(text.split()))[:MAX_TEXT]


def verbatim(text: str) -> str:
    """A server's answer as it came, for an admin who sets things up: at most 4 KB, without credentials."""
    hidden = SECRET.sub("[hidden]", text)
    shown = hidden.encode()[:MAX_VERBATIM].decode(errors="ignore").strip()
    return f"{shown}…" if len(shown) < len(hidden.strip()) else shown


def words_of(text: str) -> str:
    """The server's own message in an answer's body: its field messages, else its message, else the text itself."""
    try:
        found = problems(json.loads(text))
    except ValueError:
        found = []
    fields = [problem for problem in found if ": " in problem]
    return short("; ".join(fields or found) or text).rstrip(".")


def is_page(text: str) -> bool:
    """Whether a body is an HTML page (a proxy's or a firewall's, never the API's own word)."""
    return text.lstrip()[:1] == "<"


def missing_scope(headers: Mapping[str, str], text: str, usual: str) -> str:
    """The scope that a 403 asks for: from its header or body, else the one documented for the address."""
    asked = re.search(r'scope="([^"]+)"', headers.get("www-authenticate", ""))
    if asked:
        return asked.group(1)
    found = SCOPE.findall(text)
    return found[0] if found else usual


def error_for(
    where: str, status: int, headers: Mapping[str, str], text: str, *, scope: str = "", writes: bool = False
) -> GroundcrewError | None:
    """The error that an answer means, or None for a good one. ``headers`` has lower-case names.

    ``scope`` is the scope documented for this address; ``writes`` says that the request was a write, so that a failing
    server (5xx) leaves open whether it happened.
    """
    if status < 300:
        return None
    detail = f"{where}: {status} {words_of(text)}"
    if status == 401:
        return ReconnectNeeded(detail, person="Planner no longer accepts the token. An admin has to connect it again.")
    if status == 429:
        return OutOfQuota(detail, delay=delay_from(headers))
    if status == 403:
        return _forbidden(detail, headers, text, scope)
    if status >= 500:
        return OutcomeUnknown(detail) if writes and status != 501 else RetryLater(detail, delay=delay_from(headers))
    return _refused(detail, status, headers, text)


def _forbidden(detail: str, headers: Mapping[str, str], text: str, scope: str) -> GroundcrewError:
    if is_page(text):
        return RetryLater(f"{detail} (an HTML page, not the API)", delay=delay_from(headers))
    needed = missing_scope(headers, text, scope)
    hint = f"the scope {needed}" if needed else "more rights"
    return FixSettings(detail, person=f"Planner's token needs {hint}. Make a token that has it and connect again.")


def scope_refused(detail: str, scopes: str, *, helps: bool) -> FixSettings:
    """What a call that was refused for want of ``scopes`` means for access by sign-in, where nobody made a token.

    ``helps``: whether asking the person for more can change it.
    """
    person = f"Planner needs a further permission for this ({short(scopes)}). {ALLOW_MORE}"
    if not helps:
        person = (
            "Planner refuses this to the person who signed in. Let somebody who may do it in Planner sign in instead."
        )
    return FixSettings(detail, person=person)


def _refused(detail: str, status: int, headers: Mapping[str, str], text: str) -> GroundcrewError:
    said = words_of(text)
    if status in (404, 410):
        return Gone(detail)
    if status in (408, 425):
        return RetryLater(detail, delay=delay_from(headers))
    if status == 409:
        return OutcomeUnknown(detail, person="Planner says that this block may exist already. We look before we go on.")
    if status < 400:
        return FixSettings(detail, person="Planner's address answers with a redirect. Check the address.")
    return FixSettings(detail, person=f"Planner does not accept what we send: {said}. Check the connection's settings.")


def raise_for_response(
    where: str, status: int, headers: Mapping[str, str], text: str, *, scope: str = "", writes: bool = False
) -> None:
    """Raise what :func:`error_for` finds; nothing happens for a good answer."""
    error = error_for(where, status, headers, text, scope=scope, writes=writes)
    if error is not None:
        raise error
