from __future__ import annotations

import uuid
from itertools import permutations
from typing import Any

import pytest

from planeapp.bot import hearing
from planeapp.bot.models import Turn
from planeapp.inbox.models import Delivery
from planeapp.lib.events import Event
from planeapp.sandbox.plane import agents, comments
from planeapp.sandbox.plane.html import mention
from tests.factories import InstallationFactory, ItemLinkFactory, TieFactory, TurnFactory
from tests.vendors import Talk

COMMENT, CREATED, PROMPTED = "issue_comment", "agent_run_create", "agent_run_user_prompt"


def say(kind: str = "comment.written", **more: Any) -> Event:
    """An event under a work item; ``data`` and the rest may be given."""
    data = {"comment_id": str(uuid.uuid4()), "run_id": str(uuid.uuid4())} | more.pop("data", {})
    place = {"subject": str(uuid.uuid4()), "project": str(uuid.uuid4()), "actor": str(uuid.uuid4())}
    return Event(kind, str(uuid.uuid4()), data=data, **(place | more))


# One mention, told in one to three ways


@pytest.mark.parametrize("form", ["flat", "wrapped"])
@pytest.mark.parametrize("order", list(permutations([COMMENT, CREATED, PROMPTED])), ids=" ".join)
def test_a_mention_that_plane_tells_in_three_ways_is_answered_once(talk: Talk, order: Any, form: str) -> None:
    talk.behave(agent=form)
    talk.write("status")
    assert talk.deliver(*order) == [200, 200, 200]
    talk.work()
    assert [said["type"] for said in talk.said()] == ["thought", "response"]
    assert len(talk.answers()) == 1
    assert talk.answers()[0].startswith("CUST-1 Baggage belt 4")


@pytest.mark.parametrize("only", [CREATED, PROMPTED])
def test_a_mention_that_is_told_as_a_run_alone_is_answered_on_the_run(talk: Talk, only: str) -> None:
    talk.write("status")
    talk.deliver(only)
    talk.work()
    assert [said["type"] for said in talk.said()] == ["thought", "response"]


def test_a_mention_that_is_told_as_a_comment_alone_is_answered_by_a_comment(talk: Talk) -> None:
    talk.write("status")
    talk.deliver(COMMENT)
    talk.work()
    assert (talk.said(), len(talk.answers())) == ([], 1)


def test_a_run_that_is_told_of_after_the_answer_brings_no_second_one(talk: Talk) -> None:
    talk.write("status")
    late = [one for one in talk.waiting() if one["event"] != COMMENT]
    talk.deliver(COMMENT)
    talk.work()
    for one in late:
        talk.rows.store.put("delivery", one["id"], one)
    talk.deliver(CREATED, PROMPTED)
    talk.work()
    assert (talk.said(), len(talk.answers())) == ([], 1)


def test_a_mention_waits_a_moment_for_its_run_until_the_workspace_turns_out_to_have_none(talk: Talk) -> None:
    talk.behave(agent="off")
    waits = []
    for _ in range(4):
        talk.write("status")
        talk.deliver()
        talk.work()
        turn = Turn.objects.latest("created_at")
        talk.installation.refresh_from_db()
        waits.append(talk.installation.mentions_without_run)
    assert turn.state == Turn.State.ANSWERED
    assert waits == [1, 2, 3, 3]


def test_a_run_makes_us_wait_for_runs_again(talk: Talk) -> None:
    talk.installation.mentions_without_run = 3
    talk.installation.save()
    talk.ask("status")
    talk.installation.refresh_from_db()
    assert talk.installation.mentions_without_run == 0


# Follow-ups


def test_a_reply_in_the_run_is_answered_in_the_same_run(talk: Talk) -> None:
    first = talk.write("status")
    talk.deliver()
    talk.work()
    talk.write("help", to_bot=False, parent=first["id"])
    talk.deliver()
    talk.work()
    assert [said["type"] for said in talk.said()] == ["thought", "response", "thought", "response"]
    assert len({said["agent_run"] for said in talk.said()}) == 1
    assert "Here is what you can write to me" in talk.answers()[1]


