from __future__ import annotations

import pytest

from planeapp.bot.context import Talk as BotTalk
from planeapp.lib.errors import Gone
from planeapp.sync.models import ProjectPair
from tests.factories import ConnectionFactory, ProjectPairFactory, TurnFactory
from tests.vendors import Team


def talk_about(team: Team, asker: str = "ada") -> BotTalk:
    """A turn about CUST-1."""
    item, person = team.item(), team.vendors.person(asker)
    turn = TurnFactory(
        installation=team.installation, project_id=item["project"], item_id=item["id"], asker=person["id"]
    )
    return BotTalk(turn)


@pytest.mark.parametrize(("who", "role"), [("ada", 20), ("milo", 15), ("gus", 5), ("olga", 0)])
def test_the_role_is_that_of_the_asker_in_plane(team: Team, who: str, role: int) -> None:
    assert talk_about(team, who).role == role


def test_the_item_is_read_once_for_a_talk(team: Team) -> None:
    talk = talk_about(team)
    assert talk.item.values["key"] == talk.item.values["key"] == "CUST-1"
    path = f"/work-items/{talk.item_id}/"
    assert len(team.vendors.plane.asked("GET", path)) == 1


def test_an_archived_item_is_gone(team: Team) -> None:
    item = team.item()
    team.vendors.rows.store.put("work_item", item["id"], item | {"archived_at": "2026-01-01"})
    with pytest.raises(Gone) as gone:
        _ = talk_about(team).item
    assert "archived or deleted" in gone.value.person


def test_a_schedule_and_companies_are_found_by_what_the_provider_keeps(team: Team) -> None:
    planhat = ConnectionFactory(installation=team.installation, provider="planhat")
    planner = ConnectionFactory(installation=team.installation)
    talk = talk_about(team)
    assert (talk.with_field("start"), talk.with_field("parties")) == (planner, planhat)
    assert [found.provider for found in talk.connections()] == ["planner", "planhat"]


def test_systems_are_named_though_they_are_not_connected(team: Team) -> None:
    talk = talk_about(team)
    assert (talk.with_field("start"), talk.with_field("parties")) == (None, None)
    assert [talk.provider_name(name) for name in ("start", "parties", "colour")] == [
        "Planner",
        "Planhat",
        "another system",
    ]


def test_another_workspaces_connection_is_not_used(team: Team) -> None:
    ConnectionFactory()
    assert talk_about(team).with_field("start") is None


def test_a_pair_is_made_by_itself_where_the_vendor_has_one_place_only(team: Team) -> None:
    planhat = ConnectionFactory(installation=team.installation, provider="planhat")
    first, second = talk_about(team).pair(planhat), talk_about(team).pair(planhat)
    assert first == second == ProjectPair.objects.get()
    assert first is not None
    assert (first.project_key, first.zone) == ("CUST", team.installation.zone)


def test_a_pair_with_one_of_several_places_is_an_admins_choice(team: Team) -> None:
    planner, talk = ConnectionFactory(installation=team.installation), talk_about(team)
    ProjectPairFactory(connection=planner)
    assert talk.pair(planner) is None
    pair = ProjectPairFactory(connection=planner, project_id=talk.project)
    assert talk.pair(planner) == pair
