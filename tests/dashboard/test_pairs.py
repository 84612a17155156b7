from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from planeapp.installations.models import AuditEntry
from planeapp.sync.models import Due, ItemLink, ProjectPair
from tests.factories import ConnectionFactory, ItemLinkFactory, ProjectPairFactory, SyncRunFactory
from tests.vendors import Team

PAGE = "/w/sandbox/pairs/planner/"


@pytest.fixture
def ada(team: Team, client: Client) -> Client:
    """An admin's browser in a workspace with Planner."""
    team.connect("planner")
    client.force_login(team.members["ada"].user)
    return client


def choose(team: Team, key: str = "CUST", **more: str) -> dict[str, str]:
    """What the form sends."""
    chosen = {"project": team.project(key)["id"], "place": "prj_ramp", "zone": "Europe/Stockholm"}
    return chosen | more


def options(answer: Any, field: str) -> list[str]:
    """Labels to choose from."""
    return [label for _, label in answer.context["form"].fields[field].choices]


def test_both_sides_projects_can_be_chosen(ada: Client) -> None:
    answer = ada.get(PAGE)
    assert options(answer, "project") == ["Customer work", "Integration lab"]
    assert options(answer, "place") == ["Ramp operations", "Winter schedule", "Fleet maintenance"]
    assert answer.context["form"].fields["place"].label == "Planner project"


def test_a_pair_is_made_and_looked_at_at_once(ada: Client, team: Team) -> None:
    answer = ada.post(PAGE, choose(team), follow=True)
    pair = ProjectPair.objects.get()
    assert (pair.project_name, pair.project_key, pair.place_name, pair.zone) == (
        "Customer work", "CUST", "Ramp operations", "Europe/Stockholm",
    )  # fmt: skip
    assert (Due.objects.get().pair, Due.objects.get().item_id) == (pair, "")
    assert "Customer work is now kept in step with Ramp operations." in answer.content.decode()
    assert AuditEntry.objects.latest("id").action == "paired"


def test_a_pair_tells_its_last_full_look(ada: Client, team: Team) -> None:
    connection = team.installation.connections.get()
    pair = team.pair(connection)
    assert "Not yet" in ada.get(PAGE).content.decode()
    ProjectPair.objects.filter(pk=pair.pk).update(reconciled_at=timezone.now() - timedelta(minutes=7))
    page = ada.get(PAGE).content.decode()
    assert "Last full look" in page and "7\xa0minutes ago" in page


STOPPED = "It would end 12 of 14 links, far more than usual. Nothing was written."


def test_a_run_that_the_guard_stopped_says_so_until_it_may_run_once(ada: Client, team: Team) -> None:
    pair = team.pair(team.installation.connections.get())
    SyncRunFactory(pair=pair, state="stopped", detail=STOPPED)
    assert STOPPED in ada.get(PAGE).content.decode()
    answer = ada.post(f"{PAGE}{pair.pk}/allow/", follow=True)
    pair.refresh_from_db()
    assert (pair.allow_once, Due.objects.get().pair) == (True, pair)
    assert "however much that changes" in answer.content.decode()
    assert AuditEntry.objects.latest("id").action == "allowed_run"
    SyncRunFactory(pair=pair)
    assert STOPPED not in ada.get(PAGE).content.decode()


def test_a_member_reads_why_a_run_was_stopped_and_cannot_let_it_run(team: Team, client: Client) -> None:
    pair = team.pair(team.connect("planner"))
    SyncRunFactory(pair=pair, state="stopped", detail=STOPPED)
    client.force_login(team.members["milo"].user)
    assert client.post(f"{PAGE}{pair.pk}/allow/").status_code == 403
    assert not ProjectPair.objects.get().allow_once


def test_a_form_that_is_sent_twice_makes_one_pair_and_no_error(ada: Client, team: Team) -> None:
    assert [ada.post(PAGE, choose(team)).status_code for _ in range(2)] == [302, 302]
    assert ProjectPair.objects.count() == 1
    assert AuditEntry.objects.filter(action="paired").count() == 1