def test_the_same_follow_up_delivered_twice_is_answered_once(talk: Talk) -> None:
    first = talk.write("status")
    talk.deliver()
    talk.work()
    talk.write("help", to_bot=False, parent=first["id"])
    again = talk.waiting()
    talk.deliver()
    for one in again:
        talk.rows.store.put("delivery", one["id"], one)
    talk.deliver()
    talk.work()
    assert len(talk.answers()) == 2


def test_a_person_who_asks_to_stop_when_nothing_runs_is_told_so_and_nothing_is_done(talk: Talk) -> None:
    comment = talk.write("status")
    talk.deliver()
    talk.work()
    run = talk.rows.store.find("run", source_comment=comment["id"])[0]
    agents.prompt(talk.rows, run, talk.team.vendors.person("ada"), None, signal="stop")
    talk.deliver()
    talk.work()
    assert talk.answers()[1:] == ["Stopped, as you asked. I have done nothing."]


# Comments that are not for us


@pytest.mark.parametrize("text", ["status", "schedule tomorrow 10:00", "Groundcrew status", "@Groundcrew help"])
def test_a_comment_without_a_mention_leaves_the_bot_quiet(talk: Talk, text: str) -> None:
    talk.write(text, to_bot=False)
    talk.deliver()
    talk.work()
    assert (talk.answers(), Turn.objects.count()) == ([], 0)


def test_a_mention_of_somebody_else_leaves_the_bot_quiet(talk: Talk) -> None:
    talk.write(f"{mention(talk.team.vendors.person('milo')['id'])} status", to_bot=False)
    talk.deliver()
    talk.work()
    assert talk.answers() == []


def test_a_quoted_mention_leaves_the_bot_quiet(talk: Talk) -> None:
    talk.behave(agent="off")
    talk.write(f"x</p><blockquote><p>{mention(talk.bot)} status</p></blockquote><p>I agree", to_bot=False)
    talk.deliver()
    talk.work()
    assert talk.answers() == []


def test_the_bots_own_answer_is_not_taken_for_a_question(talk: Talk) -> None:
    talk.ask("help")
    talk.deliver()
    talk.work()
    assert len(talk.answers()) == 1
    assert "our own change" in Delivery.objects.values_list("reason", flat=True)


def test_an_edit_that_only_mends_a_word_is_not_answered_again(talk: Talk) -> None:
    talk.behave(agent="off")
    comment = talk.write("status")
    talk.deliver()
    talk.work()
    words = comment["comment_html"].replace("status", "help")
    comments.edit(talk.rows, comment, talk.team.vendors.person("ada"), in_pages=True, comment_html=words)
    talk.deliver()
    talk.work()
    assert len(talk.answers()) == 1


def test_a_mention_that_an_edit_brings_in_is_answered(talk: Talk) -> None:
    talk.behave(agent="off")
    comment = talk.write("status", to_bot=False)
    talk.deliver()
    html = f"<p>{mention(talk.bot)} status</p>"
    comments.edit(talk.rows, comment, talk.team.vendors.person("ada"), in_pages=True, comment_html=html)
    talk.deliver()
    talk.work()
    assert len(talk.answers()) == 1


# Comments of webhooks v2 bring neither text nor project


def _known(talk: Talk) -> None:
    """Our own rows know the item."""
    project, item = talk.team.project()["id"], talk.team.item()["id"]
    TieFactory(connection__installation=talk.installation, project_id=project, item_id=item)


def test_a_v2_comment_without_text_is_read_and_answered(talk: Talk) -> None:
    talk.behave(agent="off", format="v2")
    _known(talk)
    assert talk.ask("status").startswith("CUST-1")
    assert Turn.objects.get().text == "status"


def test_a_v2_comment_that_is_not_for_us_leaves_the_bot_quiet(talk: Talk) -> None:
    talk.behave(agent="off", format="v2")
    _known(talk)
    talk.write("status", to_bot=False)
    talk.deliver()
    talk.work()
    talk.installation.refresh_from_db()
    assert (talk.answers(), Turn.objects.get().state) == ([], Turn.State.QUIET)
    assert talk.installation.mentions_without_run == 0  # it was no mention, so it says nothing about runs


