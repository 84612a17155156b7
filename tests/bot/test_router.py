from __future__ import annotations

import pytest

from planeapp.bot import handlers, router
from planeapp.bot.commands import COMMANDS
from planeapp.bot.context import Reply
from planeapp.bot.context import Talk as BotTalk
from planeapp.sync.models import Tie
from tests.factories import ConnectionFactory, InstallationFactory, ProjectPairFactory, TurnFactory
from tests.vendors import Talk


@pytest.mark.parametrize("text", ["", "thanks for the nice work everybody", "Hello!"])
def test_words_that_ask_for_nothing_are_answered_with_what_one_can_ask(talk: Talk, text: str) -> None:
    assert talk.ask(text).startswith("Here is what you can write to me: help: Shows what I understand.")


@pytest.mark.parametrize(
    ("text", "nearest"), [("shedule", "When should it start?"), ("frobnicate it", "I do not know")]
)
def test_an_unknown_word_gets_a_suggestion(talk: Talk, text: str, nearest: str) -> None:
    assert nearest in talk.ask(text)


def test_what_is_unclear_is_asked_back(talk: Talk) -> None:
    assert talk.ask("schedule 3/4 10:00").startswith("Is 3/4 day first or month first?")
    assert talk.said()[-1]["type"] == "elicitation"


def test_markup_in_a_question_is_the_persons_own_text_and_stays_text(talk: Talk) -> None:
    talk.behave(agent="off")
    assert "**" in talk.ask("tomorrow **10:00**")
    assert "<strong>" not in talk.comments()[0]["comment_html"]


def test_several_commands_are_answered_in_one_comment_in_their_order(talk: Talk) -> None:
    told = talk.ask("status and help")
    assert told.index("CUST-1") < told.index("Here is what")
    assert len(talk.answers()) == 1


# Who may


@pytest.mark.parametrize("text", ["schedule tomorrow 10:00", "link Acme Air"])
def test_a_guest_may_not_change_anything(talk: Talk, text: str) -> None:
    talk.team.connect("planhat")
    assert talk.ask(text, by="gus") == "You may look, but only members of the workspace may change things."
    assert (Tie.objects.count(), talk.team.blocks()) == (0, [])


@pytest.mark.parametrize("text", ["status", "help"])
def test_a_guest_may_look(talk: Talk, text: str) -> None:
    assert "You may look" not in talk.ask(text, by="gus")


@pytest.mark.parametrize("who", ["ada", "milo"])
def test_members_and_admins_may_change_things(talk: Talk, who: str) -> None:
    talk.team.connect("planhat")
    assert talk.ask("link Acme Air", by=who).startswith("Linked to Acme Air.")


def test_somebody_whom_plane_does_not_know_as_a_member_may_not_change_anything(talk: Talk) -> None:
    item = talk.team.item()
    turn = TurnFactory(
        installation=talk.installation, project_id=item["project"], item_id=item["id"], text="link Acme Air"
    )
    assert router.respond(BotTalk(turn)).kind == "error"


def test_who_changes_and_who_looks_comes_from_the_command_table() -> None:
    changes = {command.name for command in COMMANDS if command.changes}
    assert {"schedule", "move", "link", "tag", "undo"} <= changes
    assert not {"help", "status", "why", "customer", "contacts"} & changes
    assert {command.name for command in COMMANDS} == set(handlers.HANDLERS)


# In which zone


@pytest.mark.django_db
def test_times_are_meant_in_the_zone_of_the_items_project() -> None:
    pair = ProjectPairFactory(zone="Asia/Tokyo")
    turn = TurnFactory(installation=pair.connection.installation, project_id=pair.project_id)
    assert router.zone_of(BotTalk(turn)) == "Asia/Tokyo"


@pytest.mark.django_db
def test_times_are_meant_in_the_workspaces_zone_where_the_project_is_not_paired() -> None:
    connection = ConnectionFactory(installation__zone="Europe/Oslo")
    assert router.zone_of(BotTalk(TurnFactory(installation=connection.installation))) == "Europe/Oslo"
    assert router.zone_of(BotTalk(TurnFactory(installation=InstallationFactory(zone="America/Lima")))) == "America/Lima"


@pytest.mark.django_db
def test_the_last_commands_kind_and_choices_are_those_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = ({"id": "1", "label": "One"},)
    monkeypatch.setitem(handlers.HANDLERS, "status", lambda *_: Reply("First"))
    monkeypatch.setitem(handlers.HANDLERS, "help", lambda *_: Reply("Second", "elicitation", choice))
    reply = router.respond(BotTalk(TurnFactory(text="status and help")))
    assert reply == Reply("First\n\nSecond", "elicitation", choice)
