from __future__ import annotations

import pytest
from django.core.management.base import CommandError

from planeapp.lib.errors import FixSettings
from planeapp.operators import commands
from tests.factories import ConnectionFactory, InstallationFactory


@pytest.mark.django_db
def test_a_workspace_is_found_by_slug_and_by_uuid() -> None:
    installation = InstallationFactory(slug="air")
    assert commands.workspace("air") == commands.workspace(str(installation.workspace_id)) == installation


@pytest.mark.django_db
def test_of_two_workspaces_that_had_a_slug_the_newest_is_meant() -> None:
    InstallationFactory(slug="air")
    newest = InstallationFactory(slug="air")
    assert commands.workspace("air") == newest


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["AIR2", "", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "air' OR 1=1"])
def test_an_unknown_workspace_ends_with_the_known_ones(name: str) -> None:
    InstallationFactory(slug="known")
    with pytest.raises(CommandError, match="Known: known"):
        commands.workspace(name)


@pytest.mark.django_db
def test_connections_are_all_or_the_named_one() -> None:
    planner = ConnectionFactory()
    planhat = ConnectionFactory(installation=planner.installation, provider="planhat")
    assert set(commands.connections(planner.installation, None)) == {planner, planhat}
    assert commands.connections(planner.installation, "planhat") == [planhat]


def test_our_errors_become_one_line_for_people_with_the_detail_behind() -> None:
    with pytest.raises(CommandError) as end, commands.one_line():
        raise FixSettings("GET /x answered 400", person="The template is missing.")
    assert str(end.value) == "The template is missing. (GET /x answered 400)"


def test_other_errors_are_left_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), commands.one_line():
        _ = 1 / 0