def test_a_v2_comment_that_turns_to_the_bot_by_an_edit_is_answered(talk: Talk) -> None:
    talk.behave(agent="off", format="v2")
    _known(talk)
    comment = talk.write("status", to_bot=False)
    talk.deliver()
    talk.work()
    html = f"<p>{mention(talk.bot)} status</p>"
    comments.edit(talk.rows, comment, talk.team.vendors.person("ada"), in_pages=True, comment_html=html)
    talk.deliver()
    talk.work()
    assert len(talk.answers()) == 1


def test_a_v2_comment_and_its_run_are_one_mention(talk: Talk) -> None:
    talk.behave(format="v2")
    _known(talk)
    talk.ask("status")
    assert [said["type"] for said in talk.said()] == ["thought", "response"]


@pytest.mark.django_db
@pytest.mark.parametrize("factory", [TurnFactory, TieFactory, ItemLinkFactory])
def test_the_project_that_a_v2_comment_lacks_comes_from_our_own_rows(factory: Any) -> None:
    item, project, installation = uuid.uuid4(), uuid.uuid4(), InstallationFactory()
    if factory is ItemLinkFactory:
        factory(item_id=item, pair__project_id=project, pair__connection__installation=installation)
    else:
        owner = {"installation": installation} if factory is TurnFactory else {"connection__installation": installation}
        factory(item_id=item, project_id=project, **owner)
    event = say(subject=str(item), project="", data={"html": None})
    assert hearing.comment_written(installation, None, event) == ""
    assert str(Turn.objects.latest("created_at").project_id) == str(project)


# Oddities


@pytest.mark.django_db
def test_an_item_whose_project_nobody_knows_is_said_to_be_so() -> None:
    told = hearing.comment_written(InstallationFactory(), None, say(project="", data={"html": None}))
    assert (told, Turn.objects.count()) == ("the project of the work item is not known", 0)


@pytest.mark.django_db
def test_another_workspaces_rows_do_not_tell_the_project() -> None:
    other = TurnFactory()
    event = say(subject=str(other.item_id), project="", data={"html": None})
    assert hearing.comment_written(InstallationFactory(), None, event) == "the project of the work item is not known"


@pytest.mark.django_db
def test_a_run_that_stands_under_no_work_item_is_left_alone() -> None:
    told = hearing.run_created(InstallationFactory(), None, say("run.created", subject="", project=""))
    assert (told, Turn.objects.count()) == ("not under a work item", 0)


@pytest.mark.django_db
def test_a_workspace_whose_bot_is_not_known_hears_no_mention() -> None:
    installation = InstallationFactory(app_bot=None)
    told = hearing.comment_written(installation, None, say(data={"html": f"<p>{mention('')} help</p>"}))
    assert told == "the bot is not mentioned"


@pytest.mark.django_db
def test_a_run_without_a_comment_is_a_talk_of_its_own() -> None:
    installation, event = (
        InstallationFactory(),
        say("run.created", data={"comment_id": "", "run_id": str(uuid.UUID(int=1))}),
    )
    assert hearing.run_created(installation, None, event) == ""
    turn = Turn.objects.get()
    assert (turn.key, turn.comment_id, str(turn.run_id)) == (f"run:{uuid.UUID(int=1)}", None, str(uuid.UUID(int=1)))


@pytest.mark.django_db
def test_the_text_of_a_prompt_is_taken_without_html_and_without_the_mention() -> None:
    installation = InstallationFactory()
    body = f"<p>{mention(str(installation.app_bot))} schedule <b>tomorrow</b></p>"
    hearing.run_prompted(
        installation, None, say("run.prompted", data={"body": body, "activity_id": "a", "signal": "continue"})
    )
    assert Turn.objects.get().text == "schedule tomorrow"


@pytest.mark.django_db
def test_the_same_comment_in_two_workspaces_makes_two_turns() -> None:
    first, second = InstallationFactory(app_bot=uuid.UUID(int=7)), InstallationFactory(app_bot=uuid.UUID(int=7))
    event = say(data={"html": f"<p>{mention(str(uuid.UUID(int=7)))} help</p>"})
    assert [hearing.comment_written(one, None, event) for one in (first, second)] == ["", ""]
    assert Turn.objects.count() == 2
