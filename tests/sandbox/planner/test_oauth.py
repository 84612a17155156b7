"""The OAuth authorization server: a full run, and every way in which it says no."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata
from selectolax.lexbor import LexborHTMLParser

from planeapp.sandbox.planner.settings import change
from tests.sandbox.planner.conftest import Planner, find, value

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "http://127.0.0.1:9/oauth/planner/callback/"
CLIENT = ("planner-preregistered", "planner-secret")
INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}


def question(planner: Planner, **change: str | None) -> dict[str, str]:
    asked: dict[str, str | None] = {
        "response_type": "code",
        "client_id": CLIENT[0],
        "redirect_uri": REDIRECT,
        "state": "s t/1",
        "scope": "projects:read blocks:read",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "resource": f"{planner.url}/api/mcp",
    }
    return {name: value for name, value in (asked | change).items() if value is not None}


def ask(planner: Planner, **change: str | None) -> httpx2.Response:
    return planner.http.get("/oauth/authorize", params=question(planner, **change))


def decide(planner: Planner, page: httpx2.Response, decision: str, **more: list[str]) -> dict[str, str]:
    tree = LexborHTMLParser(page.text)
    button = find(tree, f"#{decision}").attributes
    key = value(tree, "input[name=key]")
    answer = planner.http.post("/oauth/authorize", data={"key": key, str(button["name"]): button["value"], **more})
    assert answer.status_code == 303
    return came_back(answer)


def came_back(answer: httpx2.Response) -> dict[str, str]:
    location = answer.headers["location"]
    assert location.startswith(REDIRECT + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def exchange(planner: Planner, code: str, **change: str) -> httpx2.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return planner.http.post("/oauth/token", data=form | change, auth=CLIENT)


def refresh(planner: Planner, token: str, **change: str) -> httpx2.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, "resource": f"{planner.url}/api/mcp"}
    return planner.http.post("/oauth/token", data=form | change, auth=CLIENT)


def tokens(planner: Planner) -> dict[str, Any]:
    answer = exchange(planner, decide(planner, ask(planner), "approve")["code"])
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def mcp_status(planner: Planner, token: str) -> int:
    return planner.call("POST", "/api/mcp", token, json=INITIALIZE).status_code


def test_the_metadata_documents_are_what_the_sdk_can_read(planner: Planner) -> None:
    resource = planner.http.get("/.well-known/oauth-protected-resource/api/mcp").json()
    server = planner.http.get("/.well-known/oauth-authorization-server").json()
    ProtectedResourceMetadata.model_validate(resource)
    OAuthMetadata.model_validate(server)
    assert resource["resource"] == f"{planner.url}/api/mcp"
    assert resource["authorization_servers"] == [server["issuer"]] == [planner.url]
    assert server["authorization_response_iss_parameter_supported"] is True


def test_approving_gives_a_code_the_state_and_the_issuer(planner: Planner) -> None:
    answer = decide(planner, ask(planner), "approve")
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("s t/1", planner.url)


def test_denying_gives_an_error_the_state_and_the_issuer(planner: Planner) -> None:
    answer = decide(planner, ask(planner), "deny")
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "s t/1", planner.url)


def test_a_question_is_answered_once(planner: Planner) -> None:
    page = ask(planner)
    decide(planner, page, "approve")
    key = value(LexborHTMLParser(page.text), "input[name=key]")
    again = planner.http.post("/oauth/authorize", data={"key": key, "decision": "approve"})
    assert (again.status_code, "Already answered" in again.text) == (400, True)


def test_the_access_token_opens_mcp_with_its_scopes_alone(planner: Planner) -> None:
    answer = tokens(planner)
    assert (answer["token_type"], answer["scope"], answer["expires_in"]) == (
        "Bearer",
        "projects:read blocks:read",
        3600,
    )
    assert mcp_status(planner, answer["access_token"]) == 200
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "createBlock", "arguments": {}}}
    assert planner.call("POST", "/api/mcp", answer["access_token"], json=call).status_code == 403


def test_the_access_token_does_not_open_the_connectors(planner: Planner) -> None:
    assert planner.call("GET", "/v1/connectors/events", tokens(planner)["access_token"]).status_code == 401


def test_an_access_token_ends_after_its_time(planner: Planner) -> None:
    answer = tokens(planner)
    planner.clock.advance(answer["expires_in"])
    refused = planner.call("POST", "/api/mcp", answer["access_token"], json=INITIALIZE)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_refreshing_turns_both_tokens_over(planner: Planner) -> None:
    first = tokens(planner)
    second = refresh(planner, first["refresh_token"]).json()
    assert mcp_status(planner, second["access_token"]) == 200
    assert {first["access_token"], first["refresh_token"]}.isdisjoint(second.values())


def test_a_refresh_token_used_twice_ends_the_grant(planner: Planner) -> None:
    first = tokens(planner)
    second = refresh(planner, first["refresh_token"]).json()
    again = refresh(planner, first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert mcp_status(planner, second["access_token"]) == 401
    assert refresh(planner, second["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_token_may_be_good_once_more_for_a_while(planner: Planner) -> None:
    change(planner.store, "oauth", grace_seconds=30)
    first = tokens(planner)["refresh_token"]
    assert [refresh(planner, first).status_code for _ in range(2)] == [200, 200]
    planner.clock.advance(31)
    assert refresh(planner, first).json()["error"] == "invalid_grant"


def test_a_person_may_leave_out_a_scope(planner: Planner) -> None:
    back = decide(planner, ask(planner), "approve", without=["blocks:write"])
    answer = exchange(planner, back["code"]).json()
    assert "blocks:write" not in answer["scope"].split() and "blocks:read" in answer["scope"].split()


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9", ""])
def test_an_address_without_a_document_of_its_own_is_no_client(planner: Planner, origin: str) -> None:
    hosts = {"https://app.example": origin or planner.url}
    change(planner.store, "oauth", documents=True, hosts=hosts)
    answer = ask(planner, client_id="https://app.example/.well-known/oauth-authorization-server")
    assert (answer.status_code, "is not known" in answer.text) == (400, True)


def test_a_refresh_cannot_widen_scope_or_resource(planner: Planner) -> None:
    token = tokens(planner)["refresh_token"]
    assert refresh(planner, token, scope="blocks:write").json()["error"] == "invalid_scope"
    assert refresh(planner, token, resource="https://other.example").json()["error"] == "invalid_target"
    assert refresh(planner, token, scope="blocks:read").json()["scope"] == "blocks:read"


def test_a_code_used_twice_ends_what_came_of_it(planner: Planner) -> None:
    code = decide(planner, ask(planner), "approve")["code"]
    first = exchange(planner, code).json()
    assert exchange(planner, code).json()["error"] == "invalid_grant"
    assert mcp_status(planner, first["access_token"]) == 401


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"redirect_uri": REDIRECT + "x"}, "invalid_grant"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"code": "nothing"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_exchange_is_refused(planner: Planner, change: dict[str, str], error: str) -> None:
    code = decide(planner, ask(planner), "approve")["code"]
    answer = exchange(planner, **{"code": code} | change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_an_old_code_is_refused(planner: Planner) -> None:
    code = decide(planner, ask(planner), "approve")["code"]
    planner.clock.advance(300)
    assert exchange(planner, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("auth", [("planner-preregistered", "wrong"), ("nobody", "planner-secret"), ("", "")])
def test_a_wrong_client_is_refused_with_401(planner: Planner, auth: tuple[str, str]) -> None:
    code = decide(planner, ask(planner), "approve")["code"]
    answer = planner.http.post("/oauth/token", data={"grant_type": "authorization_code", "code": code}, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
    ],
)
def test_a_wrong_question_goes_back_with_the_error(planner: Planner, change: dict[str, str | None], error: str) -> None:
    answer = came_back(ask(planner, **change))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "s t/1", planner.url)


@pytest.mark.parametrize(
    "change", [{"client_id": "nobody"}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": None}]
)
def test_an_unknown_client_or_address_gets_a_page_and_no_redirect(
    planner: Planner, change: dict[str, str | None]
) -> None:
    answer = ask(planner, **change)
    assert (answer.status_code, "This link does not work" in answer.text) == (400, True)


def test_a_registered_public_client_gets_tokens_and_can_revoke(planner: Planner) -> None:
    wanted = {"redirect_uris": [REDIRECT], "client_name": "Groundcrew", "token_endpoint_auth_method": "none"}
    registered = planner.http.post("/oauth/register", json=wanted)
    who = {"client_id": registered.json()["client_id"]}
    assert (registered.status_code, "client_secret" in registered.json()) == (201, False)
    code = decide(planner, ask(planner, **who), "approve")["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    access = planner.http.post("/oauth/token", data=form | who).json()["access_token"]
    assert mcp_status(planner, access) == 200
    assert planner.http.post("/oauth/revoke", data={"token": access, **who}).status_code == 200
    assert mcp_status(planner, access) == 401


def test_a_registered_confidential_client_may_send_its_secret_in_the_form(planner: Planner) -> None:
    registered = planner.http.post("/oauth/register", json={"redirect_uris": [REDIRECT]}).json()
    who = {name: registered[name] for name in ("client_id", "client_secret")}
    code = decide(planner, ask(planner, client_id=who["client_id"]), "approve")["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    assert planner.http.post("/oauth/token", data=form | who | {"client_secret": "no"}).status_code == 401
    assert planner.http.post("/oauth/token", data=form | who).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({}, "invalid_client_metadata"),
        ({"redirect_uris": []}, "invalid_client_metadata"),
        ({"redirect_uris": ["http://evil.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"redirect_uris": [REDIRECT], "grant_types": ["password"]}, "invalid_client_metadata"),
    ],
)
def test_a_wrong_registration_is_refused(planner: Planner, wanted: dict[str, Any], error: str) -> None:
    answer = planner.http.post("/oauth/register", json=wanted)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_another_clients_token_is_not_revoked(planner: Planner) -> None:
    access = tokens(planner)["access_token"]
    other = planner.http.post(
        "/oauth/register", json={"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
    )
    form = {"token": access, "client_id": other.json()["client_id"]}
    assert planner.http.post("/oauth/revoke", data=form).status_code == 200
    assert mcp_status(planner, access) == 200


def test_withdrawing_on_the_settings_page_ends_the_access(planner: Planner) -> None:
    access = tokens(planner)["access_token"]
    grant = planner.store.all("grants")[0]["id"]
    planner.http.post(f"/settings/grants/{grant}/delete/")
    assert mcp_status(planner, access) == 401
