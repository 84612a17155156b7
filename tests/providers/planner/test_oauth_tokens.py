"""Callback, token and revocation answers, row by row, and secrets that are never shown."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.lib.errors import FixSettings, GroundcrewError, ReconnectNeeded, Refused, RetryLater
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.consent import Attempt, OAuthClient, OAuthGrant
from planeapp.providers.planner import oauth
from planeapp.providers.planner.token_endpoint import Session, session_from
from tests.providers.planner.oauth_servers import MCP_SCOPES, SENT_TOKEN, Reply, Scripted, asking, scripted

TOKEN, REVOKE = "POST /token", "POST /revoke"
ALL = frozenset(MCP_SCOPES)
CANARY = "cana" + "ry-"  # in two parts, since a traceback shows source lines
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40).map(CANARY.__add__)


@pytest.fixture(scope="module")
def standing() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def server(standing: Scripted) -> Scripted:
    standing.usual(standing.url)
    standing.seen.clear()
    return standing


def test_the_exchange_carries_code_verifier_resource_and_redirect_address(http: Http, server: Scripted) -> None:
    attempt = oauth.begin(http, asking(server.url))
    oauth.finish(http, attempt, {"code": "code-1"})
    form = server.requests(TOKEN)[0].form
    assert form["code_verifier"] == json.loads(attempt.keep)["verifier"]
    assert (form["grant_type"], form["code"]) == ("authorization_code", "code-1")
    assert (form["resource"], form["redirect_uri"]) == (f"{server.url}/api/mcp", asking(server.url).redirect_uri)


def test_the_refresh_carries_the_resource_and_no_scope(http: Http, server: Scripted) -> None:
    oauth.refresh(http, server.grant(http))
    form = server.requests(TOKEN)[1].form
    assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", SENT_TOKEN["refresh_token"])
    assert (form["resource"], "scope" in form) == (f"{server.url}/api/mcp", False)


@pytest.mark.parametrize(
    ("answer", "seconds", "scopes", "missing"),
    [
        ({}, 3600, ALL, set()),
        ({"expires_in": 60, "scope": "blocks:read"}, 60, {"blocks:read"}, {"blocks:write", "projects:read"}),
        ({"expires_in": "90.5", "scope": "blocks:read,projects:read"}, 90, ALL - {"blocks:write"}, {"blocks:write"}),
        ({"expires_in": True, "scope": 5}, 3600, ALL, set()),
        ({"expires_in": -4, "scope": " ".join([*MCP_SCOPES, "more"])}, 3600, ALL | {"more"}, set()),
        ({"refresh_token": None}, 0, ALL, set()),
        ({"token_type": "bEARER", "expires_in": 10**12}, 3600, ALL, set()),
    ],
)
def test_a_grant_is_read_from_what_the_server_says(
    http: Http, server: Scripted, answer: dict[str, Any], seconds: int, scopes: set[str], missing: set[str]
) -> None:
    server.rows[TOKEN] = Reply(body=SENT_TOKEN | answer)
    grant = server.grant(http)
    assert (grant.expires_in, grant.scopes, grant.missing) == (seconds, scopes, missing)


def test_offline_access_is_not_missed_when_the_server_leaves_it_out(http: Http, server: Scripted) -> None:
    server.says(scopes_supported=["offline_access"])
    server.rows[TOKEN] = Reply(body=SENT_TOKEN | {"scope": " ".join(MCP_SCOPES)})
    assert server.grant(http).missing == frozenset()


def test_the_old_refresh_token_stays_when_none_comes(http: Http, server: Scripted) -> None:
    first = server.grant(http)
    server.rows[TOKEN] = Reply(body={"access_token": "access-2-secret"})
    second = oauth.refresh(http, first)
    assert (second.access, second.refresh, second.expires_in) == ("access-2-secret", first.refresh, 3600)
    assert second.scopes == first.scopes
    assert session_from(second.keep) == session_from(first.keep)


def test_scopes_that_go_away_with_a_refresh_are_missing(http: Http, server: Scripted) -> None:
    first = server.grant(http)
    server.rows[TOKEN] = Reply(body=SENT_TOKEN | {"scope": "blocks:read"})
    second = oauth.refresh(http, first)
    assert second.missing == {"blocks:write", "projects:read"}
    server.rows[TOKEN] = Reply(body=SENT_TOKEN | {"scope": " ".join(MCP_SCOPES)})
    assert oauth.refresh(http, second).missing == frozenset()


def test_what_was_missing_stays_missing_when_a_refresh_names_no_scopes(http: Http, server: Scripted) -> None:
    server.rows[TOKEN] = Reply(body=SENT_TOKEN | {"scope": "blocks:read"})
    first = server.grant(http)
    server.rows[TOKEN] = Reply(body=SENT_TOKEN)
    second = oauth.refresh(http, first)
    assert (second.scopes, second.missing) == ({"blocks:read"}, {"blocks:write", "projects:read"})


def test_without_a_refresh_token_a_person_has_to_connect_again(http: Http, server: Scripted) -> None:
    grant = replace(server.grant(http), refresh=None)
    with pytest.raises(ReconnectNeeded) as refusal:
        oauth.refresh(http, grant)
    assert (refusal.value.code, len(server.requests(TOKEN))) == ("invalid_grant", 1)


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(400, {"error": "invalid_grant"}), ReconnectNeeded, "invalid_grant"),
        (Reply(200, {"error": "invalid_grant"}), ReconnectNeeded, "invalid_grant"),
        (Reply(400, {"error": "bad_refresh_token"}), ReconnectNeeded, "invalid_grant"),
        (Reply(401, {"message": "Unauthorized"}), ReconnectNeeded, "invalid_grant"),
        (Reply(401, {"error": "invalid_client"}), ReconnectNeeded, "invalid_client"),
        (Reply(400, {"error": "unauthorized_client"}), ReconnectNeeded, "unauthorized_client"),
        (Reply(400, {"error": "invalid_target"}), FixSettings, "invalid_target"),
        (Reply(400, {"error": "invalid_scope"}), FixSettings, "invalid_scope"),
        (Reply(400, {"error": "unsupported_grant_type"}), FixSettings, "unsupported_grant_type"),
        (Reply(404, "not here"), FixSettings, "fix_settings"),
        (Reply(302, {}, {"location": "https://other.example"}), FixSettings, "fix_settings"),
        (Reply(200, {"access_token": "a", "token_type": "DPoP"}), FixSettings, "fix_settings"),
        (Reply(400, {"error": "server_error"}), RetryLater, "retry_later"),
        (Reply(400, "what?"), RetryLater, "retry_later"),
        (Reply(200, ["a"]), RetryLater, "retry_later"),
        (Reply(200, {"access_token": 5}), RetryLater, "retry_later"),
    ],
)
def test_every_answer_to_a_refresh_says_what_to_do_next(
    http: Http, server: Scripted, reply: Reply, error: type[GroundcrewError], code: str
) -> None:
    grant = server.grant(http)
    server.rows[TOKEN] = reply
    with pytest.raises(error) as refusal:
        oauth.refresh(http, grant)
    assert refusal.value.code == code
    assert type(refusal.value) is error


def test_a_server_that_is_down_keeps_the_grant(http: Http) -> None:
    nowhere = Session("http://127.0.0.1:1", "http://127.0.0.1:1/token", "", "r", OAuthClient("c"))
    with pytest.raises(RetryLater):
        oauth.refresh(http, OAuthGrant("access", "refresh", 60, ALL, keep=nowhere.as_text()))


@pytest.mark.parametrize(
    ("query", "error", "code"),
    [
        ({"error": "access_denied"}, Refused, "consent_denied"),
        ({"error": "server_error"}, RetryLater, "retry_later"),
        ({"error": "temporarily_unavailable"}, RetryLater, "retry_later"),
        ({"error": "invalid_scope", "error_description": "no such thing"}, FixSettings, "invalid_scope"),
        ({"error": "invalid_target"}, FixSettings, "invalid_target"),
        ({"error": "<b>odd</b>"}, FixSettings, "fix_settings"),
        ({"error": "access_denied", "iss": "https://evil.example"}, Refused, "wrong_issuer"),
        ({"code": "c", "iss": "https://evil.example"}, Refused, "wrong_issuer"),
        ({"code": ""}, Refused, "no_code"),
        ({}, Refused, "no_code"),
    ],
)
def test_every_return_without_a_good_code_is_told_kindly(
    http: Http, server: Scripted, query: dict[str, str], error: type[GroundcrewError], code: str
) -> None:
    attempt = oauth.begin(http, asking(server.url))
    with pytest.raises(error) as refusal:
        oauth.finish(http, attempt, query)
    assert refusal.value.code == code
    assert refusal.value.person.endswith((".", "settings."))
    assert server.requests(TOKEN) == []


def test_a_server_that_promises_its_name_must_give_it(http: Http, server: Scripted) -> None:
    server.says(authorization_response_iss_parameter_supported=True)
    with pytest.raises(Refused):
        server.grant(http)
    assert server.grant(http, iss=server.url).access


def test_notes_that_cannot_be_read_are_not_shown(http: Http) -> None:
    with pytest.raises(Refused) as lost:
        oauth.finish(http, Attempt(json.dumps({"verifier": CANARY})), {"code": "c"})
    with pytest.raises(ReconnectNeeded) as dead:
        oauth.refresh(http, OAuthGrant("a", "r", 1, ALL, keep=json.dumps({"client": CANARY})))
    for error in (lost.value, dead.value):
        assert CANARY not in "".join(traceback.format_exception(error)) + error.person


@pytest.mark.parametrize(
    ("reply", "ended"), [(Reply(body={}), True), (Reply(400, {"error": "invalid_request"}), False)]
)
def test_revoking_tells_whether_the_server_agreed(http: Http, server: Scripted, reply: Reply, ended: bool) -> None:
    grant = server.grant(http)
    server.rows[REVOKE] = reply
    assert oauth.revoke(http, grant) is ended
    kinds = [(seen.form["token"], seen.form["token_type_hint"]) for seen in server.requests(REVOKE)]
    assert kinds == [(grant.refresh, "refresh_token"), (grant.access, "access_token")]


def test_a_server_without_revocation_is_left_alone(http: Http, server: Scripted) -> None:
    server.says(revocation_endpoint=None)
    assert oauth.revoke(http, server.grant(http)) is False
    assert server.requests(REVOKE) == []


def test_a_revocation_that_did_not_arrive_can_be_tried_again(http: Http, server: Scripted) -> None:
    grant = server.grant(http)
    server.rows[REVOKE] = Reply(503, {})
    with pytest.raises(RetryLater):
        oauth.revoke(http, grant)


@given(SECRETS, SECRETS, SECRETS, SECRETS)
def test_no_value_shows_a_secret(access: str, refresh: str, secret: str, state: str) -> None:
    client = OAuthClient("id", secret)
    session = Session("i", "t", "r", "m", client)
    grant = OAuthGrant(access, refresh, 60, ALL, keep=session.as_text())
    pending = oauth.Pending(session, state, "redirect", ALL, False)
    values = (client, session, grant, pending, replace(asking("u", client=client), state=state))
    assert CANARY not in repr(values + (Attempt(secret, state, client),))
    assert CANARY not in " ".join(map(str, values))
    assert OAuthClient.from_text(client.as_text()) == client


@settings(max_examples=25, deadline=None)
@given(SECRETS, SECRETS, SECRETS, st.sampled_from([400, 401, 403, 418, 500, 200]))
def test_no_error_repeats_a_secret_that_a_server_sends_back(
    standing: Scripted, code: str, refresh: str, secret: str, status: int
) -> None:
    standing.usual(standing.url)
    standing.says(token_endpoint_auth_methods_supported=["client_secret_post"])
    standing.rows[TOKEN] = Reply(status, make=lambda form: {"error": "x", "error_description": " ".join(form.values())})
    http = Http(Guard(["127.0.0.1"]))
    attempt = oauth.begin(http, asking(standing.url, client=OAuthClient("id", secret)))
    notes = json.loads(attempt.keep)
    grant = OAuthGrant("access", refresh, 1, ALL, keep=json.dumps(notes["session"]))
    told = [error_of(oauth.finish, http, attempt, {"code": code}), error_of(oauth.refresh, http, grant)]
    http.close()
    assert secret in standing.requests(TOKEN)[-1].form.values()
    assert not [hidden for hidden in (CANARY, notes["verifier"]) if hidden in " ".join(told)]


def error_of(call: Callable[..., object], *given: object) -> str:
    with pytest.raises(GroundcrewError) as refusal:
        call(*given)
    return f"{refusal.value} {refusal.value!r} {refusal.value.person}"
