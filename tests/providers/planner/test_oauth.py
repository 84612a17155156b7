"""The whole way of a consent, against the SDK's own authorization server and the sandbox's Planner."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator

import httpx2
import pytest

from planeapp.lib.errors import FixSettings, ReconnectNeeded, Refused, RetryLater
from planeapp.lib.http import Http
from planeapp.providers.consent import Attempt, OAuthClient
from planeapp.providers.planner import oauth
from planeapp.sandbox.clock import Clock
from planeapp.sandbox.control import Control
from planeapp.sandbox.planner.app import make_app
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World
from tests.providers.planner.oauth_servers import (
    MCP_SCOPES,
    REDIRECT,
    SdkProvider,
    asked,
    asking,
    came_back,
    decide,
    sdk_app,
)
from tests.sandbox.planner.conftest import served

GIVEN = OAuthClient("planner-preregistered", "planner-secret")
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}


@pytest.fixture(scope="module")
def sdk() -> Iterator[tuple[str, SdkProvider]]:
    provider = SdkProvider()
    with served(lambda url: sdk_app(url, provider)) as url:
        yield url, provider


@pytest.fixture(scope="module")
def planner() -> Iterator[str]:
    world = {"app_url": REDIRECT.removesuffix("/oauth/planner/callback/")}
    with served(lambda url: Control(make_app(World(planner_url=url, **world), Store(), Clock()), Clock())) as url:
        yield url


def fault(url: str, **planned: object) -> None:
    assert httpx2.post(f"{url}/_sandbox/faults", json=planned).status_code == 200


def last_form(url: str, path: str) -> str:
    seen = httpx2.get(f"{url}/_sandbox/requests").json()["requests"]
    return str([request["body"] for request in seen if request["path"] == path][-1])


def opens(url: str, token: str) -> int:
    return httpx2.post(f"{url}/api/mcp", json=HELLO, headers={"Authorization": f"Bearer {token}"}).status_code


def agreed(attempt: Attempt) -> dict[str, str]:
    return came_back(httpx2.get(attempt.url))


def test_the_sdks_own_server_discovery_registration_consent_token_refresh_revoke(
    http: Http, sdk: tuple[str, SdkProvider]
) -> None:
    url, provider = sdk
    attempt = oauth.begin(http, asking(url))
    client = provider.clients[asked(attempt)["client_id"]]
    assert (client.application_type, client.scope, client.client_name) == ("web", " ".join(MCP_SCOPES), "Groundcrew")
    grant = oauth.finish(http, Attempt(attempt.keep), agreed(attempt))
    assert (grant.expires_in, sorted(grant.scopes), grant.missing) == (900, MCP_SCOPES, frozenset())
    assert provider.good[grant.access].resource == f"{url}/api/mcp"
    fresh = oauth.refresh(http, grant)
    assert (opens(url, fresh.access), fresh.refresh == grant.refresh) == (200, False)
    with pytest.raises(ReconnectNeeded) as used_again:
        oauth.refresh(http, grant)
    assert used_again.value.code == "invalid_grant"
    assert oauth.revoke(http, fresh) is True
    assert opens(url, fresh.access) == 401


def test_the_sdks_server_sees_our_registered_client_again_in_the_next_consent(
    http: Http, sdk: tuple[str, SdkProvider]
) -> None:
    first = oauth.begin(http, asking(sdk[0])).client
    assert first is not None
    kept = OAuthClient.from_text(first.as_text())
    assert kept == first
    assert oauth.begin(http, asking(sdk[0], client=kept)).client == first


def test_a_step_up_at_the_sdks_server_registers_for_the_further_scopes(
    http: Http, sdk: tuple[str, SdkProvider]
) -> None:
    small = oauth.begin(http, asking(sdk[0], challenge='Bearer scope="blocks:read"')).client
    refusal = 'Bearer error="insufficient_scope", scope="blocks:write"'
    attempt = oauth.begin(http, asking(sdk[0], client=small, held=frozenset(["blocks:read"]), challenge=refusal))
    grant = oauth.finish(http, attempt, agreed(attempt))
    assert (grant.scopes, attempt.client == small) == (frozenset(["blocks:read", "blocks:write"]), False)


def test_a_code_of_the_sdks_server_is_good_for_one_use(http: Http, sdk: tuple[str, SdkProvider]) -> None:
    attempt = oauth.begin(http, asking(sdk[0]))
    query = agreed(attempt)
    oauth.finish(http, attempt, query)
    with pytest.raises(ReconnectNeeded):
        oauth.finish(http, attempt, query)


def test_the_consent_address_carries_pkce_resource_state_and_the_challenges_scopes(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    query = asked(attempt)
    verifier = json.loads(attempt.keep)["verifier"].encode()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
    assert attempt.url.startswith(f"{planner}/oauth/authorize?")
    assert query == {
        "response_type": "code",
        "client_id": GIVEN.id,
        "redirect_uri": REDIRECT,
        "scope": " ".join(MCP_SCOPES),
        "state": "state-1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "resource": f"{planner}/api/mcp",
    }


def test_the_sandbox_gives_a_grant_to_the_client_that_an_admin_entered(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    grant = oauth.finish(http, attempt, decide(attempt))
    assert (sorted(grant.scopes), grant.missing, grant.expires_in) == (MCP_SCOPES, frozenset(), 3600)
    assert attempt.client is not None
    assert (attempt.client.issuer, attempt.client.origin) == (planner, "given")
    assert opens(planner, grant.access) == 200


def test_the_sandbox_registers_us_and_turns_tokens_over(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner))
    grant = oauth.finish(http, attempt, decide(attempt))
    fresh = oauth.refresh(http, grant)
    assert f"resource={planner}/api/mcp".replace(":", "%3A").replace("/", "%2F") in last_form(planner, "/oauth/token")
    assert (opens(planner, fresh.access), fresh.refresh == grant.refresh) == (200, False)


def test_a_used_refresh_token_ends_the_sandboxes_grant(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    grant = oauth.finish(http, attempt, decide(attempt))
    fresh = oauth.refresh(http, grant)
    for dead in (grant, fresh):
        with pytest.raises(ReconnectNeeded) as refusal:
            oauth.refresh(http, dead)
        assert refusal.value.code == "invalid_grant"
        assert "connect Planner again" in refusal.value.person


def test_a_revoked_grant_opens_nothing(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    grant = oauth.finish(http, attempt, decide(attempt))
    assert oauth.revoke(http, grant) is True
    assert opens(planner, grant.access) == 401


def test_a_person_who_says_no_is_told_that_nothing_was_connected(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    with pytest.raises(Refused) as refusal:
        oauth.finish(http, attempt, decide(attempt, "deny"))
    assert refusal.value.code == "consent_denied"
    assert "nothing was connected" in refusal.value.person


def test_an_answer_of_another_issuer_is_refused_before_the_code_is_used(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    query = decide(attempt)
    for issuer in ({"iss": "https://evil.example"}, {"iss": f"{planner}/"}, {}):
        with pytest.raises(Refused) as refusal:
            oauth.finish(http, attempt, {"code": query["code"]} | issuer)
        assert refusal.value.code == "wrong_issuer"
    assert oauth.finish(http, attempt, query).access


def test_a_wrong_client_secret_is_told_to_the_admin(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=OAuthClient(GIVEN.id, "not-the-secret")))
    with pytest.raises(ReconnectNeeded) as refusal:
        oauth.finish(http, attempt, decide(attempt))
    assert refusal.value.code == "invalid_client"
    assert "client ID and secret" in refusal.value.person


def test_a_scope_that_the_sandbox_does_not_know_is_shown_in_its_words(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN, held=frozenset(["cakes:eat"])))
    with pytest.raises(FixSettings) as refusal:
        oauth.finish(http, attempt, agreed(attempt))
    assert refusal.value.code == "invalid_scope"
    assert "Known scopes are" in refusal.value.person


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500, "body": '{"error": "oops"}'},
        {"status": 503, "body": ""},
        {"status": 403, "body": "<html>Attention required</html>"},
        {"status": 401, "body": "<html>login</html>"},
        {"status": 429, "body": "{}", "headers": {"retry-after": "7"}},
        {"status": 400, "body": '{"error": "temporarily_unavailable"}'},
        {"status": 403, "body": "forbidden"},
        {"status": 200, "body": "<html>welcome</html>"},
        {"status": 200, "body": "{}"},
        {"drop": True},
    ],
)
def test_trouble_that_says_nothing_about_the_grant_keeps_it(
    http: Http, planner: str, trouble: dict[str, object]
) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    grant = oauth.finish(http, attempt, decide(attempt))
    fault(planner, method="POST", path="/oauth/token", **trouble)
    with pytest.raises(RetryLater) as refusal:
        oauth.refresh(http, grant)
    assert refusal.value.delay == (7.0 if trouble.get("status") == 429 else None)
    assert oauth.refresh(http, grant).access


def test_a_lost_answer_of_a_rotation_ends_in_reconnect_and_not_in_a_loop(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    grant = oauth.finish(http, attempt, decide(attempt))
    fault(planner, method="POST", path="/oauth/token", drop=True, after=True)
    with pytest.raises(RetryLater):
        oauth.refresh(http, grant)
    with pytest.raises(ReconnectNeeded):
        oauth.refresh(http, grant)


def test_a_person_at_the_callback_is_not_told_that_we_try_again(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN))
    query = decide(attempt)
    fault(planner, method="POST", path="/oauth/token", status=502, body="<html>")
    with pytest.raises(RetryLater) as refusal:
        oauth.finish(http, attempt, query)
    assert "try to connect again" in refusal.value.person


def test_the_challenge_of_a_missing_scope_leads_to_the_union(http: Http, planner: str) -> None:
    attempt = oauth.begin(http, asking(planner, client=GIVEN, challenge='Bearer scope="projects:read blocks:read"'))
    grant = oauth.finish(http, attempt, decide(attempt))
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "createBlock", "arguments": {}}}
    answer = httpx2.post(f"{planner}/api/mcp", json=call, headers={"Authorization": f"Bearer {grant.access}"})
    wanted = oauth.step_up(answer.headers["www-authenticate"], grant.scopes)
    assert (answer.status_code, sorted(wanted)) == (403, MCP_SCOPES)
    more = oauth.begin(
        http, asking(planner, client=GIVEN, held=grant.scopes, challenge=answer.headers["www-authenticate"])
    )
    assert sorted(oauth.finish(http, more, decide(more)).scopes) == MCP_SCOPES


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Bearer",
        'Bearer error="insufficient_scope"',
        'Bearer error="insufficient_scope", scope="a"',
        'Bearer error="invalid_token", scope="b"',
    ],
)
def test_a_refusal_that_asks_for_nothing_new_leads_to_no_further_consent(challenge: str) -> None:
    assert oauth.step_up(challenge, frozenset(["a"])) == frozenset()
