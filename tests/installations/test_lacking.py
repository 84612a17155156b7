from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from django.test import Client

from planeapp.installations import lacking
from planeapp.installations.gateways import OAUTH, provider_for, token_function
from planeapp.lib.errors import FixSettings
from planeapp.providers.base import Provider
from planeapp.sync import engine
from planeapp.sync.models import TimelineEntry
from tests.factories import ConnectionFactory, CredentialFactory
from tests.planner_signin import PAGE, SignIn, connection, grant, line, read_only_at_first, scopes_asked, tool_calls
from tests.vendors import Team

CHALLENGE = 'Bearer error="insufficient_scope", scope="blocks:write"'


@pytest.fixture
def ada(team: Team, client: Client) -> SignIn:
    client.force_login(team.members["ada"].user)
    return SignIn(client, team.vendors)


@pytest.fixture
def reading(ada: SignIn) -> Iterator[Provider]:
    """Planner by a sign-in that was only asked for reading; the tools are all on show."""
    read_only_at_first(ada.planner)
    ada.connect()
    with closing(provider_for(connection())) as provider:
        yield provider


def create(provider: Provider) -> str:
    """Try to make a block; gives what a person is told."""
    values = {"title": "De-icing", "start": date(2026, 12, 1), "end": date(2026, 12, 2)}
    with pytest.raises(FixSettings) as refusal:
        provider.create("prj_ramp", values, "plane:ws/item-1")
    return refusal.value.person


def test_a_refused_call_is_remembered_with_its_challenge_and_told(ada: SignIn, reading: Provider) -> None:
    assert "needs a further permission for this (blocks:write)" in create(reading)
    assert connection().settings["missing_scopes"] == ["blocks:write"]
    assert "insufficient_scope" in connection().settings["challenge"]
    assert (line("can_create_block")["state"], connection().can("create"), connection().can("list")) == (
        "off",
        False,
        True,
    )


def test_after_a_refusal_nothing_more_is_tried(ada: SignIn, reading: Provider) -> None:
    create(reading)
    assert "did not grant the scope blocks:write" in create(reading)
    with closing(provider_for(connection())) as later:
        assert "did not grant the scope blocks:write" in create(later)
    assert tool_calls(ada.planner, "createBlock") == 1


def test_the_page_offers_to_allow_more_and_that_mends_it(ada: SignIn, reading: Provider, team: Team) -> None:
    create(reading)
    page = ada.browser.get(PAGE).content.decode()
    assert "Missing: blocks:write" in page and "Allow more" in page
    address = ada.address(more="on")
    assert scopes_asked(address) == ["blocks:read", "blocks:write", "projects:read"]
    ada.come(ada.decide(address))
    with closing(provider_for(connection())) as mended:
        mended.create("prj_ramp", {"title": "De-icing", "start": date(2026, 12, 1)}, "plane:ws/item-1")
    assert len(team.blocks()) == 1


def test_a_scope_that_is_held_and_refused_all_the_same_leads_to_no_further_consent(ada: SignIn) -> None:
    ada.connect()
    for row in ada.planner.store.all("access_tokens"):
        ada.planner.store.put("access_tokens", row["id"], row | {"scopes": ["projects:read", "blocks:read"]})
    with closing(provider_for(connection())) as provider:
        assert "Let somebody who may do it in Planner sign in instead" in create(provider)
    assert not connection().settings["missing_scopes"]
    assert "Allow more" not in ada.browser.get(PAGE).content.decode()


def test_a_page_instead_of_the_servers_own_refusal_says_nothing_about_scopes(ada: SignIn, reading: Provider) -> None:
    ada.planner.fault("/api/mcp", contains="createBlock", status=403, body="<html>no</html>", headers={
        "WWW-Authenticate": CHALLENGE,
    })  # fmt: skip
    with pytest.raises(Exception, match="HTML page"):
        reading.create("prj_ramp", {"title": "x", "start": date(2026, 12, 1)}, "plane:ws/item-1")
    assert not connection().settings["missing_scopes"]


def test_the_engine_reads_on_and_says_for_each_item_why_it_is_not_written(ada: SignIn, team: Team) -> None:
    ada.connect(without=("blocks:write",))
    engine.run_pair(team.pair(connection()))
    texts = set(TimelineEntry.objects.filter(code="fix_settings").values_list("text", flat=True))
    assert any("did not grant the scope blocks:write" in text for text in texts)
    assert tool_calls(ada.planner, "listBlocks") > 0
    assert [tool_calls(ada.planner, f"{verb}Block") for verb in ("create", "update", "delete")] == [0, 0, 0]


def test_an_api_token_beside_the_sign_in_keeps_what_rest_can_do(ada: SignIn, team: Team) -> None:
    team.connect("planner")
    ada.connect(without=("blocks:write",))
    assert (line("can_create_block")["state"], line("events")["state"]) == ("off", "ok")
    assert connection().can("feed") and not connection().can("create")


def test_a_refresh_that_grants_less_switches_off_what_needs_the_rest(ada: SignIn) -> None:
    ada.connect()
    row = ada.planner.store.all("grants")[0]
    ada.planner.store.put("grants", row["id"], row | {"scopes": ["projects:read", "blocks:read"]})
    found = connection()
    token_function(found)(OAUTH, refused=str(grant().access))
    assert (connection().settings["missing_scopes"], line("can_update_block")["state"]) == (["blocks:write"], "off")


@pytest.mark.parametrize("challenge", ["", "Bearer", 'Bearer error="invalid_token", scope="x"'])
def test_a_refusal_that_names_no_scope_keeps_nothing(db: None, challenge: str) -> None:
    found = ConnectionFactory()
    assert lacking.told(found, OAUTH, challenge) is False
    assert connection().settings == {}


def test_what_is_missing_adds_up_and_is_never_lost(db: None) -> None:
    credential: Any = CredentialFactory(slot=OAUTH, scopes="blocks:read")
    lacking.keep(credential.connection, ["a:write"])
    assert lacking.told(credential.connection, OAUTH, CHALLENGE) is True
    assert lacking.wanted(connection(), OAUTH) == {"a:write", "blocks:read", "blocks:write"}
