from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from planeapp.bot.models import Turn
from planeapp.installations.models import Installation
from tests.factories import (
    ConnectionFactory,
    CredentialFactory,
    DueFactory,
    InstallationFactory,
    ItemLinkFactory,
    MembershipFactory,
    ProjectPairFactory,
    TieFactory,
    TimelineEntryFactory,
    TurnFactory,
)
from tests.fewer import all_but

pytestmark = pytest.mark.django_db


@pytest.fixture
def installation() -> Installation:
    """A workspace of its own."""
    made: Installation = InstallationFactory(slug="air")
    return made


@pytest.fixture
def page(client: Client, installation: Installation) -> Any:
    """Opens a page of the workspace as one who may only look; gives its text."""
    client.force_login(MembershipFactory(installation=installation, plain=True).user)

    def get(path: str = "", status: int = 200) -> str:
        answer = client.get(f"/w/air/{path}")
        assert answer.status_code == status
        return " ".join(answer.content.decode().split())

    return get


def steps(client: Client) -> dict[str, bool]:
    """The checklist: text → done."""
    return {step["text"]: step["done"] for step in client.get("/w/air/").context["steps"]}


def test_a_fresh_workspace_is_told_its_next_steps(page: Any, client: Client) -> None:
    assert steps(client) == {
        "Install the app in Plane": True, "Connect Planner": False, "Connect Planhat": False,
        "Mention the bot under a work item: @Groundcrew help": False,
    }  # fmt: skip


def test_pairing_becomes_a_step_when_planner_is_connected(
    page: Any, client: Client, installation: Installation
) -> None:
    connection = ConnectionFactory(installation=installation)
    assert steps(client)["Pair a Plane project with Planner"] is False
    ProjectPairFactory(connection=connection)
    assert steps(client)["Pair a Plane project with Planner"] is True


def test_the_last_step_is_done_when_the_bot_has_answered(page: Any, client: Client, installation: Installation) -> None:
    turn = TurnFactory(installation=installation)
    last = "Mention the bot under a work item: @Groundcrew help"
    assert steps(client)[last] is False
    Turn.objects.filter(pk=turn.pk).update(state=Turn.State.ANSWERED)
    assert steps(client)[last] is True


def test_the_overview_counts_what_is_waiting_and_linked_here_alone(
    page: Any, client: Client, installation: Installation
) -> None:
    pair = ProjectPairFactory(connection__installation=installation)
    DueFactory.create_batch(2, pair=pair)
    ItemLinkFactory(pair=pair)
    ItemLinkFactory(pair=pair, state="unlinked")
    DueFactory(), ItemLinkFactory()  # elsewhere
    context = client.get("/w/air/").context
    assert (context["waiting"], context["links"]) == (2, 1)


@pytest.mark.parametrize("path", ["", "activity/"])
def test_what_happened_is_shown_newest_first_and_from_here_alone(
    page: Any, installation: Installation, path: str
) -> None:
    for text in ("First of all", "Second of all"):
        TimelineEntryFactory(installation=installation, text=text)
    TimelineEntryFactory(text="In another workspace")
    shown = page(path)
    assert shown.index("Second of all") < shown.index("First of all")
    assert "In another workspace" not in shown


def test_a_long_history_is_cut(page: Any, client: Client, installation: Installation) -> None:
    TimelineEntryFactory.create_batch(55, installation=installation)
    assert len(client.get("/w/air/activity/").context["page"].rows) == 50
    assert len(client.get("/w/air/").context["entries"]) == 12


def test_an_items_page_shows_its_links_customers_and_timeline(page: Any, installation: Installation) -> None:
    item = uuid.uuid4()
    ItemLinkFactory(pair__connection__installation=installation, item_id=item, remote_url="https://planner.example/b/7")
    TieFactory(connection__installation=InstallationFactory(), item_id=item, party_name="Foreign Freight")
    connection = ConnectionFactory(installation=installation, provider="planhat")
    TieFactory(connection=connection, item_id=item, party_name="Acme Air")
    TimelineEntryFactory(installation=installation, item_id=item, item_key="CUST-7", text="Made in Planner.")
    shown = page(f"items/{item}/")
    assert all(part in shown for part in ("CUST-7", "https://planner.example/b/7", "Acme Air", "Made in Planner."))
    assert "Foreign Freight" not in shown


def test_an_item_that_nothing_is_known_of_is_not_found(page: Any) -> None:
    elsewhere = TimelineEntryFactory()
    page(f"items/{elsewhere.item_id}/", 404)
    assert "does not exist" in page(f"items/{uuid.uuid4()}/", 404)


def test_outside_text_is_shown_as_text(page: Any, installation: Installation) -> None:
    TimelineEntryFactory(installation=installation, text="<script>alert(1)</script>", item_key="<b>K</b>")
    for path in ("", "activity/"):
        shown = page(path)
        assert "<script>alert" not in shown and "<b>K</b>" not in shown
        assert "&lt;script&gt;alert(1)" in shown


# Fewer scopes than asked for


def test_the_overview_says_what_plane_does_not_allow_and_who_can_mend_it(page: Any, installation: Installation) -> None:
    CredentialFactory(bot=True, installation=installation, scopes=all_but("projects.work_items.links:write"))
    shown = page()
    assert "Plane did not allow projects.work_items.links:write, so no links are put on work items." in shown
    assert "An admin of" in shown and "Install again" not in shown


def test_an_admin_gets_the_way_to_mend_it_at_hand(page: Any, client: Client, installation: Installation) -> None:
    CredentialFactory(bot=True, installation=installation, scopes=all_but("agents.runs:read"))
    client.force_login(MembershipFactory(installation=installation).user)
    assert "Install again" in page()


@pytest.mark.parametrize("scopes", ["", "read write", all_but()])
def test_the_overview_is_silent_where_all_is_allowed_or_nothing_is_known(
    page: Any, installation: Installation, scopes: str
) -> None:
    CredentialFactory(bot=True, installation=installation, scopes=scopes)
    assert "did not allow" not in page()
