"""Codes, rotating refresh tokens, bot tokens and revocation."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx2
import pytest

from planeapp.sandbox.plane import installs, oauth

from .conftest import Sandbox

CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
BASIC = ("sandbox-client", "sandbox-client-secret")


@pytest.fixture
def uri(app_url: str) -> str:
    return app_url + "/oauth/plane/callback/"


def code_for(sandbox: Sandbox, uri: str, name: str = "ada", **proof: str) -> str:
    return oauth.issue_code(sandbox.plane, sandbox.person(name), "profile:read", uri, **proof)


def ask(sandbox: Sandbox, **form: str) -> httpx2.Response:
    return sandbox.http.post("/auth/o/token/", data=CLIENT | form)


def by_code(sandbox: Sandbox, uri: str, code: str, **more: str) -> httpx2.Response:
    return ask(sandbox, grant_type="authorization_code", code=code, redirect_uri=uri, **more)


def me(sandbox: Sandbox, token: str) -> httpx2.Response:
    return sandbox.http.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {token}"})


def test_a_code_becomes_the_tokens_of_its_person(sandbox: Sandbox, uri: str) -> None:
    answer = by_code(sandbox, uri, code_for(sandbox, uri)).json()
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 86400 and answer["scope"] == "profile:read"
    assert answer["access_token"].startswith("pln_") and answer["refresh_token"].startswith("pln_refresh_")
    assert me(sandbox, answer["access_token"]).json()["email"] == "ada@sandbox.test"


def test_a_code_is_good_once(sandbox: Sandbox, uri: str) -> None:
    code = code_for(sandbox, uri)
    assert by_code(sandbox, uri, code).status_code == 200
    again = by_code(sandbox, uri, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_for_ten_minutes_and_for_its_redirect_uri(sandbox: Sandbox, uri: str) -> None:
    assert by_code(sandbox, uri + "else/", code_for(sandbox, uri)).json()["error"] == "invalid_grant"
    late = code_for(sandbox, uri)
    sandbox.plane.clock.advance(601)
    assert by_code(sandbox, uri, late).json()["error"] == "invalid_grant"


def test_a_code_with_a_challenge_needs_its_verifier(sandbox: Sandbox, uri: str) -> None:
    verifier = "a-long-random-text-of-the-app"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    proof = {"challenge": challenge, "method": "S256"}
    assert by_code(sandbox, uri, code_for(sandbox, uri, **proof)).json()["error"] == "invalid_grant"
    fits = by_code(sandbox, uri, code_for(sandbox, uri, **proof), code_verifier=verifier)
    assert fits.status_code == 200


def test_a_refresh_token_rotates_and_the_old_one_is_refused(sandbox: Sandbox, uri: str) -> None:
    first = by_code(sandbox, uri, code_for(sandbox, uri)).json()["refresh_token"]
    second = ask(sandbox, grant_type="refresh_token", refresh_token=first).json()
    assert second["refresh_token"] != first
    again = ask(sandbox, grant_type="refresh_token", refresh_token=first)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert ask(sandbox, grant_type="refresh_token", refresh_token=second["refresh_token"]).status_code == 200


@pytest.mark.parametrize("way", ["basic", "form", "json"])
def test_client_credentials_come_in_three_ways(sandbox: Sandbox, way: str) -> None:
    body = {"grant_type": "client_credentials", "app_installation_id": sandbox.install()["id"], "scope": "profile:read"}
    sent: dict[str, Any] = {
        "basic": {"data": body, "auth": BASIC},
        "form": {"data": body | CLIENT},
        "json": {"json": body | CLIENT},
    }
    answer = sandbox.http.post("/auth/o/token/", **sent[way]).json()
    assert answer["access_token"].startswith("pln_bot_") and "refresh_token" not in answer
    assert me(sandbox, answer["access_token"]).json()["display_name"] == "Groundcrew"


def test_a_wrong_secret_is_refused_with_401(sandbox: Sandbox) -> None:
    answer = sandbox.http.post(
        "/auth/o/token/", data={"grant_type": "client_credentials"}, auth=("sandbox-client", "no")
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_unknown_grants_scopes_and_installations_are_refused(sandbox: Sandbox) -> None:
    installation = sandbox.install()["id"]
    assert ask(sandbox, grant_type="password").json()["error"] == "unsupported_grant_type"
    bot = {"grant_type": "client_credentials"}
    assert ask(sandbox, **bot, app_installation_id="no").json()["error"] == "invalid_grant"
    assert ask(sandbox, **bot, app_installation_id=installation, scope="all").json()["error"] == "invalid_scope"


def test_after_uninstalling_new_bot_tokens_and_old_ones_are_refused(sandbox: Sandbox) -> None:
    installation = sandbox.install()
    with sandbox.bot_api(installation) as bot:
        assert bot.get("projects/").status_code == 200
        workspace = sandbox.plane.workspace("sandbox")
        assert workspace
        installs.uninstall(sandbox.plane, workspace, sandbox.plane.store.all("application")[0])
        assert bot.get("projects/").status_code == 401
    answer = ask(sandbox, grant_type="client_credentials", app_installation_id=installation["id"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_revoked_token_and_one_of_yesterday_are_401(sandbox: Sandbox, uri: str) -> None:
    token = by_code(sandbox, uri, code_for(sandbox, uri)).json()["access_token"]
    other = by_code(sandbox, uri, code_for(sandbox, uri)).json()["access_token"]
    assert sandbox.http.post("/auth/o/revoke-token/", json=CLIENT | {"token": token}).status_code == 200
    assert me(sandbox, token).status_code == 401
    assert me(sandbox, other).status_code == 200
    sandbox.plane.clock.advance(86401)
    assert me(sandbox, other).status_code == 401


def test_a_revoked_refresh_token_takes_its_access_token_along(sandbox: Sandbox, uri: str) -> None:
    tokens = by_code(sandbox, uri, code_for(sandbox, uri)).json()
    sandbox.http.post("/auth/o/revoke-token/", data=CLIENT | {"token": tokens["refresh_token"]})
    assert me(sandbox, tokens["access_token"]).status_code == 401
    assert ask(sandbox, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 400


def test_a_token_may_do_only_what_its_scopes_say(sandbox: Sandbox, uri: str) -> None:
    token = by_code(sandbox, uri, code_for(sandbox, uri)).json()["access_token"]
    assert me(sandbox, token).status_code == 200
    with sandbox.api(token) as api:
        assert api.get("projects/").status_code == 403
