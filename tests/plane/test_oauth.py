"""OAuth against the sandbox Plane over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from planeapp.lib.errors import FixSettings, ReconnectNeeded, RetryLater
from planeapp.lib.http import Http
from planeapp.plane.oauth import MINIMUM_SCOPES, PlaneOAuth
from planeapp.plane.scopes import ScopeMissing
from planeapp.sandbox.plane.oauth import issue_code
from tests.plane.conftest import REDIRECT, Sandbox

TOKEN = "/auth/o/token/"


def test_the_consent_url_asks_for_our_own_scopes_and_carries_the_state(sandbox: Sandbox) -> None:
    query = parse_qs(urlsplit(sandbox.oauth.consent_url("s1", "c1")).query)
    assert query["scope"][0].split() == list(MINIMUM_SCOPES)
    assert (query["state"], query["redirect_uri"], query["response_type"]) == (["s1"], [REDIRECT], ["code"])
    assert (query["code_challenge"], query["code_challenge_method"]) == (["c1"], ["S256"])


def test_without_a_challenge_the_consent_url_has_none(sandbox: Sandbox) -> None:
    assert "code_challenge" not in sandbox.oauth.consent_url("s1")


def test_every_scope_has_a_reason_and_none_is_the_old_read_write() -> None:
    assert all(reason and scope not in ("read", "write") for scope, reason in MINIMUM_SCOPES.items())


def test_a_code_becomes_tokens_and_tells_who_the_person_is(sandbox: Sandbox) -> None:
    grant = sandbox.oauth.exchange_code(sandbox.code("ada"))
    assert (grant.expires_in, grant.scopes) == (86_400, frozenset(MINIMUM_SCOPES))
    assert grant.refresh
    assert sandbox.oauth.profile(grant.access)["email"] == "ada@sandbox.test"


def test_a_code_with_a_challenge_needs_its_verifier(sandbox: Sandbox) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    with pytest.raises(ReconnectNeeded):
        sandbox.oauth.exchange_code(sandbox.code("ada", challenge))
    assert sandbox.oauth.exchange_code(sandbox.code("ada", challenge), "v" * 43).access


def test_a_used_code_is_refused_for_good(sandbox: Sandbox) -> None:
    code = sandbox.code("ada")
    sandbox.oauth.exchange_code(code)
    with pytest.raises(ReconnectNeeded) as refusal:
        sandbox.oauth.exchange_code(code)
    assert refusal.value.code == "invalid_grant"
    assert code not in str(refusal.value)


def test_the_bot_token_is_asked_for_with_basic_and_a_form(sandbox: Sandbox) -> None:
    grant = sandbox.oauth.bot_token(sandbox.installation)
    sent = sandbox.requests("POST", TOKEN)[-1]
    assert sent["headers"]["authorization"].startswith("Basic ")
    assert sent["headers"]["content-type"] == "application/x-www-form-urlencoded"
    assert sandbox.plane.world.client_secret not in sent["body"]
    assert (grant.refresh, grant.expires_in) == (None, 86_400)


def test_an_unknown_installation_means_reconnect(sandbox: Sandbox) -> None:
    with pytest.raises(ReconnectNeeded) as refusal:
        sandbox.oauth.bot_token("00000000-0000-0000-0000-000000000000")
    assert refusal.value.code == "invalid_grant"


def test_a_refresh_token_rotates_and_the_old_one_is_refused(sandbox: Sandbox) -> None:
    first = sandbox.oauth.exchange_code(sandbox.code("milo")).refresh or ""
    second = sandbox.oauth.refresh(first).refresh or ""
    assert second not in ("", first)
    with pytest.raises(ReconnectNeeded):
        sandbox.oauth.refresh(first)


def test_a_wrong_client_secret_points_to_the_operator(sandbox: Sandbox) -> None:
    stranger = PlaneOAuth(sandbox.http, sandbox.url, sandbox.plane.world.client_id, "wrong", REDIRECT)
    with pytest.raises(ReconnectNeeded) as refusal:
        stranger.bot_token(sandbox.installation)
    assert refusal.value.code == "invalid_client"
    assert "PLANE_CLIENT_SECRET" in refusal.value.person


def test_an_unknown_scope_is_a_setting_to_fix(sandbox: Sandbox) -> None:
    world = sandbox.plane.world
    greedy = PlaneOAuth(sandbox.http, sandbox.url, world.client_id, world.client_secret, REDIRECT, ["no.such:read"])
    with pytest.raises(FixSettings) as refusal:
        greedy.bot_token(sandbox.installation)
    assert "PLANE_SCOPES" in refusal.value.person


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "body": '{"error": "Something went wrong please try again later"}'},
        {"status": 502, "body": "<html>bad gateway</html>"},
        {"status": 403, "body": "<html>Attention required</html>"},
        {"status": 401, "body": "<html>login</html>"},
        {"status": 429, "body": '{"error_code": 5900}'},
        {"status": 200, "body": "<html>welcome</html>"},
        {"status": 200, "body": "{}"},
        {"drop": True},
        {"drop": True, "after": True},
    ],
)
def test_a_failure_that_says_nothing_about_the_credential_is_retried(
    sandbox: Sandbox, fault: dict[str, object]
) -> None:
    sandbox.fault(method="POST", path=TOKEN, **fault)
    with pytest.raises(RetryLater):
        sandbox.oauth.bot_token(sandbox.installation)


def test_a_plane_without_oauth_is_a_setting_to_fix(sandbox: Sandbox) -> None:
    sandbox.fault(method="POST", path=TOKEN, status=404, body='{"error": "Page not found."}')
    with pytest.raises(FixSettings) as refusal:
        sandbox.oauth.bot_token(sandbox.installation)
    assert "PLANE_BASE_URL" in refusal.value.person


def test_a_grant_without_scope_and_lifetime_gets_what_was_asked_and_an_hour(sandbox: Sandbox) -> None:
    sandbox.fault(method="POST", path=TOKEN, status=200, body='{"access_token": "t", "expires_in": "soon"}')
    grant = sandbox.oauth.bot_token(sandbox.installation)
    assert (grant.expires_in, grant.scopes) == (3600, frozenset(MINIMUM_SCOPES))


def test_a_refresh_that_names_no_scopes_tells_nothing_of_them(sandbox: Sandbox) -> None:
    sandbox.fault(path=TOKEN, status=200, body='{"access_token": "a", "refresh_token": "b"}')
    assert sandbox.oauth.refresh("old").scopes == frozenset()


@pytest.mark.parametrize("scope", ["profile:read", "workspaces.members:read"])
def test_a_persons_token_that_tells_too_little_of_them_is_refused_with_its_reason(sandbox: Sandbox, scope: str) -> None:
    less = " ".join(set(MINIMUM_SCOPES) - {scope})
    code = issue_code(sandbox.plane, sandbox.row("user", display_name="ada"), less, REDIRECT)
    with pytest.raises(ScopeMissing) as refusal:
        sandbox.oauth.exchange_code(code)
    assert scope in refusal.value.person and "pln_" not in str(refusal.value)


def test_tokens_stay_out_of_repr(sandbox: Sandbox) -> None:
    grant = sandbox.oauth.exchange_code(sandbox.code("ada"))
    assert grant.access not in repr(grant)
    assert str(grant.refresh) not in repr(grant)
    assert sandbox.plane.world.client_secret not in repr(sandbox.oauth)


def test_a_revoked_token_opens_nothing(sandbox: Sandbox) -> None:
    token = sandbox.token()
    assert sandbox.oauth.revoke(token) is True
    with pytest.raises(ReconnectNeeded):
        sandbox.oauth.profile(token)


def test_a_refused_revocation_says_so(sandbox: Sandbox) -> None:
    sandbox.fault(path="/auth/o/revoke-token/", status=400, body='{"error": "invalid_client"}')
    assert sandbox.oauth.revoke("t") is False


def test_the_bot_sees_its_installation_with_workspace_and_bot(sandbox: Sandbox) -> None:
    found = sandbox.oauth.installation(sandbox.token(), sandbox.installation)
    assert found
    assert (found.slug, found.live) == ("sandbox", True)
    assert found.app_bot == sandbox.row("installation")["app_bot"]
    assert found.webhook == sandbox.row("installation")["webhook"]


def test_another_persons_installation_is_not_seen(sandbox: Sandbox) -> None:
    stranger = sandbox.oauth.exchange_code(sandbox.code("olga")).access
    assert sandbox.oauth.installation(stranger, sandbox.installation) is None


def test_a_server_that_ignores_the_id_does_not_pass_off_another_installation(sandbox: Sandbox) -> None:
    token, row = sandbox.token(), '[{"id": "another", "workspace": "w", "workspace_detail": {"slug": "s"}}]'
    sandbox.fault(path="/auth/o/app-installation/", status=200, body=row)
    assert sandbox.oauth.installation(token, sandbox.installation) is None


def test_a_row_that_names_no_workspace_is_left_out(sandbox: Sandbox) -> None:
    token = sandbox.token()
    sandbox.fault(path="/auth/o/app-installation/", status=200, body='[{"id": "x"}, null, 7]')
    assert sandbox.oauth.installations(token) == []


def test_an_uninstalled_app_is_not_live(sandbox: Sandbox) -> None:
    token = sandbox.token()
    row = {"id": "a", "workspace": "w", "workspace_detail": {"slug": "s"}, "status": "uninstalled"}
    gone = json.dumps([row, {**row, "status": "installed", "deleted_at": "2026-01-01"}])
    sandbox.fault(path="/auth/o/app-installation/", status=200, body=gone)
    assert [found.live for found in sandbox.oauth.installations(token)] == [False, False]


def test_an_address_with_a_path_prefix_keeps_it(http: Http) -> None:
    url = PlaneOAuth(http, "https://host.example/plane/", "id", "secret", REDIRECT).consent_url("s")
    assert url.startswith("https://host.example/plane/auth/o/authorize-app/?")
