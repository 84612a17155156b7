"""Plane's OAuth: consent, tokens, installations. The wire form is the documented one (form-encoded bodies).

Source: Plane developer docs, "Build a Plane app / Choose a token flow". The SDK's own client is not used: it sends
JSON, knows no installations, and asks for scopes that the docs do not list.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2

from planeapp.lib.errors import FixSettings, Gone, ReconnectNeeded, RetryLater
from planeapp.lib.http import Http
from planeapp.plane.answers import raise_for_response, read_json, vendor_message, wait_seconds
from planeapp.plane.bodies import as_dict, clean_id, text
from planeapp.plane.paging import rows_of
from planeapp.plane.scopes import MINIMUM_SCOPES, ScopeMissing, features_off

__all__ = ["MINIMUM_SCOPES", "Grant", "InstallationDetails", "PlaneOAuth"]

SHORT_LIFE = 3600
"""Seconds that a token counts as good when Plane names no ``expires_in``."""
NO_SUCH_PAGE = "Page not found."
"""How a Plane without OAuth (Community Edition) answers."""
OVER = "Plane no longer accepts our access. An admin has to connect Plane again."
OURS = {
    "invalid_client": "Plane does not know this app. An operator has to check PLANE_CLIENT_ID and PLANE_CLIENT_SECRET.",
    "unauthorized_client": "Plane does not let this app sign in. An operator has to check its registration in Plane.",
}
ASKED_WRONGLY = {
    "invalid_scope": "Plane does not know a scope that we ask for. An operator has to check PLANE_SCOPES.",
    "invalid_request": "Plane does not accept our request. An operator has to check PLANE_REDIRECT_URI.",
    "unsupported_grant_type": "Plane does not offer this way to sign in. An operator has to check PLANE_BASE_URL.",
}


@dataclass(frozen=True)
class Grant:
    """Tokens. Their texts stay out of ``repr``. ``refresh`` is None for bot tokens: ask again with the installation.

    ``scopes``: what was granted; what was asked where Plane does not say; none when a refresh does not say (as before).
    """

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_in: int
    scopes: frozenset[str]


@dataclass(frozen=True)
class InstallationDetails:
    """The app in one workspace. ``app_bot``: the bot's user id there. ``webhook``: the id that its deliveries carry."""

    id: str
    workspace: str
    slug: str
    name: str = ""
    app_bot: str = ""
    webhook: str | None = None
    status: str = ""
    installed_by: str = ""
    logo_url: str | None = None
    deleted_at: str | None = None

    @property
    def live(self) -> bool:
        """Whether the app still stands in that workspace."""
        return self.deleted_at is None and self.status in ("installed", "")