def test_a_paired_project_cannot_be_chosen_for_another_place(ada: Client, team: Team) -> None:
    ada.post(PAGE, choose(team))
    assert options(ada.get(PAGE), "project") == ["Integration lab"]
    assert ada.post(PAGE, choose(team, place="prj_winter")).status_code == 422
    assert ProjectPair.objects.get().place_id == "prj_ramp"


@pytest.mark.parametrize("wrong", [
    {"project": "00000000-0000-4000-8000-000000000000"}, {"project": ""}, {"place": "prj_made_up"}, {"place": ""},
    {"zone": "Mars/Olympus"}, {"zone": ""},
])  # fmt: skip
def test_what_is_no_choice_is_refused(ada: Client, team: Team, wrong: dict[str, str]) -> None:
    answer = ada.post(PAGE, choose(team, **wrong))
    assert (answer.status_code, ProjectPair.objects.count()) == (422, 0)
    assert set(answer.context["form"].errors) == set(wrong)


@pytest.mark.parametrize("vendor", ["plane", "planner"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_side_that_does_not_answer_is_told_and_nothing_is_paired(
    ada: Client, team: Team, vendor: str, method: str
) -> None:
    getattr(team.vendors, vendor).fault(".*", status=503, times=50)
    answer = getattr(ada, method)(PAGE, choose(team))
    assert answer.context["fault"] and answer.context["fault"] in answer.content.decode()
    assert (answer.status_code < 500, ProjectPair.objects.count()) == (True, 0)


def test_unpairing_deletes_nothing_on_either_side(ada: Client, team: Team) -> None:
    pair = team.pair(team.installation.connections.get())
    ItemLinkFactory(pair=pair)
    before = len(team.vendors.planner.store.all("blocks"))
    answer = ada.post(f"{PAGE}{pair.pk}/remove/", follow=True)
    assert "Nothing was deleted on either side." in answer.content.decode()
    assert (ProjectPair.objects.count(), ItemLink.objects.count()) == (0, 0)
    assert len(team.vendors.planner.store.all("blocks")) == before
    assert AuditEntry.objects.latest("id").detail == {"provider": "planner", "project": "CUST"}


def test_unpairing_twice_finds_it_done(ada: Client, team: Team) -> None:
    pair = team.pair(team.installation.connections.get())
    answers = [ada.post(f"{PAGE}{pair.pk}/remove/") for _ in range(2)]
    assert [answer.headers["location"] for answer in answers] == [PAGE, PAGE]
    assert AuditEntry.objects.filter(action="unpaired").count() == 1


def test_looking_now_makes_the_pair_due_once_however_often_it_is_clicked(ada: Client, team: Team) -> None:
    pair = team.pair(team.installation.connections.get())
    for _ in range(3):
        assert ada.post(f"{PAGE}{pair.pk}/sync/").headers["location"] == PAGE
    assert (Due.objects.count(), Due.objects.get().asked) == (1, 3)


def test_a_pair_that_is_not_there_cannot_be_looked_at(ada: Client) -> None:
    elsewhere = ProjectPairFactory()
    assert ada.post(f"{PAGE}{elsewhere.pk}/sync/").status_code == 404
    assert Due.objects.count() == 0


def test_there_is_nothing_to_pair_before_the_connection(client: Client, team: Team) -> None:
    client.force_login(team.members["ada"].user)
    assert client.get(PAGE).status_code == 404


def test_where_there_is_one_place_a_project_is_turned_on_without_asking_which(ada: Client, team: Team) -> None:
    ConnectionFactory(installation=team.installation, provider="planhat")
    page = "/w/sandbox/pairs/planhat/"
    assert "place" not in ada.get(page).context["form"].fields
    for _ in range(2):
        answer = ada.post(page, {"project": team.project()["id"], "zone": "Europe/Stockholm"}, follow=True)
    pair = ProjectPair.objects.get()
    assert (pair.place_id, pair.project_key) == ("issues", "CUST")
    assert "Rules" in answer.content.decode() and "Issues" not in answer.content.decode()
    assert ada.post(f"{page}{pair.pk}/remove/", follow=True).status_code == 200
    assert AuditEntry.objects.filter(action="paired").count() == 1
