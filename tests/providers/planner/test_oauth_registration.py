"""Which client is used, and how it proves itself."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from mcp.shared.auth import OAuthClientMetadata

from planeapp.lib.errors import FixSettings, ReconnectNeeded, RetryLater
from planeapp.lib.http import Http
from planeapp.providers.consent import OAuthClient
from planeapp.providers.planner import oauth
from tests.providers.planner.oauth_servers import MCP_SCOPES, REDIRECT, Reply, Scripted, asked, asking, scripted

DOCUMENT = "https://groundcrew.example/oauth/client.json"
REGISTER = "POST /register"


@pytest.fixture(scope="module")
def standing() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def server(standing: Scripted) -> Scripted:
    standing.usual(standing.url)
    standing.seen.clear()
    return standing


def client_of(http: Http, server: Scripted, **parts: Any) -> OAuthClient:
    found = oauth.begin(http, asking(server.url, **parts)).client
    assert found is not None
    return found


def test_a_client_that_an_admin_entered_comes_first_and_is_bound_to_the_issuer(http: Http, server: Scripted) -> None:
    server.says(client_id_metadata_document_supported=True)
    client = client_of(http, server, client=OAuthClient("typed", "typed-secret"), document_url=DOCUMENT)
    assert (client.id, client.issuer, client.origin) == ("typed", server.url, "given")
    assert server.requests(REGISTER) == []


def test_an_entered_client_is_never_shown_to_another_issuer(http: Http, server: Scripted) -> None:
    with pytest.raises(FixSettings) as refusal:
        client_of(http, server, client=OAuthClient("typed", "typed-secret", "https://old.example"))
    assert refusal.value.code == "other_issuer"
    assert "https://old.example" in refusal.value.person
    assert not any("typed" in seen.body for seen in server.seen)


def test_our_document_comes_before_registering_where_the_server_reads_it(http: Http, server: Scripted) -> None:
    server.says(client_id_metadata_document_supported=True)
    client = client_of(http, server, document_url=DOCUMENT)
    assert (client.id, client.method, client.origin) == (DOCUMENT, "none", "document")
    assert server.requests(REGISTER) == []


@pytest.mark.parametrize("url", ["", "http://groundcrew.example/client.json", "https://groundcrew.example/"])
def test_a_document_that_cannot_be_a_client_id_is_passed_over(http: Http, server: Scripted, url: str) -> None:
    server.says(client_id_metadata_document_supported=True)
    assert client_of(http, server, document_url=url).origin == "registered"


def test_the_document_names_its_own_address_and_the_redirect_address() -> None:
    document = oauth.client_document(DOCUMENT, REDIRECT, "Groundcrew", "https://groundcrew.example")
    OAuthClientMetadata.model_validate(document)
    assert (document["client_id"], document["redirect_uris"]) == (DOCUMENT, [REDIRECT])
    assert document["token_endpoint_auth_method"] == "none"


def test_registering_tells_who_we_are(http: Http, server: Scripted) -> None:
    client_of(http, server, app_url="https://groundcrew.example", app_name="Crew")
    (sent,) = server.requests(REGISTER)
    assert json.loads(sent.body) == {
        "client_name": "Crew",
        "client_uri": "https://groundcrew.example",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post",
        "application_type": "web",
        "scope": " ".join(MCP_SCOPES),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://old.example"},
        {"redirect_uri": "https://old.example/callback"},
        {"scopes": frozenset(["blocks:read"])},
        {"expires_at": int(time.time()) - 1},
    ],
)
def test_a_registration_that_no_longer_fits_is_made_anew(http: Http, server: Scripted, change: dict[str, Any]) -> None:
    first = client_of(http, server)
    assert client_of(http, server, client=first) == first
    client_of(http, server, client=replace(first, **change))
    assert len(server.requests(REGISTER)) == 2


def test_a_server_that_registers_nobody_sends_people_to_its_settings(http: Http, server: Scripted) -> None:
    server.says(registration_endpoint=None)
    with pytest.raises(FixSettings) as refusal:
        client_of(http, server)
    assert refusal.value.code == "client_needed"
    assert "Settings → MCP" in refusal.value.person
    assert REDIRECT in refusal.value.person


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply(400, {"error": "invalid_redirect_uri", "error_description": "https only"}),
            "invalid_redirect_uri; https only",
        ),
        (Reply(403, {"error": "access_denied"}), "access_denied"),
        (Reply(404, "<html>not here</html>"), "it gave no reason"),
        (Reply(405, ""), "it gave no reason"),
    ],
)
def test_a_refused_registration_is_told_in_the_servers_words(
    http: Http, server: Scripted, reply: Reply, said: str
) -> None:
    server.rows[REGISTER] = reply
    with pytest.raises(FixSettings) as refusal:
        client_of(http, server)
    assert refusal.value.code == "client_needed"
    assert f": {said}" in refusal.value.person


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, {}),
        Reply(429, {}),
        Reply(403, "<html>wait</html>"),
        Reply(201, "<html>hello</html>"),
        Reply(201, {"client_secret": "no-client-id-here"}),
    ],
)
def test_a_registration_that_fails_for_now_is_tried_later(http: Http, server: Scripted, reply: Reply) -> None:
    server.rows[REGISTER] = reply
    with pytest.raises(RetryLater) as refusal:
        client_of(http, server)
    assert "no-client-id-here" not in repr(refusal.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"client_id": "x", "token_endpoint_auth_method": "private_key_jwt"},
        {"client_id": "x", "token_endpoint_auth_method": "client_secret_post"},
    ],
)
def test_a_registration_that_we_cannot_use_asks_for_a_client_id(
    http: Http, server: Scripted, answer: dict[str, str]
) -> None:
    server.rows[REGISTER] = Reply(201, answer)
    with pytest.raises(FixSettings) as refusal:
        client_of(http, server)
    assert refusal.value.code == "client_needed"


@pytest.mark.parametrize(
    ("offered", "wanted"),
    [
        (None, "client_secret_post"),
        (["none", "client_secret_basic"], "client_secret_basic"),
        (["none"], "none"),
        (["private_key_jwt"], "client_secret_basic"),
    ],
)
def test_we_register_with_a_method_that_the_server_offers(
    http: Http, server: Scripted, offered: list[str] | None, wanted: str
) -> None:
    server.says(token_endpoint_auth_methods_supported=offered)
    client_of(http, server)
    assert json.loads(server.requests(REGISTER)[0].body)["token_endpoint_auth_method"] == wanted


@pytest.mark.parametrize(
    ("offered", "secret", "basic", "posted"),
    [
        (None, "s3 cret/", True, None),
        (["client_secret_post", "client_secret_basic"], "s3 cret/", False, "s3 cret/"),
        (["none"], "", False, None),
    ],
)
def test_the_secret_is_sent_the_way_the_server_takes_it(
    http: Http, server: Scripted, offered: list[str] | None, secret: str, basic: bool, posted: str | None
) -> None:
    server.says(token_endpoint_auth_methods_supported=offered)
    attempt = oauth.begin(http, asking(server.url, client=OAuthClient("typed id", secret)))
    oauth.finish(http, attempt, {"code": "code-1"})
    (sent,) = server.requests("POST /token")
    header = "Basic " + base64.b64encode(b"typed+id:s3+cret%2F").decode()
    assert sent.headers.get("authorization") == (header if basic else None)
    assert (sent.form["client_id"], sent.form.get("client_secret")) == ("typed id", posted)


def test_the_consent_address_keeps_the_query_of_the_endpoint(http: Http, server: Scripted) -> None:
    server.says(authorization_endpoint=f"{server.url}/authorize?tenant=7", scopes_supported=["offline_access"])
    query = asked(oauth.begin(http, asking(server.url)))
    assert (query["tenant"], query["prompt"]) == ("7", "consent")
    assert query["scope"].split() == sorted([*MCP_SCOPES, "offline_access"])


def test_a_stored_client_that_cannot_be_read_is_not_shown() -> None:
    with pytest.raises(ReconnectNeeded) as refusal:
        OAuthClient.from_text('{"secret": "planted-canary"}')
    assert "planted-canary" not in repr(refusal.value)
    assert refusal.value.__cause__ is None