class PlaneOAuth:
    """One registered app on one Plane. Secrets appear in no error, log line or repr."""

    def __init__(
        self,
        http: Http,
        base_url: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        scopes: Iterable[str] = MINIMUM_SCOPES,
    ) -> None:
        self.http = http
        self.base_url = base_url.rstrip("/")
        self.client_id = client_id
        self.redirect_uri = redirect_uri
        self.scopes = tuple(scopes)
        self._secret = client_secret

    def consent_url(self, state: str, code_challenge: str | None = None) -> str:
        """Where the browser goes to agree. With ``code_challenge`` (S256) the exchange needs the verifier."""
        query = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.scopes),
            "state": state,
        }
        if code_challenge:
            query |= {"code_challenge": code_challenge, "code_challenge_method": "S256"}
        return f"{self.base_url}/auth/o/authorize-app/?{urlencode(query)}"

    def exchange_code(self, code: str, verifier: str | None = None) -> Grant:
        """A person's tokens for the code of the callback. A code works once: a refusal is ReconnectNeeded.

        ScopeMissing when the token is good but does not tell who the person is and what they may do.
        """
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        proof = {"code_verifier": verifier} if verifier else {}
        grant = self._token({**form, **proof, **self._credentials()})
        for off in features_off(grant.scopes, self.scopes, whose="person"):
            raise ScopeMissing(f"the person's token lacks {' '.join(off.missing)}", person=off.told)
        return grant

    def bot_token(self, app_installation_id: str) -> Grant:
        """The bot's token in that workspace; no refresh token. A refusal is ReconnectNeeded: probably uninstalled."""
        form = {
            "grant_type": "client_credentials",
            "app_installation_id": app_installation_id,
            "scope": " ".join(self.scopes),
        }
        basic = base64.b64encode(f"{self.client_id}:{self._secret}".encode()).decode()
        return self._token(form, {"Authorization": f"Basic {basic}"})

    def refresh(self, refresh_token: str) -> Grant:
        """New tokens for a refresh token, which Plane usually replaces: store the new one, never use the old again."""
        return self._token({"grant_type": "refresh_token", "refresh_token": refresh_token, **self._credentials()})

    def revoke(self, token: str) -> bool:
        """End a token. False when Plane refuses for good: nothing is left to try. (Only the SDK shows this call.)"""
        body = {"token": token, **self._credentials()}
        response = self.http.send("POST", f"{self.base_url}/auth/o/revoke-token/", json=body, repeatable=True)
        _raise_if_transient(response)
        return response.is_success

    def installations(self, token: str, id: str | None = None) -> list[InstallationDetails]:
        """Installations that the token (a bot's or a person's) can see.

        A row without id, workspace and slug names no installation and is left out.
        """
        params = {"id": id} if id else None
        try:
            answer = self._get(token, "/auth/o/app-installation/", params)
        except Gone:
            return []
        return [found for row in rows_of(answer) if (found := _installation(row))]

    def installation(self, token: str, id: str) -> InstallationDetails | None:
        """The one with this id, if the token can see it: the proof that an id from a browser belongs to the caller."""
        return next((found for found in self.installations(token, id) if found.id.lower() == id.lower()), None)

    def profile(self, token: str) -> dict[str, Any]:
        """Who the token belongs to: id, email, display_name, first_name, last_name, avatar_url."""
        return as_dict(self._get(token, "/api/v1/users/me/"))

    def _credentials(self) -> dict[str, str]:
        return {"client_id": self.client_id, "client_secret": self._secret}

    def _get(self, token: str, path: str, params: Mapping[str, str] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        response = self.http.send("GET", f"{self.base_url}{path}", headers=headers, params=params)
        raise_for_response(response)
        return read_json(response)

    def _token(self, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Grant:
        """Ask for a token. A lost answer is RetryLater: only asking again tells whether the credential still works."""
        response = self.http.send("POST", f"{self.base_url}/auth/o/token/", data=form, headers=headers, repeatable=True)
        _raise_if_transient(response)
        if not response.is_success:
            _raise_refusal(response, form["grant_type"])
        unsaid = () if form["grant_type"] == "refresh_token" else self.scopes  # a refresh changes nothing unsaid
        grant = _grant(as_dict(read_json(response)), unsaid)
        if grant is None:
            raise RetryLater(f"POST /auth/o/token/ ({form['grant_type']}): no access token in the answer")
        return grant


def _raise_if_transient(response: httpx2.Response) -> None:
    """RetryLater for all that says nothing about the credential: 5xx, 429, and pages of something in front of Plane."""
    status = response.status_code
    in_front = 400 <= status < 500 and read_json(response) is None
    if status >= 500 or status in (408, 429) or in_front:
        where = f"{response.request.method} {response.request.url.path}"
        raise RetryLater(f"{where} answered {status}", delay=wait_seconds(response, 60.0 if status == 429 else None))
    if 300 <= status < 400:
        raise_for_response(response)


def _raise_refusal(response: httpx2.Response, grant_type: str) -> None:
    """Sort a JSON refusal of the token endpoint (RFC 6749 §5.2).

    400, 401 and 403 end the credential, and so does 404 to an installation id. Another status is no word on it.
    """
    body = as_dict(read_json(response))
    error = text(body.get("error")) or ""
    told = vendor_message(body)
    detail = f"POST /auth/o/token/ ({grant_type}) answered {response.status_code}: {told or 'no message'}"
    if error in ASKED_WRONGLY:
        raise FixSettings(detail, code=error, person=ASKED_WRONGLY[error])
    if error in OURS:
        raise ReconnectNeeded(detail, code=error, person=OURS[error])
    unknown = response.status_code == 404 and grant_type == "client_credentials" and told != NO_SUCH_PAGE
    if response.status_code not in (400, 401, 403) and not unknown:
        raise FixSettings(detail, person=ASKED_WRONGLY["unsupported_grant_type"])
    raise ReconnectNeeded(detail, code="invalid_grant", person=OVER)


def _grant(body: Mapping[str, Any], asked: Iterable[str]) -> Grant | None:
    access, lasts, scope = text(body.get("access_token")), body.get("expires_in"), text(body.get("scope"))
    if not access:
        return None
    seconds = int(lasts) if isinstance(lasts, int | float) and 0 < lasts < 10**9 else SHORT_LIFE
    granted = scope.replace(",", " ").split() if scope else asked
    return Grant(access, text(body.get("refresh_token")), seconds, frozenset(granted))


def _installation(row: Mapping[str, Any]) -> InstallationDetails | None:
    detail = as_dict(row.get("workspace_detail"))
    found = clean_id(row.get("id")), clean_id(row.get("workspace")) or clean_id(detail), text(detail.get("slug")) or ""
    if not all(found):
        return None
    return InstallationDetails(
        *found,
        name=text(detail.get("name")) or found[2],
        app_bot=clean_id(row.get("app_bot")),
        webhook=clean_id(row.get("webhook")) or None,
        status=text(row.get("status")) or "",
        installed_by=clean_id(row.get("installed_by")),
        logo_url=text(detail.get("logo_url")),
        deleted_at=text(row.get("deleted_at")),
    )
