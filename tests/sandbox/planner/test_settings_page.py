"""The settings page."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from planeapp.sandbox.planner.profiles import PROFILES
from tests.sandbox.planner.conftest import Planner, find, value


def settings(planner: Planner) -> LexborHTMLParser:
    return LexborHTMLParser(planner.http.get("/settings/").text)


def test_the_personal_token_and_the_client_can_be_copied(planner: Planner) -> None:
    tree = settings(planner)
    shown = {key: value(tree, f"#{key}") for key in ("token", "client-id", "client-secret")}
    assert shown == {
        "token": planner.world.planner_token,
        "client-id": "planner-preregistered",
        "client-secret": "planner-secret",
    }


def test_the_profile_is_chosen_on_the_page(planner: Planner) -> None:
    options = settings(planner).css("select[name=profile] option")
    assert [option.attributes["value"] for option in options] == list(PROFILES)
    planner.http.post("/settings/", data={"profile": "nested"})
    assert planner.store.get("settings", "mcp") == {"profile": "nested"}
    assert value(settings(planner), "option[selected]") == "nested"


@pytest.mark.parametrize(("name", "value"), [("profile", "secret"), ("per_minute", "0"), ("per_minute", "many")])
def test_a_wrong_setting_is_refused(planner: Planner, name: str, value: str) -> None:
    answer = planner.http.post("/settings/", data={name: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


def test_a_new_token_has_the_chosen_scopes_until_it_is_revoked(planner: Planner) -> None:
    planner.http.post("/settings/tokens/", data={"name": "Mine", "scope": ["events:read", "nonsense"]})
    row = planner.store.all("tokens")[-1]
    assert (row["name"], row["scopes"], row["token"][:8]) == ("Mine", ["events:read"], "plr_pat_")
    assert planner.call("GET", "/v1/connectors/events", row["token"]).status_code == 200
    planner.http.post("/settings/tokens/delete/", data={"token": row["token"]})
    assert planner.call("GET", "/v1/connectors/events", row["token"]).status_code == 401


def test_webhooks_and_their_deliveries_are_shown_and_removed(planner: Planner) -> None:
    path = "/integrations/webhooks/subscriptions"
    made = planner.call("POST", path, json={"url": "http://127.0.0.1:9/hook"}).json()["subscription"]
    planner.http.post("/blocks/", data={"title": "Paint", "project_id": "prj_ramp", "start": "2026-11-23T10:00"})
    text = find(settings(planner), "#webhooks").text()
    assert "http://127.0.0.1:9/hook" in text and "block.created" in text
    planner.http.post(f"/settings/webhooks/{made['id']}/delete/")
    assert planner.call("GET", path).json() == {"subscriptions": []}
