"""Planner's OAuth for its MCP server: ask a person, exchange the code, refresh, revoke.

Sources: MCP specification, "Authorization" (OAuth 2.1 with PKCE, resource indicators, RFC 9207); Planner developer page,
"MCP". These four functions are all that views and token storage call; whatever else they have to remember between two
calls travels in the ``keep`` texts.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import TypeAdapter, ValidationError

from planeapp.lib.errors import FixSettings, ReconnectNeeded, Refused, RetryLater
from planeapp.lib.http import Http
from planeapp.providers.consent import Attempt, ConsentRequest, OAuthGrant
from planeapp.providers.planner.discovery import challenge_of, discover
from planeapp.providers.planner.mcp import MCP_PATH
from planeapp.providers.planner.registration import client_document, client_for
from planeapp.providers.planner.token_endpoint import (
    OVER,
    SHORT_LIFE,
    Session,
    ask_token,
    end_token,
    hide,
    session_from,
)

__all__ = ["begin", "client_document", "finish", "refresh", "revoke", "step_up"]

AGAIN = "Please start connecting Planner again from the settings."
NOT_NOW = "Planner's sign-in does not answer properly just now. Please try to connect again in a few minutes."
LATER = frozenset({"server_error", "temporarily_unavailable"})
KNOWN = frozenset(
    {"invalid_request", "invalid_scope", "invalid_target", "unauthorized_client", "unsupported_response_type"}
)


@dataclass(frozen=True)
class Pending:
    """What the return of the browser is checked with and needs; the text in :attr:`Attempt.keep`."""

    session: Session
    verifier: str = field(repr=False)
    redirect_uri: str
    asked: frozenset[str]
    names_issuer: bool


_PENDING = TypeAdapter(Pending)


def begin(http: Http, ask: ConsentRequest) -> Attempt:
    """Find Planner's sign-in, become its client, and make the address to send the browser to.

    ``ask.settings``: ``mcp_path``, ``issuers`` (sign-in hosts that an admin allowed). Raises AskPerson
    (``unknown_issuer``: an admin has to allow the host), FixSettings (``client_needed``: an admin has to enter a client
    id; ``not_offered``, ``wrong_issuer``, ``wrong_resource``, ``other_issuer``, ``no_pkce``) or RetryLater.
    """
    url = ask.base_url.rstrip("/") + str(ask.settings.get("mcp_path") or MCP_PATH)
    with _for_a_person():
        found = discover(http, url, ask.settings.get("issuers") or (), ask.challenge)
        asked = ask.held | found.scopes
        client = client_for(http, ask, found, asked)
    session = Session(
        found.issuer, str(found.server.token_endpoint), str(found.server.revocation_endpoint or ""), found.resource, client
    )  # fmt: skip
    names_issuer = bool(found.server.authorization_response_iss_parameter_supported)
    pending = Pending(session, secrets.token_urlsafe(48), ask.redirect_uri, asked, names_issuer)
    consent_url = _consent_url(str(found.server.authorization_endpoint), pending, ask.state)
    return Attempt(_PENDING.dump_json(pending).decode(), consent_url, client)


def finish(http: Http, attempt: Attempt, query: Mapping[str, str]) -> OAuthGrant:
    """Tokens for what the browser brought back. The caller has checked ``state`` and spent the attempt.

    ``grant.missing`` names scopes that the person or Planner did not grant. Raises Refused (``consent_denied``,
    ``wrong_issuer``, ``no_code``), ReconnectNeeded (the code is refused), FixSettings or RetryLater; after each of them
    the way is a new :func:`begin`.
    """
    pending = _pending(attempt.keep)
    _check_issuer(pending, query.get("iss"))
    if "error" in query:
        _raise_answer(query, pending)
    if not query.get("code"):
        raise Refused("callback without a code", person=f"Planner sent no permission along. {AGAIN}", code="no_code")
    form = {
        "grant_type": "authorization_code",
        "code": query["code"],
        "redirect_uri": pending.redirect_uri,
        "code_verifier": pending.verifier,
    }
    with _for_a_person():
        return ask_token(http, pending.session, form, pending.asked)


def refresh(http: Http, grant: OAuthGrant) -> OAuthGrant:
    """New tokens. The old refresh token stays when none came; otherwise store the new one and never use the old again.

    Raises ReconnectNeeded (``invalid_grant``; ``invalid_client``: forget a registered client too), RetryLater for all
    that says nothing about the grant, FixSettings when Planner refuses the request's form.
    """
    if not grant.refresh:
        raise ReconnectNeeded("Planner gave no refresh token", person=OVER, code="invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": grant.refresh}
    fresh = ask_token(http, session_from(grant.keep), form, grant.scopes)
    missing = (grant.missing | fresh.missing) - fresh.scopes
    seconds = fresh.expires_in or SHORT_LIFE
    return replace(fresh, refresh=fresh.refresh or grant.refresh, expires_in=seconds, missing=missing)


def revoke(http: Http, grant: OAuthGrant) -> bool:
    """End a grant, as far as Planner lets us: False when it has no such call or refuses it. Raises RetryLater."""
    session = session_from(grant.keep)
    if not session.revocation_endpoint:
        return False
    tokens = (grant.refresh, "refresh_token"), (grant.access, "access_token")
    ended = [end_token(http, session, token, kind) for token, kind in tokens if token]
    return all(ended)


def step_up(challenge: str, held: frozenset[str]) -> frozenset[str]:
    """The scopes to ask for after a 403 with this WWW-Authenticate: those held and those wanted.

    Empty when the refusal asks for no scope that is not held already, so that nobody is sent round in circles.
    """
    told = challenge_of(challenge)
    wanted = frozenset(told.get("scope", "").split())
    return held | wanted if told.get("error") == "insufficient_scope" and wanted - held else frozenset()


@contextmanager
def _for_a_person() -> Iterator[None]:
    """In front of a person nobody tries again on their own."""
    try:
        yield
    except RetryLater as error:
        raise RetryLater(str(error), delay=error.delay, person=NOT_NOW) from error


def _consent_url(endpoint: str, pending: Pending, state: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": pending.session.client.id,
        "redirect_uri": pending.redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "resource": pending.session.resource,
    }
    if pending.asked:
        query["scope"] = " ".join(sorted(pending.asked))
    if "offline_access" in pending.asked:
        query["prompt"] = "consent"  # OpenID Connect Core, "Offline Access"
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query.items()])))


def _pending(text: str) -> Pending:
    try:
        return _PENDING.validate_json(text)
    except ValidationError:  # its text would show the verifier
        raise Refused("the notes of the attempt cannot be read", person=f"We lost our place. {AGAIN}") from None


def _check_issuer(pending: Pending, issuer: str | None) -> None:
    """RFC 9207: the answer must come from the server that was asked, to the letter."""
    if issuer is None and not pending.names_issuer or issuer == pending.session.issuer:
        return
    raise Refused(
        f"callback of {'another issuer' if issuer else 'nobody'} instead of {pending.session.issuer}",
        person=f"The answer did not come from Planner's own sign-in, so nothing was connected. {AGAIN}",
        code="wrong_issuer",
    )


def _raise_answer(query: Mapping[str, str], pending: Pending) -> NoReturn:
    """Turn the error that came back instead of a code into ours (RFC 6749 §4.1.2.1)."""
    error, words = query["error"], (query["error"], query.get("error_description", ""))
    said = hide(": ".join(filter(None, words)), [pending.session.client.secret, pending.verifier])
    detail = f"consent at {pending.session.issuer} ended with {said}"
    if error == "access_denied":
        text = f"You did not allow the access in Planner, so nothing was connected. {AGAIN}"
        raise Refused(detail, person=text, code="consent_denied")
    if error in LATER:
        raise RetryLater(detail, person=NOT_NOW)
    check = "Check the client ID and its redirect address, then try again."
    person = f"Planner did not accept the request: {said}. {check}"
    raise FixSettings(detail, person=person, code=error if error in KNOWN else "")
