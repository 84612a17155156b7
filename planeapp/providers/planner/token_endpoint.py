"""The back channel of Planner's OAuth: token and revocation requests, and what their answers mean.

Sources: RFC 6749 §5 (answers), RFC 8707 (``resource``), RFC 7009 (revocation).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote_plus

import httpx2
from pydantic import TypeAdapter, ValidationError

from planeapp.lib.errors import FixSettings, ReconnectNeeded, RetryLater
from planeapp.lib.http import Http
from planeapp.providers.consent import OAuthClient, OAuthGrant
from planeapp.providers.planner.answers import delay_from, is_page, short

SHORT_LIFE = 3600
"""Seconds that a token which can be refreshed counts as good when the answer names none."""
LEAST_SECRET = 6
"""Texts shorter than this are not hidden in a server's words: they would turn up by chance."""
OVER = "Planner no longer accepts our access. An admin has to connect Planner again."
UNKNOWN_CLIENT = (
    "Planner does not know this app any more, or not with this secret. An admin has to check the client ID and secret, if "
    "they were entered by hand, and connect Planner again."
)
OURS = frozenset({"invalid_client", "unauthorized_client"})
ASKED_WRONGLY = frozenset({"invalid_request", "invalid_scope", "invalid_target", "unsupported_grant_type"})
NOT_NOW = frozenset({"temporarily_unavailable", "server_error", "slow_down"})


@dataclass(frozen=True)
class Session:
    """Whom a grant is with, and as whom: all that a refresh needs besides the refresh token."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    resource: str
    client: OAuthClient

    def as_text(self) -> str:
        """For :attr:`OAuthGrant.keep`: it holds the client's secret."""
        return _SESSION.dump_json(self).decode()


_SESSION = TypeAdapter(Session)


def session_from(text: str) -> Session:
    """What :meth:`Session.as_text` gave; ReconnectNeeded when it is something else."""
    try:
        return _SESSION.validate_json(text)
    except ValidationError:  # its text would show the secret
        raise ReconnectNeeded("the notes of the grant cannot be read", person=OVER) from None


def ask_token(http: Http, session: Session, form: Mapping[str, str], asked: Iterable[str]) -> OAuthGrant:
    """Ask for tokens; ``form`` lacks the client and the resource, ``asked`` are the scopes when the answer names none.

    Raises ReconnectNeeded (the credential or the client is refused), FixSettings (the request is) or RetryLater. A lost
    answer is RetryLater too: only asking again tells whether the credential still works.
    """
    answer = _post(http, session.token_endpoint, session.client, {**form, "resource": session.resource})
    raise_if_unwell(answer)
    body = _object(answer)
    if not answer.is_success or (body and "error" in body and "access_token" not in body):
        _raise_refusal(answer, body, form["grant_type"], _secrets(form, session.client))
    grant = _grant(body or {}, frozenset(asked), session)
    if grant is None:
        raise RetryLater(f"{_where(answer)} ({form['grant_type']}): no access token in the answer")
    return grant


def end_token(http: Http, session: Session, token: str, kind: str) -> bool:
    """Revoke one token of ``kind`` (``refresh_token``, ``access_token``); whether the server agreed."""
    form = {"token": token, "token_type_hint": kind}
    answer = _post(http, session.revocation_endpoint, session.client, form)
    raise_if_unwell(answer)
    return answer.is_success


def raise_if_unwell(answer: httpx2.Response) -> None:
    """RetryLater for what says nothing about the request: 5xx, 429, a page of something in front of Planner."""
    status = answer.status_code
    in_front = 400 <= status < 500 and status not in (404, 405, 410) and is_page(answer.text)
    if status >= 500 or status in (408, 425, 429) or in_front:
        raise RetryLater(f"{_where(answer)} answered {status}", delay=delay_from(answer.headers))
    if 300 <= status < 400:
        raise FixSettings(
            f"{_where(answer)} answered {status}",
            person="Planner's sign-in has moved. An admin has to connect Planner again.",
        )


def hide(text: str, secrets: Iterable[str]) -> str:
    """A server's words on one line, without the secrets that were sent to it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= LEAST_SECRET:
            text = text.replace(secret, "[hidden]").replace(quote_plus(secret), "[hidden]")
    return short(text)


def _post(http: Http, url: str, client: OAuthClient, form: Mapping[str, str]) -> httpx2.Response:
    """Send a form as this client. ``client_id`` goes along with Basic as well: MCP servers made with the SDK want it."""
    body, headers = {**form, "client_id": client.id}, {}
    if client.method == "client_secret_basic":
        pair = f"{quote_plus(client.id)}:{quote_plus(client.secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif client.method == "client_secret_post":
        body["client_secret"] = client.secret
    return http.send("POST", url, data=body, headers=headers, repeatable=True)


def _secrets(form: Mapping[str, str], client: OAuthClient) -> list[str]:
    return [client.secret, *(form.get(name, "") for name in ("code", "code_verifier", "refresh_token"))]


def _object(answer: httpx2.Response) -> dict[str, Any] | None:
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _where(answer: httpx2.Response) -> str:
    return f"{answer.request.method} {answer.request.url.host}{answer.request.url.path}"


def _raise_refusal(
    answer: httpx2.Response, body: Mapping[str, Any] | None, grant_type: str, secrets: Iterable[str]
) -> NoReturn:
    """Sort a refusal of the token endpoint. Only one in JSON says anything about the credential."""
    error = _text((body or {}).get("error"))
    said = hide(": ".join(filter(None, (error, _text((body or {}).get("error_description"))))), secrets)
    detail = f"{_where(answer)} ({grant_type}) answered {answer.status_code}: {said or 'no message'}"
    if error in ASKED_WRONGLY:
        person = f"Planner does not accept our request: {said}. Check the connection's settings and connect again."
        raise FixSettings(detail, person=person, code=error)
    if error in OURS:
        raise ReconnectNeeded(detail, person=UNKNOWN_CLIENT, code=error)
    if answer.status_code in (404, 405, 410):
        raise FixSettings(detail, person="Planner's sign-in has moved. An admin has to connect Planner again.")
    if error in NOT_NOW or body is None:
        raise RetryLater(detail, delay=delay_from(answer.headers))
    raise ReconnectNeeded(detail, person=OVER, code="invalid_grant")


def _grant(body: Mapping[str, Any], asked: frozenset[str], session: Session) -> OAuthGrant | None:
    """The tokens of an answer. Without ``scope`` it is what was asked for (RFC 6749 §5.1)."""
    access, refresh = _text(body.get("access_token")), _text(body.get("refresh_token")) or None
    if not access:
        return None
    kind = _text(body.get("token_type")) or "bearer"
    if kind.lower() != "bearer":
        raise FixSettings(
            f"{session.issuer} gave a token of the kind {kind[:40]}",
            person="Planner gave a kind of access that this app cannot use. Connect with an API token instead.",
        )
    granted = frozenset(_text(body.get("scope")).replace(",", " ").split()) or asked
    seconds = _seconds(body.get("expires_in")) or (SHORT_LIFE if refresh else 0)
    missing = asked - granted - {"offline_access"}  # a wish for a refresh token; servers leave it out of the answer
    return OAuthGrant(access, refresh, seconds, granted, missing, session.as_text())


def _text(part: Any) -> str:
    return part if isinstance(part, str) else ""


def _seconds(part: Any) -> int:
    """Seconds of a number, also one in a text; 0 for anything else."""
    text = str(part) if isinstance(part, int | float | str) and not isinstance(part, bool) else ""
    digits = text.partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
