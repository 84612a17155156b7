from __future__ import annotations

import pytest

from planeapp.installations import gateways
from planeapp.installations.models import Credential, Installation
from planeapp.installations.refusals import mark_uninstalled
from planeapp.lib.errors import FixSettings, ReconnectNeeded
from planeapp.plane.scopes import MINIMUM_SCOPES
from tests.factories import ConnectionFactory, CredentialFactory, InstallationFactory
from tests.plane.conftest import Sandbox
from tests.vendors import Team

pytestmark = pytest.mark.django_db


def test_a_bot_token_is_asked_for_at_the_first_call_and_kept(installed: Installation, sandbox: Sandbox) -> None:
    plane = gateways.plane_for(installed)
    assert plane.projects() == plane.projects() != []
    asked = [
        request for request in sandbox.requests("POST", "/auth/o/token") if "client_credentials" in request["body"]
    ]
    assert len(asked) == 2  # one by the sandbox's own fixture, one by us
    assert Credential.objects.get(installation=installed, slot="bot").access


def test_a_bot_token_that_plane_refuses_is_replaced_once(installed: Installation, sandbox: Sandbox) -> None:
    CredentialFactory(connection=None, installation=installed, slot="bot", access="stale", refresh="")
    assert gateways.plane_for(installed).projects()
    assert Credential.objects.get(installation=installed).access != "stale"


def test_an_installation_that_plane_no_longer_knows_needs_a_person(plane_is_there: Sandbox) -> None:
    gone = InstallationFactory(slug="sandbox")
    with pytest.raises(ReconnectNeeded):
        gateways.plane_for(gone).projects()
    gone.refresh_from_db()
    assert not gone.active


def test_without_an_installation_id_there_is_no_bot(plane_is_there: Sandbox) -> None:
    with pytest.raises(ReconnectNeeded):
        gateways.plane_for(InstallationFactory(app_installation_id=None)).projects()


@pytest.mark.parametrize("status", ["pending", "reconnect", "uninstalled"])
def test_no_call_goes_out_for_a_workspace_that_is_not_active(plane_is_there: Sandbox, status: str) -> None:
    before = len(plane_is_there.requests("GET"))
    for way in (gateways.plane_for, gateways.side_for):
        with pytest.raises(ReconnectNeeded):
            way(InstallationFactory(status=status))
    assert len(plane_is_there.requests("GET")) == before


@pytest.mark.parametrize("erased", [False, True])
def test_a_side_kept_from_before_makes_no_call_once_the_end_was_noticed(
    installed: Installation, sandbox: Sandbox, erased: bool
) -> None:
    side = gateways.side_for(installed)
    project = side.plane.projects()[0]["id"]
    mark_uninstalled(Installation.objects.get(pk=installed.pk), "another worker noticed")
    if erased:
        Installation.objects.all().delete()
    before = len(sandbox.requests("GET"))
    assert gateways.side_for(installed) is side  # this worker's row is from before, too
    for call in (side.plane.projects, lambda: side.plane.states(project)):
        with pytest.raises(ReconnectNeeded):
            call()
    assert len(sandbox.requests("GET")) == before


@pytest.mark.parametrize(("key", "slot"), [("planner", "api"), ("planhat", "api")])
def test_a_provider_kept_from_before_makes_no_call_once_the_end_was_noticed(team: Team, key: str, slot: str) -> None:
    kept = gateways.provider_for(team.connect(key))
    vendor = getattr(team.vendors, key)
    mark_uninstalled(team.installation, "another worker noticed")
    vendor.control.requests.clear()
    with pytest.raises(ReconnectNeeded):
        kept.access.token(slot)
    with pytest.raises(ReconnectNeeded):
        kept.probe()
    assert not vendor.control.requests


def test_a_side_kept_from_before_works_again_after_a_reinstall(installed: Installation, sandbox: Sandbox) -> None:
    side = gateways.side_for(installed)
    mark_uninstalled(installed, "taken out")
    Installation.objects.update(status="active")
    assert side.plane.projects()


def test_a_side_is_kept_for_a_while_and_belongs_to_one_workspace(plane_is_there: Sandbox) -> None:
    first, second = InstallationFactory(), InstallationFactory()
    assert gateways.side_for(first) is gateways.side_for(first)
    assert gateways.side_for(first) is not gateways.side_for(second)


def test_scopes_come_from_the_settings_or_are_the_fewest(settings: object) -> None:
    assert gateways.plane_oauth().scopes == tuple(MINIMUM_SCOPES)
    settings.PLANE_SCOPES = ["read", "write"]  # type: ignore[attr-defined]
    assert gateways.plane_oauth().scopes == ("read", "write")


def test_a_provider_gets_what_is_known_of_its_connection() -> None:
    made = ConnectionFactory(settings={"region": "eu"}, installation__zone="Europe/Stockholm")
    CredentialFactory(connection=made, slot="api", access="token-1")
    access = gateways.provider_for(made).access
    assert (access.base_url, access.settings, access.zone) == (made.base_url, {"region": "eu"}, "Europe/Stockholm")
    assert access.token("api") == "token-1"
    assert gateways.provider_for(made, "Asia/Kolkata").access.zone == "Asia/Kolkata"


def test_a_provider_without_its_token_says_what_is_missing() -> None:
    with pytest.raises(FixSettings):
        gateways.provider_for(ConnectionFactory()).access.token("api")
