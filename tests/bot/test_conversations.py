"""Someone writes this, the bot answers that. What it did is looked up at the vendors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from planeapp.bot import answering, handlers, heartbeat
from planeapp.bot.models import Deed, Turn
from planeapp.bot.tasks import answer
from planeapp.customers.options import Options, save_options
from planeapp.installations.models import Connection
from planeapp.lib.errors import OutOfQuota, RetryLater
from planeapp.sandbox.plane import agents
from planeapp.sync.models import ItemLink, Tie
from tests.vendors import Talk

pytestmark = pytest.mark.django_db


@pytest.fixture
def planner(talk: Talk) -> Talk:
    """CUST is paired with Planner."""
    talk.team.pair(talk.team.connect("planner"))
    return talk


@pytest.fixture
def planhat(talk: Talk) -> Talk:
    """Planhat is connected and the bot may change companies there."""
    connection = talk.team.connect("planhat")
    save_options(connection, Options(edits=True))
    return talk


def company(talk: Talk, name: str = "Acme Air") -> dict[str, Any]:
    found: dict[str, Any] = talk.team.vendors.planhat.store.find("companies", name=name)[0]
    return found


def tied() -> list[str]:
    return sorted(Tie.objects.filter(state=Tie.State.ACTIVE).values_list("party_name", flat=True))


def dates(talk: Talk) -> tuple[object, object]:
    item = talk.team.item()
    return item["start_date"], item["target_date"]


# Blocks


def test_a_block_is_made_moved_made_longer_and_all_of_it_taken_back_step_by_step(planner: Talk) -> None:
    before = dates(planner)
    assert "10:00 to 12:00" in planner.ask("schedule 2027-01-11 10:00 for 2h")
    assert "Tue 12 Jan 2027 10:00 to 12:00" in planner.ask("move to 2027-01-12")
    assert "10:00 to 13:00" in planner.ask("extend by 1h")
    assert planner.ask("undo") == "Taken back: the move."
    assert "Tue 12 Jan 2027 10:00 to Tue 12 Jan 2027 12:00" in planner.ask("status")
    planner.ask("undo")
    planner.ask("undo")
    assert (planner.team.blocks(), dates(planner)) == ([], before)
    assert planner.ask("undo") == "There is nothing of mine to take back on this item."


def test_unscheduling_takes_the_dates_off_and_undo_brings_them_back(planner: Talk) -> None:
    planner.ask("schedule 2027-01-11")
    planned = dates(planner)
    assert planner.ask("unschedule").startswith("Unscheduled: the dates are off this item.")
    assert dates(planner) == (None, None) and not ItemLink.objects.filter(state="linked").exists()
    assert planner.ask("remove the block") == "It is not scheduled, so there is nothing to take off."
    assert planner.ask("undo") == "Taken back: the unscheduling."
    assert dates(planner) == planned and ItemLink.objects.filter(state="linked").count() == 1


def test_what_a_person_changed_since_stays_and_is_told(planner: Talk) -> None:
    planner.ask("schedule 2027-01-11")
    item = planner.team.item()
    planner.rows.store.put("work_item", item["id"], item | {"target_date": "2027-02-01"})
    assert "changed since, so they stay" in planner.ask("undo")
    assert dates(planner)[1] == "2027-02-01"


def test_a_move_of_what_is_not_scheduled_asks_when_and_the_answer_is_enough(planner: Talk) -> None:
    item = planner.team.item()
    planner.rows.store.put("work_item", item["id"], item | {"start_date": None, "target_date": None})
    assert planner.ask("move to friday") == "It is not scheduled yet. When should it start?"
    assert planner.ask("2027-01-11 10:00").startswith("Scheduled in Planner: Mon 11 Jan 2027 10:00")


@pytest.mark.parametrize("said", ["2027-01-11 10:00", "on 11 January 2027 at 10:00", "schedule 2027-01-11 10:00"])
def test_a_missing_time_is_asked_and_then_enough(planner: Talk, said: str) -> None:
    assert planner.ask("schedule it") == "When should it start?"
    assert planner.ask(said).startswith("Scheduled in Planner: Mon 11 Jan 2027 10:00 to 11:00")


def test_a_time_alone_is_asked_about_and_yes_is_enough(planner: Talk) -> None:
    assert planner.ask("2027-01-11 10:00").startswith("Shall I schedule it?")
    assert planner.ask("yes please").startswith("Scheduled in Planner: Mon 11 Jan 2027 10:00")


def test_never_mind_drops_the_question(planner: Talk) -> None:
    planner.ask("schedule it")
    assert planner.ask("never mind") == "All right, I leave it as it is."
    assert planner.team.blocks() == []


def test_a_new_command_beside_an_open_question_is_done(planner: Talk) -> None:
    planner.ask("schedule it")
    assert planner.ask("status").startswith("CUST-1")


def test_an_answer_of_somebody_else_is_not_taken_for_the_askers(planner: Talk) -> None:
    planner.ask("schedule it", by="ada")
    assert planner.ask("2027-01-11 10:00", by="milo").startswith("Shall I schedule it?")


# Companies


def test_a_name_of_two_companies_is_asked_about_and_the_choice_understood(planhat: Talk) -> None:
    assert planhat.ask("link Northwind and Acme Air").startswith("Which company do you mean by “Northwind”?")
    assert tied() == []
    assert planhat.ask("the second one") == "Linked to Northwind and Acme Air. Planhat now shows this work item there."
    assert tied() == ["Acme Air", "Northwind"]


def test_without_a_run_choices_are_numbered_and_the_number_is_enough(planhat: Talk) -> None:
    planhat.behave(agent="off")
    assert "2. Northwind (" in planhat.ask("link Northwind") or len(planhat.answers()) == 1
    assert planhat.ask("2").startswith("Linked to Northwind.")


def test_a_choice_that_is_not_there_is_asked_once_more(planhat: Talk) -> None:
    planhat.ask("link Northwind")
    assert planhat.ask("the one that we met at the fair in the spring of last year").startswith(
        "Which one do you mean?"
    )
    assert planhat.ask("1").startswith("Linked to Northwind.")


def test_a_link_is_taken_off_and_put_back(planhat: Talk) -> None:
    planhat.ask("link Acme Air and Globex Cargo")
    assert planhat.ask("unlink acme") == "Unlinked from Acme Air."
    assert tied() == ["Globex Cargo"]
    assert planhat.ask("undo") == "Taken back: the unlinking." and tied() == ["Acme Air", "Globex Cargo"]
    assert planhat.ask("undo") == "Taken back: the link." and tied() == []
    issue = planhat.team.vendors.planhat.store.all("issues")[-1]
    assert issue["companyIds"] == []


def test_what_is_not_linked_cannot_be_unlinked(planhat: Talk) -> None:
    assert planhat.ask("unlink Acme").startswith("This item is linked to no company.")


def test_the_customer_card_tells_facts_open_work_and_contacts(planhat: Talk) -> None:
    planhat.ask("link Acme Air")
    told = planhat.ask("who is this for?")
    for part in (
        "Acme Air",
        "Phase: live",
        "Health: 8",
        "Owner: Ada Lovelace",
        "Revenue: 120,000",
        "Open work items: 1",
        "Jo Berg",
    ):
        assert part in told


def test_contacts_are_listed_and_added_once(planhat: Talk) -> None:
    assert "Jo Berg (CTO, jo@acme-air.example, +46 70 123 45 67)" in planhat.ask("contacts Acme Air")
    assert planhat.ask("add contact Sam Lee sam@acme-air.example to Acme Air").startswith("Added Sam Lee")
    assert "already" in planhat.ask("add contact sam@acme-air.example to Acme Air")
    people = planhat.team.vendors.planhat.store.find("endusers", email="sam@acme-air.example")
    assert len(people) == 1
    assert "except" in planhat.ask("undo")  # the second added nobody
    assert planhat.ask("undo") == "Taken back: the contact."
    assert planhat.team.vendors.planhat.store.find("endusers", email="sam@acme-air.example") == []


def test_contacts_of_no_company_are_asked_about(planhat: Talk) -> None:
    assert planhat.ask("contacts") == "This item is not linked to a company. Which company do you mean?"
    assert "Jo Berg" in planhat.ask("Acme Air")


def test_a_call_is_logged_with_its_times_and_taken_back(planhat: Talk) -> None:
    told = planhat.ask("log call +46 70 123 45 67 2026-11-20 14:00 12m waiting 10s")
    assert told.startswith("Logged the call with +46701234567 in Planhat, Fri 20 Nov 2026 14:00, 12 minutes")
    call = planhat.team.vendors.planhat.store.all("calls")[-1]
    assert (call["nr"], call["waiting"]) == ("+46701234567", 10)
    assert planhat.ask("undo") == "Taken back: the call." and planhat.team.vendors.planhat.store.all("calls") == []


def test_a_call_whose_answer_was_lost_is_not_logged_twice(planhat: Talk) -> None:
    planhat.team.vendors.planhat.fault("/calls", method="POST", status=502, times=1)
    assert planhat.ask("log call +46 70 123 45 67").startswith("I cannot tell whether the call was logged.")
    assert len(planhat.team.vendors.planhat.asked("POST", "/calls")) == 1


def test_phase_and_tags_are_set_and_taken_back(planhat: Talk) -> None:
    planhat.ask("link Acme Air")
    assert planhat.ask("set phase onboarding") == "Acme Air is now in phase onboarding (before: live)."
    assert planhat.ask("tag Acme Air platinum") == "Tagged Acme Air with platinum."
    assert company(planhat)["phase"] == "onboarding" and "platinum" in company(planhat)["tags"]
    planhat.ask("undo")
    planhat.ask("undo")
    assert (company(planhat)["phase"], company(planhat)["tags"]) == ("live", ["gold", "east coast"])


def test_a_workspace_that_allows_no_changes_says_who_can(planhat: Talk) -> None:
    save_options(Connection.objects.get(), Options())
    assert "An admin can allow it in the settings." in planhat.ask("set phase onboarding for Acme Air")
    assert company(planhat)["phase"] == "live"


# In step


def test_sync_and_why_say_how_it_stands(planner: Talk) -> None:
    item = planner.team.item()
    planner.rows.store.put("work_item", item["id"], item | {"start_date": None, "target_date": None})
    assert planner.ask("why not synced?") == "Planner: It has neither a start nor a target date."
    planner.ask("schedule 2027-01-11")
    assert planner.ask("sync") == "Synced: Planner: in step"
    assert planner.ask("why") == "Planner: It is in step."


def test_why_tells_of_a_project_that_is_not_paired_and_of_a_connection_that_is_refused(talk: Talk) -> None:
    talk.team.connect("planner")
    assert talk.ask("why") == "Planner: This project is not paired there. An admin can pair it in the settings."
    Connection.objects.update(status=Connection.Status.RECONNECT)
    assert talk.ask("why") == "Planner: The connection is refused; an admin has to connect again."


# Not connected, refused, down, stopped


def test_what_is_not_connected_leads_to_the_page_where_it_is(talk: Talk, settings: Any) -> None:
    settings.APP_BASE_URL = "https://groundcrew.example"
    assert talk.ask("link Acme Air").startswith("Planhat is not connected yet.")
    said = talk.said()[-1]
    assert (said["type"], said["signal"]) == ("elicitation", "auth_request")
    assert said["signal_metadata"]["url"] == "https://groundcrew.example/w/sandbox/connect/planhat/"


def test_a_vendor_that_is_down_is_told_of_once_and_the_answer_comes_later(planner: Talk) -> None:
    planner.behave(agent="off")
    planner.team.vendors.planner.fault(".*", status=503, times=60)
    planner.ask("schedule 2027-01-11 10:00")
    for _ in range(answering.PATIENCE):
        planner.work()
    assert [told.endswith(answering.LATER) for told in planner.answers()] == [True]
    planner.team.vendors.planner.control.faults.clear()
    planner.work()
    assert planner.answers()[1].startswith("Scheduled in Planner") and len(planner.team.blocks()) == 1


def test_a_limit_that_is_used_up_is_told_at_once(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any) -> Any:
        raise OutOfQuota("enough", delay=40)

    monkeypatch.setitem(handlers.HANDLERS, "status", busy)
    talk.behave(agent="off")
    assert talk.ask("status") == f"{OutOfQuota.default_person} {answering.LATER}"


def test_the_first_of_two_commands_is_not_done_again_when_the_second_has_to_wait(
    planhat: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def slow(*_: Any) -> Any:
        tries.append("x")
        if len(tries) == 1:
            raise RetryLater("down")
        return handlers.Reply("Now.")

    monkeypatch.setitem(handlers.HANDLERS, "sync", slow)
    planhat.ask("log call +46 70 123 45 67 and sync")
    planhat.work()
    assert planhat.answers()[-1].endswith("Now.") and planhat.answers()[-1].startswith("Logged the call")
    assert len(planhat.team.vendors.planhat.asked("POST", "/calls")) == 1


def test_a_shift_is_not_done_twice_when_the_worker_dies_before_its_answer(planner: Talk) -> None:
    planner.ask("schedule 2027-01-11 10:00")
    planner.write("extend by 1h")
    planner.deliver()
    planner.work()
    Deed.objects.filter(name="move").update(reply={}, state=Deed.State.BEGUN)  # all but its last word
    Turn.objects.filter(text__contains="extend").update(state=Turn.State.HEARD, due_at=timezone.now())
    answer()
    assert "10:00 to Mon 11 Jan 2027 12:00" in planner.ask("status")


def test_stop_ends_the_work_between_two_commands(planhat: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(talk: Any, *_: Any) -> handlers.Reply:
        run = planhat.rows.store.all("run")[-1]
        agents.prompt(planhat.rows, run, planhat.team.vendors.person("ada"), None, signal="stop")
        planhat.deliver()
        from planeapp.inbox.tasks import work_inbox

        work_inbox()
        return handlers.Reply("First.")

    monkeypatch.setitem(handlers.HANDLERS, "status", first)
    planhat.behave(agent="flat")
    planhat.write("status and link Acme Air")
    planhat.deliver("agent_run_user_prompt")
    planhat.work()
    assert tied() == []
    assert planhat.said()[-1]["content"]["body"].startswith("First.\n\nStopped, as you asked.")


def test_a_talk_that_waits_long_gives_a_sign_of_life_every_minute(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any) -> Any:
        raise RetryLater("down", delay=600)

    monkeypatch.setitem(handlers.HANDLERS, "status", down)
    talk.behave(agent="flat")
    talk.ask("status")
    assert heartbeat.beat() == 0
    Turn.objects.update(signed_at=timezone.now() - timedelta(seconds=61))
    assert (heartbeat.beat(), heartbeat.beat()) == (1, 0)
    assert talk.said()[-1]["content"] == {"type": "thought", "body": heartbeat.STILL}


@pytest.mark.parametrize(
    "text", ["tag Acme Air gold", "unlink Acme", "undo", "move to friday", "add contact a@b.example"]
)
def test_a_guest_changes_nothing(planhat: Talk, text: str) -> None:
    assert planhat.ask(text, by="gus").startswith("You may look, but only members")
    assert planhat.team.vendors.planhat.asked("PUT") == []
