"""Discovery against a server that answers as told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from planeapp.lib.errors import AskPerson, FixSettings, RetryLater
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.providers.planner.discovery import Found, challenge_of, discover
from tests.providers.planner.oauth_servers import MCP_SCOPES, Reply, Scripted, scripted

PATH_FORM = "GET /.well-known/oauth-protected-resource/api/mcp"
ROOT_FORM = "GET /.well-known/oauth-protected-resource"
SERVER = "GET /.well-known/oauth-authorization-server"
OPENID = "GET /.well-known/openid-configuration"
MCP = "POST /api/mcp"
HTML = "<!doctype html><title>Welcome</title>"


@pytest.fixture(scope="module")
def standing() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def server(standing: Scripted) -> Scripted:
    standing.usual(standing.url)
    standing.seen.clear()
    return standing


def found(http: Http, server: Scripted, **parts: Any) -> Found:
    return discover(http, f"{server.url}/api/mcp", **parts)


def lines(server: Scripted) -> list[str]:
    return [seen.line for seen in server.seen]


def test_the_challenge_leads_to_the_documents(http: Http, server: Scripted) -> None:
    place = found(http, server)
    assert (place.issuer, place.resource, sorted(place.scopes)) == (server.url, f"{server.url}/api/mcp", MCP_SCOPES)
    assert lines(server) == [MCP, PATH_FORM, SERVER]


def test_no_token_is_sent_while_looking(http: Http, server: Scripted) -> None:
    found(http, server)
    assert not any("authorization" in seen.headers or "cookie" in seen.headers for seen in server.seen)


def test_a_challenge_at_hand_saves_the_call(http: Http, server: Scripted) -> None:
    place = found(http, server, challenge='Bearer error="insufficient_scope", scope="blocks:write"')
    assert place.scopes == {"blocks:write"}
    assert lines(server) == [PATH_FORM, SERVER]


def test_the_challenge_may_name_another_document(http: Http, server: Scripted) -> None:
    server.rows["GET /elsewhere"] = server.rows.pop(PATH_FORM)
    server.rows[MCP] = Reply(401, {}, {"www-authenticate": f"Bearer resource_metadata={server.url}/elsewhere"})
    assert found(http, server).issuer == server.url


def test_without_a_challenge_the_path_form_is_tried_first_then_the_root(http: Http, server: Scripted) -> None:
    server.rows |= {MCP: Reply(405, {}), ROOT_FORM: server.rows.pop(PATH_FORM)}
    assert found(http, server).issuer == server.url
    assert lines(server) == [MCP, PATH_FORM, ROOT_FORM, SERVER]


def test_a_challenge_that_names_no_address_is_passed_over(http: Http, server: Scripted) -> None:
    for nonsense in ("http://[", "/relative", "https://host:port:1/"):
        place = found(http, server, challenge=f'Bearer resource_metadata="{nonsense}"')
        assert place.issuer == server.url


def test_the_openid_form_is_taken_too(http: Http, server: Scripted) -> None:
    server.rows[OPENID] = server.rows.pop(SERVER)
    assert found(http, server).issuer == server.url


@pytest.mark.parametrize(
    "line",
    [
        "GET /.well-known/oauth-authorization-server/tenant",
        "GET /.well-known/openid-configuration/tenant",
        "GET /tenant/.well-known/openid-configuration",
    ],
)
def test_an_issuer_with_a_path_is_looked_up_in_every_form(http: Http, server: Scripted, line: str) -> None:
    issuer = f"{server.url}/tenant"
    server.rows[PATH_FORM] = Reply(body=server.resource(authorization_servers=[issuer]))
    server.rows[line] = Reply(body=server.metadata(issuer=issuer))
    assert found(http, server).issuer == issuer


def test_a_page_that_answers_every_address_is_no_document(http: Http, server: Scripted) -> None:
    server.rows[OPENID] = server.rows[SERVER]
    server.rows[SERVER] = Reply(200, HTML)
    assert found(http, server).issuer == server.url


def test_a_document_of_another_issuer_is_refused(http: Http, server: Scripted) -> None:
    server.says(issuer=f"{server.url}/impostor")
    with pytest.raises(FixSettings) as refusal:
        found(http, server)
    assert refusal.value.code == "wrong_issuer"
    assert "says that it is another one" in refusal.value.person
    assert "impostor" not in refusal.value.person + str(refusal.value)


def test_a_document_for_another_resource_is_refused(http: Http, server: Scripted) -> None:
    server.rows[PATH_FORM] = Reply(body=server.resource(resource="https://other.example/api/mcp"))
    with pytest.raises(FixSettings) as refusal:
        found(http, server)
    assert refusal.value.code == "wrong_resource"


def test_a_sign_in_host_that_nobody_allowed_is_asked_about_by_name(http: Http, server: Scripted) -> None:
    server.rows[PATH_FORM] = Reply(body=server.resource(authorization_servers=["https://login.other.example/x"]))
    with pytest.raises(AskPerson) as question:
        found(http, server)
    assert question.value.code == "unknown_issuer"
    assert "login.other.example" in question.value.person
    assert lines(server) == [MCP, PATH_FORM]


def test_another_port_of_the_same_host_is_another_host(http: Http, server: Scripted) -> None:
    server.rows[PATH_FORM] = Reply(body=server.resource(authorization_servers=["http://127.0.0.1:1"]))
    with pytest.raises(AskPerson, match="127.0.0.1:1 "):
        found(http, server)


def test_a_document_on_a_host_that_nobody_allowed_is_asked_about_too(http: Http, server: Scripted) -> None:
    with pytest.raises(AskPerson, match="meta.other.example"):
        found(http, server, challenge='Bearer resource_metadata="https://meta.other.example/doc"')


@pytest.mark.parametrize("form", ["{host}", "http://{host}", "HTTP://{host}/any/path"])
def test_a_host_that_an_admin_allowed_is_used(http: Http, server: Scripted, form: str) -> None:
    with scripted() as login:
        server.rows[PATH_FORM] = Reply(body=server.resource(authorization_servers=["https://no.example", login.url]))
        place = found(http, server, issuers=[form.format(host=login.url.removeprefix("http://"))])
        assert place.issuer == login.url


def test_a_server_of_the_first_revision_is_its_own_issuer(http: Http, server: Scripted) -> None:
    server.rows |= {PATH_FORM: Reply(404, {}), MCP: Reply(401, {})}
    server.says(issuer=f"{server.url}/")
    place = found(http, server)
    assert (place.resource, place.scopes) == (f"{server.url}/api/mcp", frozenset())


def test_a_server_of_the_first_revision_may_have_no_document_at_all(http: Http, server: Scripted) -> None:
    server.rows = {MCP: Reply(401, {})}
    place = found(http, server).server
    endpoints = [place.authorization_endpoint, place.token_endpoint, place.registration_endpoint]
    assert list(map(str, endpoints)) == [f"{server.url}/{name}" for name in ("authorize", "token", "register")]


def test_a_server_that_wants_no_token_and_has_no_document_offers_no_sign_in(http: Http, server: Scripted) -> None:
    server.rows = {MCP: Reply(200, {"jsonrpc": "2.0", "id": 1, "result": {}})}
    with pytest.raises(FixSettings) as refusal:
        found(http, server)
    assert refusal.value.code == "not_offered"


def test_a_named_server_without_a_document_offers_no_sign_in(http: Http, server: Scripted) -> None:
    del server.rows[SERVER]
    with pytest.raises(FixSettings) as refusal:
        found(http, server)
    assert refusal.value.code == "not_offered"


@pytest.mark.parametrize(
    "trouble", [Reply(500, {}), Reply(503, HTML), Reply(429, {}), Reply(403, HTML), Reply(408, {})]
)
@pytest.mark.parametrize("line", [PATH_FORM, SERVER])
def test_a_document_that_cannot_be_had_now_is_no_reason_to_guess(
    http: Http, server: Scripted, line: str, trouble: Reply
) -> None:
    server.rows[line] = trouble
    with pytest.raises(RetryLater):
        found(http, server)


def test_a_redirect_is_not_followed(http: Http, server: Scripted) -> None:
    server.rows[SERVER] = Reply(302, {}, {"location": "http://127.0.0.1:1/evil"})
    with pytest.raises(FixSettings):
        found(http, server)
    assert lines(server)[-1] == OPENID


@pytest.mark.parametrize("methods", [None, [], ["plain"]])
def test_a_server_without_s256_is_refused(http: Http, server: Scripted, methods: list[str] | None) -> None:
    server.says(code_challenge_methods_supported=methods)
    with pytest.raises(FixSettings) as refusal:
        found(http, server)
    assert refusal.value.code == "no_pkce"


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint"])
def test_an_endpoint_without_https_is_refused(http: Http, server: Scripted, endpoint: str) -> None:
    server.says(**{endpoint: "http://login.example/x"})
    with pytest.raises(FixSettings) as refusal:
        found(http, server)
    assert "https" in refusal.value.person


@pytest.mark.parametrize(
    ("told", "resource", "listed", "wanted"),
    [
        ("a b", ["c"], [], "a b"),
        ("a", ["c"], ["offline_access"], "a offline_access"),
        ("", ["c", "d"], ["c", "d", "e"], "c d"),
        ("", None, ["e"], ""),
        ("", None, ["offline_access"], ""),
    ],
)
def test_scopes_are_the_challenges_else_the_resources_else_none(
    http: Http, server: Scripted, told: str, resource: list[str] | None, listed: list[str], wanted: str
) -> None:
    server.rows[PATH_FORM] = Reply(body=server.resource(scopes_supported=resource))
    server.says(scopes_supported=listed)
    assert found(http, server, challenge=f'Bearer scope="{told}"').scopes == set(wanted.split())


def test_the_greeting_is_one_that_any_mcp_server_reads(http: Http, server: Scripted) -> None:
    found(http, server)
    (greeting,) = server.requests(MCP)
    assert json.loads(greeting.body)["method"] == "initialize"
    assert greeting.headers["accept"] == "application/json, text/event-stream"


def test_a_private_address_is_never_called(server: Scripted) -> None:
    guarded = Http(Guard())
    with pytest.raises(FixSettings):
        found(guarded, server)
    guarded.close()
    assert server.seen == []


@pytest.mark.parametrize(
    ("header", "parameters"),
    [
        ("", {}),
        ("Bearer", {}),
        ('Bearer realm="a, scope=x", scope="b c"', {"realm": "a, scope=x", "scope": "b c"}),
        ("Bearer Scope=b, error=insufficient_scope", {"scope": "b", "error": "insufficient_scope"}),
        (r'Bearer error_description="say \"no\"", scope="b"', {"error_description": 'say "no"', "scope": "b"}),
        ('Basic realm="x", Bearer scope="a", scope="b"', {"realm": "x", "scope": "a"}),
    ],
)
def test_a_challenge_is_read_part_by_part(header: str, parameters: dict[str, str]) -> None:
    assert challenge_of(header) == parameters
