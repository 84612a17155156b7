from __future__ import annotations

from planeapp.bot import tasks
from planeapp.bot.models import Turn
from planeapp.inbox.tasks import work_inbox
from tests.vendors import Talk


def test_everybody_who_waits_is_answered_though_they_are_more_than_a_batch(talk: Talk) -> None:
    talk.behave(agent="off")
    for _ in range(7):
        talk.write("help")
    talk.deliver()
    talk.work()
    assert len(talk.answers()) == 7
    assert set(Turn.objects.values_list("state", flat=True)) == {Turn.State.ANSWERED}


def test_nobody_waits_and_nothing_is_asked_of_plane(talk: Talk) -> None:
    talk.team.vendors.plane.control.requests.clear()
    assert tasks.answer() == 0
    assert list(talk.team.vendors.plane.control.requests) == []


def test_a_mention_that_waits_for_its_run_is_left_until_it_is_due(talk: Talk) -> None:
    talk.behave(agent="off")
    talk.write("help")
    talk.deliver()
    work_inbox()
    assert (tasks.answer(), talk.answers()) == (0, [])
    assert tasks.answer.name == "bot.answer"
